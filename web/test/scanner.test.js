// A barcode scanner at the till: a keyboard that is fast, wherever the focus is.
//
// environment:
//   SCANS  how many of them a scanner sends (default 40)

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { api, openBrowser, openTab, settled, token } from "./browser.js";
import { scan } from "./keyboard.js";

const SCANS = Number(process.env.SCANS ?? 40);
const KEY = 20;

let chromium;

before(async () => {
    chromium = await openBrowser();
});
after(() => chromium.close());

// expected: lines of the console
function till(name, { path, expected = [] }, run) {
    test(name, async () => {
        const { tab, close, nothingWrong } = await openTab(chromium.browser);

        await tab.addInitScript(
            (text) => sessionStorage.setItem("magasin.jeton", text),
            token,
        );
        await tab.goto(path ?? "/caisse?magasin=1");
        await settled(tab);
        await run(tab);
        nothingWrong(...expected);
        await close();
    });
}

const field = (tab) => tab.getByLabel("Produit", { exact: true });

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

const idle = (tab) =>
    tab.waitForFunction(
        () =>
            !document
                .querySelector(".entry-state")
                .textContent.includes("en cours"),
        null,
        { timeout: 60000 },
    );

const barcode = async (id) =>
    (await api("GET", `/products/${id}/sheet/`)).codes_barres[0];

const enter = async (tab, text) => {
    await tab.keyboard.type(text);
    await tab.keyboard.press("Enter");
};

till(
    `${SCANS} barcodes at ${KEY} ms a key, answers after 0 to 2 s`,
    {},
    async (tab) => {
        const { results } = await api("GET", "/products/?limit=15");
        const codes = (
            await Promise.all(
                results.map(async ({ id, nom }) => [nom, await barcode(id)]),
            )
        ).filter(([, code]) => code);
        const wanted = {};

        await tab.route(
            (url) =>
                url.pathname === "/api/v1/products/" &&
                (url.searchParams.has("q") || url.searchParams.has("code")),
            async (route) => {
                await new Promise((resolve) =>
                    setTimeout(resolve, Math.random() * 2000),
                );
                await route.continue().catch(() => {});
            },
        );
        await field(tab).focus();
        for (let count = 0; count < SCANS; count += 1) {
            const [name, code] =
                codes[Math.floor(Math.random() * codes.length)];

            wanted[name] = (wanted[name] ?? 0) + 1;
            await tab.keyboard.type(code, { delay: KEY });
            await tab.keyboard.press("Enter");
        }
        await idle(tab);
        assert.deepEqual(await ticketOf(tab), wanted);
        assert.equal(await tab.locator(".entries li").count(), 0);
        assert.equal(await field(tab).inputValue(), "");
    },
);

till("wherever the focus is, a scan is an entry", {}, async (tab) => {
    const [mouse, tea] = [await barcode(2), await barcode(6)];
    const names = { mouse: "Souris optique", tea: "Thé Vert Sencha" };

    // In the number of a line, which stays
    await tab.locator(".tile", { hasText: names.mouse }).click();
    const units = tab.getByLabel(`Quantité de ${names.mouse}`);
    await units.fill("3");
    await units.focus();
    await scan(tab, tea);
    await idle(tab);
    assert.deepEqual(await ticketOf(tab), { [names.mouse]: 3, [names.tea]: 1 });
    // On a button, which Enter would press
    await tab.getByRole("button", { name: "Encaisser" }).focus();
    await scan(tab, tea);
    await idle(tab);
    await tab.getByRole("button", { name: "Vider" }).focus();
    await scan(tab, tea);
    await idle(tab);
    assert.deepEqual(await ticketOf(tab), { [names.mouse]: 3, [names.tea]: 3 });
    // On the choice of the store, which digits would move
    const store = tab.getByLabel("Magasin", { exact: true });
    await store.focus();
    await scan(tab, mouse);
    await idle(tab);
    assert.equal(await store.inputValue(), "1");
    assert.deepEqual(await ticketOf(tab), { [names.mouse]: 4, [names.tea]: 3 });
    // On nothing at all
    await tab.evaluate(() => document.activeElement.blur());
    await scan(tab, mouse);
    await idle(tab);
    assert.deepEqual(await ticketOf(tab), { [names.mouse]: 5, [names.tea]: 3 });
    // What somebody has typed half of stays, and is not joined.
    await field(tab).focus();
    await tab.keyboard.type("cla");
    await tab.waitForURL(/recherche=cla/);
    await scan(tab, tea);
    await idle(tab);
    assert.equal(await field(tab).inputValue(), "cla");
    assert.deepEqual(await ticketOf(tab), { [names.mouse]: 5, [names.tea]: 4 });
});

