// Chromium and Firefox, driven by the same hand.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer from "puppeteer-core";
import { base, PATIENCE, token } from "./browser.js";

export const browsers = {
    chromium: {
        browser: "chrome",
        executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
        args: [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--lang=fr-FR",
        ],
    },
    firefox: {
        browser: "firefox",
        executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
        extraPrefsFirefox: { "intl.accept_languages": "fr-FR, fr" },
    },
};

// Everything that belongs to the browser is in a directory that goes with it.
// settings: those of Firefox
export async function openOne(name, settings = {}) {
    const home = await mkdtemp(join(tmpdir(), `magasin-${name}.`));
    const browser = await puppeteer.launch({
        ...browsers[name],
        extraPrefsFirefox: { ...browsers[name].extraPrefsFirefox, ...settings },
        headless: true,
        env: { ...process.env, HOME: home, TZ: "Europe/Paris" },
        protocol: "webDriverBiDi",
    });

    return {
        version: await browser.version(),
        page: (viewport) => openHand(browser, viewport),
        close: async () => {
            await browser.close();
            await rm(home, { recursive: true, force: true, maxRetries: 5 });
        },
    };
}

async function openHand(browser, viewport = { width: 1280, height: 900 }) {
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    const wrong = [];

    await page.setViewport(viewport);
    await page.evaluateOnNewDocument((given) => {
        try {
            sessionStorage.setItem("magasin.jeton", given);
        } catch {
            // Between two pages Firefox has an empty one, which keeps nothing.
        }
        // What is printed is shown to nobody here.
        globalThis.printed = 0;
        window.print = () => {
            globalThis.printed += 1;
        };
        document.addEventListener("securitypolicyviolation", (event) =>
            console.error(
                `CSP: ${event.violatedDirective} ${event.blockedURI}`,
            ),
        );
    }, token);
    page.on("console", (message) => {
        if (["error", "warn"].includes(message.type())) {
            wrong.push(message.text());
        }
    });
    page.on("pageerror", (error) => wrong.push(String(error)));
    return new Hand(page, context, wrong);
}

// Runs in the page.  What stands in front of all else is looked in: a dialog, or
// the page.
function find(kind, source, flags) {
    const name = new RegExp(source, flags);
    const scope =
        [...document.querySelectorAll("dialog[open]")].at(-1) ?? document;
    const tidy = (text) => text.replace(/\s+/g, " ").trim();
    const named = (node) =>
        name.test(tidy(node.getAttribute("aria-label") ?? node.textContent));
    const usable = (node) => node.checkVisibility() && !node.disabled;
    const all = (selector) => [...scope.querySelectorAll(selector)];

    if (kind === "button") {
        return (
            all("button, a[href]").find(
                (node) => usable(node) && named(node),
            ) ?? null
        );
    }
    const label = all("label").find(named);
    return (
        all("input[aria-label], select[aria-label]").find(
            (node) => usable(node) && named(node),
        ) ??
        document.getElementById(label?.htmlFor) ??
        label?.querySelector("input") ??
        null
    );
}

// It moves no more, and nothing is in front of it.
async function atRest(node) {
    const box = () => JSON.stringify(node.getBoundingClientRect());
    const frame = () => new Promise(requestAnimationFrame);

    node.scrollIntoView({ block: "nearest" });
    await frame();
    const before = box();
    await frame();
    const { left, top, width, height } = node.getBoundingClientRect();
    const front = document.elementFromPoint(left + width / 2, top + height / 2);

    return node.isConnected && before === box() && node.contains(front);
}

const exactly = (name) =>
    name instanceof RegExp
        ? name
        : new RegExp(`^${name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`);

// A person, whose keys, clicks and scans are counted
export class Hand {
    keys = 0;
    clicks = 0;
    scans = 0;
    // Milliseconds in which there was nothing to do but to wait for the page
    waited = 0;

    constructor(page, context, wrong) {
        this.page = page;
        this.context = context;
        this.wrong = wrong;
    }

