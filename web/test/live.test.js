// What changes on the server is shown by itself, nobody is disturbed by it, and
// one tab of a browser reads it for all.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import {
    api,
    openBrowser,
    openTab,
    server,
    setStock,
    settled,
    sql,
    stockOf,
    withToken,
} from "./browser.js";
import { requests } from "./fault.js";

let chromium;

// A test that fails leaves no tab behind that listens and sells.
afterEach(async () => {
    for (const context of chromium.browser.contexts()) {
        await context.close();
    }
});
before(async () => {
    chromium = await openBrowser();
    await setStock(1, 2, 35);
});
after(() => chromium.close());

const STREAM = /\/journal\/stream\//;
const row = (tab, name) => tab.locator("tbody tr", { hasText: name });
const units = (tab, name) => row(tab, name).locator("td.stock");
const is = (locator, text) =>
    locator.filter({ hasText: new RegExp(`^${text}$`) }).waitFor();
const reads = (seen) => seen.filter((one) => !STREAM.test(one));

async function listeners() {
    const text = await (
        await fetch(`http://127.0.0.1:${process.env.METRICS_PORT}/metrics`)
    ).text();

    return Number(/^magasin_stream_listeners (\d+)$/m.exec(text)[1]);
}

async function until(what, wanted) {
    for (let left = 1200; left > 0; left -= 1) {
        if (await wanted()) {
            return;
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.fail(`never: ${what}`);
}

// A page that follows the stream, and what it asks for from then on
async function openLive(path, options = {}, prepare = () => {}) {
    const opened = await openTab(chromium.browser, options);
    const { tab } = opened;
    const seen = requests(tab);

    await withToken(tab);
    await prepare(tab);
    await follows(tab, path, seen);
    return { ...opened, seen };
}

// The stream begins when the page is read already, so all is read once more.
async function follows(tab, path, seen) {
    seen.length = 0;
    await tab.goto(path);
    await settled(tab);
    await until(
        "the stream begins",
        () => new Set(reads(seen)).size < reads(seen).length,
    );
    await settled(tab);
    seen.length = 0;
}

test("stock: the row that changes is read, and no other", async () => {
    const { tab, seen, close, nothingWrong } =
        await openLive("/stock?magasin=1");

    await setStock(1, 2, 34);
    await is(units(tab, "Souris optique"), "34");
    assert.equal(seen.length, 1, seen.join());
    assert.match(seen[0], /^\/stores\/1\/items\/\?q=[^&]+&limit=5$/);

    // Another store, and a product that is not shown, are nobody's business.
    await setStock(2, 2, (await stockOf(2, 2)) + 1);
    await setStock(1, 2, 33);
    await is(units(tab, "Souris optique"), "33");
    assert.equal(seen.length, 2, seen.join());

    // Many changes at once are one read.
    for (let left = 32; left > 12; left -= 1) {
        await setStock(1, 2, left);
    }
    await is(units(tab, "Souris optique"), "13");
    assert.ok(seen.length < 15, `${seen.length} reads of 20 changes`);
    nothingWrong();
    await close();
});

test("what changes while the page is read again is not missed", async () => {
    const { tab, close, nothingWrong } = await openLive("/stock?magasin=1");
    let read;
    let go;
    const other = await tab.context().newPage();
    const isRead = new Promise((resolve) => {
        read = resolve;
    });
    const goes = new Promise((resolve) => {
        go = resolve;
    });

    await withToken(other);
    await other.goto("/stock?magasin=1");
    await setStock(1, 2, 34);
    await is(units(tab, "Souris optique"), "34");
    await is(units(other, "Souris optique"), "34");
    await tab.route(/\/stores\/1\/items\/\?ordering=/, async (route) => {
        const response = await route.fetch();

        read();
        await goes;
        await route.fulfill({ response });
    });
    await tab.evaluate(() => document.dispatchEvent(new Event("jeton")));
    await isRead;
    // Another tab has heard of it and has read it: so could this one.
    await setStock(1, 2, 33);
    await is(units(other, "Souris optique"), "33");
    await tab.evaluate(() => new Promise(requestIdleCallback));
    go();
    await is(units(tab, "Souris optique"), "33");
    nothingWrong();
    await close();
});

test("stock: what is typed, selected and scrolled to stays", async () => {
    const { tab, close, nothingWrong } = await openLive("/stock?magasin=1", {
        viewport: { width: 1000, height: 420 },
    });
    const field = row(tab, "Souris optique").getByLabel(/^Minimum/);

    await setStock(1, 2, 35);
    await is(units(tab, "Souris optique"), "35");
    await field.fill("77");
    const { y } = await field.boundingBox();
    await setStock(1, 2, 31);
    await is(units(tab, "Souris optique"), "31");
    assert.equal(await field.inputValue(), "77");
    assert.equal(
        await field.evaluate((one) => one === document.activeElement),
        true,
    );
    assert.equal((await field.boundingBox()).y, y);

    // A selection in a row: the row is as it was until it is gone.
    await tab.keyboard.press("Escape");
    const title = row(tab, "Souris optique").locator(".title");
    await title.evaluate((node) => {
        document.activeElement.blur();
        getSelection().selectAllChildren(node);
    });
    await setStock(1, 2, 30);
    await setStock(1, 1, 19);
    await is(units(tab, "Clavier mécanique"), "19");
    assert.equal(
        await tab.evaluate(() => String(getSelection())),
        "Souris optique",
    );
    await is(units(tab, "Souris optique"), "30");
    nothingWrong();
    await close();
});

test("requests: one more, and one that is decided elsewhere", async () => {
    const made = await api("POST", "/replenishments/", {
        magasin: 1,
        produit: 3,
        quantite: 2,
    });
    const { tab, seen, close, nothingWrong } = await openLive("/demandes");
    const known = tab.locator(`tr[data-key="${made.id}"]`);

    await known.getByRole("checkbox").check();
    const other = await api("POST", "/replenishments/", {
        magasin: 2,
        produit: 4,
        quantite: 3,
    });
    const added = tab.locator(`tr[data-key="${other.id}"]`);
    await added.waitFor();
    assert.equal(await known.getByRole("checkbox").isChecked(), true);
    await tab.locator(".bulk", { hasText: /1\s+demande cochée/ }).waitFor();
    assert.deepEqual(seen, [
        `/replenishments/${other.id}/`,
        "/products/4/availability/",
    ]);

    await api("POST", `/replenishments/${other.id}/reject/`);
    await added.waitFor({ state: "detached" });
    // A row that has the focus stays until that has gone elsewhere.
    await api("POST", `/replenishments/${made.id}/cancel/`);
    await until("it is read", () =>
        seen.includes(`/replenishments/${made.id}/`),
    );
    assert.equal(await known.count(), 1);
    await tab.getByLabel("Statut").focus();
    await known.waitFor({ state: "detached" });
    assert.equal(
        seen.filter((one) => one.includes("statut=")).length,
        0,
        seen.join(),
    );
    nothingWrong();
    await close();
});

test("dashboard: follows, and counts requests without a list", async () => {
    const { tab, seen, close, nothingWrong } = await openLive("/");
    const figure = tab.locator(".figure", { hasText: "Demandes en attente" });
    const before = Number(await figure.locator(".value").textContent());
    const made = await api("POST", "/replenishments/", {
        magasin: 1,
        produit: 3,
        quantite: 2,
    });

    await is(figure.locator(".value"), String(before + 1));
    assert.deepEqual(seen, []);
    await api("POST", `/replenishments/${made.id}/cancel/`);
    await is(figure.locator(".value"), String(before));
    assert.deepEqual(seen, [`/replenishments/${made.id}/`]);

    const store = tab.locator(".card.store").first();
    const revenue = await store.locator(".value").textContent();
    await api("POST", "/sales/", {
        magasin: 1,
        lignes: [{ produit: 2, quantite: 1 }],
    });
    await store.locator(".value").filter({ hasNotText: revenue }).waitFor();
    assert.equal(seen.at(-1), "/dashboard/?detail=true");
    nothingWrong();
    await close();
});

test("till: what is shown follows, an entry stays", async () => {
    await setStock(1, 2, 25);
    const { tab, seen, close, nothingWrong } =
        await openLive("/caisse?magasin=1");
    const tile = tab.locator(".tile", { hasText: "Souris optique" });

    await tab.getByLabel("Produit").pressSequentially("Sou");
    await tab.waitForURL(/recherche=Sou/);
    await settled(tab);
    seen.length = 0;
    await setStock(1, 2, 24);
    await tile.filter({ hasText: /24\s+en stock/ }).waitFor();
    assert.deepEqual(seen, ["/stores/1/items/?produits=2&limit=100"]);
    assert.equal(await tab.getByLabel("Produit").inputValue(), "Sou");

    // A tile that has the focus says what is there, and is still the same.
    await tile.focus();
    await setStock(1, 2, 23);
    await tile.filter({ hasText: /23\s+en stock/ }).waitFor();
    assert.equal(
        await tile.evaluate((one) => one === document.activeElement),
        true,
    );
    nothingWrong();
    await close();
});

test("till: a quantity that is being typed stays", async () => {
    await setStock(1, 2, 25);
    const { tab, close, nothingWrong } = await openLive("/caisse?magasin=1");
    const lines = tab.locator(".ticket-lines li");
    const left = (count) =>
        lines.filter({ hasText: `Il n’en reste que ${count}` }).waitFor();

    await tab.getByLabel("Produit").pressSequentially("5*souris op");
    await tab.keyboard.press("Enter");
    await lines.first().waitFor();
    const field = tab.getByLabel("Quantité de Souris optique");

    // The field is empty for a moment.
    await field.focus();
    await tab.keyboard.press("Delete");
    await setStock(1, 2, 4);
    await left(4);
    assert.equal(await field.inputValue(), "");
    await tab.keyboard.type("3");
    await tab.keyboard.press("Enter");
    assert.equal(await field.inputValue(), "3");

    // 0, which Enter makes true
    await field.focus();
    await tab.keyboard.type("0");
    await setStock(1, 2, 2);
    await left(2);
    assert.equal(await field.inputValue(), "0");
    await tab.keyboard.press("Enter");
    assert.equal(await lines.count(), 0);
    nothingWrong();
    await close();
});

test("one tab reads for all; another one goes on where it ends", async () => {
    const {
        tab: first,
        seen,
        close,
        nothingWrong,
    } = await openLive("/stock?magasin=1");
    const context = first.context();
    const tabs = [first];
    const streams = [];

    await until("one listens", async () => (await listeners()) === 1);
    context.on("request", (request) => {
        if (STREAM.test(request.url())) {
            streams.push(request.headers());
        }
    });
    for (let left = 5; left > 0; left -= 1) {
        const tab = await context.newPage();
        await withToken(tab);
        await tab.goto("/stock?magasin=1");
        await settled(tab);
        tabs.push(tab);
    }
    await setStock(1, 2, 22);
    for (const tab of tabs) {
        await is(units(tab, "Souris optique"), "22");
    }
    assert.equal(await listeners(), 1);
    assert.equal(streams.length, 0);

    // What happens while it goes is neither lost nor read twice.
    seen.length = 0;
    const asked = requests(tabs[1]);
    await Promise.all([first.close(), setStock(1, 2, 21)]);
    for (const tab of tabs.slice(1)) {
        await is(units(tab, "Souris optique"), "21");
    }
    await until("another one reads", () => streams.length === 1);
    assert.ok(streams[0]["last-event-id"], "it begins anew");
    await setStock(1, 2, 20);
    await is(units(tabs[1], "Souris optique"), "20");
    assert.equal(reads(asked).length, 2, asked.join());
    assert.equal(await listeners(), 1);
    nothingWrong();
    await close();
});

test("a hidden tab asks for nothing until it is shown", async () => {
    const { tab, seen, close, nothingWrong } = await openLive(
        "/stock?magasin=1",
        {},
        (tab) =>
            tab.addInitScript(() => {
                Object.defineProperty(document, "visibilityState", {
                    get: () => (globalThis.away ? "hidden" : "visible"),
                });
            }),
    );
    const show = (yes) =>
        tab.evaluate((shown) => {
            globalThis.away = !shown;
            document.dispatchEvent(new Event("visibilitychange"));
        }, yes);
    const front = await tab.context().newPage();

    await withToken(front);
    await front.goto("/stock?magasin=1");
    await settled(front);
    await show(false);
    await setStock(1, 2, 29);
    await setStock(1, 2, 28);
    // The tab in front has it: so has this one heard of it.
    await is(units(front, "Souris optique"), "28");
    assert.deepEqual(seen, []);
    await show(true);
    await is(units(tab, "Souris optique"), "28");
    assert.equal(seen.length, 1, seen.join());
    nothingWrong();
    await close();
});

// What the tab has heard last of the stream; null where there is none
const heard = (tab) =>
    tab.evaluate(async () => {
        const { src } = document.querySelector("script[type=module]");
        const { followed } = await import(src.replace("main.js", "live.js"));

        return followed().last;
    });

// Minutes pass in steps of 14 s; in each one something happens that the page does
// not show, which says that the stream is there.  A dashboard shows all stores.
const stores = async () => {
    const elsewhere = await stockOf(5, 1);

    return (step) => setStock(5, 1, elsewhere + step);
};
const descriptions = () => (step) =>
    api("PATCH", "/products/1/", { description: `Essai ${step}` });

async function minute(tab, elsewhere = stores) {
    const change = await elsewhere();

    for (let step = 1; step <= 5; step += 1) {
        const before = await heard(tab);

        await tab.clock.runFor(14000);
        await change(step);
        if (before !== null) {
            await until(
                "it hears of that",
                async () => (await heard(tab)) !== before,
            );
        }
    }
    await change(0);
}

test("a page idle for a minute sends nothing", async () => {
    for (const path of [
        "/",
        "/stock?magasin=1",
        "/demandes",
        "/caisse?magasin=1",
    ]) {
        const { tab, seen, close, nothingWrong } = await openLive(
            path,
            {},
            (tab) => tab.clock.install(),
        );

        await minute(tab, path === "/" ? descriptions : stores);
        assert.deepEqual(seen, [], path);
        nothingWrong();
        await close();
    }
});

test("without a stream it asks again, as before", async () => {
    const { tab, close, nothingWrong } = await openTab(chromium.browser);
    const seen = requests(tab);

    await tab.route(STREAM, (route) =>
        route.fulfill({ status: 404, json: { detail: "Inconnu." } }),
    );
    await tab.clock.install();
    await tab.goto("/demandes");
    await settled(tab);
    await until("it is refused", () => seen.some((one) => STREAM.test(one)));
    seen.length = 0;
    await minute(tab);
    assert.ok(
        seen.filter((one) => one.includes("statut=en_attente")).length >= 2,
        seen.join(),
    );
    assert.equal(seen.filter((one) => STREAM.test(one)).length, 0);
    nothingWrong(/404/);
    await close();
});

test("a token of one store listens to that store", async () => {
    const asked = [];
    const { tab, close, nothingWrong } = await openTab(chromium.browser);

    await tab.route(STREAM, async (route) => {
        const url = new URL(route.request().url());
        asked.push(url.search);
        await (url.search === ""
            ? route.fulfill({ status: 403, json: { detail: "Non." } })
            : route.continue());
    });
    await tab.goto("/stock?magasin=1");
    await settled(tab);
    await until("it listens", async () => (await listeners()) === 1);
    assert.deepEqual(asked, ["", "?magasin=1"]);
    await setStock(1, 2, 27);
    await is(units(tab, "Souris optique"), "27");
    nothingWrong(/403/);
    await close();
});

test("a server that stops: since when is said, and nothing is missed", async () => {
    const { tab, close, nothingWrong } = await openLive("/stock?magasin=1");
    const strip = tab.locator("#network p");

    await setStock(1, 2, 26);
    await is(units(tab, "Souris optique"), "26");
    await server("stop-nginx");
    await strip
        .filter({ hasText: /^Hors connexion depuis \d\d:\d\d.: ce qui est/ })
        .waitFor();
    await sql(
        "UPDATE stock_local SET quantite = 17 " +
            "WHERE magasin_id = 1 AND produit_id = 2",
    );
    await server("start-nginx");
    await is(units(tab, "Souris optique"), "17");
    await strip.waitFor({ state: "detached" });
    nothingWrong(/ERR_/);
    await close();
});

test("a server in trouble is not called a missing network", async () => {
    const { tab, close, nothingWrong } = await openTab(chromium.browser);

    await tab.route(STREAM, (route) =>
        route.fulfill({
            status: 503,
            headers: { "Retry-After": "1" },
            json: {},
        }),
    );
    await tab.goto("/stock?magasin=1");
    await settled(tab);
    await tab
        .locator("#network p", { hasText: "Le service ne répond pas" })
        .waitFor();
    assert.equal(await tab.getByText("Hors connexion").count(), 0);
    nothingWrong(/503/);
    await close();
});
