// One test for each fault that people once met: a tab in which nothing else may go
// wrong.

import { after, before, test } from "node:test";
import { openBrowser, openTab, settled, token } from "./browser.js";

export let chromium;

before(async () => {
    chromium = await openBrowser();
});
after(() => chromium.close());

// options: those of openTab(), and path, and expected lines of the console
export function fault(name, { path, expected = [], ...options }, run) {
    test(name, async () => {
        const { tab, close, nothingWrong } = await openTab(
            chromium.browser,
            options,
        );

        await tab.addInitScript((text) => {
            try {
                sessionStorage.setItem("magasin.jeton", text);
            } catch {
                // It is blocked.
            }
        }, token);
        if (path) {
            await tab.goto(path);
            await settled(tab);
        }
        await run(tab);
        nothingWrong(...expected);
        await close();
    });
}

// The requests of a tab to the API, as they come
export function requests(tab) {
    const seen = [];

    tab.on("request", (request) => {
        const url = new URL(request.url());
        if (url.pathname.startsWith("/api/")) {
            seen.push(url.pathname.slice("/api/v1".length) + url.search);
        }
    });
    return seen;
}
