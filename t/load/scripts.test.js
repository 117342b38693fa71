// Do the load tests find what is wrong with a server?

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import {
    existsSync,
    mkdirSync,
    mkdtempSync,
    readdirSync,
    readFileSync,
    rmSync,
    writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { RUNNER, run, serve, TOP } from "./support.js";

const SHORT = {
    DURATION_SCALE: "0.008",
    USERS: "3",
    THINK: "0",
    MAX_P95_MS: "60000",
    MAX_SHED_MS: "60000",
    MIN_OFFERED: "0.1",
    SECONDS: "1",
    PEAK: "20",
    FACTOR: "2",
    CONNECTIONS: "30",
    OVERLOAD_SECONDS: "3",
    RECOVERY_SECONDS: "2",
    CHECK: "1",
};

// A shop that answers as Magasin does, but for wrong(request, answer).
function shop(wrong = () => {}) {
    let count = 0;
    return serve((request, response, body) => {
        const answer = { status: 200, headers: {}, content: [{ id: 1 }] };
        if (request.url.includes("?limit=")) {
            answer.content = { results: [{ id: 4 }, { id: 7 }] };
        } else if (request.url !== "/healthz") {
            if (request.method === "PUT") {
                const authorized =
                    request.headers.authorization === "Token token-430";
                answer.status = authorized ? 200 : 401;
                answer.content = { id: 4, ...JSON.parse(body) };
            }
            wrong(request, answer, count++);
        }
        response.writeHead(answer.status, answer.headers);
        response.end(JSON.stringify(answer.content));
    });
}

async function load(script, wrong, more = {}) {
    const server = await shop(wrong);
    const directory = mkdtempSync(join(tmpdir(), "magasin-load-"));
    try {
        const done = await run(join(TOP, "scripts", script), {
            ...SHORT,
            BASE_URL: server.base,
            RESULTS_DIR: directory,
            ...more,
        });
        try {
            done.summary = JSON.parse(
                readFileSync(join(directory, "summary.json"), "utf8"),
            );
        } catch {
            done.summary = null;
        }
        return done;
    } finally {
        rmSync(directory, { recursive: true });
        await server.close();
    }
}

const SCRIPTS = [
    "load_test_baseline.js",
    "stress_test.js",
    "peak_test.js",
    "overload_test.js",
];

const refusal = (headers) => (_request, answer, count) => {
    if (count % 9 === 8) {
        answer.status = 503;
        answer.headers = headers;
    }
};

for (const script of SCRIPTS) {
    test(`${script}: all is met where all is well`, async () => {
        const done = await load(script, undefined, { MIN_SHARE: "0.05" });
        assert.equal(done.status, 0, done.stdout + done.stderr);
        assert.doesNotMatch(done.stdout, /MISSED|x failed/);
        assert.ok(done.summary.thresholds.every((t) => t.met));
    });

    test(`${script}: wrong prices are found`, async () => {
        const done = await load(script, (request, answer) => {
            if (request.method === "PUT") {
                answer.content.prix = "0.00";
            }
        });
        assert.equal(done.status, 99, done.stdout + done.stderr);
        assert.match(
            done.stdout,
            /\d+ x failed: product_update::is what was asked/,
        );
    });

    test(`${script}: 500 is found`, async () => {
        const done = await load(script, (request, answer) => {
            answer.status = /stock/.test(request.url) ? 500 : answer.status;
        });
        assert.equal(done.status, 99, done.stdout + done.stderr);
        assert.match(done.stdout, /\d+ x failed: stock::is 200/);
        assert.doesNotMatch(done.stdout, /failed: reports/);
    });
}

test("overload_test.js: a refusal needs Retry-After", async () => {
    const settings = { MIN_SHARE: "0.05", MAX_ERROR_RATE: "1" };
    const polite = await load(
        "overload_test.js",
        refusal({ "Retry-After": "1" }),
        settings,
    );
    assert.equal(polite.status, 0, polite.stdout + polite.stderr);
    const rude = await load("overload_test.js", refusal({}), settings);
    assert.equal(rude.status, 99);
    assert.match(rude.stdout, /^MISSED: checks\{scenario:overload\}: rate==1/m);
});

test("peak_test.js: a refusal is no answer", async () => {
    const done = await load("peak_test.js", refusal({ "Retry-After": "1" }));
    assert.equal(done.status, 99, done.stdout + done.stderr);
});

test("a server on another machine is not loaded", async () => {
    const done = await load("stress_test.js", undefined, {
        BASE_URL: "http://192.0.2.1:80",
    });
    assert.equal(done.status, 107);
    assert.match(done.stderr, /192\.0\.2\.1 is another machine/);
});

test("a setting that is no number is refused", async () => {
    const done = await load("stress_test.js", undefined, { USERS: "many" });
    assert.equal(done.status, 107);
    assert.match(done.stderr, /USERS=many is not a number/);
});

test("overload_test.js: the peak has to be given", async () => {
    const done = await load("overload_test.js", undefined, { PEAK: "" });
    assert.equal(done.status, 107);
    assert.match(done.stderr, /PEAK is not given/);
});

// k6 is not installed here: something else is called so, and says how it was
// called.
test("run_tests.sh: takes k6 where it is installed", async () => {
    const server = await shop();
    const directory = mkdtempSync(join(tmpdir(), "magasin-load-"));
    const bin = join(directory, "bin");
    mkdirSync(bin);
    writeFileSync(
        join(bin, "k6"),
        `#!/bin/sh
        [ "$1" != version ] || { echo "k6 planted"; exit 0; }
        echo "$*" >"$RESULTS_DIR/called"
        ${process.execPath} "${RUNNER}/main.js" "$3"
        exit "\${STATUS:-$?}"`,
        { mode: 0o755 },
    );
    const tests = async (number, more) => {
        const results = join(directory, String(number));
        const child = spawn(join(TOP, "scripts/run_tests.sh"), ["peak"], {
            env: {
                ...process.env,
                ...SHORT,
                BASE_URL: server.base,
                RESULTS: results,
                PATH: `${bin}:${process.env.PATH}`,
                ...more,
            },
            stdio: "ignore",
        });
        const status = await new Promise((resolve) => {
            child.on("close", resolve);
        });
        const own = join(results, readdirSync(results)[0]);
        const file = (name) =>
            existsSync(join(own, name))
                ? readFileSync(join(own, name), "utf8")
                : null;
        return { status, file, run: JSON.parse(file("run.json")) };
    };
    try {
        const met = await tests(0, {});
        assert.equal(met.status, 0);
        assert.equal(met.run.runner, "k6 planted");
        assert.match(met.file("called"), /^run --quiet \S+peak_test\.js\n$/);
        assert.match(met.file("report.html"), /by k6 planted/);
        assert.equal((await tests(1, { STATUS: "99" })).status, 1);
        assert.equal((await tests(2, { STATUS: "107" })).status, 2);

        const own = await tests(3, { RUNNER: "own" });
        assert.equal(own.status, 0);
        assert.match(own.run.runner, /^scripts\/load\/runner on undici \d/);
        assert.equal(own.file("called"), null);
        assert.match(own.file("seconds.csv"), /^peak,\d+,/m);
    } finally {
        rmSync(directory, { recursive: true });
        await server.close();
    }
});

// k6's own types: what k6 does not have is found without k6.
test("planted: a script that k6 would not take has wrong types", () => {
    const scripts = join(TOP, "scripts");
    const directory = mkdtempSync(join(scripts, "load", "planted-"));
    const check = (change) => {
        const text = readFileSync(join(scripts, "peak_test.js"), "utf8");
        assert.notEqual(change(text), text, "nothing was changed");
        writeFileSync(
            join(directory, "planted.js"),
            change(text).replaceAll("./load/", "../"),
        );
        writeFileSync(
            join(directory, "tsconfig.json"),
            JSON.stringify({
                extends: "../../tsconfig.json",
                files: ["planted.js"],
            }),
        );
        return spawnSync(
            join(TOP, "web/node_modules/.bin/tsc"),
            ["-p", directory],
            { encoding: "utf8" },
        );
    };
    try {
        const sound = check((text) => `${text}\n`);
        assert.equal(sound.status, 0, sound.stdout);
        for (const [right, wrong] of [
            ['"constant-vus"', '"constant-users"'],
            ["startTime:", "beginTime:"],
            ["await ask(shop, checked)", "await ask(shop)"],
        ]) {
            assert.notEqual(
                check((text) => text.replace(right, wrong)).status,
                0,
                wrong,
            );
        }
    } finally {
        rmSync(directory, { recursive: true });
    }
});
