// What every page has to be: accessible, safe, light and quick.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import {
    api,
    base,
    openBrowser,
    openTab,
    paths,
    settled,
    violations,
} from "./browser.js";
import { until } from "./till.js";

const KILOBYTES = 180;
// How long it may take is asserted only where it is given: a busy machine says
// nothing about the pages.
const MILLISECONDS = Number(process.env.MAX_FIRST_LOAD_MS ?? Infinity);

let chromium;

before(async () => {
    chromium = await openBrowser();
    await api("POST", "/products/", {
        nom: "<script>document.title='x'</script><img src=x onerror=alert(1)>",
        categorie: "<b>gras</b>",
        prix: "1.00",
        description: "</td>&lt;",
    });
});
after(() => chromium.close());

const widths = {
    wide: { width: 1280, height: 800 },
    narrow: { width: 360, height: 740 },
};

for (const colorScheme of ["light", "dark"]) {
    for (const [name, viewport] of Object.entries(widths)) {
        test(`axe, nothing sticks out: ${name}, ${colorScheme}`, async () => {
            const { tab, close, nothingWrong } = await openTab(
                chromium.browser,
                {
                    colorScheme,
                    viewport,
                },
            );

            for (const path of paths) {
                await tab.goto(path);
                await settled(tab);
                assert.deepEqual(await violations(tab), [], path);
                assert.equal(
                    await tab.evaluate(
                        () => document.documentElement.scrollWidth - innerWidth,
                    ),
                    0,
                    `${path} is wider than its window`,
                );
            }
            nothingWrong();
            await close();
        });

        test(`axe, in dialogs and on the ticket: ${name}, ${colorScheme}`, async () => {
            const { tab, close, nothingWrong } = await openTab(
                chromium.browser,
                {
                    colorScheme,
                    viewport,
                },
            );
            const clean = async (what) =>
                assert.deepEqual(await violations(tab), [], what);

            await tab.goto("/caisse");
            await settled(tab);
            await tab.locator(".tile:not(.none)").first().click();
            await tab.locator(".ticket-lines input").fill("9999");
            await tab.locator(".ticket-lines input").press("Tab");
            await tab.getByText(/Il n’en reste que/).waitFor();
            await clean("ticket");
            await tab.getByRole("button", { name: "Encaisser" }).click();
            await tab.getByLabel("Jeton d’accès").waitFor();
            await tab.getByRole("button", { name: "Continuer" }).click();
            await tab.getByText("Ce n’est pas un jeton.").waitFor();
            await clean("token");
            await tab.keyboard.press("Escape");

            await tab.goto("/produits");
            await settled(tab);
            await tab
                .getByRole("button", { name: "Modifier Souris optique" })
                .click();
            await tab.getByRole("dialog").waitFor();
            await clean("edit");
            nothingWrong();
            await close();
        });
    }
}

// Swagger UI is not ours: its light colours are its own, and of the rest of it
// nothing is promised but that it can be read where all is dark.
for (const colorScheme of ["light", "dark"]) {
    test(`the operators' page and the API's: ${colorScheme}`, async () => {
        const { tab, close, nothingWrong } = await openTab(chromium.browser, {
            colorScheme,
        });
        const operators = `http://127.0.0.1:${process.env.METRICS_PORT}`;

        await tab.goto(`${operators}/status`);
        await tab.locator("h1").waitFor();
        assert.deepEqual(await violations(tab), []);
        await tab.goto("/swagger/");
        await tab.locator(".opblock").first().waitFor();
        if (colorScheme === "dark") {
            assert.deepEqual(
                (await violations(tab)).filter((one) =>
                    one.startsWith("color-contrast"),
                ),
                [],
            );
        }
        assert.equal(
            await tab.evaluate(() =>
                document.documentElement.classList.contains("dark-mode"),
            ),
            colorScheme === "dark",
        );
        nothingWrong(/^request to http:\/\/127\.0\.0\.1:\d+\/status/);
        await close();
    });
}