    begin() {
        this.keys = 0;
        this.clicks = 0;
        this.scans = 0;
        this.waited = 0;
    }

    // As the table of docs/web.md has it
    get effort() {
        return [
            [this.scans, "scan", "scans"],
            [this.keys, "key", "keys"],
            [this.clicks, "click", "clicks"],
        ]
            .filter(([number]) => number > 0)
            .map(
                ([number, one, many]) => `${number} ${number > 1 ? many : one}`,
            )
            .join(", ");
    }

    // What a person takes for that: nobody has measured these.  A key; to point and
    // press; to take an article and scan it.
    get seconds() {
        return Math.round(
            0.28 * this.keys + 1.3 * this.clicks + 1.5 * this.scans,
        );
    }

    // look() until it finds something
    async #wait(what, look) {
        const start = performance.now();

        for (;;) {
            const found = await look();
            const time = performance.now() - start;

            if (found) {
                this.waited += time;
                return found;
            }
            assert.ok(time < PATIENCE, `waited in vain for ${what}`);
            await new Promise((resolve) => setTimeout(resolve, 20));
        }
    }

    until(what, run, ...values) {
        return this.#wait(what, () => this.page.evaluate(run, ...values));
    }

    settled() {
        return this.until(
            "the page",
            () =>
                document.querySelector("h1") &&
                !document.querySelector(".region[aria-busy]"),
        );
    }

    async go(path) {
        await this.page.goto(base + path);
        await this.settled();
    }

    see(text) {
        return this.until(
            `« ${text} »`,
            (wanted) =>
                // biome-ignore lint/performance/useDomNodeTextContent: what is hidden is not seen
                document.body.innerText.replace(/\s+/g, " ").includes(wanted),
            text,
        );
    }

    #node(kind, name) {
        const { source, flags } = exactly(name);

        return this.#wait(`${kind} ${name}`, async () => {
            const handle = await this.page.evaluateHandle(
                find,
                kind,
                source,
                flags,
            );
            const node = handle.asElement();

            return node && (await node.evaluate(atRest)) ? node : null;
        });
    }

    // act(node); a person sees when a page was drawn anew under the finger.
    async #on(kind, name, act) {
        for (let left = 20; ; left -= 1) {
            try {
                return await act(await this.#node(kind, name));
            } catch (error) {
                if (left === 0 || !/detached|clickable/.test(error.message)) {
                    throw error;
                }
            }
        }
    }

    async #press(kind, name) {
        await this.#on(kind, name, (node) => node.click());
        this.clicks += 1;
    }

    async click(name) {
        await this.#press("button", name);
    }

    async tick(name) {
        await this.#press("field", name);
    }

    // A choice is opened and made.
    async choose(name, value) {
        await (await this.#node("field", name)).select(value);
        this.clicks += 2;
    }

    async key(name) {
        await this.page.keyboard.press(name);
        this.keys += 1;
    }

    async type(text) {
        await this.page.keyboard.type(text);
        this.keys += text.length;
    }

    async enter(text) {
        await this.type(text);
        await this.key("Enter");
    }

    async fill(name, text) {
        await this.#on("field", name, async (node) => {
            if (
                !(await node.evaluate((one) => one === document.activeElement))
            ) {
                await node.click();
                this.clicks += 1;
            }
        });
        await this.type(text);
    }

    // A scanner's keys are nobody's.  They go to the browser together: on a busy
    // machine Enter came so late that a person might have pressed it.
    async scan(code) {
        await this.page.keyboard.type(`${code}\n`);
        this.scans += 1;
    }

    async upload(name, path) {
        await (await this.#node("field", name)).uploadFile(path);
        this.clicks += 2;
    }

    evaluate(run, ...values) {
        return this.page.evaluate(run, ...values);
    }

    // expected: lines of the console that a refusal or a lost network brings
    async close(expected = []) {
        await this.context.close();
        assert.deepEqual(
            this.wrong.filter(
                (line) => !expected.some((pattern) => pattern.test(line)),
            ),
            [],
        );
    }
}