// While a scanner types, no time passes but its own: a busy machine is slower than
// the waits of the page.
async function still(tab, run) {
    await tab.clock.pauseAt(await tab.evaluate(() => Date.now() + 1000));
    await run();
    await tab.clock.resume();
}

// Codes of shops have letters and signs: keys that mean something by themselves.
till(
    "a code with letters and signs, wherever the focus is",
    {},
    async (tab) => {
        const mouse = "Souris optique";
        const coffee = "Café Premium Bio";
        const odd = "Essai de signes";
        const { id } = await api("POST", "/products/", {
            nom: odd,
            categorie: "Essai",
            prix: "1.00",
            code: "-12?+S",
        });
        const sale = await api("POST", "/sales/", {
            magasin: 1,
            lignes: [{ produit: 2, quantite: 1 }],
        });
        const units = tab.getByLabel(`Quantité de ${mouse}`);
        const store = tab.getByLabel("Magasin", { exact: true });
        const tile = tab.locator(".tile", { hasText: mouse });
        const receipt = tab.getByRole("dialog", {
            name: `Vente n° ${sale.id}`,
        });
        const wanted = { [mouse]: 3, [coffee]: 0, [odd]: 0 };
        const places = {
            tile: () => tile.focus(),
            "a button that sells": () =>
                tab.getByRole("button", { name: "Encaisser" }).focus(),
            "a button that clears": () =>
                tab.getByRole("button", { name: "Vider" }).focus(),
            "a button of a line": () =>
                tab
                    .getByRole("button", { name: `Un ${mouse} de plus` })
                    .focus(),
            body: () => tab.evaluate(() => document.activeElement.blur()),
            ticket: () => tab.locator("#ticket").focus(),
            quantity: () => units.focus(),
            search: () => field(tab).focus(),
            choice: () => store.focus(),
        };

        const read = (code) => still(tab, () => scan(tab, code));

        await tab.clock.install();
        try {
            await tile.click();
            await units.fill("3");
            for (const [place, focus] of Object.entries(places)) {
                await focus();
                await read("BOI-004");
                await idle(tab);
                wanted[coffee] += 1;
                // One that begins with a sign, where nothing is typed into
                if (["tile", "body", "ticket", "search"].includes(place)) {
                    await focus();
                    await read("-12?+S");
                    await idle(tab);
                    wanted[odd] += 1;
                }
                await tab.waitForTimeout(100);
                assert.deepEqual(
                    await ticketOf(tab),
                    Object.fromEntries(
                        Object.entries(wanted).filter(([, one]) => one > 0),
                    ),
                    place,
                );
                // One that begins like the names of all stores
                await focus();
                await read("M-4711A");
                await tab
                    .locator(".entries li", { hasText: "« M-4711A »" })
                    .getByRole("button", { name: /^Fermer/ })
                    .click()
                    .catch((error) => assert.fail(`${place}: ${error}`));
                await focus();
                await read(`VENTE-${sale.id}`);
                await receipt.waitFor();
                await tab.keyboard.press("Escape");
                await receipt.waitFor({ state: "detached" });
                assert.equal(await tab.getByRole("dialog").count(), 0, place);
                assert.equal(await units.inputValue(), "3", place);
                assert.equal(await field(tab).inputValue(), "", place);
            }
            // Nobody has heard of what the letters led to.
            await tab.waitForTimeout(600);
            assert.equal(await store.inputValue(), "1");
            assert.match(tab.url(), /magasin=1/);
            assert.equal((await ticketOf(tab))[mouse], 3);
        } finally {
            await api("DELETE", `/products/${id}/`);
        }
    },
);

till("signs of a person do what they did", {}, async (tab) => {
    const tile = tab.locator(".tile", { hasText: "Souris optique" });
    const is = (units) =>
        tab.waitForFunction(
            (wanted) =>
                document.querySelector(".ticket-lines input").value === wanted,
            units,
        );

    await tile.click();
    await tab.keyboard.press("+");
    await is("2");
    // Two at once, and one that is held
    await tab.keyboard.press("+");
    await tab.keyboard.press("+");
    await is("4");
    for (let count = 0; count < 3; count += 1) {
        await tab.keyboard.down("-");
    }
    await tab.keyboard.up("-");
    await is("1");
    // In the field as long as it is empty; a name may begin with one.
    await field(tab).focus();
    await tab.keyboard.press("+");
    await is("2");
    assert.equal(await field(tab).inputValue(), "");
    await scan(tab, "-5°");
    await tab.locator(".entries li", { hasText: "-5°" }).waitFor();
    await idle(tab);
    await is("2");
    // A choice goes where the letters lead, once the scanner is silent: what
    // comes sooner is of its next code.
    await tab.waitForTimeout(700);
    await tab.getByLabel("Magasin", { exact: true }).focus();
    await tab.keyboard.press("m");
    await tab.getByRole("dialog", { name: "Changer de magasin ?" }).waitFor();
});

