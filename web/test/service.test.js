// The service worker alone: what it keeps of what it is answered, and what it
// does when nothing can be kept.  offline.test.js has it in a browser.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { beforeEach, test } from "node:test";
import { createContext, runInContext } from "node:vm";

const ORIGIN = "http://magasin.test";
const text = await readFile(new URL("../service.js", import.meta.url), "utf8");
const page = `<script src="/assets/v2/js/main.js"></script>`;
const types = { css: "text/css", js: "text/javascript", svg: "image/svg+xml" };

// What the server, or whatever answers in its place, says to a path
let answers;
let asked;
let stored;

function answer(body, type, more = {}) {
    const { status = 200, headers = {}, ...facts } = more;
    const made = new Response(body, {
        status,
        headers: { "Content-Type": `${type}; charset=utf-8`, ...headers },
    });
    for (const [name, value] of Object.entries({
        type: "basic",
        redirected: false,
        ...facts,
    })) {
        Object.defineProperty(made, name, { value });
    }
    return made;
}

const usual = (path) =>
    path === "/"
        ? answer(page, "text/html")
        : answer(`content of ${path}`, types[path.split(".").at(-1)]);

async function fetchIt(request, options = {}) {
    const path = new URL(request.url ?? request, ORIGIN).pathname;

    asked.push([path, options.cache]);
    const made = await (answers.get(path) ?? usual)(path, options);
    if (!made.url) {
        Object.defineProperty(made, "url", { value: ORIGIN + path });
    }
    return made;
}

const caches = {
    has: async (name) => stored.has(name),
    keys: async () => [...stored.keys()],
    delete: async (name) => stored.delete(name),
    open: async (name) => {
        if (!stored.has(name)) {
            stored.set(name, new Map());
        }
        return { put: async (path, one) => stored.get(name).set(path, one) };
    },
    match: async (path, { cacheName }) =>
        stored.get(cacheName)?.get(path)?.clone(),
};

// A service worker of this version, begun anew: what its events do
function worker(version = "v2", storage = caches) {
    const listeners = {};
    const list = (...names) =>
        names.map((name) => `/assets/${version}/${name}`).join(" ");
    const code = text
        .replace("@VERSION@", version)
        .replace("@FILES@", `${list("style.css", "js/main.js")} /favicon.svg`)
        .replace("@LATER@", list("vendor/chart.js"))
        .replace("@PAGES@", "/ /caisse");

    runInContext(
        code,
        createContext({
            self: {
                location: { origin: ORIGIN },
                addEventListener: (name, run) => {
                    listeners[name] = run;
                },
                skipWaiting: async () => {},
                clients: { claim: async () => {} },
            },
            caches: storage,
            fetch: fetchIt,
            URL,
            // Nobody waits here.
            setTimeout: (run, milliseconds) =>
                milliseconds < 4000 ? setTimeout(run, 0) : 0,
        }),
    );
    const dispatch = async (name, event) => {
        const waits = [];
        let response;

        listeners[name]({
            ...event,
            waitUntil: (one) => waits.push(one),
            respondWith: (one) => {
                response = one;
            },
        });
        const given = await response;
        await Promise.all(waits);
        return given;
    };

    return {
        install: () => dispatch("install", {}),
        activate: () => dispatch("activate", {}),
        get: (path, more = {}) =>
            dispatch("fetch", {
                request: {
                    method: "GET",
                    mode: "cors",
                    url: ORIGIN + path,
                    ...more,
                },
            }),
    };
}

const kept = (version = "v2") => [
    ...(stored.get(`magasin-pages-${version}`)?.keys() ?? []),
];
const CHART = "/assets/v2/vendor/chart.js";
const WHOLE = [
    "/",
    "/assets/v2/style.css",
    "/assets/v2/js/main.js",
    "/favicon.svg",
];

beforeEach(() => {
    answers = new Map();
    asked = [];
    stored = new Map();
});

test("one version is kept, whole", async () => {
    await worker().install();
    assert.deepEqual(kept(), WHOLE);
});

const strange = {
    "a page in its place": () => answer("<html>", "text/html"),
    "no type": () => answer("x", "", { headers: { "Content-Type": "" } }),
    "a type that only begins so": () => answer("x", "text/javascript-not"),
    "a redirect that was followed": () =>
        answer("x", "text/javascript", { redirected: true }),
    "an address elsewhere": () =>
        answer("x", "text/javascript", { url: "http://other.test/x.js" }),
    "another address here": () =>
        answer("x", "text/javascript", { url: `${ORIGIN}/login.js` }),
    "an opaque answer": () =>
        answer("x", "text/javascript", { type: "opaque" }),
    "no-store": () =>
        answer("x", "text/javascript", {
            headers: { "Cache-Control": "private, No-Store" },
        }),
    "a part of it": () => answer("x", "text/javascript", { status: 206 }),
    "not found": () => answer("x", "text/javascript", { status: 404 }),
};

