// What the tests of the load runner share: a server that does as it is told,
// and a run of a script.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const TOP = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

// Another one is under test where a wrong one is planted.
export const RUNNER =
    process.env.LOAD_RUNNER ?? join(TOP, "scripts/load/runner");

export const runnerModule = (name) =>
    import(pathToFileURL(join(RUNNER, name)).href);

// serve(answer): answer(request, response, body) is called for each request.
export async function serve(answer) {
    const server = createServer((request, response) => {
        let body = "";
        request.setEncoding("utf8");
        request.on("data", (chunk) => {
            body += chunk;
        });
        request.on("end", () => answer(request, response, body));
    });
    await new Promise((resolve) => {
        server.listen(0, "127.0.0.1", resolve);
    });
    return {
        base: `http://127.0.0.1:${server.address().port}`,
        close: () =>
            new Promise((resolve) => {
                server.closeAllConnections();
                server.close(resolve);
            }),
    };
}

// run(file, environment, words): what a run of a script has said.
export async function run(file, environment = {}, words = []) {
    const child = spawn(
        process.execPath,
        [join(RUNNER, "main.js"), ...words, file],
        { env: { ...process.env, ...environment } },
    );
    const said = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"]) {
        child[name].setEncoding("utf8");
        child[name].on("data", (text) => {
            said[name] += text;
        });
    }
    const status = await new Promise((resolve) => {
        child.on("close", resolve);
    });
    return { status, ...said };
}

// script(text, environment): the same for a script that has this text, and the
// data that its handleSummary() was given.
export async function script(text, environment = {}, words = []) {
    const directory = mkdtempSync(join(tmpdir(), "magasin-load-"));
    try {
        const file = join(directory, "script.mjs");
        const data = join(directory, "data.json");
        writeFileSync(
            file,
            `${text}
            export function handleSummary(data) {
                return { ${JSON.stringify(data)}: JSON.stringify(data) };
            }`,
        );
        const done = await run(file, environment, words);
        try {
            done.data = JSON.parse(readFileSync(data, "utf8"));
        } catch {
            done.data = null; // it did not come so far
        }
        return done;
    } finally {
        rmSync(directory, { recursive: true });
    }
}
