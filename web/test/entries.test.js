// Entries at the till: each Enter ends one, whatever the network does.
//
// environment:
//   SCANS  how many of them a scanner sends (default 40)

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
    api,
    openBrowser,
    openTab,
    setStock,
    settled,
    token,
} from "./browser.js";

const SCANS = Number(process.env.SCANS ?? 40);
const KEY = 20;

let chromium;

before(async () => {
    chromium = await openBrowser();
});
after(() => chromium.close());

const field = (tab) => tab.getByLabel("Produit", { exact: true });

// The ticket as it is seen: {name: quantity}
const ticketOf = (tab) =>
    tab
        .locator(".ticket-lines li")
        .evaluateAll((lines) =>
            Object.fromEntries(
                lines.map((line) => [
                    line.querySelector(".name").textContent,
                    Number(line.querySelector("input").value),
                ]),
            ),
        );

async function openTill(options) {
    const opened = await openTab(chromium.browser, options);

    await opened.tab.addInitScript(
        (text) => sessionStorage.setItem("magasin.jeton", text),
        token,
    );
    await opened.tab.goto("/caisse?magasin=1");
    await settled(opened.tab);
    return opened;
}

const isSearch = (url) =>
    url.pathname === "/api/v1/products/" && url.searchParams.has("q");

// Answers of searches come after the milliseconds that delayOf() says.
const delayed = (tab, delayOf) =>
    tab.route(isSearch, async (route) => {
        const wait = delayOf(new URL(route.request().url()).searchParams);
        await new Promise((resolve) => setTimeout(resolve, wait));
        await route.continue().catch(() => {});
    });

const idle = (tab) =>
    tab.waitForFunction(
        () =>
            !document
                .querySelector(".entry-state")
                .textContent.includes("en cours"),
        null,
        { timeout: 60000 },
    );