for (const [what, give] of Object.entries(strange)) {
    test(`${what}: nothing of that version is kept`, async () => {
        answers.set("/assets/v2/js/main.js", give);
        await assert.rejects(worker().install(), /main\.js: not the file/);
        assert.deepEqual([...stored.keys()], []);
    });

    test(`${what}, of a library: passed on, and not kept`, async () => {
        const one = worker();

        await one.install();
        answers.set(CHART, give);
        assert.equal(await (await one.get(CHART)).text(), await give().text());
        assert.deepEqual(kept(), WHOLE);
    });
}

test("a page that is not ours in the place of the document", async () => {
    answers.set("/", () => answer("Log in here", "text/html"));
    await assert.rejects(worker().install(), /another version/);
    assert.deepEqual([...stored.keys()], []);
});

test("what the browser has kept wrongly is asked for again", async () => {
    answers.set("/assets/v2/style.css", (path, { cache }) =>
        cache === "reload" ? usual(path) : answer("<html>", "text/html"),
    );
    await worker().install();
    assert.deepEqual(kept(), WHOLE);
    assert.deepEqual(
        asked.filter(([path]) => path.endsWith("style.css")),
        [
            ["/assets/v2/style.css", "default"],
            ["/assets/v2/style.css", "reload"],
        ],
    );
});

test("a server that is busy is asked again", async () => {
    let left = 2;

    answers.set("/assets/v2/style.css", (path) => {
        left -= 1;
        return left >= 0
            ? answer("", "text/css", { status: 503 })
            : usual(path);
    });
    await worker().install();
    assert.deepEqual(kept(), WHOLE);
});

test("a library is kept once it was needed, and nothing that is not listed", async () => {
    const one = worker();

    await one.install();
    await one.get(CHART);
    await one.get(`${CHART}?again`);
    await one.get("/assets/v2/js/invented.js");
    for (let n = 0; n < 50; n += 1) {
        await one.get(`/assets/v2/vendor/chart.js/${n}.js`);
    }
    assert.deepEqual(kept(), [...WHOLE, CHART]);
    asked = [];
    assert.match(await (await one.get(CHART)).text(), /content of/);
    assert.deepEqual(asked, []);
});

test("only pages and their files are answered", async () => {
    const one = worker();

    await one.install();
    for (const request of [
        ["/api/v1/sales/"],
        ["/api/v1/sales/", { mode: "navigate" }],
        ["/swagger/", { mode: "navigate" }],
        ["/caisse", { mode: "navigate", method: "POST" }],
        ["/favicon.svg", { url: "http://other.test/favicon.svg" }],
    ]) {
        assert.equal(await one.get(...request), undefined, request[0]);
    }
});

test("without a network: the page that is kept; with one, that of the network", async () => {
    const one = worker();
    const open = () => one.get("/caisse", { mode: "navigate" });

    await one.install();
    answers.set("/caisse", () => answer("the newest", "text/html"));
    assert.equal(await (await open()).text(), "the newest");
    answers.set("/caisse", () =>
        answer("trouble", "text/html", { status: 502 }),
    );
    assert.equal(await (await open()).text(), page);
    answers.set("/caisse", () => Promise.reject(new TypeError("no network")));
    assert.equal(await (await open()).text(), page);
});

test("an install that fails takes nothing away that works", async () => {
    await worker().install();
    answers.set("/assets/v2/js/main.js", () =>
        Promise.reject(new TypeError("no network")),
    );
    await assert.rejects(worker().install(), /no network/);
    assert.deepEqual(kept(), WHOLE);
});

test("of older versions one is left, for tabs that are open", async () => {
    for (const version of ["v0", "v1"]) {
        stored.set(
            `magasin-pages-${version}`,
            new Map([
                [`/assets/${version}/js/old.js`, usual("/old.js")],
                ["/favicon.svg", answer(version, "image/svg+xml")],
            ]),
        );
    }
    stored.set("somebody-else", new Map());
    const one = worker();

    await one.install();
    await one.activate();
    assert.deepEqual([...stored.keys()].sort(), [
        "magasin-pages-v1",
        "magasin-pages-v2",
        "somebody-else",
    ]);
    assert.match(
        await (await one.get("/assets/v1/js/old.js")).text(),
        /content of/,
    );
    // A name that both have is of this version.
    assert.match(await (await one.get("/favicon.svg")).text(), /content of/);
});

test("storage that is broken or full: the network is there", async () => {
    const fails = async () => {
        throw new DOMException("full", "QuotaExceededError");
    };
    const one = worker("v2", {
        has: fails,
        keys: fails,
        open: fails,
        match: fails,
        delete: fails,
    });

    assert.match(await (await one.get(CHART)).text(), /content of/);
    assert.match(
        await (await one.get("/caisse", { mode: "navigate" })).text(),
        /./,
    );
});
