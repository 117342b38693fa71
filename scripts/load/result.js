// What a test has left in its directory, put together: summary.json by the
// script, run.json by watch.js, seconds.csv by the project's runner alone.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

function seconds(file) {
    if (!existsSync(file)) {
        return [];
    }
    const [head, ...lines] = readFileSync(file, "utf8").trim().split("\n");
    const names = head.split(",");
    return lines.map((line) =>
        Object.fromEntries(
            line
                .split(",")
                .map((cell, n) => [
                    names[n],
                    names[n] === "scenario" ? cell : Number(cell),
                ]),
        ),
    );
}

export function read(directory) {
    const json = (name) => JSON.parse(readFileSync(join(directory, name)));
    const summary = json("summary.json");
    const run = json("run.json");
    const value = (metric, of) => summary.metrics[metric]?.values[of] ?? 0;
    const requests = value("http_reqs", "count");
    const series = seconds(join(directory, "seconds.csv"));

    // What of scenario:peak, or kind:stock, was served, and how fast.
    const part = (tag) => {
        const served = value(
            `http_reqs{${tag},expected_response:true}`,
            "count",
        );
        const all = value(`http_reqs{${tag}}`, "count");
        const refused = value(`http_reqs{${tag},status:503}`, "count");
        const metric = `http_req_duration{${tag},expected_response:true}`;
        return {
            requests: all,
            served,
            refused,
            failed: all - served - refused,
            error_rate: all ? (all - served) / all : 0,
            ms: summary.metrics[metric]?.values ?? {},
        };
    };
    const scenarios = Object.entries(summary.lengths).map(([name, length]) => {
        const own = series.filter((s) => s.scenario === name);
        const found = part(`scenario:${name}`);
        return {
            name,
            ...found,
            per_second: found.served / length,
            best_second: own.length
                ? Math.max(...own.map((s) => s.served))
                : null,
            series: own,
        };
    });
    for (const [name, used] of Object.entries(run.processors)) {
        if (name !== "others") {
            used.microseconds_per_request =
                Math.round((used.seconds / requests) * 1e7) / 10;
        }
    }
    return { ...summary, ...run, scenarios, part };
}
