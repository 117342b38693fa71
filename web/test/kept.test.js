// What the till keeps, and what could make it lose a sale, sell it twice or show
// as new what is old: odd answers, several tabs, and a browser that forgets.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, afterEach, before, beforeEach, test } from "node:test";
import {
    base,
    offline,
    openBrowser,
    openTab,
    setStock,
    settled,
    token,
    withToken,
} from "./browser.js";
import {
    fill,
    isMade,
    keeps,
    kept,
    NAME,
    newestSale,
    openTill,
    PRODUCT,
    STORE,
    sell,
    soldAfter,
    until,
    waits,
} from "./till.js";

const HOUR = 3600000;
const SALES = `${base}/api/v1/sales/`;

let chromium;
let newest = 0;

afterEach(async () => {
    for (const context of chromium.browser.contexts()) {
        await context.close();
    }
});
before(async () => {
    chromium = await openBrowser();
});
after(() => chromium.close());
beforeEach(async () => {
    await setStock(STORE, PRODUCT, 40);
    newest = await newestSale();
});

const sold = () => soldAfter(newest);

// A tab that was opened looks once for what waits; that is over.
async function looked(tab) {
    await tab.waitForLoadState("load");
    await tab.evaluate(async () => {
        const { src } = document.querySelector("script[type=module]");
        await import(src.replace("main.js", "shell.js"));
        const outbox = await import(src.replace("main.js", "outbox.js"));

        await outbox.works();
        await outbox.waiting();
        await outbox.waiting();
        await outbox.send();
    });
}

// The first answers to a sale are these; then come those of the server.  Gives
// the keys that were sent.
async function answer(place, ...first) {
    const keys = [];

    await place.route(SALES, async (route) => {
        if (route.request().method() !== "POST") {
            await route.continue();
            return;
        }
        keys.push(route.request().headers()["idempotency-key"]);
        const one = first.shift();

        await (one ? one(route) : route.continue());
    });
    return keys;
}

const page = (status) => (route) =>
    route.fulfill({
        status,
        contentType: "text/html",
        body: "<p>Identifiez-vous.</p>",
    });
const madeThen = (status) => async (route) => {
    await route.fetch();
    await route.fulfill({ status, json: { detail: "Erreur interne." } });
};
const madeUnheard = async (route) => {
    await route.fetch();
    await route.abort();
};

test("stock that other pages have kept, and stock that nobody knows", async () => {
    const { tab, close, nothingWrong } = await openTill(chromium.browser);
    const tiles = tab.locator(".tile");
    const many = await tiles.count();

    // Another page writes nothing of that.
    await offline(tab);
    await tab.goto("/etiquettes");
    await tab.locator("h1", { hasText: "Étiquettes" }).waitFor();
    await tab.evaluate(
        (id) =>
            new Promise((resolve) => {
                const request = indexedDB.open("magasin");
                request.onsuccess = () => {
                    const change = request.result.transaction(
                        "produits",
                        "readwrite",
                    );
                    const place = change.objectStore("produits");

                    place.getAll().onsuccess = ({ target }) => {
                        for (const { stock, ...one } of target.result) {
                            if (one.id === id) {
                                place.put({
                                    ...one,
                                    stock: { ...stock, left: 40 },
                                });
                            } else {
                                place.put(one);
                            }
                        }
                    };
                    change.oncomplete = () => {
                        request.result.close();
                        resolve();
                    };
                };
            }),
        PRODUCT,
    );
    await tab.goto(`/caisse?magasin=${STORE}`);
    await tab.locator(".old", { hasText: "Hors connexion" }).waitFor();
    assert.equal(await tiles.count(), many);
    assert.equal(
        await tiles.filter({ hasText: "Stock inconnu" }).count(),
        many,
    );
    await sell(tab, 2);
    await waits(tab);
    await tab.context().setOffline(false);
    await keeps(tab, 0);
    assert.deepEqual(await sold(), [2]);
    nothingWrong(/ERR_/);
    await close();
});

test("what is no answer of the API decides nothing", async () => {
    const { tab, close, nothingWrong } = await openTill(chromium.browser);
    const keys = await answer(
        tab,
        page(200),
        page(404),
        page(403),
        madeUnheard,
    );

    await sell(tab, 3);
    await waits(tab);
    await tab.evaluate(() => dispatchEvent(new Event("online")));
    await until("it is sent five times", async () => {
        await tab.evaluate(() => dispatchEvent(new Event("online")));
        return keys.length === 5;
    });
    await isMade(tab);
    await keeps(tab, 0);
    assert.equal(new Set(keys).size, 1);
    assert.deepEqual(await sold(), [3]);
    nothingWrong(/ERR_|40[34]/);
    await close();
});

