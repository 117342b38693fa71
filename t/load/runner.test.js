// Does the runner of the load tests do what k6 does with the same script?

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { run, runnerModule, script, serve } from "./support.js";

const HTTP = 'import http from "k6/http"; const base = __ENV.BASE;\n';
const GET = (path) => `await http.asyncRequest("GET", base + ${path});`;

// The server that most of them ask: /NUMBER/... has that status, others 200;
// /held/N is held until N requests for it are.
let server;
let seen;
let held;
let most;

before(async () => {
    server = await serve((request, response) => {
        seen.push(request.url);
        const [, hold] = /^\/held\/(\d+)/.exec(request.url) ?? [];
        if (hold !== undefined) {
            held.push(response);
            most = Math.max(most, held.length);
            response.on("close", () => {
                held = held.filter((one) => one !== response);
            });
            if (held.length >= Number(hold)) {
                for (const one of held.splice(0)) {
                    one.end();
                }
            }
            return;
        }
        response.statusCode = Number(
            /^\/(\d{3})\b/.exec(request.url)?.[1] ?? 200,
        );
        response.setHeader("Retry-After", "1");
        response.end('{"a": [1]}');
    });
});

after(() => server.close());

const ask = (text, words) => {
    seen = [];
    held = [];
    most = 0;
    return script(HTTP + text, { BASE: server.base }, words);
};

const once = (options, body, more = "") =>
    ask(`export const options = ${JSON.stringify(options)};
        ${more}
        export default async function (data) { ${body} }`);

const value = (done, metric, of) => done.data.metrics[metric]?.values[of] ?? 0;

test("thresholds: met ones are status 0, a missed one is 99", async () => {
    for (const [text, status] of [
        ["p(95)<60000", 0],
        ["p(95)<0", 99],
        [{ threshold: "max>=0" }, 0],
    ]) {
        const done = await once(
            { thresholds: { http_req_duration: [text] } },
            GET('"/"'),
        );
        assert.equal(done.status, status, done.stderr);
        assert.deepEqual(done.data.metrics.http_req_duration.thresholds, {
            [text.threshold ?? text]: { ok: status === 0 },
        });
    }
});

test("thresholds: the rate of failures is that of other statuses", async () => {
    const options = (limit) => ({
        scenarios: {
            one: { executor: "per-vu-iterations", vus: 1, iterations: 4 },
        },
        thresholds: { http_req_failed: [limit] },
    });
    const body = GET('(__ITER % 4 === 0 ? "/500" : "/399")');
    const met = await once(options("rate<=0.25"), body);
    assert.equal(met.status, 0, met.stderr);
    assert.deepEqual(met.data.metrics.http_req_failed.values, {
        rate: 0.25,
        passes: 1,
        fails: 3,
    });
    assert.equal((await once(options("rate<0.25"), body)).status, 99);
});

test("thresholds: expected statuses are the script's to say", async () => {
    const done = await once(
        { thresholds: { http_req_failed: ["rate==0"] } },
        `http.setResponseCallback(http.expectedStatuses(404,
            { min: 500, max: 599 }));
        ${GET('"/404"')} ${GET('"/503"')}`,
    );
    assert.equal(done.status, 0, done.stderr);
    const answer = await once(
        {},
        `
        const a = await http.asyncRequest("GET", base + "/503");
        if (a.headers["Retry-After"] !== "1" || a.status !== 503 ||
            a.json().a[0] !== 1) { throw new Error("wrong answer"); }`,
    );
    assert.equal(answer.stderr, "");
});

