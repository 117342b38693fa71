// What a test writes when it is over: for programs, and for the terminal.

/**
 * @typedef {{type: string, values: {[name: string]: number},
 *     thresholds?: {[text: string]: {ok: boolean}}}} Metric
 * @typedef {{name: string, path: string, passes: number, fails: number}} Check
 * @typedef {{path: string, groups: Group[], checks: Check[]}} Group
 * @typedef {{metrics: {[name: string]: Metric}, root_group: Group,
 *     state: {testRunDurationMs: number}}} Data
 */

/** @param {number} value */
const shown = (value) => String(Math.round(value * 1000) / 1000);

/** @param {Group} group @returns {Check[]} */
const checks = (group) => [
    ...group.checks,
    ...group.groups.flatMap((inner) => checks(inner)),
];

// Thresholds that are there to have a metric in the summary.
const ALWAYS = /^(count|max)>=0$/;

/** @param {Data} data */
export const thresholds = (data) =>
    Object.entries(data.metrics).flatMap(([name, metric]) =>
        Object.entries(metric.thresholds ?? {})
            .filter(([text]) => !ALWAYS.test(text))
            .map(([text, { ok }]) => ({
                text: `${name}: ${text}`,
                value: shown(
                    metric.values[/^[a-z]+(\([\d.]+\))?/.exec(text)?.[0] ?? ""],
                ),
                met: ok,
            })),
    );

/** @param {string} name @param {Data} data @param {string} scenario */
function scenarioLine(name, data, scenario) {
    const { metrics } = data;
    const all = metrics[`http_reqs{scenario:${scenario}}`].values.count;
    const part = `{scenario:${scenario},expected_response:true}`;
    const served = metrics[`http_reqs${part}`].values.count;
    const refused =
        metrics[`http_reqs{scenario:${scenario},status:503}`].values.count;
    const t = metrics[`http_req_duration${part}`].values;
    return (
        `${scenario === "default" ? name : scenario}: ${all} requests, ` +
        `${served} served, ${refused} refused with 503, ` +
        `${all - served - refused} failed\n` +
        `  served: average ${shown(t.avg)} ms, p50 ${shown(t.med)} ms, ` +
        `p95 ${shown(t["p(95)"])} ms, p99 ${shown(t["p(99)"])} ms, ` +
        `max ${shown(t.max)} ms`
    );
}

/**
 * handleSummary() of a test.
 * @param {string} name
 * @param {{[name: string]: number}} lengths  seconds of the scenarios to tell
 */
export const summary = (name, lengths) => (/** @type {Data} */ data) => {
    const found = thresholds(data);
    const failed = checks(data.root_group).filter(({ fails }) => fails > 0);
    const directory = __ENV.RESULTS_DIR;
    const text = [
        ...Object.keys(lengths).map((s) => scenarioLine(name, data, s)),
        ...failed.map((c) => `  ${c.fails} x failed: ${c.path.slice(2)}`),
        ...found.map(
            (t) => `${t.met ? "met" : "MISSED"}: ${t.text}: ${t.value}`,
        ),
    ];
    /** @type {{[file: string]: string}} */
    const files = { stdout: `${text.join("\n")}\n` };
    if (directory) {
        files[`${directory}/summary.json`] = `${JSON.stringify(
            { test: name, lengths, thresholds: found, ...data },
            null,
            2,
        )}\n`;
    }
    return files;
};