test("500: nobody knows, so that it goes again with its key only", async () => {
    const { tab, close, nothingWrong } = await openTill(chromium.browser);
    const keys = await answer(tab, madeThen(500));

    await sell(tab, 4);
    await waits(tab);
    await kept(tab).filter({ hasText: "peut-être" }).waitFor();
    assert.equal(
        await kept(tab)
            .getByRole("button", { name: /^Modifier/ })
            .count(),
        0,
    );
    // It stops no other.
    await sell(tab, 1);
    await isMade(tab);
    await kept(tab)
        .getByRole("button", { name: /^Renvoyer/ })
        .click();
    await keeps(tab, 0);
    assert.equal(keys.length, 3);
    assert.equal(keys[2], keys[0]);
    assert.deepEqual(await sold(), [4, 1]);
    nothingWrong(/500/);
    await close();
});

test("500 in a browser that keeps no sales: the ticket stays as it was", async () => {
    const { tab, close, nothingWrong } = await openTab(chromium.browser);
    const keys = await answer(tab, madeThen(500));

    await tab.addInitScript(() =>
        Object.defineProperty(Navigator.prototype, "serviceWorker", {
            value: undefined,
        }),
    );
    await withToken(tab);
    await tab.goto(`/caisse?magasin=${STORE}`);
    await settled(tab);
    await sell(tab, 5);
    await tab.getByText("On ne sait pas si cette vente").waitFor();
    await tab.getByRole("button", { name: "Réessayer" }).click();
    await isMade(tab);
    assert.equal(new Set(keys).size, 1);
    assert.deepEqual(await sold(), [5]);
    nothingWrong(/500/);
    await close();
});

// A ticket of which nobody knows, and whose key the server has forgotten
async function forgotten(tab) {
    await tab.addInitScript(
        ([store, id, name, key]) => {
            if (sessionStorage.getItem("magasin.ticket") === null) {
                sessionStorage.setItem(
                    "magasin.ticket",
                    JSON.stringify({
                        lines: [{ id, name, price: "25.50", quantity: 9 }],
                        store,
                        phase: "unknown",
                        key,
                        sent: Date.now() - 24 * 3600000,
                    }),
                );
            }
        },
        [STORE, PRODUCT, NAME, randomBytes(16).toString("hex")],
    );
    await withToken(tab);
    await tab.goto(`/caisse?magasin=${STORE}`);
    await settled(tab);
    await tab.getByRole("button", { name: "Réessayer" }).click();
}

test("a ticket that nobody knows of for a day is asked about", async () => {
    const { tab, close, nothingWrong } = await openTab(chromium.browser, {
        serviceWorkers: "allow",
    });

    await forgotten(tab);
    await kept(tab)
        .filter({ hasText: "Elle a peut-être déjà été enregistrée" })
        .waitFor();
    assert.deepEqual(await sold(), []);
    nothingWrong();
    await close();
});

test("the same in a browser that keeps no sales", async () => {
    const { tab, close, nothingWrong } = await openTab(chromium.browser);
    const dialog = tab.getByRole("dialog");

    await tab.addInitScript(() =>
        Object.defineProperty(Navigator.prototype, "serviceWorker", {
            value: undefined,
        }),
    );
    await forgotten(tab);
    await dialog.getByText("peut-être déjà été enregistrée").waitFor();
    await dialog.getByRole("button", { name: "Annuler" }).click();
    await tab.getByText("On ne sait pas si cette vente").waitFor();
    assert.deepEqual(await sold(), []);
    await tab.getByRole("button", { name: "Réessayer" }).click();
    await dialog.getByRole("button", { name: "Envoyer" }).click();
    await isMade(tab);
    assert.deepEqual(await sold(), [9]);
    nothingWrong();
    await close();
});

