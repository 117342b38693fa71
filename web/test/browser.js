// A browser for the tests, and an ear for everything in it that is wrong.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { promisify } from "node:util";

export { openBrowser } from "./chromium.js";

export const base = process.env.MAGASIN_URL;
export const token = "token-430";
// The most milliseconds until a state is there, on a machine that is busy
export const PATIENCE = 30000;
export const paths = [
    "/",
    "/caisse",
    "/stock",
    "/produits",
    "/central",
    "/demandes",
    "/etiquettes",
    "/rapport",
    "/journal",
    "/receptions",
    "/transferts",
    "/commander",
    "/prix",
    "/importer",
    "/magasins",
    "/chiffres",
    "/inventaire",
];

const axe = await readFile(
    createRequire(import.meta.url).resolve("axe-core/axe.min.js"),
    "utf8",
);
const instance = new URL("../../scripts/instance.sh", import.meta.url).pathname;

const quiet = new WeakMap();

// A tab of a person of its own.  Errors of the console, exceptions, breaches
// of the Content-Security-Policy and requests to other origins are in wrong;
// a test that provokes a refusal says which lines of the console it expects.
export async function openTab(browser, options = {}) {
    const context = await browser.newContext({
        baseURL: base,
        locale: "fr-FR",
        timezoneId: "Europe/Paris",
        reducedMotion: "reduce",
        viewport: { width: 1280, height: 800 },
        // What a service worker answers, a test does not see; those that are
        // about it say "allow".
        serviceWorkers: "block",
        ...options,
    });
    const tab = await context.newPage();
    const wrong = [];

    // Only a failure takes that long.
    tab.setDefaultTimeout(PATIENCE);
    quiet.set(tab, traffic(tab));
    await tab.addInitScript(() => {
        document.addEventListener("securitypolicyviolation", (event) =>
            console.error(
                `CSP: ${event.violatedDirective} ${event.blockedURI}`,
            ),
        );
    });
    tab.on("console", (message) => {
        if (
            ["error", "warning"].includes(message.type()) &&
            !message.text().startsWith("Service Worker registration blocked") &&
            !streamBroke(message)
        ) {
            wrong.push(message.text());
        }
    });
    tab.on("pageerror", (error) => wrong.push(String(error)));
    tab.on("request", (request) => {
        const url = new URL(request.url());
        if (url.protocol !== "blob:" && url.origin !== new URL(base).origin) {
            wrong.push(`request to ${url}`);
        }
    });

    return {
        tab,
        wrong,
        close: () => context.close(),
        // Chromium tells the console of every answer of 400 and more.
        nothingWrong: (...expected) => {
            const left = wrong.filter(
                (line) => !expected.some((pattern) => pattern.test(line)),
            );
            assert.deepEqual(left, []);
        },
    };
}

// The stream of changes is open for as long as a page is, and goes on where it
// broke: Chromium ends it when any network of the machine changes.
const streamBroke = (message) =>
    message.text().includes("ERR_NETWORK_CHANGED") &&
    message.location().url.includes("/journal/stream/");

// As somebody who has given a token before; in tabs of the same person, too
export const withToken = (tab, text = token) =>
    tab.addInitScript((given) => {
        try {
            sessionStorage.setItem("magasin.jeton", given);
        } catch {
            // It is blocked.
        }
    }, text);

export async function identify(tab) {
    await tab.getByLabel("Jeton d’accès").fill(token);
    await tab.getByRole("button", { name: "Continuer" }).click();
    await tab.getByLabel("Jeton d’accès").waitFor({ state: "detached" });
}

// What is wrong by WCAG 2, levels A and AA.  axe comes by the debugger, since
// the pages' policy lets nobody else in.
export async function violations(tab) {
    await tab.evaluate(axe);
    return tab.evaluate(async () => {
        const found = await globalThis.axe.run(document, {
            runOnly: [
                "wcag2a",
                "wcag2aa",
                "wcag21a",
                "wcag21aa",
                "wcag22a",
                "wcag22aa",
            ],
        });
        return found.violations.flatMap(({ id, nodes }) =>
            nodes.map((node) => `${id}: ${node.html}: ${node.failureSummary}`),
        );
    });
}

// To be called before the tab goes anywhere: gives a function that waits until
// nothing but the stream of changes has been under way for half a second.
export function traffic(tab) {
    const open = new Set();
    let last = performance.now();
    const ends = (request) => {
        open.delete(request);
        last = performance.now();
    };

    tab.on("request", (request) => {
        if (!request.url().includes("/journal/stream/")) {
            open.add(request);
        }
    });
    tab.on("requestfinished", ends);
    tab.on("requestfailed", ends);
    return async () => {
        const end = performance.now() + PATIENCE;

        while (open.size > 0 || performance.now() - last < 500) {
            assert.ok(
                performance.now() < end,
                `under way: ${[...open].map((one) => one.url()).join()}`,
            );
            await new Promise((resolve) => setTimeout(resolve, 50));
        }
    };
}

// Nothing that the tab has asked for is under way: what draws a chart or a barcode
// comes when the page is there already.
export const isQuiet = (tab) => quiet.get(tab)();

// The network goes away, and takes nothing along.
export async function offline(tab) {
    await isQuiet(tab);
    await tab.context().setOffline(true);
}

export async function settled(tab) {
    await tab.waitForFunction(
        () =>
            document.querySelector("h1") &&
            !document.querySelector(".region[aria-busy]"),
    );
}

// The API, as another program would call it.
export async function api(method, path, body, headers = {}) {
    const response = await fetch(`${base}/api/v1${path}`, {
        method,
        headers: {
            Authorization: `Token ${token}`,
            ...(body ? { "Content-Type": "application/json" } : {}),
            ...headers,
        },
        body: body && JSON.stringify(body),
    });
    const text = await response.text();

    assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
    return text && JSON.parse(text);
}

export const stockOf = async (store, product) =>
    (await api("GET", `/stores/${store}/stock/${product}/`)).quantite;

export async function setStock(store, product, quantite) {
    const attendu = await stockOf(store, product);

    if (attendu !== quantite) {
        await api("POST", `/stores/${store}/stock/${product}/adjust/`, {
            quantite,
            attendu,
        });
    }
}

// The servers behind: "stop-postgres", "start-postgres"
export const server = (command) => promisify(execFile)(instance, [command]);

export async function sql(statement) {
    const { stdout } = await server("admin-conninfo");
    await promisify(execFile)("psql", ["-Xqd", stdout.trim(), "-c", statement]);
}