test("axe finds a fault that is planted", async () => {
    const { tab, close } = await openTab(chromium.browser);

    await tab.goto("/produits");
    await settled(tab);
    await tab.evaluate(() => {
        const image = document.createElement("img");
        image.src = "/favicon.svg";
        document.querySelector("main").append(image);
        document.querySelector("h1").style.color = "#dddddd";
        for (const label of document.querySelectorAll("main label")) {
            label.remove();
        }
    });
    const found = (await violations(tab)).join("\n");
    assert.match(found, /^image-alt/m);
    assert.match(found, /^color-contrast/m);
    assert.match(found, /^select-name/m);
    await close();
});

test("a text is never markup", async () => {
    const { tab, close, nothingWrong } = await openTab(chromium.browser);

    await tab.goto("/produits?recherche=script");
    await settled(tab);
    assert.match(
        await tab.locator("tbody th .title").first().textContent(),
        /^<script>.*<img src=x onerror=alert\(1\)>$/,
    );
    assert.equal(await tab.locator("main img, main script, main b").count(), 0);
    assert.equal(await tab.title(), "Produits – Magasin");
    nothingWrong();
    await close();
});

test("the policy holds, and a breach of it would be seen", async () => {
    const { tab, wrong, close } = await openTab(chromium.browser);
    const answer = await tab.goto("/");
    const policy = answer.headers()["content-security-policy"];

    assert.doesNotMatch(policy, /unsafe|\*|https?:/);
    await settled(tab);
    assert.deepEqual(wrong, []);
    await tab.evaluate(() => {
        const script = document.createElement("script");
        try {
            script.textContent = "document.title = 'broken'";
        } catch {
            // Text does not become a script.
        }
        document.body.append(script);
        document.body.setAttribute("style", "color: red");
        const image = document.createElement("img");
        image.src = "http://127.0.0.2:9/x.png";
        document.body.append(image);
    });
    for (const directive of [
        "require-trusted-types-for",
        "style-src-attr",
        "img-src",
    ]) {
        await until(`${directive} is told`, () =>
            wrong.some((line) => line.startsWith(`CSP: ${directive}`)),
        );
    }
    assert.notEqual(await tab.title(), "broken");
    await close();
});

// A browser that knows nothing yet: bytes on the wire, time to content
async function firstLoad(path) {
    const { tab, close } = await openTab(chromium.browser);
    const debug = await tab.context().newCDPSession(tab);
    const open = new Set();
    let bytes = 0;

    // The stream of changes has no end.
    tab.on("request", (request) => {
        if (!request.url().includes("/stream/")) {
            open.add(request);
        }
    });
    let ended = () => {};
    for (const name of ["requestfinished", "requestfailed"]) {
        tab.on(name, (request) => {
            open.delete(request);
            ended();
        });
    }
    const last = tab.waitForResponse(/\/shell\.js$/);

    await debug.send("Network.enable");
    debug.on("Network.loadingFinished", (event) => {
        bytes += event.encodedDataLength;
    });
    const start = performance.now();
    await tab.goto(path, { waitUntil: "commit" });
    await tab.locator(".region > :not(.loading)").first().waitFor();
    const time = performance.now() - start;
    await settled(tab);
    await (await last).finished();
    while (open.size > 0) {
        await new Promise((resolve) => {
            ended = resolve;
        });
        await tab.evaluate(() => new Promise(requestIdleCallback));
    }
    await close();

    return { bytes, time };
}

test("first load: light and quick", async () => {
    for (const path of paths) {
        // The machine may be busy with something else: the best of three.
        let best = await firstLoad(path);
        for (let left = 2; left > 0 && best.time > MILLISECONDS; left -= 1) {
            const again = await firstLoad(path);
            best = again.time < best.time ? again : best;
        }

        const { bytes, time } = best;
        console.log(
            `${path}: ${(bytes / 1024).toFixed(1)} KiB, ${time.toFixed(0)} ms`,
        );
        assert.ok(bytes > 10000, "nothing was counted");
        assert.ok(bytes <= KILOBYTES * 1024, `${path}: ${bytes} bytes`);
        assert.ok(time <= MILLISECONDS, `${path}: ${time} ms`);
    }
});