test("a machine that slept for a day while a sale was sent sells no second time", async () => {
    const { tab, close, nothingWrong } = await openTab(chromium.browser);
    let posts = 0;

    await tab.addInitScript(() =>
        Object.defineProperty(Navigator.prototype, "serviceWorker", {
            value: undefined,
        }),
    );
    await withToken(tab);
    await tab.goto(`/caisse?magasin=${STORE}`);
    await settled(tab);
    await tab.route(SALES, async (route) => {
        if (route.request().method() !== "POST") {
            await route.continue();
            return;
        }
        posts += 1;
        await route.fetch();
        await tab.clock.setSystemTime(Date.now() + 24 * HOUR);
        await route.abort();
    });
    await sell(tab, 8);
    await tab.getByText("On ne sait pas si cette vente").waitFor();
    assert.equal(posts, 1);
    await tab.getByRole("button", { name: "Réessayer" }).click();
    await tab
        .getByRole("dialog")
        .getByText("peut-être déjà été enregistrée")
        .waitFor();
    assert.equal(posts, 1);
    assert.deepEqual(await sold(), [8]);
    nothingWrong(/ERR_/);
    await close();
});

test("a token that is refused takes none away that came after it", async () => {
    const { tab, close, nothingWrong } = await openTill(chromium.browser);
    const give = (text) =>
        tab.evaluate(
            (now) => sessionStorage.setItem("magasin.jeton", now),
            text,
        );

    // Reads are none of this.
    await tab.route(`${base}/api/v1/**`, (route) =>
        route.continue({
            headers: {
                ...route.request().headers(),
                authorization: `Token ${token}`,
            },
        }),
    );
    await answer(tab, async (route) => {
        await give(token);
        await route.fulfill({ status: 401, json: { detail: "Non." } });
    });
    await fill(tab, 2);
    await give("jeton-d-avant");
    await tab.getByRole("button", { name: "Encaisser" }).click();
    await isMade(tab);
    assert.deepEqual(await sold(), [2]);
    nothingWrong(/401/);
    await close();
});

test("given up while it is sent: what became of it is said", async () => {
    const { tab, close, nothingWrong } = await openTill(chromium.browser);

    await offline(tab);
    await sell(tab, 6);
    await waits(tab);
    await kept(tab)
        .getByRole("button", { name: /^Abandonner/ })
        .click();
    await tab.context().setOffline(false);
    await until("it is made", async () => (await sold()).length === 1);
    await tab.getByRole("button", { name: "Abandonner la vente" }).click();
    await tab
        .locator(".notice", { hasText: /a été envoyée entre-temps/ })
        .waitFor();
    assert.equal(await tab.getByText("est abandonnée").count(), 0);
    assert.deepEqual(await sold(), [6]);
    nothingWrong(/ERR_/);
    await close();
});

test("two tabs decide about one refused sale: it is sold once", async () => {
    const { tab, close, nothingWrong } = await openTill(chromium.browser);
    const context = tab.context();
    const force = (where) =>
        kept(where)
            .getByRole("button", { name: /^Vendre quand même/ })
            .click();
    const sure = (where) =>
        where
            .getByRole("dialog")
            .getByRole("button", { name: "Vendre quand même" })
            .click();

    await offline(tab);
    await sell(tab, 30);
    await waits(tab);
    await setStock(STORE, PRODUCT, 3);
    await context.setOffline(false);
    await kept(tab).filter({ hasText: "disponible 3" }).waitFor();

    const other = await context.newPage();
    await withToken(other);
    await other.goto(`/caisse?magasin=${STORE}`);
    await keeps(other, 1);
    await force(other);
    const keys = await answer(context, madeUnheard, page(404));
    await force(tab);
    await sure(tab);
    await until("it is made", async () => (await sold()).length === 1);
    await sure(other);
    await until("it is decided", async () => {
        await tab.evaluate(() => dispatchEvent(new Event("online")));
        return (await kept(tab).count()) === 0;
    });
    assert.equal(new Set(keys).size, 1, keys.join());
    assert.deepEqual(await sold(), [30]);
    nothingWrong(/ERR_|409|404/);
    await close();
});

test("the browser is told to keep what waits", async () => {
    const { tab, close, nothingWrong } = await openTill(chromium.browser);

    await tab.evaluate(() => {
        globalThis.asked = 0;
        StorageManager.prototype.persist = async () => {
            globalThis.asked += 1;
            return true;
        };
    });
    await sell(tab, 1);
    await isMade(tab);
    assert.equal(await tab.evaluate(() => globalThis.asked), 0);
    await offline(tab);
    await sell(tab, 2);
    await waits(tab);
    assert.equal(await tab.evaluate(() => globalThis.asked), 1);
    await tab.context().setOffline(false);
    await keeps(tab, 0);
    nothingWrong(/ERR_/);
    await close();
});