test("thresholds: a part is told by all of its tags", async () => {
    const done = await once(
        {
            thresholds: {
                "http_reqs{kind:a}": ["count==2"],
                "http_reqs{kind:a,status:404}": ["count==1"],
                "http_reqs{kind:b,scenario:default}": ["count==1"],
                "http_reqs{kind:none}": ["count==0"],
            },
        },
        [
            ["/", "a"],
            ["/404", "a"],
            ["/404", "b"],
        ]
            .map(
                ([path, kind]) => `await http.asyncRequest("GET",
                base + "${path}", null, { tags: { kind: "${kind}" } });`,
            )
            .join("\n"),
    );
    assert.equal(done.status, 0, JSON.stringify(done.data.metrics));
    assert.equal(value(done, "http_reqs", "count"), 3);
});

test("metrics: percentiles are between the two nearest samples", async () => {
    const done = await once(
        {
            summaryTrendStats: ["avg", "min", "med", "max", "p(90)", "count"],
            thresholds: { mine: ["p(75)==3.25"], "mine{odd:yes}": ["max==3"] },
        },
        `for (const n of [4, 1, 3, 2]) {
            mine.add(n, { odd: n % 2 ? "yes" : "no" });
        }
        counted.add(2); counted.add(3);
        gauge.add(7); gauge.add(5);
        rate.add(true); rate.add(0);`,
        `import { Counter, Gauge, Rate, Trend } from "k6/metrics";
        const mine = new Trend("mine");
        const counted = new Counter("counted");
        const gauge = new Gauge("gauge");
        const rate = new Rate("rate");`,
    );
    assert.equal(done.status, 0, done.stderr);
    const { "p(90)": p90, ...exact } = done.data.metrics.mine.values;
    assert.deepEqual(exact, { avg: 2.5, min: 1, med: 2.5, max: 4, count: 4 });
    assert.ok(Math.abs(p90 - 3.7) < 1e-9, `${p90}`);
    assert.equal(value(done, "counted", "count"), 5);
    assert.deepEqual(done.data.metrics.gauge.values, {
        value: 5,
        min: 5,
        max: 7,
    });
    assert.equal(value(done, "rate", "rate"), 0.5);
});

test("checks: a failed one shows, in its group", async () => {
    const text = `import { check, group } from "k6";
        export default async function () {
            const results = group("outer", () => group("inner", () => [
                check(2, { "is two": (v) => v === 2, "is odd": (v) => v % 2 }),
                check(2, { "is two": (v) => v === 2 }),
            ]));
            if (results.join() !== "false,true") throw new Error("wrong");
            check(1, { "is outside": (v) => v === 1 });
        }`;
    const done = await ask(text);
    const outer = done.data.root_group.groups[0];
    assert.equal(done.stderr, "");
    assert.deepEqual(outer.groups[0].checks, [
        { name: "is two", path: "::outer::inner::is two", passes: 2, fails: 0 },
        { name: "is odd", path: "::outer::inner::is odd", passes: 0, fails: 1 },
    ]);
    assert.deepEqual(done.data.root_group.checks, [
        { name: "is outside", path: "::is outside", passes: 1, fails: 0 },
    ]);
    assert.deepEqual(done.data.metrics.checks.values, {
        rate: 3 / 4,
        passes: 3,
        fails: 1,
    });
    const directory = mkdtempSync(join(tmpdir(), "magasin-load-"));
    writeFileSync(join(directory, "plain.mjs"), text);
    const plain = await run(join(directory, "plain.mjs"));
    rmSync(directory, { recursive: true });
    assert.match(plain.stdout, /^✗ ::outer::inner::is odd: 0, 1$/m);
    assert.match(plain.stdout, /^✓ ::outer::inner::is two: 2, 0$/m);
});

test("stages: users come one after another, and leave so", async () => {
    const { users } = await runnerModule("executors.js");
    const stages = [
        { duration: 1000, target: 5 },
        { duration: 1000, target: 5 },
        { duration: 500, target: 0 },
    ];
    const at = (milliseconds) => users(stages, milliseconds, 1);
    assert.deepEqual(
        [0, 249, 250, 500, 999, 1000, 1999, 2001, 2101, 2499, 2500].map(at),
        [1, 1, 2, 3, 4, 5, 5, 5, 4, 1, 0],
    );
});

