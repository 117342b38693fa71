// What a cashier does beside selling: keys, tickets that wait, receipts, sales of
// before.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
    api,
    openBrowser,
    openTab,
    setStock,
    settled,
    stockOf,
    token,
    violations,
} from "./browser.js";
import { scan } from "./keyboard.js";
import { pages } from "./paper.js";

let chromium;

before(async () => {
    chromium = await openBrowser();
    for (const product of [1, 2, 6]) {
        await setStock(1, product, 50);
    }
});
after(() => chromium.close());

function till(name, { path, expected = [], ...options }, run) {
    test(name, async () => {
        const { tab, close, nothingWrong } = await openTab(
            chromium.browser,
            options,
        );

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
const lines = (tab) => tab.locator(".ticket-lines li");
const parked = (tab) => tab.locator(".parked button");
const focused = (locator) =>
    locator.evaluate((node) => node === document.activeElement);
const sideways = (tab) =>
    tab.evaluate(() => document.documentElement.scrollWidth - innerWidth);
const lastSale = async () => (await api("GET", "/sales/?limit=1")).results[0];

const enter = async (tab, ...texts) => {
    for (const text of texts) {
        await tab.keyboard.type(text);
        await tab.keyboard.press("Enter");
    }
};

till(
    "the page is called what it is, and says what it is not",
    {},
    async (tab) => {
        await tab.getByRole("heading", { level: 1, name: "Vente" }).waitFor();
        assert.equal(await tab.title(), "Vente – Magasin");
        await tab.getByText("n’est pas une caisse certifiée").waitFor();
    },
);

till(
    "a sale with keys alone, from the scan to the next one",
    {},
    async (tab) => {
        const before = await stockOf(1, 2);

        await tab.keyboard.press("F2");
        assert.ok(await focused(field(tab)));
        await enter(tab, "2*souris op", "sencha");
        await lines(tab).nth(1).waitFor();
        // Of the last product
        await tab.keyboard.press("+");
        await tab.keyboard.press("+");
        await tab.keyboard.press("-");
        await tab.waitForFunction(
            () =>
                document.querySelector(
                    "[aria-label='Quantité de Thé Vert Sencha']",
                ).value === "2",
        );
        // To its line, which 0 takes off
        await tab.keyboard.press("ArrowUp");
        await tab.keyboard.type("0");
        await tab.keyboard.press("Enter");
        assert.equal(await lines(tab).count(), 1);
        assert.ok(await focused(field(tab)));
        // To the products and back
        await tab.keyboard.press("ArrowDown");
        const tiles = tab.locator(".tile");
        assert.ok(await focused(tiles.first()));
        await tab.keyboard.press("ArrowRight");
        assert.ok(await focused(tiles.nth(1)));
        await tab.keyboard.press("ArrowDown");
        await tab.keyboard.press("ArrowUp");
        assert.ok(await focused(tiles.nth(1)));
        await tab.keyboard.press("Escape");
        assert.ok(await focused(field(tab)));

        await tab.keyboard.press("F9");
        await tab.getByRole("heading", { name: /enregistrée/ }).waitFor();
        assert.equal(await stockOf(1, 2), before - 2);
        assert.ok(await focused(field(tab)));
        await enter(tab, "souris op");
        await lines(tab).first().waitFor();
        await tab.keyboard.press("Control+Enter");
        await tab.getByRole("heading", { name: /enregistrée/ }).waitFor();
        assert.equal(await stockOf(1, 2), before - 3);
    },
);

till(
    "all the keys are shown by ?, and no name is in their way",
    {},
    async (tab) => {
        const dialog = tab.getByRole("dialog", {
            name: "Raccourcis du clavier",
        });

        await field(tab).focus();
        await tab.keyboard.type("caf");
        await tab.keyboard.type("?");
        assert.equal(await field(tab).inputValue(), "caf?");
        await field(tab).fill("");
        await tab.keyboard.type("?");
        await dialog.waitFor();
        for (const key of ["F2", "F4", "F8", "F9", "3*", "?"]) {
            await dialog.locator("kbd", { hasText: key }).first().waitFor();
        }
        // Nothing is done behind a dialog.
        await tab.keyboard.press("F8");
        assert.equal(await tab.getByRole("dialog").count(), 1);
        await tab.keyboard.press("Escape");
        await dialog.waitFor({ state: "detached" });
        assert.equal(await field(tab).inputValue(), "");
    },
);

till("tickets wait, for this tab and for another", {}, async (tab) => {
    await field(tab).focus();
    await enter(tab, "souris op", "3*sencha");
    await lines(tab).nth(1).waitFor();
    await tab.keyboard.press("F4");
    assert.equal(await lines(tab).count(), 0);
    assert.equal(await parked(tab).count(), 1);
    assert.ok(await focused(field(tab)));

    // The next customer, whose ticket waits as well when the first is back.
    await enter(tab, "clavier");
    await lines(tab).first().waitFor();
    await parked(tab).first().click();
    await lines(tab).nth(1).waitFor();
    assert.equal(await parked(tab).count(), 1);
    assert.match(await parked(tab).first().textContent(), /1.article/);
    assert.equal(
        await tab.getByLabel("Quantité de Thé Vert Sencha").inputValue(),
        "3",
    );

    // A tab that is closed takes none along, and one has a ticket once.
    await tab.keyboard.press("F4");
    assert.equal(await parked(tab).count(), 2);
    const other = await tab.context().newPage();
    await other.goto("/caisse?magasin=1");
    await settled(other);
    assert.equal(await parked(other).count(), 2);
    await other.getByLabel("Produit", { exact: true }).focus();
    await other.keyboard.press("F4");
    await lines(other).first().waitFor();
    await tab.bringToFront();
    await parked(tab).nth(1).waitFor({ state: "detached" });
    await other.close();

    // Sold in its own store, wherever the till is by now.
    await tab
        .getByLabel("Magasin", { exact: true })
        .selectOption({ label: "Magasin Sud" });
    await settled(tab);
    assert.match(
        await parked(tab).first().textContent(),
        /Magasin Centre-Ville/,
    );
    await parked(tab).first().click();
    await tab.waitForURL(/magasin=1/);
    await settled(tab);
    await tab.keyboard.press("F9");
    await tab.getByRole("heading", { name: /enregistrée/ }).waitFor();
    assert.equal((await lastSale()).magasin, 1);
    assert.equal(await parked(tab).count(), 0);
});

till(
    "a sale of which nobody knows waits with its key, and is made once",
    { expected: [/ERR_FAILED/] },
    async (tab) => {
        const before = await lastSale();
        let lost = 0;

        await tab.route("**/api/v1/sales/", async (route) => {
            if (route.request().method() === "POST" && lost < 3) {
                lost += 1;
                await route.fetch();
                await route.abort();
            } else {
                await route.continue();
            }
        });
        await field(tab).focus();
        await enter(tab, "souris op");
        await lines(tab).first().waitFor();
        await tab.keyboard.press("F9");
        await tab.getByText("On ne sait pas si cette vente").waitFor();
        await tab.getByRole("button", { name: "En attente" }).click();
        // The next customer does not have to wait.
        await enter(tab, "sencha");
        await lines(tab).filter({ hasText: "Sencha" }).waitFor();
        await tab.keyboard.press("F9");
        await tab.getByRole("heading", { name: /enregistrée/ }).waitFor();
        const second = await lastSale();
        await parked(tab).first().click();
        await tab.getByRole("button", { name: "Réessayer" }).click();
        const heading = tab.getByRole("heading", { name: /enregistrée/ });
        await heading.waitFor();
        const shown = Number((await heading.textContent()).match(/\d+/)[0]);
        assert.ok(shown > before.id && shown < second.id);
        assert.equal((await lastSale()).id, second.id);
    },
);

till("the receipt, on a roll and on A4", {}, async (tab) => {
    await field(tab).focus();
    await enter(tab, "2*souris op", "sencha");
    await lines(tab).nth(1).waitFor();
    await tab.keyboard.press("F9");
    await tab.getByRole("heading", { name: /enregistrée/ }).waitFor();
    const sale = await lastSale();
    const button = tab.getByRole("button", { name: "Imprimer" });

    // As long as it is, and of the width of the roll
    const roll = await pages(tab, () => button.click());
    assert.equal(roll.length, 1);
    assert.equal(roll[0].width, 80);
    assert.ok(roll[0].height > 60 && roll[0].height < 160, roll[0].height);
    for (const text of [
        "Magasin Centre-Ville",
        `Vente n° ${sale.id}`,
        "Souris optique 2 25,50 € 51,00 €",
        "Thé Vert Sencha 1 12,99 € 12,99 €",
        "Total 63,99 €",
        "3 articles",
        "d’une caisse certifiée",
    ]) {
        assert.ok(roll[0].text.includes(text), `${text}: ${roll[0].text}`);
    }
    assert.deepEqual(roll[0].codes, [`CODE-128:VENTE-${sale.id}`]);

    await tab.getByLabel("Format du reçu").selectOption("a4");
    const sheet = await pages(tab, () => button.click());
    assert.deepEqual(
        sheet.map(({ width, height }) => [width, height]),
        [[210, 297]],
    );
    assert.deepEqual(sheet[0].codes, roll[0].codes);
    // Printing the page prints the receipt that it shows.
    assert.match(
        (await pages(tab, () => tab.evaluate(() => window.print())))[0].text,
        new RegExp(`Vente n° ${sale.id}`),
    );
    // The device remembers the format, also for a sale of before.
    await tab.reload();
    await settled(tab);
    await tab.locator(".recent-sale").first().click();
    const dialog = tab.getByRole("dialog", { name: `Vente n° ${sale.id}` });
    await dialog.waitFor();
    assert.equal(await dialog.getByLabel("Format du reçu").inputValue(), "a4");
    await dialog.getByLabel("Format du reçu").selectOption("ticket");
    const again = await pages(tab, () =>
        dialog.getByRole("button", { name: "Imprimer" }).click(),
    );
    assert.equal(again[0].width, 80);
    assert.match(again[0].text, new RegExp(`Vente n° ${sale.id}`));
});

till(
    "the receipt without what draws its barcode, and with it the next time",
    { expected: [/ERR_FAILED/] },
    async (tab) => {
        const printed = async () => {
            await field(tab).focus();
            await enter(tab, "sencha");
            await lines(tab).first().waitFor();
            await tab.keyboard.press("F9");
            await tab.getByRole("heading", { name: /enregistrée/ }).waitFor();
            return pages(tab, () =>
                tab.getByRole("button", { name: "Imprimer" }).click(),
            );
        };

        await tab.route(/jsbarcode/, (route) => route.abort());
        const bare = await printed();
        assert.deepEqual(bare[0].codes, []);
        assert.match(bare[0].text, new RegExp(`n° ${(await lastSale()).id}`));
        await tab.unroute(/jsbarcode/);
        const whole = await printed();
        assert.deepEqual(whole[0].codes, [
            `CODE-128:VENTE-${(await lastSale()).id}`,
        ]);
    },
);

till(
    "a sale is found by its number, its day, and its receipt",
    {
        expected: [/status of 404/],
    },
    async (tab) => {
        const { results } = await api("GET", "/sales/?magasin=1&limit=100");
        const old = results.at(-1);
        const dialog = tab.getByRole("dialog", { name: /^Ventes de/ });
        const detail = tab.getByRole("dialog", { name: `Vente n° ${old.id}` });

        await tab.keyboard.press("F8");
        await dialog.locator(".recent-sale").nth(19).waitFor();
        await dialog.getByRole("button", { name: "Montrer la suite" }).click();
        await dialog.locator(".recent-sale").nth(20).waitFor();
        await dialog.getByLabel("Numéro").fill(String(old.id));
        await dialog.getByLabel("Numéro").press("Enter");
        await detail.waitFor();
        await tab.keyboard.press("Escape");
        await dialog.getByLabel("Numéro").fill("999999");
        await dialog.getByLabel("Numéro").press("Enter");
        await dialog.getByText("Il n’y a pas de vente n° 999999.").waitFor();
        await dialog.getByLabel("Numéro").fill("hier");
        await dialog.getByLabel("Numéro").press("Enter");
        await dialog.getByText("Entrez le numéro d’une vente.").waitFor();

        // All of that day where the person is, and no other
        const paris = (text) =>
            new Date(text).toLocaleDateString("sv", {
                timeZone: "Europe/Paris",
            });
        const day = paris(old.date_vente);
        const all = (
            await api("GET", "/sales/?magasin=1&limit=1000")
        ).results.filter((one) => paris(one.date_vente) === day);
        await dialog.getByLabel("Jour").fill(day);
        await tab.waitForFunction(
            (count) =>
                document.querySelectorAll("dialog .recent-sale").length ===
                count,
            Math.min(all.length, 20),
        );
        assert.deepEqual(await violations(tab), []);
        // A receipt is scanned, wherever the focus is.
        await scan(tab, `VENTE-${old.id}`);
        await detail.waitFor();
    },
);

const shapes = [
    ["wide", "light", { width: 1280, height: 800 }],
    ["wide", "dark", { width: 1280, height: 800 }],
    ["narrow", "light", { width: 360, height: 740 }],
    ["narrow", "dark", { width: 360, height: 740 }],
];

for (const [name, colorScheme, viewport] of shapes) {
    till(
        `axe, on all that a sale shows: ${name}, ${colorScheme}`,
        { colorScheme, viewport },
        async (tab) => {
            const clean = async (what) => {
                assert.deepEqual(await violations(tab), [], what);
                assert.equal(await sideways(tab), 0, what);
            };

            await field(tab).focus();
            await enter(tab, "souris op");
            await tab.keyboard.press("F4");
            await parked(tab).first().waitFor();
            await enter(tab, "café");
            await tab
                .locator(".entries", { hasText: "Plusieurs produits pour" })
                .waitFor();
            await enter(tab, "4*");
            await tab.getByText("4 × la prochaine saisie").waitFor();
            await clean("an entry, a ticket that waits");
            await tab.keyboard.press("?");
            await tab.getByRole("dialog").waitFor();
            await clean("keys");
            await tab.keyboard.press("Escape");
            await enter(tab, "sencha");
            await lines(tab).first().waitFor();
            await tab
                .getByRole("button", { name: /^Fermer/ })
                .first()
                .click();
            await tab.keyboard.press("F9");
            await tab.getByRole("heading", { name: /enregistrée/ }).waitFor();
            await settled(tab);
            await clean("receipt");
            await tab.locator(".recent-sale").first().click();
            await tab.getByRole("dialog").waitFor();
            await clean("a sale of before");
        },
    );
}

for (const viewport of [
    { width: 1280, height: 800 },
    { width: 360, height: 740 },
]) {
    test(`letters twice as large, ${viewport.width} pixels`, async () => {
        const large = await openBrowser("defaultFontSize=32");
        const { tab, close, nothingWrong } = await openTab(large.browser, {
            viewport,
        });

        for (const path of ["/caisse?magasin=1", "/etiquettes", "/rapport"]) {
            await tab.goto(path);
            await settled(tab);
            assert.equal(
                await tab.evaluate(
                    () => getComputedStyle(document.documentElement).fontSize,
                ),
                "32px",
            );
            assert.equal(await sideways(tab), 0, path);
        }
        await tab.goto("/caisse?magasin=1");
        await settled(tab);
        await field(tab).focus();
        await enter(tab, "souris op", "sencha", "clavier");
        await lines(tab).nth(2).waitFor();
        assert.equal(await sideways(tab), 0);
        const box = await tab
            .getByRole("button", { name: "Encaisser" })
            .boundingBox();
        assert.ok(box.y + box.height <= viewport.height);
        assert.deepEqual(await violations(tab), []);
        nothingWrong();
        await close();
        await large.close();
    });
}
