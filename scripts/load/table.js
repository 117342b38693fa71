// What scripts/compare.sh has measured, as a table in Markdown.
//
// usage: node table.js DIRECTORY

import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { read as result } from "./result.js";

const directory = process.argv[2];
const read = (...path) => result(join(directory, ...path));

const STEPS = [
    ["one", "1 node, no cache"],
    ["three", "3 nodes, no cache"],
    ["three-redis", "3 nodes, Redis"],
    ["one-cached", "1 node, both levels"],
];

// As published by those who wrote it, on their machines.
const REFERENCE = {
    one: ["11 s", "19.7 %", "30"],
    three: ["6.7 s", "19 %", "37"],
    "three-redis": ["4.99 s", "10.95 %", "100 (peak 1,000)"],
};

const count = (n) => Math.round(n).toLocaleString("en");
const ms = (n) => `${n < 10 ? n.toFixed(1) : Math.round(n)} ms`;
const percent = (n) => `${Math.round(n * 1e5) / 1e3} %`;
const table = (head, rows) =>
    [head, head.map(() => "---"), ...rows]
        .map((row) => `| ${row.join(" | ")} |`)
        .join("\n");

const measured = STEPS.map(([name, title]) => {
    const stress = read(name, "stress");
    const peak = read(name, "peak");
    return { name, title, stress, peak };
});

function compared({ name, title, stress, peak }) {
    const [p95, errors, rate] = REFERENCE[name] ?? ["–", "–", "–"];
    const [users] = stress.scenarios;
    const [{ per_second, best_second }] = peak.scenarios;
    return [
        title,
        ms(users.ms.avg),
        ms(users.ms["p(95)"]),
        ms(users.ms["p(99)"]),
        percent(users.error_rate),
        count(per_second),
        best_second === null ? "–" : count(best_second),
        p95,
        errors,
        rate,
    ];
}

// Who was busiest, of those that are looked at.
function bottleneck({ title, peak }) {
    const used = peak.processors;
    const cell = (name) =>
        used[name]
            ? `${used[name].microseconds_per_request ?? "–"} µs, ` +
              `${used[name].processors}`
            : "–";
    const [busiest] = Object.entries(used)
        .filter(([name]) => name !== "others")
        .sort(([, a], [, b]) => b.processors - a.processors)[0];
    // What all servers together spend on a request: the figure that the
    // machine's other work changes least.
    const servers = Object.entries(used)
        .filter(([name]) => name !== "load_generator")
        .reduce((sum, [, u]) => sum + (u.microseconds_per_request ?? 0), 0);
    return [
        title,
        `${Math.round(servers)} µs`,
        cell("nginx"),
        cell("balancer"),
        cell("postgresql"),
        cell("redis"),
        cell("load_generator"),
        used.others.processors,
        busiest.replace("_", " "),
    ];
}

const overloads = [
    ["no cache", read("overload-processor", "overload")],
    ["slow writes", read("overload-writes", "overload")],
];
const bars = [
    ...measured.map(({ title, stress: { scenarios, thresholds } }) => [
        `${title}: 200 users, no errors and p95 under 20 ms`,
        `${percent(scenarios[0].error_rate)}, ${ms(scenarios[0].ms["p(95)"])}`,
        thresholds.every((t) => t.met) && scenarios[0].ms["p(95)"] < 20,
    ]),
    ...overloads.flatMap(([title, { thresholds }]) =>
        thresholds.map((t) => [`1 node, ${title}: ${t.text}`, t.value, t.met]),
    ),
];

const others = measured.map(({ peak }) => peak.processors.others.processors);
const loads = measured.flatMap(({ stress, peak }) => [
    ...stress.load_average,
    ...peak.load_average,
]);
const text = `Measured ${overloads[0][1].started.slice(0, 10)} on ${cpus().length} \
processors (${cpus()[0].model.trim()}), load generator included. \
What is not ours took ${Math.min(...others)} to ${Math.max(...others)} \
processors meanwhile; the load average was ${Math.min(...loads).toFixed(1)} to \
${Math.max(...loads).toFixed(1)}. The load came from ${measured[0].peak.runner}.

${table(
    [
        "",
        "average",
        "p95",
        "p99",
        "errors",
        "peak/s",
        "best second",
        "reference: p95",
        "errors",
        "requests/s",
    ],
    measured.map(compared),
)}

Processor time a request at the peak, and how many processors that kept busy:

${table(
    [
        "",
        "all servers",
        "nginx",
        "balancer",
        "PostgreSQL",
        "Redis",
        "load generator",
        "others",
        "busiest",
    ],
    measured.map(bottleneck),
)}

${table(
    ["Requirement", "Measured", ""],
    bars.map(([what, value, met]) => [what, value, met ? "met" : "missed"]),
)}
`;

writeFileSync(join(directory, "compare.md"), text);
writeFileSync(
    join(directory, "compare.json"),
    `${JSON.stringify({ measured, overloads, bars }, null, 2)}\n`,
);
console.log(`\n${text}`);
console.log(join(directory, "compare.md"));
process.exitCode = bars.every(([, , met]) => met) ? 0 : 1;
