// A Chromium with a profile that outlives it, and that can be killed as a power
// cut would.

import { spawn } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { base, PATIENCE } from "./browser.js";

async function port(profile, child) {
    for (let left = 400; left > 0 && child.exitCode === null; left -= 1) {
        try {
            const text = await readFile(
                join(profile, "DevToolsActivePort"),
                "utf8",
            );
            const number = Number(text.split("\n")[0]);

            // It is empty before it is written.
            if (number > 0) {
                return number;
            }
        } catch {
            // It is not there yet.
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error("Chromium does not listen");
}

// {tab, kill()}: kill() ends all its processes at once, without a word to them.
export async function openKillable(profile) {
    await rm(join(profile, "DevToolsActivePort"), { force: true });
    const child = spawn(
        process.env.CHROMIUM ?? "/usr/bin/chromium",
        [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--remote-debugging-port=0",
            `--user-data-dir=${profile}`,
            "about:blank",
        ],
        {
            detached: true,
            stdio: "ignore",
            env: { ...process.env, HOME: profile },
        },
    );
    const ended = new Promise((resolve) => child.once("exit", resolve));
    const browser = await chromium.connectOverCDP(
        `http://127.0.0.1:${await port(profile, child)}`,
    );
    const [context] = browser.contexts();
    const tab = await context.newPage();

    tab.setDefaultTimeout(PATIENCE);
    return {
        tab,
        open: (path) => tab.goto(base + path),
        kill: async () => {
            if (child.exitCode === null && child.signalCode === null) {
                process.kill(-child.pid, "SIGKILL");
            }
            await ended;
            await browser.close().catch(() => {});
        },
    };
}
