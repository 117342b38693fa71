// Debian's Chromium, for whoever tests a page.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

// Everything that belongs to Chromium is in a directory that goes with it.
// settings: those of Blink, such as "defaultFontSize=32"
export async function openBrowser(settings = null) {
    const home = await mkdtemp(join(tmpdir(), "magasin-chromium."));
    const browser = await chromium.launch({
        executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
        env: { ...process.env, HOME: home },
        args: [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            ...(settings ? [`--blink-settings=${settings}`] : []),
        ],
    });

    return {
        browser,
        close: async () => {
            await browser.close();
            await rm(home, { recursive: true, force: true, maxRetries: 5 });
        },
    };
}
