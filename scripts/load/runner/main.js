#!/usr/bin/env node
// Runs a load test that is written for k6, where k6 is not installed: as much
// of k6 as the scripts of this project need, on undici.
//
// usage: main.js [--out seconds=FILE] SCRIPT
//
// FILE is CSV, second by second.  The status is k6's: 99 for a threshold that
// was missed, 104 for options that are wrong or unknown here, 107 for a script
// that fails.  docs/performance.md says what is not here.

import { mkdirSync, writeFileSync } from "node:fs";
import { register } from "node:module";
import { dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { execute } from "./executors.js";
import { tree } from "./k6.js";
import { demand, summary } from "./metrics.js";
import { scenarios } from "./options.js";
import { Seconds } from "./seconds.js";
import { EXIT, here, Refusal, run } from "./state.js";
import { Pool, User } from "./users.js";

const TREND = ["avg", "min", "med", "max", "p(90)", "p(95)"];
const COMPLAINTS = 10; // that are shown

function words() {
    const given = process.argv.slice(2);
    const out =
        given[0] === "--out" && /^seconds=(.+)$/.exec(given.splice(0, 2)[1]);
    if (given.length !== 1 || out === null) {
        console.error("usage: main.js [--out seconds=FILE] SCRIPT");
        process.exit(EXIT.configuration);
    }
    return { script: resolve(given[0]), out: out?.[1] };
}

// k6 gives scripts these names without an import.
function globals() {
    globalThis.__ENV = { ...process.env };
    Object.defineProperties(globalThis, {
        __VU: { get: () => here()?.id ?? 0 },
        __ITER: { get: () => here()?.iteration ?? 0 },
    });
}

// What the script itself has thrown, at most so many times, and at the end how
// many iterations have.
function complainer() {
    let count = 0;
    return {
        complain: (error) => {
            if (++count <= COMPLAINTS) {
                console.error(`iteration: ${error?.stack ?? error}`);
            }
            if (count === COMPLAINTS) {
                console.error("iteration: further errors are not shown");
            }
        },
        end: () => {
            if (count > 0) {
                console.error(`iterations that threw an error: ${count}`);
            }
        },
    };
}

async function once(code, name, data) {
    const user = new User(0);
    user.tags = { group: `::${name}` };
    try {
        const result = await run(user, () => code(data));
        return result && JSON.parse(JSON.stringify(result));
    } catch (error) {
        throw new Refusal(`${name}: ${error?.stack ?? error}`, EXIT.exception);
    } finally {
        await user.close();
    }
}

// For scripts without handleSummary().
function plain(data) {
    const lines = [];
    const checks = ({ groups, checks: list }) => {
        for (const { path, passes, fails } of list) {
            lines.push(`${fails ? "✗" : "✓"} ${path}: ${passes}, ${fails}`);
        }
        groups.forEach(checks);
    };
    checks(data.root_group);
    for (const [name, { values, thresholds }] of Object.entries(data.metrics)) {
        lines.push(`${name} ${JSON.stringify(values)}`);
        for (const [text, { ok }] of Object.entries(thresholds ?? {})) {
            lines.push(`    ${ok ? "✓" : "✗"} ${text}`);
        }
    }
    return { stdout: `${lines.join("\n")}\n` };
}

function write(texts) {
    for (const [name, text] of Object.entries(texts ?? {})) {
        if (name === "stdout" || name === "stderr") {
            process[name].write(text);
        } else {
            mkdirSync(dirname(name), { recursive: true });
            writeFileSync(name, text);
        }
    }
}

async function main({ script, out }) {
    globals();
    register(new URL("hooks.js", import.meta.url));
    const module = await import(pathToFileURL(script)).catch((error) => {
        throw new Refusal(error.stack, error.status ?? EXIT.exception);
    });
    const options = module.options ?? {};
    const all = scenarios(options);
    for (const { name, exec } of all) {
        if (typeof module[exec] !== "function") {
            throw new Refusal(
                `options: ${name}: ${exec} is no function of the script`,
                EXIT.configuration,
            );
        }
    }
    demand(options.thresholds);

    const seconds = out && new Seconds();
    const pool = new Pool(seconds && ((...what) => seconds.add(...what)));
    const { complain, end: complained } = complainer();
    const data = module.setup && (await once(module.setup, "setup"));
    const begun = performance.now();
    seconds?.begin(() => pool.busy);
    await Promise.all(
        all.map((s) =>
            execute(s, pool, (user) =>
                user.iterate(module[s.exec], data, complain),
            ),
        ),
    );
    const took = performance.now() - begun;
    seconds?.end();
    complained();
    await pool.close();
    if (module.teardown) {
        await once(module.teardown, "teardown", data);
    }

    const names = options.summaryTrendStats ?? TREND;
    const result = {
        root_group: tree(),
        options: {
            summaryTrendStats: names,
            summaryTimeUnit: "",
            noColor: true,
        },
        state: {
            isStdOutTTY: Boolean(process.stdout.isTTY),
            isStdErrTTY: Boolean(process.stderr.isTTY),
            testRunDurationMs: took,
        },
        metrics: summary(took / 1000, names),
        setup_data: data,
    };
    const missed = Object.values(result.metrics).some(({ thresholds }) =>
        Object.values(thresholds ?? {}).some(({ ok }) => !ok),
    );
    write((module.handleSummary ?? plain)(result));
    if (seconds) {
        write({ [out]: seconds.csv() });
    }
    return missed ? EXIT.thresholds : 0;
}

function end(error) {
    console.error(error instanceof Refusal ? error.message : error);
    process.exit(error?.status ?? EXIT.exception);
}

process.on("unhandledRejection", end);
try {
    process.exitCode = await main(words());
    if (process.exitCode === EXIT.thresholds) {
        console.error("thresholds were missed");
    }
} catch (error) {
    end(error);
}