test(`${SCANS} scans at ${KEY} ms a key, answers after 0 to 2 s`, async () => {
    const { tab, close, nothingWrong } = await openTill();
    const { results } = await api("GET", "/products/?limit=1000");
    // One whose whole name is part of another's is still that one.
    const names = results
        .map((product) => product.nom)
        .filter((name) => /^[\p{L}\d .%'-]+$/u.test(name));
    const wanted = {};
    const started = performance.now();

    await delayed(tab, () => Math.random() * 2000);
    await field(tab).focus();
    for (let scan = 0; scan < SCANS; scan += 1) {
        const name = names[Math.floor(Math.random() * names.length)];

        wanted[name] = (wanted[name] ?? 0) + 1;
        await tab.keyboard.type(name, { delay: KEY });
        await tab.keyboard.press("Enter");
    }
    const typed = performance.now() - started;
    await idle(tab);

    assert.deepEqual(await ticketOf(tab), wanted);
    assert.equal(await tab.locator(".entries li").count(), 0);
    assert.equal(await field(tab).inputValue(), "");
    assert.ok(
        await field(tab).evaluate((node) => node === document.activeElement),
    );
    console.log(
        `${SCANS} scans of ${Object.keys(wanted).length} products: typed in ` +
            `${(typed / 1000).toFixed(1)} s, decided ` +
            `${((performance.now() - started - typed) / 1000).toFixed(1)} s ` +
            "after the last key, 0 wrong, 0 lost, 0 joined",
    );
    nothingWrong();
    await close();
});

test("entries are decided in their order, not in that of the answers", async () => {
    const { tab, close, nothingWrong } = await openTill();

    await delayed(tab, (search) =>
        search.get("q") === "Thé Vert Sencha" ? 1500 : 0,
    );
    await field(tab).focus();
    for (const name of ["Thé Vert Sencha", "Souris optique", "Tapis"]) {
        await tab.keyboard.type(name);
        await tab.keyboard.press("Enter");
    }
    await idle(tab);
    assert.deepEqual(Object.keys(await ticketOf(tab)), [
        "Thé Vert Sencha",
        "Souris optique",
        "Tapis de souris XL",
    ]);
    nothingWrong();
    await close();
});

test("an entry waits for its own answer, not for the list's", async () => {
    const { tab, close, nothingWrong } = await openTill();

    // One product is on the screen, and another is typed.
    await field(tab).fill("clavier");
    await tab.waitForURL(/recherche=clavier/);
    await settled(tab);
    assert.equal(await tab.locator(".tile").count(), 1);
    await delayed(tab, () => 300);
    await field(tab).fill("sencha");
    await field(tab).press("Enter");
    await tab.keyboard.type("xyz");
    await idle(tab);
    assert.deepEqual(await ticketOf(tab), { "Thé Vert Sencha": 1 });
    assert.equal(await field(tab).inputValue(), "xyz");
    nothingWrong();
    await close();
});

test("none, several, and an answer that does not come are said", async () => {
    const { tab, close, nothingWrong } = await openTill();
    const left = tab.locator(".entries li");

    await field(tab).focus();
    await tab.keyboard.type("zzz");
    await tab.keyboard.press("Enter");
    await left.getByText("Aucun produit pour « zzz ».").waitFor();
    await left.getByRole("button", { name: /^Fermer/ }).click();
    assert.equal(await left.count(), 0);
    assert.ok(
        await field(tab).evaluate((node) => node === document.activeElement),
    );

    // Several: they are shown, and the sale waits for the choice.
    await tab.locator(".tile", { hasText: "Souris optique" }).click();
    await field(tab).fill("café");
    await field(tab).press("Enter");
    await left.getByText("Plusieurs produits pour « café »").waitFor();
    await tab.locator(".tile").nth(2).waitFor({ state: "detached" });
    await tab.getByRole("button", { name: "Encaisser" }).click();
    await tab
        .locator(".form-error", { hasText: "« café » n’est pas" })
        .waitFor();
    await tab.locator(".tile", { hasText: "Premium" }).click();
    await left.first().waitFor({ state: "detached" });
    assert.deepEqual(await ticketOf(tab), {
        "Souris optique": 1,
        "Café Premium Bio": 1,
    });
    assert.equal(await field(tab).inputValue(), "");

    await tab.route(isSearch, (route) => route.abort());
    await field(tab).fill("sencha");
    await field(tab).press("Enter");
    await left.getByText("« sencha » n’a pas pu être cherché.").waitFor();
    await tab.unroute(isSearch);
    await left.getByRole("button", { name: "Réessayer" }).click();
    await tab
        .locator(".ticket-lines li", { hasText: "Thé Vert Sencha" })
        .waitFor();
    nothingWrong(/ERR_FAILED/);
    await close();
});

test("what is entered while a sale is on its way is the next ticket's", async () => {
    const { tab, close, nothingWrong } = await openTill();

    await setStock(1, 6, 50);
    await tab.locator(".tile", { hasText: "Souris optique" }).click();
    await tab.route("**/api/v1/sales/", async (route) => {
        await new Promise((resolve) => setTimeout(resolve, 600));
        await route.continue();
    });
    // Before the button: of this ticket.  After it: of the next.
    await delayed(tab, () => 300);
    await field(tab).fill("sencha");
    await field(tab).press("Enter");
    await tab.getByRole("button", { name: "Encaisser" }).click();
    await tab.getByText("Enregistrement…").waitFor();
    await field(tab).fill("clavier");
    await field(tab).press("Enter");
    await tab.locator(".ticket-lines li", { hasText: "Clavier" }).waitFor();
    assert.deepEqual(await ticketOf(tab), { "Clavier mécanique": 1 });
    const [{ id }] = (await api("GET", "/sales/?magasin=1&limit=1")).results;
    assert.deepEqual(
        (await api("GET", `/sales/${id}/`)).lignes.map((line) => line.produit),
        [2, 6],
    );
    nothingWrong();
    await close();
});

// What is done to the ticket comes after what was entered before, and before what
// is entered after.
const parked = (tab) => tab.locator(".parked button");
const begun = async (options = {}) => {
    const opened = await openTill();
    const { tab } = opened;

    await tab.locator(".tile", { hasText: "Souris optique" }).click();
    await delayed(tab, (search) =>
        search.get("q") === "sencha" ? 900 : (options.others ?? 0),
    );
    await field(tab).focus();
    await tab.keyboard.type("sencha");
    await tab.keyboard.press("Enter");
    return opened;
};
const next = async (tab) => {
    await field(tab).focus();
    await tab.keyboard.type("clavier");
    await tab.keyboard.press("Enter");
    await idle(tab);
};

for (const [name, park] of [
    ["F4", (tab) => tab.keyboard.press("F4")],
    [
        "En attente",
        (tab) => tab.getByRole("button", { name: "En attente" }).click(),
    ],
]) {
    test(`${name}: what was entered before waits with its ticket`, async () => {
        const { tab, close, nothingWrong } = await begun();

        await park(tab);
        await next(tab);
        assert.deepEqual(await ticketOf(tab), { "Clavier mécanique": 1 });
        assert.match(await parked(tab).textContent(), /2.articles/);
        nothingWrong();
        await close();
    });
}

test("F4 that takes a ticket up: what was entered before is not on it", async () => {
    const { tab, close, nothingWrong } = await begun();

    await tab.keyboard.press("F4");
    await parked(tab).waitFor();
    await field(tab).focus();
    await tab.keyboard.type("sencha");
    await tab.keyboard.press("Enter");
    await parked(tab).click();
    await idle(tab);
    assert.deepEqual(await ticketOf(tab), {
        "Souris optique": 1,
        "Thé Vert Sencha": 1,
    });
    assert.match(await parked(tab).textContent(), /1.article/);
    nothingWrong();
    await close();
});

test("F4 with an entry that somebody has to choose for: it is asked for", async () => {
    const { tab, close, nothingWrong } = await openTill();

    await tab.locator(".tile", { hasText: "Souris optique" }).click();
    await delayed(tab, () => 300);
    await field(tab).focus();
    await tab.keyboard.type("café");
    await tab.keyboard.press("Enter");
    await tab.keyboard.press("F4");
    await tab
        .locator(".form-error", { hasText: "« café » n’est pas" })
        .waitFor();
    assert.equal(await parked(tab).count(), 0);
    assert.deepEqual(await ticketOf(tab), { "Souris optique": 1 });
    nothingWrong();
    await close();
});

test("Vider: what was entered before goes, too", async () => {
    const { tab, close, nothingWrong } = await begun();

    await tab.getByRole("button", { name: "Vider" }).click();
    await next(tab);
    assert.deepEqual(await ticketOf(tab), { "Clavier mécanique": 1 });
    nothingWrong();
    await close();
});

test("+ and -: of what was entered last", async () => {
    const { tab, close, nothingWrong } = await begun();

    await tab.keyboard.press("+");
    await tab.keyboard.press("+");
    await tab.keyboard.press("-");
    await idle(tab);
    await tab.waitForTimeout(200);
    assert.deepEqual(await ticketOf(tab), {
        "Souris optique": 1,
        "Thé Vert Sencha": 2,
    });
    nothingWrong();
    await close();
});

test("Encaisser: what is entered after it is the next ticket's", async () => {
    const { tab, close, nothingWrong } = await begun();

    await tab.keyboard.press("F9");
    await next(tab);
    await tab.locator(".ticket-lines li", { hasText: "Clavier" }).waitFor();
    assert.deepEqual(await ticketOf(tab), { "Clavier mécanique": 1 });
    const [{ id }] = (await api("GET", "/sales/?magasin=1&limit=1")).results;
    assert.deepEqual(
        (await api("GET", `/sales/${id}/`)).lignes.map((line) => line.produit),
        [2, 6],
    );
    nothingWrong();
    await close();
});

test("an entry waits until it is known what became of a sale", async () => {
    const { tab, close, nothingWrong } = await openTill();
    let lost = 0;

    await tab.locator(".tile", { hasText: "Souris optique" }).click();
    await tab.route("**/api/v1/sales/", async (route) => {
        if (route.request().method() === "POST" && lost < 3) {
            lost += 1;
            await route.fetch();
            await route.abort();
        } else {
            await route.continue();
        }
    });
    await tab.getByRole("button", { name: "Encaisser" }).click();
    await tab.getByRole("button", { name: "Réessayer" }).waitFor();
    await field(tab).fill("clavier");
    await field(tab).press("Enter");
    await tab.getByText("1 saisie en cours").waitFor();
    assert.deepEqual(await ticketOf(tab), { "Souris optique": 1 });
    await tab.getByRole("button", { name: "Réessayer" }).click();
    await tab.locator(".ticket-lines li", { hasText: "Clavier" }).waitFor();
    assert.deepEqual(await ticketOf(tab), { "Clavier mécanique": 1 });
    nothingWrong(/ERR_FAILED/);
    await close();
});

test("three articles by their names, with the keyboard alone", async () => {
    const { tab, close, nothingWrong } = await openTill();
    const started = performance.now();
    let keys = 0;

    await field(tab).focus();
    for (const text of ["souris op", "sencha", "premium"]) {
        await tab.keyboard.type(text);
        await tab.keyboard.press("Enter");
        keys += text.length + 1;
    }
    await idle(tab);
    assert.deepEqual(await ticketOf(tab), {
        "Souris optique": 1,
        "Thé Vert Sencha": 1,
        "Café Premium Bio": 1,
    });
    await tab.getByRole("button", { name: "Encaisser" }).click();
    await tab.getByRole("heading", { name: /enregistrée/ }).waitFor();
    console.log(
        `three articles: ${keys} keys, 1 click, ` +
            `${((performance.now() - started) / 1000).toFixed(1)} s`,
    );
    // The next customer's first article, without a hand on the mouse.
    await tab.keyboard.type("sencha");
    await tab.keyboard.press("Enter");
    await idle(tab);
    assert.deepEqual(await ticketOf(tab), { "Thé Vert Sencha": 1 });
    nothingWrong();
    await close();
});