test("stages: the server sees as many as there are, at once", async () => {
    const done = await once(
        {
            stages: [
                { duration: "200ms", target: 4 },
                { duration: "2s", target: 4 },
            ],
        },
        // Only four together come any further.
        GET('"/held/4"'),
    );
    assert.equal(done.status, 0, done.stderr);
    assert.equal(most, 4);
    assert.ok(value(done, "http_reqs", "count") >= 4);
    assert.equal(value(done, "vus_max", "value"), 4);
});

test("arrivals: they come although nothing was answered", async () => {
    const scenario = {
        executor: "constant-arrival-rate",
        rate: 20,
        duration: "1s",
        preAllocatedVUs: 5,
        gracefulStop: "10s",
    };
    const open = await once(
        { scenarios: { open: scenario } },
        GET('(seen++ < 5 ? "/held/5" : "/")'),
        "let seen = 0;",
    );
    assert.equal(most, 5, open.stderr);
    // On a busy machine the five may not be back in time for all others.
    const answered = value(open, "http_reqs", "count");
    assert.ok(answered >= 5);
    assert.equal(answered + value(open, "dropped_iterations", "count"), 20);

    const full = await once(
        { scenarios: { open: { ...scenario, gracefulStop: "0s" } } },
        GET('"/held/6"'),
    );
    assert.equal(most, 5);
    assert.equal(value(full, "iterations", "count"), 0);
    assert.equal(value(full, "dropped_iterations", "count"), 15);
});

test("iterations: each user has its own, and its number", async () => {
    const done = await once(
        {
            scenarios: {
                some: {
                    executor: "per-vu-iterations",
                    vus: 3,
                    iterations: 2,
                    exec: "visit",
                },
            },
        },
        "throw new Error('not this one');",
        `export async function visit() {
            ${GET('"/" + __VU + "/" + __ITER')}
        }`,
    );
    assert.equal(done.stderr, "");
    assert.deepEqual(seen.sort(), [
        "/1/0",
        "/1/1",
        "/2/0",
        "/2/1",
        "/3/0",
        "/3/1",
    ]);
    assert.equal(value(done, "iterations", "count"), 6);
});

test("iterations: what is not over in time is not counted", async () => {
    const done = await once(
        {
            scenarios: {
                late: {
                    executor: "constant-vus",
                    vus: 2,
                    duration: "1s",
                    gracefulStop: "0s",
                },
            },
            thresholds: { http_reqs: ["count==0"] },
        },
        `${GET('"/held/3"')} ${GET('"/after"')}`,
    );
    assert.equal(done.status, 0, JSON.stringify(done.data?.metrics));
    assert.ok(!seen.includes("/after"));
});

test("users: the next scenario has them, and their connections", async () => {
    const { Pool } = await runnerModule("users.js");
    const pool = new Pool();
    pool.reserve(2);
    const [first, second] = [pool.take({}), pool.take({})];
    assert.deepEqual([first.id, second.id], [1, 2]);
    pool.give(second);
    pool.give(first);
    assert.equal(pool.take({}), second);
    const third = pool.take({});
    assert.equal(third, first);
    await third.interrupt();
    pool.give(third);
    assert.equal(pool.take({}).id, 3);
});

test("life: setup, its data for all, teardown", async () => {
    const done = await once(
        {},
        'data.list.push(2); await http.asyncRequest("GET", base + data.path);',
        `export async function setup() {
            ${GET('"/setup"')}
            return { path: "/visit", list: [1] };
        }
        export async function teardown(data) { ${GET("data.path")} }`,
    );
    assert.equal(done.status, 0, done.stderr);
    assert.deepEqual(seen, ["/setup", "/visit", "/visit"]);
});

