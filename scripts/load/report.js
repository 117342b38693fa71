// Results for programs (JSON, CSV) and for people (one HTML page, which needs
// nothing from anywhere).

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const markup = (value) =>
    String(value).replace(
        /[&<>"]/g,
        (character) =>
            ({
                "&": "&amp;",
                "<": "&lt;",
                ">": "&gt;",
                '"': "&quot;",
            })[character],
    );

const ms = (value) =>
    value === undefined || value === null
        ? "–"
        : `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms`;

const COLUMNS = [
    ["second", (s) => s.second],
    ["load", (s) => Math.round(s.load)],
    ["requests", (s) => s.requests],
    ["served", (s) => s.served],
    ["shed", (s) => s.shed],
    ["failed", (s) => s.failed],
    ["average_ms", (s) => s.served_ms?.average ?? ""],
    ["p95_ms", (s) => s.served_ms?.p95 ?? ""],
    ["p99_ms", (s) => s.served_ms?.p99 ?? ""],
    ["max_ms", (s) => s.served_ms?.max ?? ""],
    ["shed_p95_ms", (s) => s.shed_ms?.p95 ?? ""],
];

export function csv(result) {
    const lines = [["phase", ...COLUMNS.map(([name]) => name)]];
    for (const phase of result.phases) {
        for (const second of phase.series) {
            lines.push([phase.name, ...COLUMNS.map(([, of]) => of(second))]);
        }
    }
    return `${lines.map((line) => line.join(",")).join("\n")}\n`;
}

// A line over the seconds of a phase.
function chart(title, series, lines) {
    const width = 760;
    const height = 150;
    const top = Math.max(
        1e-9,
        ...series.flatMap((s) => lines.map(([, , of]) => of(s) ?? 0)),
    );
    const x = (n) => (n / Math.max(1, series.length - 1)) * width;
    const paths = lines.map(([name, color, of]) => {
        const points = series.map(
            (s, n) =>
                `${x(n).toFixed(1)},${(
                    height - ((of(s) ?? 0) / top) * height
                ).toFixed(1)}`,
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

const table = (head, rows) =>
    `<table><tr>${head.map((h) => `<th>${markup(h)}</th>`).join("")}</tr>${rows
        .map(
            (row) =>
                `<tr>${row.map((cell) => `<td>${markup(cell)}</td>`).join("")}</tr>`,
        )
        .join("")}</table>`;

function phaseHtml(phase) {
    const rows = [["all", phase], ...Object.entries(phase.kinds)].map(
        ([name, count]) => [
            name,
            count.requests,
            count.served,
            count.shed,
            count.failed,
            count.served_per_second,
            ...["average", "p50", "p95", "p99", "max"].map((key) =>
                ms(count.served_ms?.[key]),
            ),
            ms(count.shed_ms?.p95),
        ],
    );
    const parts = [
        `<h2>${markup(phase.name)}</h2>`,
        table(
            [
                "",
                "requests",
                "served",
                "shed",
                "failed",
                "served/s",
                "average",
                "p50",
                "p95",
                "p99",
                "max",
                "p95 of shed",
            ],
            rows,
        ),
        chart("Requests a second", phase.series, [
            ["served", "#2563eb", (s) => s.served],
            ["shed", "#d97706", (s) => s.shed],
            ["failed", "#dc2626", (s) => s.failed],
        ]),
        chart("Milliseconds", phase.series, [
            ["p95", "#7c3aed", (s) => s.served_ms?.p95],
            ["average", "#059669", (s) => s.served_ms?.average],
        ]),
        chart(phase.unit, phase.series, [
            [phase.unit, "#475569", (s) => s.load],
        ]),
    ];
    const processors = Object.entries(phase.processors);
    parts.push(
        "<h3>Processor time</h3>",
        table(
            ["", "µs a request", "processors busy"],
            processors.map(([name, used]) => [
                name.replace("_", " "),
                used.microseconds_per_request ?? "–",
                used.processors,
            ]),
        ),
    );
    const complaints = Object.entries(phase.complaints);
    if (complaints.length) {
        parts.push(
            "<h3>What went wrong</h3>",
            table(["", "times"], complaints),
        );
    }
    return parts.join("\n");
}

const STYLE =
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;" +
    "margin:2rem auto;padding:0 1rem;color:#1e293b}table{border-collapse:" +
    "collapse;margin:.5rem 0}th,td{padding:.2rem .6rem;text-align:right;" +
    "border-bottom:1px solid #cbd5e1;white-space:nowrap}th:first-child,td:first-child" +
    "{text-align:left}figure{margin:1rem 0}svg{width:100%;border-bottom:" +
    "1px solid #94a3b8}.met{color:#047857}.missed{color:#b91c1c;" +
    "font-weight:600}";

export function html(result) {
    const thresholds = result.thresholds
        .map(
            (t) =>
                `<li class="${t.met ? "met" : "missed"}">${markup(t.text)}: ` +
                `${markup(t.value)} ${t.met ? "(met)" : "(missed)"}</li>`,
        )
        .join("");
    return `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<title>${markup(result.test)}, ${markup(result.started)}</title>
<style>${STYLE}</style></head><body>
<h1>Load test: ${markup(result.test)}</h1>
<p>${markup(result.target)}, ${markup(result.started)}; ${markup(
        Object.entries(result.parameters)
            .map(([k, v]) => `${k}=${v}`)
            .join(", "),
    )}</p>
<ul>${thresholds}</ul>
${result.phases.map(phaseHtml).join("\n")}
</body></html>
`;
}

export function write(directory, result) {
    mkdirSync(directory, { recursive: true });
    const names = [];
    for (const [name, content] of [
        ["summary.json", `${JSON.stringify(result, null, 2)}\n`],
        ["seconds.csv", csv(result)],
        ["report.html", html(result)],
    ]) {
        writeFileSync(join(directory, name), content);
        names.push(join(directory, name));
    }
    return names;
}

// For the terminal.
export function sentences(phase) {
    const t = phase.served_ms;
    const lines = [
        `${phase.name}: ${phase.requests} requests in ` +
            `${phase.seconds} s, ${phase.served} served ` +
            `(${phase.served_per_second}/s, at most ` +
            `${phase.highest_per_second}/s), ${phase.shed} shed, ` +
            `${phase.failed} failed`,
    ];
    if (t) {
        lines.push(
            `  served: average ${ms(t.average)}, p50 ${ms(t.p50)}, ` +
                `p95 ${ms(t.p95)}, p99 ${ms(t.p99)}, max ${ms(t.max)}`,
        );
    }
    if (phase.shed_ms) {
        lines.push(
            `  shed: average ${ms(phase.shed_ms.average)}, p95 ` +
                `${ms(phase.shed_ms.p95)}, p99 ${ms(phase.shed_ms.p99)}`,
        );
    }
    lines.push(
        `  µs a request: ${Object.entries(phase.processors)
            .filter(([, used]) => used.microseconds_per_request !== undefined)
            .map(
                ([name, used]) =>
                    `${name.replace("_", " ")} ` +
                    `${used.microseconds_per_request}`,
            )
            .join(", ")}; ` +
            `others took ${phase.processors.others.processors} processors`,
    );
    for (const [what, count] of Object.entries(phase.complaints)) {
        lines.push(`  ${count} x ${what}`);
    }
    return lines;
}
