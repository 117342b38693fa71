// What a person who never saw the pages does, with the mouse alone: sells,
// sees the stock go down and the dashboard follow, asks for more and approves.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
    api,
    identify,
    openBrowser,
    openTab,
    settled,
    stockOf,
} from "./browser.js";

const STORE = "Magasin Centre-Ville";
const PRODUCT = "Café Premium Bio";

let chromium;

before(async () => {
    chromium = await openBrowser();
});
after(() => chromium.close());

const digits = (text) => Number(text.replace(/\D/g, ""));

async function go(tab, name) {
    await tab
        .getByRole("navigation", { name: "Pages" })
        .getByRole("link", { name })
        .click();
    await tab.getByRole("heading", { level: 1, name }).waitFor();
    await settled(tab);
}

const rowOf = (tab) => tab.getByRole("row", { name: new RegExp(PRODUCT) });

const shownStock = async (tab) =>
    digits(await rowOf(tab).locator("td.number").first().textContent());

// In cents, of all the stores and of ours
async function takings(tab) {
    const own = tab.locator(".store", { hasText: STORE }).locator(".value");

    return {
        all: digits(await tab.locator(".figure .value").first().textContent()),
        own: digits(await own.textContent()),
    };
}

async function sell(tab, had) {
    const tile = tab.locator(".tile", { hasText: PRODUCT });

    await tile.click();
    await tile.click();
    await tab.locator(".tile", { hasText: "Souris optique" }).click();
    const total = await tab.locator(".ticket-total strong").textContent();
    assert.match(total, /^57,48\u00a0€$/);

    await tab.getByRole("button", { name: "Encaisser" }).click();
    await identify(tab);
    await tab
        .getByRole("heading", { name: /^Vente n° \d+ enregistrée$/ })
        .waitFor();
    assert.equal(
        await tab.locator(".receipt .ticket-total strong").textContent(),
        total,
    );
    await settled(tab);
    assert.match(await tile.textContent(), new RegExp(`${had - 2} en stock`));

    // The sale is the first of the last ones, and can be looked at.
    await tab.locator(".recent-sale").first().click();
    await tab.getByRole("dialog").getByText(`2 × ${PRODUCT}`).waitFor();
    await tab.getByRole("button", { name: "Fermer" }).click();
}

async function request(tab, central) {
    await rowOf(tab)
        .getByRole("button", { name: /^Demander/ })
        .click();
    const dialog = tab.getByRole("dialog", { name: `Demander : ${PRODUCT}` });

    await dialog.getByText(`Au stock central : ${central}.`).waitFor();
    assert.equal(
        await dialog
            .getByLabel("Magasin", { exact: true })
            .locator("option:checked")
            .textContent(),
        STORE,
    );
    await dialog.getByRole("button", { name: "Envoyer la demande" }).click();
    await tab.getByRole("button", { name: "Voir les demandes" }).click();
    await tab.waitForURL(/\/demandes$/);
    await settled(tab);
}

async function approve(tab, central) {
    await rowOf(tab)
        .getByRole("button", { name: /^Approuver/ })
        .click();
    const dialog = tab.getByRole("dialog", { name: "Approuver la demande" });

    await dialog
        .getByText(`Le stock central passera de ${central} à ${central - 10}.`)
        .waitFor();
    await dialog.getByRole("button", { name: "Approuver" }).click();
    await tab
        .locator(".notice", { hasText: /^Demande n° \d+ approuvée/ })
        .waitFor();
}

test("a sale, the stock, the dashboard, a replenishment", async () => {
    const { tab, close, nothingWrong } = await openTab(chromium.browser);
    const had = await stockOf(1, 4);
    const { central } = await api("GET", "/products/4/availability/");

    await tab.goto("/");
    await settled(tab);
    const before = await takings(tab);

    await go(tab, "Vente");
    await sell(tab, had);
    assert.equal(await stockOf(1, 4), had - 2);

    await go(tab, "Tableau de bord");
    assert.deepEqual(await takings(tab), {
        all: before.all + 5748,
        own: before.own + 5748,
    });

    await go(tab, "Stock d’un magasin");
    assert.equal(await shownStock(tab), had - 2);
    await request(tab, central);
    await approve(tab, central);
    assert.equal(await stockOf(1, 4), had + 8);

    await go(tab, "Stock central");
    assert.equal(await shownStock(tab), central - 10);
    await go(tab, "Journal");
    assert.match(
        await tab.locator("tbody tr").first().textContent(),
        /Demande, approbation|Réapprovisionnement/,
    );

    nothingWrong();
    await close();
});