test("a transaction that the browser gives up fails with a reason", async () => {
    const { tab, close, nothingWrong } = await openTill(chromium.browser);
    const reason = (wrong) =>
        tab.evaluate(async (wrong) => {
            const { src } = document.querySelector("script[type=module]");
            const kept = await import(src.replace("main.js", "kept.js"));
            const { transaction } = IDBDatabase.prototype;

            IDBDatabase.prototype.transaction = function (...options) {
                const made = transaction.apply(this, options);
                queueMicrotask(() =>
                    wrong === "given up"
                        ? made.abort()
                        : made.objectStore("faits").add({ nom: "deux fois" }),
                );
                return made;
            };
            try {
                return await kept.add("faits", { nom: "deux fois" }).then(
                    () => "none",
                    (error) => error?.name,
                );
            } finally {
                IDBDatabase.prototype.transaction = transaction;
            }
        }, wrong);

    assert.equal(await reason("given up"), "AbortError");
    assert.equal(await reason("there twice"), "ConstraintError");
    nothingWrong();
    await close();
});

test("somebody clears the data of the site: the next sale is kept again", async () => {
    const { tab, close, nothingWrong } = await openTill(chromium.browser);
    const debug = await tab.context().newCDPSession(tab);

    await fill(tab, 7);
    await debug.send("Storage.clearDataForOrigin", {
        origin: base,
        storageTypes: "indexeddb",
    });
    await offline(tab);
    await tab.getByRole("button", { name: "Encaisser" }).click();
    await waits(tab);
    await tab.context().setOffline(false);
    await keeps(tab, 0);
    assert.deepEqual(await sold(), [7]);
    // What was being read then.
    nothingWrong(/ERR_/, /Force close delete origin|transaction aborted/);
    await close();
});

test("the tab that tries is closed: another one goes on by itself", async () => {
    const { tab, close, nothingWrong } = await openTill(chromium.browser);
    const context = tab.context();
    const other = await context.newPage();
    let trouble = true;

    // Nothing else wakes it.
    await context.route(/\/journal\/stream\//, (route) =>
        route.fulfill({ status: 404, json: { detail: "Inconnu." } }),
    );
    await withToken(other);
    await other.clock.install();
    await other.goto(`/caisse?magasin=${STORE}`);
    await settled(other);
    await looked(other);
    await context.route(SALES, (route) =>
        trouble && route.request().method() === "POST"
            ? route.fulfill({ status: 503, json: { detail: "Plus tard." } })
            : route.continue(),
    );
    await sell(tab, 8);
    await waits(tab);
    await keeps(other, 1);
    await tab.close();
    trouble = false;
    await until("the other tab sends it", async () => {
        await other.clock.fastForward(30000);
        return (await sold()).length === 1;
    });
    assert.deepEqual(await sold(), [8]);
    nothingWrong(/503|404/);
    await close();
});

test("who leaves the till early finds its products the next time", async () => {
    const { tab, close, nothingWrong } = await openTab(chromium.browser, {
        serviceWorkers: "allow",
    });
    const shop = /\/stores\/4\/items\/\?limit=1000$/;
    let asked = 0;
    let hold = true;

    await tab.route(shop, (route) => {
        asked += 1;
        return hold ? undefined : route.continue();
    });
    await withToken(tab);
    await tab.goto(`/caisse?magasin=${STORE}`);
    await until("they are asked for", () => asked === 1);
    await tab.getByRole("link", { name: "Stock d’un magasin" }).click();
    await tab.locator("h1", { hasText: "Stock" }).waitFor();
    hold = false;
    await tab.goBack();
    await until("they are asked for again", () => asked === 2);
    nothingWrong();
    await close();
});

test("quantities that could not be read are said to be old", async () => {
    const { tab, close, nothingWrong } = await openTill(chromium.browser);
    let trouble = true;
    const old = tab.locator(".old");

    assert.equal(await old.count(), 0);
    await tab.route(/\/stores\/4\/items\/\?produits=/, (route) =>
        trouble
            ? route.fulfill({ status: 503, json: { detail: "Plus tard." } })
            : route.continue(),
    );
    await tab.reload();
    await settled(tab);
    await old.filter({ hasText: /Quantités vues le/ }).waitFor();
    await tab.locator(".tile", { hasText: "40" }).first().waitFor();
    trouble = false;
    await tab.evaluate(() =>
        document.dispatchEvent(new Event("visibilitychange")),
    );
    await tab.reload();
    await settled(tab);
    assert.equal(await old.count(), 0);
    nothingWrong(/503/);
    await close();
});
