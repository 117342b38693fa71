// Price labels: as printed, and as a scanner reads them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { api, openBrowser, openTab, settled, violations } from "./browser.js";
import { pages } from "./paper.js";

let chromium;

before(async () => {
    chromium = await openBrowser();
});
after(() => chromium.close());

function labels(name, options, run) {
    test(name, async () => {
        const { tab, close, nothingWrong } = await openTab(
            chromium.browser,
            options,
        );

        await tab.goto("/etiquettes");
        await settled(tab);
        await run(tab);
        nothingWrong();
        await close();
    });
}

const entry = (tab) => tab.getByLabel("Produit", { exact: true });
const cards = (tab) => tab.locator(".labels > li");
const print = (tab) => tab.getByRole("button", { name: "Imprimer" });

const enter = async (tab, ...texts) => {
    // At once: what a busy browser gets key by key looks like a person who stops
    // in the middle, and then a scanner.
    for (const text of texts) {
        await entry(tab).fill(text);
        await entry(tab).press("Enter");
    }
};

// A product with these codes, for as long as run() takes
async function withProduct(codes, run) {
    const { id } = await api("POST", "/products/", {
        nom: "Thé de l’essai, long comme un nom peut l’être dans un magasin",
        categorie: "Essai",
        prix: "1234.50",
        ...codes,
    });
    try {
        await run(id);
    } finally {
        await api("DELETE", `/products/${id}/`);
    }
}

labels(
    "a sheet: prices, places, bars that a scanner reads",
    {},
    async (tab) => {
        const sheet = await api("GET", "/products/2/sheet/");
        const other = await api("GET", "/products/6/sheet/");

        await enter(tab, `3*${sheet.codes_barres[0]}`, "sencha");
        await cards(tab).nth(1).waitFor();
        await tab.getByText("4 étiquettes", { exact: true }).waitFor();
        assert.deepEqual(await violations(tab), []);

        const [page, ...rest] = await pages(tab, () => print(tab).click());
        assert.deepEqual([page.width, page.height, rest.length], [210, 297, 0]);
        assert.equal(page.text.match(/25,50 €/g).length, 3);
        assert.equal(page.text.match(/Souris optique/g).length, 3);
        // zbarimg tells one code once, wherever it is.
        assert.deepEqual(page.codes.toSorted(), [
            `EAN-13:${sheet.codes_barres[0]}`,
            `EAN-13:${other.codes_barres[0]}`,
        ]);

        // One sheet more when the first places are taken
        await tab.getByLabel("Première étiquette").fill("23");
        assert.equal((await pages(tab, () => print(tab).click())).length, 2);
        await tab.getByLabel("Première étiquette").fill("25");
        await print(tab).click();
        await tab.getByText("De 1 à 24.").waitFor();
    },
);

for (const [name, codes, read] of [
    [
        "of 13 digits",
        { codes_barres: ["3017620422003"] },
        "EAN-13:3017620422003",
    ],
    // A zero in front makes 13 of 12.
    [
        "of 12 digits",
        { codes_barres: ["036000291452"] },
        "EAN-13:0036000291452",
    ],
    ["of 8 digits", { codes_barres: ["96385074"] }, "EAN-8:96385074"],
    ["of its own", { code: "ESSAI-77/b" }, "CODE-128:ESSAI-77/b"],
    [
        "no barcode but a code",
        { code: "INTERNE 5", codes_barres: [] },
        "CODE-128:INTERNE 5",
    ],
]) {
    labels(`a barcode ${name}, on each paper`, {}, (tab) =>
        withProduct(codes, async () => {
            await enter(tab, "essai, long");
            await cards(tab).first().waitFor();
            for (const [paper, width, height] of [
                ["grandes", 210, 297],
                ["petites", 210, 297],
                ["rouleau", 57, 32],
            ]) {
                await tab.getByLabel("Papier").selectOption(paper);
                const printed = await pages(tab, () => print(tab).click());
                assert.deepEqual(
                    printed.map((one) => [one.width, one.height, one.codes]),
                    [[width, height, [read]]],
                    paper,
                );
                assert.match(printed[0].text, /1 234,50 €/);
            }
        }),
    );
}

labels("one without any code has its price all the same", {}, (tab) =>
    withProduct({}, async () => {
        await enter(tab, "essai, long");
        await cards(tab).first().waitFor();
        const [page] = await pages(tab, () => print(tab).click());
        assert.match(page.text, /1 234,50 €/);
        assert.deepEqual(page.codes, []);
    }),
);

labels("the price is that of the moment of printing", {}, (tab) =>
    withProduct({}, async (id) => {
        await enter(tab, "essai, long");
        await cards(tab).first().waitFor();
        await api("PATCH", `/products/${id}/`, { prix: "7.00" });
        const [page] = await pages(tab, () => print(tab).click());
        assert.match(page.text, /\b7,00 €/);
        await tab.locator(".notice", { hasText: "Le prix de" }).waitFor();
    }),
);

labels(
    "several of a name, counts, a reload, 360 pixels, dark",
    { viewport: { width: 360, height: 740 }, colorScheme: "dark" },
    async (tab) => {
        await enter(tab, "café");
        await tab.locator(".choices button").nth(1).waitFor();
        assert.deepEqual(await violations(tab), []);
        await tab.locator(".choices button").first().click();
        await cards(tab).first().waitFor();
        assert.equal(await tab.locator(".choices button").count(), 0);
        await tab.getByLabel(/^Étiquettes de/).fill("12");
        await tab.getByLabel(/^Étiquettes de/).press("Tab");
        await tab.getByText("12 étiquettes").waitFor();
        await tab.reload();
        await tab.getByText("12 étiquettes").waitFor();
        assert.deepEqual(await violations(tab), []);
        assert.equal(
            await tab.evaluate(
                () => document.documentElement.scrollWidth - innerWidth,
            ),
            0,
        );
        await tab.getByRole("button", { name: /^Enlever/ }).click();
        await tab.getByText("Scannez ou cherchez").waitFor();
        assert.ok(await print(tab).getAttribute("aria-disabled"));
    },
);