till(
    "a number that a scanner types into may change meanwhile",
    {},
    async (tab) => {
        const mouse = await barcode(2);

        await tab.locator(".tile", { hasText: "Souris optique" }).click();
        await tab.route(/\/products\/\?code=/, async (route) => {
            await new Promise((resolve) => setTimeout(resolve, 150));
            await route.continue();
        });
        await tab.clock.install();
        await still(tab, async () => {
            await tab.getByLabel("Quantité de Souris optique").focus();
            for (let count = 0; count < 6; count += 1) {
                await tab.keyboard.type(mouse, { delay: 15 });
                await tab.keyboard.press("Enter");
            }
        });
        await idle(tab);
        assert.deepEqual(await ticketOf(tab), { "Souris optique": 7 });
    },
);

till("a slow scanner, and a person who is quick", {}, async (tab) => {
    const tea = await barcode(6);

    // One that has a hiccup, where nobody types: it presses no button.
    await tab.locator(".tile", { hasText: "Souris optique" }).click();
    await tab.getByRole("button", { name: "Vider" }).focus();
    await scan(tab, tea, { every: 300 });
    await idle(tab);
    await tab.getByLabel("Quantité de Souris optique").focus();
    await scan(tab, tea, { every: 300 });
    await idle(tab);
    // In the field, all of it is one entry.
    await field(tab).focus();
    await scan(tab, tea, { every: 120 });
    await idle(tab);
    assert.deepEqual(await ticketOf(tab), {
        "Souris optique": 1,
        "Thé Vert Sencha": 3,
    });
    // Digits of a person in a number are one.
    const units = tab.getByLabel("Quantité de Souris optique");
    await units.focus();
    await scan(tab, "1234", { every: 30 });
    assert.equal(await units.inputValue(), "1234");
    assert.equal(await tab.locator(".entries li").count(), 0);
});

till("a scan while a question is open answers it not", {}, async (tab) => {
    const tea = await barcode(6);

    await tab.locator(".tile", { hasText: "Souris optique" }).click();
    await tab
        .getByLabel("Magasin", { exact: true })
        .selectOption({ label: "Magasin Sud" });
    const dialog = tab.getByRole("dialog", { name: "Changer de magasin ?" });
    await dialog.waitFor();
    await scan(tab, tea);
    await idle(tab);
    assert.equal(await dialog.count(), 1);
    await dialog.getByRole("button", { name: "Annuler" }).click();
    assert.deepEqual(await ticketOf(tab), {
        "Souris optique": 1,
        "Thé Vert Sencha": 1,
    });
});

till("a code that a person types, in any case of theirs", {}, async (tab) => {
    const code = (await api("GET", "/products/2/sheet/")).code;

    await field(tab).focus();
    await tab.keyboard.type(code, { delay: 100 });
    await tab.locator(".tile", { hasText: "Souris optique" }).waitFor();
    await tab.locator(".tile").nth(1).waitFor({ state: "detached" });
    await tab.keyboard.press("Enter");
    await idle(tab);
    assert.deepEqual(await ticketOf(tab), { "Souris optique": 1 });
});

till("a quantity goes before what it is of", {}, async (tab) => {
    const mouse = await barcode(2);

    await field(tab).focus();
    await enter(tab, "3*sencha");
    await enter(tab, `12 * ${mouse}`);
    // By itself, for the next one
    await enter(tab, "2*");
    await tab
        .locator(".entry-state", { hasText: "2 × la prochaine saisie" })
        .waitFor();
    await enter(tab, "clavier");
    await enter(tab, "clavier");
    await idle(tab);
    // Two seconds after the star, the scanner's turn
    await tab.keyboard.type("4*");
    await tab.waitForURL(/recherche=4/);
    await scan(tab, mouse);
    await idle(tab);
    assert.deepEqual(await ticketOf(tab), {
        "Thé Vert Sencha": 3,
        "Souris optique": 16,
        "Clavier mécanique": 3,
    });
});

till("none of a code, one that is not sold any more", {}, async (tab) => {
    const code = await barcode(13);
    const left = tab.locator(".entries li");

    await field(tab).focus();
    await scan(tab, "2999999999998");
    await left.getByText("Aucun produit pour « 2999999999998 ».").waitFor();
    await api("PATCH", "/products/13/", { archive: true });
    try {
        await scan(tab, code);
        await left.getByText("Câble USB-C 2m n’est plus en vente.").waitFor();
    } finally {
        await api("PATCH", "/products/13/", { archive: false });
    }
    assert.deepEqual(await ticketOf(tab), {});
});