test("errors: of an iteration are told, and others go on", async () => {
    const done = await once(
        {
            scenarios: {
                two: { executor: "per-vu-iterations", iterations: 2 },
            },
        },
        `if (__ITER === 0) { throw new Error("the first"); } ${GET('"/"')}`,
    );
    assert.equal(done.status, 0);
    assert.match(done.stderr, /^iteration: Error: the first/m);
    assert.match(done.stderr, /^iterations that threw an error: 1$/m);
    assert.deepEqual(seen, ["/"]);
});

test("errors: those that are not shown are counted", async () => {
    const options = {
        scenarios: {
            many: { executor: "per-vu-iterations", iterations: 25 },
        },
    };
    const done = await once(options, 'throw new Error("again");');
    assert.equal(done.status, 0);
    assert.equal(done.stderr.match(/^iteration: Error: again/gm).length, 10);
    assert.match(done.stderr, /^iterations that threw an error: 25$/m);

    const none = await once(options, "");
    assert.doesNotMatch(none.stderr, /iteration/);
});

test("errors: a script that cannot be run is 107", async () => {
    for (const [text, message] of [
        ["throw new Error('at once');", /at once/],
        [
            'export function setup() { throw new Error("no shop"); }' +
                "export default function () {}",
            /no shop/,
        ],
        [
            'import { sleep } from "k6";' +
                "export default async function () { sleep(0.01); }",
            /await sleep\(\)/,
        ],
    ]) {
        const done = await ask(text);
        assert.equal(done.status, 107, `${text}: ${done.stderr}`);
        assert.match(done.stderr, message);
    }
});

test("errors: what is not here says so", async () => {
    const done = await once({}, 'http.get(base + "/");');
    assert.match(done.stderr, /asyncRequest\(\) alone/);
    assert.deepEqual(seen, []);
    const group = await ask(`import { group } from "k6";
        export default async function () { group("g", async () => {}); }`);
    assert.match(group.stderr, /no group/);
    const other = await ask(`import ws from "k6/ws";
        export default function () {}`);
    assert.equal(other.status, 107);
    assert.match(other.stderr, /the runner has no k6\/ws/);
});

test("errors: options that are wrong, or not here, are 104", async () => {
    for (const options of [
        { thresholds: { nothing: ["count>0"] } },
        { thresholds: { http_reqs: ["p(95)<1"] } },
        { thresholds: { http_req_duration: ["p(95) is small"] } },
        {
            thresholds: {
                http_reqs: [{ threshold: "count>0", abortOnFail: true }],
            },
        },
        { scenarios: { s: { executor: "externally-controlled" } } },
        {
            scenarios: {
                s: { executor: "constant-vus", exec: "none", duration: "1s" },
            },
        },
        { stages: [{ duration: "soon", target: 1 }] },
        { stages: [{ duration: "1.2.3s", target: 1 }] },
        { duration: ".s" },
        { discardResponseBodies: true },
    ]) {
        const done = await once(options, GET('"/"'));
        assert.equal(
            done.status,
            104,
            `${JSON.stringify(options)}: ${done.stderr}`,
        );
        assert.deepEqual(seen, []);
    }
});

test("seconds: the file has all requests of scenarios", async () => {
    const directory = mkdtempSync(join(tmpdir(), "magasin-load-"));
    const file = join(directory, "seconds.csv");
    const done = await ask(
        `export const options = { scenarios: { some: {
            executor: "per-vu-iterations", iterations: 6 } } };
        export async function setup() { ${GET('"/"')} }
        export default async function () {
            ${GET('["/", "/503", "/404"][__ITER % 3]')}
        }`,
        ["--out", `seconds=${file}`],
    );
    assert.equal(done.status, 0, done.stderr);
    const [head, ...lines] = readFileSync(file, "utf8").trim().split("\n");
    rmSync(directory, { recursive: true });
    assert.match(head, /^scenario,second,users,served,refused,failed,/);
    const sum = [3, 4, 5].map((column) =>
        lines.reduce((all, line) => all + Number(line.split(",")[column]), 0),
    );
    assert.deepEqual(sum, [2, 2, 2]);
});
