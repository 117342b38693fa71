// The till without a server: the pages are there, and what is sold then is sold
// once, whatever happens to the browser meanwhile.

import assert from "node:assert/strict";
import {
    cp,
    mkdtemp,
    readdir,
    readFile,
    rename,
    rm,
    writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import {
    api,
    base,
    isQuiet,
    offline,
    openBrowser,
    openTab,
    server,
    setStock,
    settled,
    stockOf,
    violations,
    withToken,
} from "./browser.js";
import { scan } from "./keyboard.js";
import { openKillable } from "./killable.js";
import {
    isMade,
    keeps,
    kept,
    NAME,
    newestSale,
    openTill as open,
    PRICE,
    PRODUCT,
    ready,
    STORE,
    sell,
    shopIsKnown,
    soldAfter,
    until,
    waits,
} from "./till.js";

const HOUR = 3600000;

let chromium;
let newest = 0;

// A test that fails leaves no tab behind that listens and sells.
afterEach(async () => {
    for (const context of chromium.browser.contexts()) {
        await context.close();
    }
});
before(async () => {
    chromium = await openBrowser();
});
after(async () => {
    await chromium.close();
    await server("start-nginx").catch(() => {});
});
beforeEach(async () => {
    await setStock(STORE, PRODUCT, 40);
    newest = await newestSale();
});

const openTill = (...options) => open(chromium.browser, ...options);
const sold = () => soldAfter(newest);

test("without a server: the till is there, sales wait and go once, in order", async () => {
    const { tab, close, nothingWrong } = await openTill();

    await server("stop-nginx");
    try {
        await tab.goto("/caisse");
        await tab.locator(".old", { hasText: "Hors connexion" }).waitFor();
        await tab
            .locator(".tile", { hasText: NAME })
            .filter({ hasText: /40\s+en stock/ })
            .waitFor();
        for (const units of [1, 2, 3]) {
            await sell(tab, units);
            await waits(tab);
            await keeps(tab, units);
        }
        await tab
            .locator("#network", {
                hasText: /3\s+ventes attendent d’être envoyées/,
            })
            .waitFor();
        assert.deepEqual(await violations(tab), []);
        await tab.reload();
        await keeps(tab, 3);
    } finally {
        await server("start-nginx");
    }
    await keeps(tab, 0);
    assert.deepEqual(await sold(), [1, 2, 3]);
    assert.equal(await stockOf(STORE, PRODUCT), 34);
    await tab.locator("#network p").first().waitFor({ state: "detached" });
    nothingWrong(/ERR_/);
    await close();
});

test("a barcode that was never scanned here is said not to be known offline", async () => {
    const { tab, close, nothingWrong } = await openTill();
    const left = tab.locator(".entries li");
    const [code] = (await api("GET", "/products/1/sheet/")).codes_barres;

    await offline(tab);
    await tab.getByLabel("Produit", { exact: true }).focus();
    await scan(tab, code);
    await left
        .getByText(`« ${code} » n’est pas connu de cet appareil sans connexion`)
        .waitFor();
    assert.equal(await tab.getByText("Aucun produit").count(), 0);
    // The code of the shop is known, and so is the name.
    await scan(tab, (await api("GET", "/products/1/sheet/")).code);
    await tab.locator(".ticket-lines li").waitFor();
    await tab.context().setOffline(false);
    nothingWrong(/ERR_/);
    await close();
});

test("the browser is killed while a sale waits: it goes once", async () => {
    const profile = await mkdtemp(join(tmpdir(), "magasin-profile."));
    let chromium = await openKillable(profile);

    try {
        await withToken(chromium.tab);
        await chromium.open(`/caisse?magasin=${STORE}`);
        await settled(chromium.tab);
        await ready(chromium.tab);
        await shopIsKnown(chromium.tab);
        await server("stop-nginx");
        await sell(chromium.tab, 5);
        await waits(chromium.tab);
        await chromium.kill();
        await server("start-nginx");
        assert.deepEqual(await sold(), []);

        // The token was the tab's: without one nothing goes.
        chromium = await openKillable(profile);
        await chromium.open("/caisse");
        await kept(chromium.tab)
            .filter({ hasText: "Il faut un jeton" })
            .waitFor();
        assert.deepEqual(await sold(), []);
        await chromium.tab
            .getByRole("button", { name: "S’identifier : attente" })
            .click();
        await chromium.tab.getByLabel("Jeton d’accès").fill("token-430");
        await chromium.tab.getByRole("button", { name: "Continuer" }).click();
        await keeps(chromium.tab, 0);
        assert.deepEqual(await sold(), [5]);
    } finally {
        await server("start-nginx").catch(() => {});
        await chromium.kill();
        await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    }
});

test("killed while the answer is on its way: made once", async () => {
    const profile = await mkdtemp(join(tmpdir(), "magasin-profile."));
    let chromium = await openKillable(profile);

    try {
        await withToken(chromium.tab);
        await chromium.open(`/caisse?magasin=${STORE}`);
        await settled(chromium.tab);
        await ready(chromium.tab);
        const answered = new Promise((resolve) =>
            chromium.tab.route(`${base}/api/v1/sales/`, async (route) => {
                // It is made, and nobody hears of it.
                await route.fetch();
                resolve();
            }),
        );
        await sell(chromium.tab, 7);
        await answered;
        assert.deepEqual(await sold(), [7]);
        await chromium.kill();

        chromium = await openKillable(profile);
        await withToken(chromium.tab);
        await chromium.open("/caisse");
        await settled(chromium.tab);
        await ready(chromium.tab);
        await chromium.tab.waitForFunction(
            () =>
                new Promise((resolve) => {
                    const request = indexedDB.open("magasin");
                    request.onsuccess = () => {
                        const all = request.result
                            .transaction("ventes")
                            .objectStore("ventes")
                            .count();
                        all.onsuccess = () => resolve(all.result === 0);
                    };
                }),
        );
        assert.deepEqual(await sold(), [7]);
    } finally {
        await chromium.kill();
        await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    }
});

test("no answer came: the same sale is sent again, and not a new one", async () => {
    const { tab, close, nothingWrong } = await openTill();
    const keys = [];

    await tab.route(`${base}/api/v1/sales/`, async (route) => {
        if (route.request().method() === "POST") {
            keys.push(route.request().headers()["idempotency-key"]);
        }
        if (keys.length <= 2 && route.request().method() === "POST") {
            await route.fetch();
            await route.abort();
        } else {
            await route.continue();
        }
    });
    await sell(tab, 4);
    await waits(tab);
    // The receipt is that of the sale, once it is known.
    await isMade(tab);
    await keeps(tab, 0);
    assert.equal(keys.length, 3);
    assert.match(keys[0], /^[0-9a-f]{32}$/);
    assert.equal(new Set(keys).size, 1);
    assert.deepEqual(await sold(), [4]);
    nothingWrong(/ERR_/);
    await close();
});

for (const status of [503, 504]) {
    test(`${status} is no missing network, and the sale waits all the same`, async () => {
        const { tab, close, nothingWrong } = await openTill();
        let trouble = true;

        await tab.route(`${base}/api/v1/sales/`, (route) =>
            trouble && route.request().method() === "POST"
                ? route.fulfill({ status, json: { detail: "Plus tard." } })
                : route.continue(),
        );
        await sell(tab, 2);
        await waits(tab);
        assert.equal(await tab.getByText("Hors connexion").count(), 0);
        trouble = false;
        await isMade(tab);
        assert.deepEqual(await sold(), [2]);
        nothingWrong(/50[34]/);
        await close();
    });
}

test("what is refused is put before a person, with why", async () => {
    const { tab, close, nothingWrong } = await openTill();
    const one = (n) => kept(tab).nth(n);

    await offline(tab);
    for (const units of [30, 31, 32]) {
        await sell(tab, units);
        await waits(tab);
    }
    await sell(tab, 1);
    await keeps(tab, 4);
    await setStock(STORE, PRODUCT, 3);
    await tab.context().setOffline(false);

    // One that is refused stops no other.
    await keeps(tab, 3);
    for (const n of [0, 1, 2]) {
        await one(n)
            .filter({ hasText: `${NAME} (demandé 3${n}, disponible 3)` })
            .waitFor();
    }
    assert.deepEqual(await sold(), [1]);
    for (const colorScheme of ["light", "dark"]) {
        for (const width of [360, 1280]) {
            await tab.emulateMedia({ colorScheme });
            await tab.setViewportSize({ width, height: 800 });
            assert.deepEqual(await violations(tab), [], colorScheme);
            assert.equal(
                await tab.evaluate(
                    () => document.documentElement.scrollWidth - innerWidth,
                ),
                0,
                `wider than ${width}`,
            );
        }
    }

    await one(2)
        .getByRole("button", { name: /^Abandonner/ })
        .click();
    await tab.getByRole("button", { name: "Abandonner la vente" }).click();
    await keeps(tab, 2);

    await one(1)
        .getByRole("button", { name: /^Modifier/ })
        .click();
    await keeps(tab, 1);
    await tab.getByLabel(`Quantité de ${NAME}`).fill("2");
    await tab.getByRole("button", { name: "Encaisser" }).click();
    await isMade(tab);

    await one(0)
        .getByRole("button", { name: /^Vendre quand même/ })
        .click();
    await tab
        .getByRole("dialog")
        .getByRole("button", { name: "Vendre quand même" })
        .click();
    await keeps(tab, 0);
    assert.deepEqual(await sold(), [1, 2, 30]);
    assert.equal(await stockOf(STORE, PRODUCT), 0);
    nothingWrong(/ERR_|409/);
    await close();
});

test("a price that changed meanwhile: what was paid can be kept", async () => {
    const { tab, close, nothingWrong } = await openTill();
    const price = (prix) => api("PATCH", `/products/${PRODUCT}/`, { prix });

    await offline(tab);
    await sell(tab, 2);
    await waits(tab);
    await price("26.00");
    try {
        await tab.context().setOffline(false);
        await kept(tab)
            .getByRole("button", { name: /^Garder les prix payés/ })
            .click();
        await tab.getByRole("button", { name: /^Enregistrer 51,00/ }).click();
        await keeps(tab, 0);
        assert.deepEqual(await sold(), [2]);
        const { results } = await api("GET", "/sales/?limit=1");
        assert.equal(Number(results[0].total), 2 * PRICE);
    } finally {
        await price("25.50");
    }
    nothingWrong(/ERR_|409/);
    await close();
});

for (const [hours, asked] of [
    [22.9, false],
    [23, true],
    [30, true],
    [-1, true],
]) {
    test(`after ${hours} hours a sale is ${asked ? "asked about" : "sent"}`, async () => {
        const { tab, close, nothingWrong } = await openTill();

        await offline(tab);
        await sell(tab, 6);
        await waits(tab);
        await tab.clock.setSystemTime(Date.now() + hours * HOUR);
        if (asked) {
            // It may be on its way once more as the clock is set.
            await kept(tab)
                .filter({ hasText: "Attend depuis plus de 23 heures" })
                .waitFor();
            await isQuiet(tab);
        }
        await tab.context().setOffline(false);
        if (asked) {
            // A server that is there does not make it go.
            await sell(tab, 1);
            await isMade(tab);
            assert.deepEqual(await sold(), [1]);
            await kept(tab)
                .getByRole("button", { name: /^Envoyer/ })
                .click();
            await tab
                .getByRole("dialog")
                .getByRole("button", { name: "Envoyer" })
                .click();
        }
        await keeps(tab, 0);
        assert.deepEqual(await sold(), asked ? [1, 6] : [6]);
        nothingWrong(/ERR_/);
        await close();
    });
}

test("with another token it is asked about: keys belong to a token", async () => {
    const { tab, close, nothingWrong } = await openTill();

    await offline(tab);
    await sell(tab, 3);
    await waits(tab);
    await tab.addInitScript(() =>
        sessionStorage.setItem("magasin.jeton", "token-431"),
    );
    await tab.reload();
    await kept(tab)
        .filter({ hasText: "A été faite avec un autre jeton" })
        .waitFor();
    assert.deepEqual(
        (await tab.evaluate(() => localStorage.length)) >= 0,
        true,
    );
    nothingWrong(/ERR_/);
    await close();
});

test("of two tabs one sends", async () => {
    const { tab, close, nothingWrong } = await openTill();
    const context = tab.context();
    const posts = [];

    context.on("request", (request) => {
        if (request.method() === "POST") {
            posts.push(request.headers()["idempotency-key"]);
        }
    });
    await offline(tab);
    for (const units of [1, 2, 3, 4]) {
        await sell(tab, units);
        await waits(tab);
    }
    const other = await context.newPage();
    await withToken(other);
    await other.goto(`/caisse?magasin=${STORE}`);
    await keeps(other, 4);
    posts.length = 0;
    await context.setOffline(false);
    await keeps(tab, 0);
    await keeps(other, 0);
    assert.deepEqual(await sold(), [1, 2, 3, 4]);
    assert.equal(new Set(posts).size, 4);
    nothingWrong(/ERR_/);
    await close();
});

// All that a page has loaded is of one version.
const versions = (tab) =>
    tab.evaluate(() => [
        ...new Set(
            [
                ...performance
                    .getEntriesByType("resource")
                    .map((one) => one.name),
                document.querySelector("script[type=module]").src,
            ]
                .map(
                    (name) => /\/assets\/([0-9a-f]+|nouveau)\//.exec(name)?.[1],
                )
                .filter(Boolean),
        ),
    ]);

// The same files under another name, as a newer version of them; action(old) runs
// once they are laid out.
async function withNewVersion(action) {
    const { stdout } = await server("home");
    const web = join(stdout.trim(), "web");
    const [old] = await readdir(join(web, "assets"));
    const again = join(web, "..", "web.before");

    await cp(web, again, { recursive: true });
    try {
        await rename(join(web, "assets", old), join(web, "assets", "nouveau"));
        for (const name of ["index.html", "service.js"]) {
            const text = await readFile(join(web, name), "utf8");
            await writeFile(join(web, name), text.replaceAll(old, "nouveau"));
            await rm(join(web, `${name}.gz`));
        }
        await action();
    } finally {
        await server("start-nginx").catch(() => {});
        await rm(web, { recursive: true });
        await rename(again, web);
    }
}

// A machine that is too busy to answer in four seconds gives the old version once
// more, whole.
async function taken(tab) {
    await until("the next load has it", async () => {
        await tab.goto("/caisse");
        await settled(tab);
        const shown = await versions(tab);
        assert.equal(shown.length, 1, shown.join());
        return shown[0] === "nouveau";
    });
    await until("it is kept", () =>
        tab.evaluate(async () => {
            const name = "magasin-pages-nouveau";
            const { active, installing, waiting } =
                await navigator.serviceWorker.ready;
            // The one that is active until then is the old one.
            return (
                !installing &&
                !waiting &&
                active.state === "activated" &&
                (await caches.has(name)) &&
                Boolean(await (await caches.open(name)).match("/"))
            );
        }),
    );
}

test("a new version is taken at the next load, whole, also without a server", async () => {
    const { tab, close, nothingWrong } = await openTill();

    assert.deepEqual((await versions(tab)).includes("nouveau"), false);
    await withNewVersion(async () => {
        await taken(tab);
        await server("stop-nginx");
        await tab.goto("/stock");
        await tab.locator("h1", { hasText: "Stock" }).waitFor();
        assert.deepEqual(await versions(tab), ["nouveau"]);
    });
    nothingWrong(/ERR_/);
    await close();
});

test("a new version comes while sales wait: they go once, also without a server between", async () => {
    const { tab, close, nothingWrong } = await openTill();
    const keys = new Set();
    let trouble = true;

    await tab.context().route(`${base}/api/v1/sales/`, (route) => {
        if (route.request().method() !== "POST") {
            return route.continue();
        }
        keys.add(route.request().headers()["idempotency-key"]);
        return trouble ? route.abort() : route.continue();
    });
    for (const units of [2, 3]) {
        await sell(tab, units);
        await waits(tab);
    }
    await withNewVersion(async () => {
        await taken(tab);
        await keeps(tab, 2);
        await server("stop-nginx");
        await tab.reload();
        await keeps(tab, 2);
        assert.deepEqual(await versions(tab), ["nouveau"]);
        trouble = false;
        await server("start-nginx");
        await keeps(tab, 0);
        assert.deepEqual(await sold(), [2, 3]);
    });
    assert.equal(keys.size, 2);
    nothingWrong(/ERR_/);
    await close();
});

test("no room for a sale: it is sent as before, and made once", async () => {
    const { tab, close, nothingWrong } = await openTill();

    await tab.evaluate(() => {
        const { transaction } = IDBDatabase.prototype;

        // As a browser says it, when the transaction ends
        IDBDatabase.prototype.transaction = function (names, mode, ...more) {
            const one = transaction.call(this, names, mode, ...more);

            if (mode === "readwrite" && names.includes("ventes")) {
                Object.defineProperty(one, "error", {
                    value: new DOMException("full", "QuotaExceededError"),
                });
                const { objectStore } = one;
                one.objectStore = (...name) => {
                    const place = objectStore.apply(one, name);
                    queueMicrotask(() => one.abort());
                    return place;
                };
            }
            return one;
        };
    });
    await sell(tab, 2);
    await isMade(tab);
    assert.deepEqual(await sold(), [2]);
    await keeps(tab, 0);
    nothingWrong(/QuotaExceededError/);
    await close();
});

test("no answer of the API is kept, and none is shown as fresh", async () => {
    const { tab, close, nothingWrong } = await openTill();

    await tab.goto(`/stock?magasin=${STORE}`);
    await settled(tab);
    const names = await tab.evaluate(async () => {
        const all = [];
        for (const name of await caches.keys()) {
            const cache = await caches.open(name);
            all.push(...(await cache.keys()).map((one) => one.url));
        }
        return all;
    });
    assert.ok(names.length > 50);
    assert.deepEqual(
        names.filter(
            (name) => !/^\/($|favicon|assets\/)/.test(new URL(name).pathname),
        ),
        [],
    );
    await server("stop-nginx");
    try {
        await tab.goto(`/stock?magasin=${STORE}`);
        await tab.locator(".problem").waitFor();
        assert.equal(await tab.locator("tbody tr").count(), 0);
    } finally {
        await server("start-nginx");
    }
    nothingWrong(/ERR_/);
    await close();
});

for (const [what, prepare] of [
    [
        "no service worker",
        (tab) =>
            tab.addInitScript(() =>
                Object.defineProperty(Navigator.prototype, "serviceWorker", {
                    value: undefined,
                }),
            ),
    ],
    [
        "no database",
        (tab) =>
            tab.addInitScript(() => {
                IDBFactory.prototype.open = () => {
                    throw new DOMException("blocked", "SecurityError");
                };
            }),
    ],
    [
        "no locks",
        (tab) =>
            tab.addInitScript(() =>
                Object.defineProperty(Navigator.prototype, "locks", {
                    value: undefined,
                }),
            ),
    ],
]) {
    test(`${what}: the till says so, and sells as before`, async () => {
        const { tab, close, nothingWrong } = await openTab(chromium.browser, {
            serviceWorkers: "allow",
        });

        await prepare(tab);
        await withToken(tab);
        await tab.goto(`/caisse?magasin=${STORE}`);
        await settled(tab);
        await tab.getByText("ce navigateur ne garde pas les ventes").waitFor();
        await sell(tab, 2);
        await isMade(tab);
        assert.deepEqual(await sold(), [2]);
        nothingWrong();
        await close();
    });
}