test("files: types, precompressed, kept for as long as they are good", async () => {
    const html = await fetch(`${base}/`);
    const text = await html.text();
    const assets = [...text.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(
        (one) => one[1],
    );

    assert.equal(html.headers.get("cache-control"), "no-cache");
    assert.match(
        html.headers.get("content-type"),
        /^text\/html; charset=utf-8$/,
    );
    assert.equal(
        (
            await fetch(`${base}/`, {
                headers: { "If-None-Match": html.headers.get("etag") },
            })
        ).status,
        304,
    );
    assert.ok(assets.length > 10);
    for (const path of assets) {
        const answer = await fetch(base + path);
        assert.equal(answer.status, 200, path);
        assert.equal(answer.headers.get("content-encoding"), "gzip", path);
        assert.match(answer.headers.get("cache-control"), /immutable/, path);
        assert.match(
            answer.headers.get("content-type"),
            /^text\/(css|javascript); charset=utf-8$/,
            path,
        );
        assert.equal(
            answer.headers.get("x-content-type-options"),
            "nosniff",
            path,
        );
        await answer.arrayBuffer();
    }
    for (const path of paths) {
        assert.equal(await (await fetch(base + path)).text(), text, path);
    }
    for (const path of [
        "/nothing",
        "/assets/",
        "/assets/x.js",
        "/produits/1",
        "/../nginx.conf",
    ]) {
        const answer = await fetch(base + path);
        assert.ok([403, 404].includes(answer.status), path);
        assert.match(answer.headers.get("content-type"), /json/, path);
    }
});

// Modules that come with every page are announced, or they are found late.
test("what every page needs is announced in the document", async () => {
    const directory = new URL("../assets/js/", import.meta.url);
    const html = await readFile(
        new URL("../index.html", import.meta.url),
        "utf8",
    );
    const announced = Array.from(
        html.matchAll(/modulepreload" href="@ASSETS@\/js\/([^"]+)"/g),
        (one) => one[1],
    );
    const closure = async (name, found = new Set()) => {
        found.add(name);
        const code = await readFile(new URL(name, directory), "utf8");
        for (const [, next] of code.matchAll(/ from "\.\.?\/([^"]+)";$/gm)) {
            if (!found.has(next)) {
                await closure(next, found);
            }
        }
        return found;
    };
    const names = (await readdir(new URL("pages/", directory))).map(
        (name) => `pages/${name}`,
    );
    const pages = await Promise.all(names.map((name) => closure(name)));
    const all = [...pages[0]].filter((name) =>
        pages.every((page) => page.has(name)),
    );

    assert.equal(pages.length, paths.length);
    // Of the document as it is laid out: what each page needs besides
    const served = await (await fetch(`${base}/`)).text();
    const besides = Object.fromEntries(
        /name="modules" content="([^"]+)"/
            .exec(served)[1]
            .split(" ")
            .map((one) => one.split("=")),
    );
    for (const [at, name] of names.entries()) {
        assert.deepEqual(
            besides[name.slice("pages/".length, -".js".length)]
                .split(",")
                .map((one) => `${one}.js`)
                .sort(),
            [...pages[at]]
                .filter((one) => one !== name && !announced.includes(one))
                .sort(),
            name,
        );
    }
    assert.equal(Object.keys(besides).length, names.length);
    assert.deepEqual(
        announced.sort(),
        [...new Set([...(await closure("main.js")), ...all])].sort(),
    );
});

test("charts are a bonus: without the library nothing is missing", async () => {
    const { tab, close, nothingWrong } = await openTab(chromium.browser);

    await tab.route(`${base}/`, async (route) => {
        const answer = await route.fetch();
        const body = await answer.text();
        await route.fulfill({
            response: answer,
            body: body.replace(
                'name="graphiques" content="yes"',
                'name="graphiques" content="no"',
            ),
        });
    });
    await tab.goto("/");
    await settled(tab);
    assert.equal(await tab.locator("canvas").count(), 0);
    assert.equal(await tab.locator(".store").count(), 5);
    nothingWrong();
    await close();
});
