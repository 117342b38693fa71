// Are runners that are wrong found?  Each change is made in a copy, of which
// one test has to fail.  --fit: do the changes fit the runner?

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
    cpSync,
    mkdirSync,
    mkdtempSync,
    readFileSync,
    rmSync,
    symlinkSync,
    writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { RUNNER, TOP } from "./support.js";

const WRONG = [
    ["main.js", "missed ? EXIT.thresholds : 0", "0", "thresholds: met ones"],
    ["metrics.js", "COMPARE[comparison](", "!!(", "thresholds: met ones"],
    ["metrics.js", "part.tags.every(", "part.tags.some(", "thresholds: a part"],
    ["metrics.js", "share * (this.count - 1)", "share * this.count", "percent"],
    ["metrics.js", ".sort()", "", "metrics: percentiles"],
    ["http.js", "[builtin.failed, !right]", "[builtin.failed, right]", "rate"],
    ["k6.js", 'passed ? "passes" : "fails"', '"passes"', "checks: a failed"],
    ["k6.js", "open = outer;", "", "checks: a failed"],
    [
        "executors.js",
        "return from + (target - from) * ((milliseconds - start) / duration);",
        "return target;",
        "stages: users come",
    ],
    ["executors.js", "n < wanted(); n++", "n < 1; n++", "stages: the server"],
    ["executors.js", "active.size === most", "active.size > 0", "arrivals"],
    ["executors.js", "left-- > 0", "left-- >= 0", "iterations: each user"],
    ["users.js", "this.iteration++;", "", "iterations: each user"],
    ["users.js", "this.idle.push(user);", "", "users: the next"],
];

// Returns the text of a module of the runner with something wrong in it.
function changed(file, right, wrong) {
    const text = readFileSync(join(RUNNER, file), "utf8");
    assert.ok(text.includes(right), `${file} has no ${right}`);
    return text.replace(right, () => wrong);
}

if (process.argv.includes("--fit")) {
    let failed = 0;
    for (const plant of WRONG) {
        try {
            changed(...plant);
        } catch (error) {
            failed++;
            console.error(error.message);
        }
    }
    console.log(`${WRONG.length - failed} of ${WRONG.length} planted bugs fit`);
    process.exit(failed ? 1 : 0);
}

for (const [file, right, wrong, found] of WRONG) {
    test(`planted: ${file}, ${wrong || "no"} for ${right}`, () => {
        const build = join(TOP, "build");
        mkdirSync(build, { recursive: true });
        const directory = mkdtempSync(join(build, "planted-"));
        try {
            const copy = join(directory, "runner");
            cpSync(RUNNER, copy, { recursive: true });
            symlinkSync(
                join(TOP, "scripts/node_modules"),
                join(directory, "node_modules"),
            );
            writeFileSync(
                join(directory, "package.json"),
                '{ "type": "module" }',
            );
            writeFileSync(join(copy, file), changed(file, right, wrong));
            const { NODE_TEST_CONTEXT, ...environment } = process.env;
            const done = spawnSync(
                process.execPath,
                [
                    "--test",
                    `--test-name-pattern=${found}`,
                    join(TOP, "t/load/runner.test.js"),
                ],
                {
                    encoding: "utf8",
                    env: { ...environment, LOAD_RUNNER: copy },
                },
            );
            assert.equal(done.status, 1, `not found: ${done.stdout}`);
            assert.match(done.stdout, /^# fail [1-9]|ℹ fail [1-9]/m);
        } finally {
            rmSync(directory, { recursive: true });
        }
    });
}
