// Sales that the record is against, and totals that both sides agree on.

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
} from "./browser.js";

let chromium;

before(async () => {
    chromium = await openBrowser();
});
after(() => chromium.close());

// scopes: what the token says that it may do, when that is less than all
async function openTill(scopes = null) {
    const opened = await openTab(chromium.browser);
    const { tab } = opened;

    await tab.addInitScript(
        (text) => sessionStorage.setItem("magasin.jeton", text),
        token,
    );
    if (scopes) {
        await tab.route("**/api/v1/me/", (route) =>
            route.fulfill({
                json: {
                    nom: "caisse-3",
                    scopes,
                    magasins: null,
                    expire_le: null,
                },
            }),
        );
    }
    await tab.goto("/caisse?magasin=1");
    await settled(tab);
    return opened;
}

const lastSale = async () => (await api("GET", "/sales/?limit=1")).results[0];
const encash = (tab) => tab.getByRole("button", { name: "Encaisser" }).click();
const sold = (tab) =>
    tab.getByRole("heading", { name: /enregistrée/ }).waitFor();
const force = (tab) => tab.getByRole("button", { name: "Vendre quand même" });

async function short(tab) {
    await tab.locator(".tile", { hasText: "Souris optique" }).click();
    await tab.getByLabel("Quantité de Souris optique").fill("5");
    await setStock(1, 2, 2);
    await encash(tab);
    await tab.locator(".form-error", { hasText: "insuffisant" }).waitFor();
}

test("goods in the hand are sold though the record says otherwise", async () => {
    const { tab, close, nothingWrong } = await openTill();

    await setStock(1, 2, 10);
    await short(tab);
    await force(tab).click();
    const dialog = tab.getByRole("dialog", { name: "Vendre quand même ?" });
    await dialog.getByText("écart de caisse").waitFor();
    await dialog.getByRole("button", { name: "Annuler" }).click();
    assert.equal(await stockOf(1, 2), 2);
    await force(tab).click();
    await dialog.getByRole("button", { name: "Vendre quand même" }).click();
    await sold(tab);
    assert.equal(await stockOf(1, 2), 0);
    const { id } = await lastSale();
    const { results } = await api(
        "GET",
        "/journal/?ordering=-id&limit=10&magasin=1&produit=2",
    );
    assert.deepEqual(
        results
            .filter((row) => row.reference === `vente/${id}`)
            .map((row) => [row.type, row.delta, row.motif]),
        [
            ["vente", -5, null],
            ["ajustement", 3, "ecart_caisse"],
        ],
    );

    // It was for that sale: the next one is none.
    await setStock(1, 2, 10);
    await tab.reload();
    await settled(tab);
    await short(tab);
    assert.equal(await stockOf(1, 2), 2);
    nothingWrong(/status of 409/);
    await close();
});

test("who may not is not offered it", async () => {
    const { tab, close, nothingWrong } = await openTill(["ventes"]);

    await setStock(1, 2, 10);
    await short(tab);
    await tab.getByRole("button", { name: "Mettre 2" }).waitFor();
    assert.equal(await force(tab).count(), 0);
    nothingWrong(/status of 409/);
    await close();
});

test("a price that changes at the last moment is asked about", async () => {
    const { tab, close, nothingWrong } = await openTill();
    const { prix } = await api("GET", "/products/2/");
    const before = await lastSale();
    const dialog = tab.getByRole("dialog", { name: "Des prix ont changé" });

    await setStock(1, 2, 10);
    await tab.locator(".tile", { hasText: "Souris optique" }).click();
    try {
        // After all that the page can have read
        await tab.route("**/api/v1/sales/", async (route) => {
            await api("PATCH", "/products/2/", { prix: "99.90" });
            await route.continue();
        });
        await encash(tab);
        await dialog.getByText(/passe de .* à 99,90/).waitFor();
        assert.equal((await lastSale()).id, before.id);
        await dialog.getByRole("button", { name: /^Encaisser 99,90/ }).click();
        await sold(tab);
        assert.equal((await lastSale()).total, "99.90");
    } finally {
        await api("PATCH", "/products/2/", { prix });
    }
    nothingWrong(/status of 409/);
    await close();
});
