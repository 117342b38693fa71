// Results for people: report.html, one page that needs nothing from anywhere,
// and what processor time a request took, for the terminal.
//
// usage: node report.js DIRECTORY

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { read } from "./result.js";

const markup = (value) =>
    String(value).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

const ms = (value) => (value ? `${value.toFixed(value < 10 ? 2 : 1)} ms` : "–");

const table = (head, rows) =>
    `<table><tr>${head.map((h) => `<th>${markup(h)}</th>`).join("")}</tr>${rows
        .map(
            (row) =>
                `<tr>${row.map((cell) => `<td>${markup(cell)}</td>`).join("")}</tr>`,
        )
        .join("")}</table>`;

// lines: [name, color, column] of a scenario's seconds
function chart(title, series, lines) {
    const [width, height] = [760, 150];
    const value = (second, column) => second[column] ?? 0;
    const top = Math.max(
        1e-9,
        ...series.flatMap((s) => lines.map(([, , c]) => value(s, c))),
    );
    const paths = lines.map(([name, color, column]) => {
        const points = series.map(
            (s, n) =>
                `${((n / Math.max(1, series.length - 1)) * width).toFixed(1)},` +
                `${(height * (1 - value(s, column) / top)).toFixed(1)}`,
        );
        return (
            `<polyline fill="none" stroke="${color}" stroke-width="1.5" ` +
            `points="${points.join(" ")}"><title>${name}</title></polyline>`
        );
    });
    const legend = lines
        .map(([name, color]) => `<span style="color:${color}">${name}</span>`)
        .join(", ");
    return (
        `<figure><figcaption>${title}: ${legend}; the top is ` +
        `${Math.round(top * 100) / 100}</figcaption>` +
        `<svg viewBox="-1 -1 ${width + 2} ${height + 2}" role="img" ` +
        `aria-label="${title}">${paths.join("")}</svg></figure>`
    );
}

const row = (name, part) => [
    name,
    part.requests,
    part.served,
    part.refused,
    part.failed,
    ...["avg", "med", "p(95)", "p(99)", "max"].map((key) => ms(part.ms[key])),
];

const curves = ({ name, series }) =>
    series.length === 0
        ? ""
        : [
              `<h2>${markup(name)}, second by second</h2>`,
              chart("Requests a second", series, [
                  ["served", "#2563eb", "served"],
                  ["refused", "#d97706", "refused"],
                  ["failed", "#dc2626", "failed"],
              ]),
              chart("Milliseconds", series, [
                  ["p95", "#7c3aed", "p95_ms"],
                  ["average", "#059669", "average_ms"],
              ]),
              chart("Users", series, [["users", "#475569", "users"]]),
          ].join("\n");

const STYLE =
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;" +
    "margin:2rem auto;padding:0 1rem;color:#1e293b}table{border-collapse:" +
    "collapse;margin:.5rem 0}th,td{padding:.2rem .6rem;text-align:right;" +
    "border-bottom:1px solid #cbd5e1;white-space:nowrap}th:first-child,td:first-child" +
    "{text-align:left}figure{margin:1rem 0}svg{width:100%;border-bottom:" +
    "1px solid #94a3b8}.met{color:#047857}.missed{color:#b91c1c;" +
    "font-weight:600}";

const html = (result) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<title>${markup(result.test)}, ${markup(result.started)}</title>
<style>${STYLE}</style></head><body>
<h1>Load test: ${markup(result.test)}</h1>
<p>${markup(result.target)}, ${markup(result.started)}, by ${markup(
    result.runner,
)}; load average ${result.load_average.map((n) => n.toFixed(1)).join(" to ")}</p>
<ul>${result.thresholds
    .map(
        (t) =>
            `<li class="${t.met ? "met" : "missed"}">${markup(t.text)}: ` +
            `${markup(t.value)} ${t.met ? "(met)" : "(missed)"}</li>`,
    )
    .join("")}</ul>
${table(
    [
        "",
        "requests",
        "served",
        "refused",
        "failed",
        "average",
        "p50",
        "p95",
        "p99",
        "max",
    ],
    [
        ...result.scenarios.map((s) => row(s.name, s)),
        ...["stock", "reports", "product_update"].map((kind) =>
            row(kind, result.part(`kind:${kind}`)),
        ),
    ],
)}
<h2>Processor time</h2>
${table(
    ["", "µs a request", "processors busy"],
    Object.entries(result.processors).map(([name, used]) => [
        name.replace("_", " "),
        used.microseconds_per_request ?? "–",
        used.processors,
    ]),
)}
${result.scenarios.map(curves).join("\n")}
</body></html>
`;

const directory = process.argv[2];
const result = read(directory);
const { others, ...known } = result.processors;
writeFileSync(join(directory, "report.html"), html(result));
console.log(
    `  µs a request: ${Object.entries(known)
        .map(
            ([name, used]) =>
                `${name.replace("_", " ")} ${used.microseconds_per_request}`,
        )
        .join(", ")}; others took ${others.processors} processors`,
);
console.log(
    `  measured by ${result.runner}; ${join(directory, "report.html")}`,
);
