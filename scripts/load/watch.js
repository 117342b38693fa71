// Runs a load generator, whichever it is, and says what processor time it and
// the servers took.
//
// usage: node watch.js FILE RUNNER COMMAND...
//
// FILE is JSON.  RUNNER is what the results call the generator.  WATCH names
// the servers: "nginx=12+34,postgresql=56", names and pids.  The status is the
// command's.

import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { dirname } from "node:path";
import { watch } from "./processes.js";

const [file, runner, command, ...words] = process.argv.slice(2);
const started = new Date().toISOString();
const loadBefore = loadavg()[0];
const generator = spawn(command, words, { stdio: "inherit" });
const used = watch(process.env.WATCH);

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => generator.kill(signal));
}
generator.on("error", (error) => {
    console.error(`load: ${command}: ${error.message}`);
    process.exitCode = 2;
});
generator.on("close", (status) => {
    mkdirSync(dirname(file), { recursive: true });
    const content = {
        runner,
        started,
        load_average: [loadBefore, loadavg()[0]],
        target: process.env.BASE_URL,
        processors: used(),
    };
    writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`);
    process.exitCode = status ?? 2;
});
