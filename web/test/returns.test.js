// Goods that come back, goods that are sold whatever the record says, and totals
// that both sides agree on.

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

let chromium;

before(async () => {
    chromium = await openBrowser();
});
after(() => chromium.close());

// scopes: what the token says that it may do, when that is less than all
function till(name, { expected = [], scopes = null, ...options }, run) {
    test(name, async () => {
        const { tab, close, nothingWrong } = await openTab(
            chromium.browser,
            options,
        );

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
        await run(tab);
        nothingWrong(...expected);
        await close();
    });
}

const barcode = async (id) =>
    (await api("GET", `/products/${id}/sheet/`)).codes_barres[0];
const sell = (lignes) => api("POST", "/sales/", { magasin: 1, lignes });

async function openSale(tab, id) {
    await tab.keyboard.press("F8");
    await tab.getByLabel("Numéro").fill(String(id));
    await tab.getByLabel("Numéro").press("Enter");
    await tab.getByRole("dialog", { name: `Vente n° ${id}` }).waitFor();
}

const takeBack = (tab) =>
    tab.getByRole("button", { name: "Reprendre des articles" }).click();

till("goods come back, by scan and by number", {}, async (tab) => {
    await setStock(1, 2, 20);
    await setStock(1, 6, 20);
    const { id } = await sell([
        { produit: 2, quantite: 3 },
        { produit: 6, quantite: 2 },
    ]);
    const form = tab.getByRole("dialog", { name: /^Reprendre/ });
    const submit = form.getByRole("button", { name: "Reprendre", exact: true });

    await openSale(tab, id);
    await takeBack(tab);
    await form.waitFor();
    assert.deepEqual(await violations(tab), []);
    await submit.click();
    await form.getByText("Dites combien d’articles").waitFor();
    await scan(tab, await barcode(2));
    await form.getByText("Souris optique : 1", { exact: true }).waitFor();
    await scan(tab, await barcode(2));
    await form.getByText("Souris optique : 2", { exact: true }).waitFor();
    await scan(tab, await barcode(1));
    await form.getByText("n’est pas sur cette vente.").waitFor();
    await form.getByLabel("Thé Vert Sencha").fill("3");
    await submit.click();
    await form.getByText("Un nombre de 0 à 2.").waitFor();
    await form.getByLabel("Thé Vert Sencha").fill("1");
    await form.getByLabel("Motif").fill("erreur");
    await submit.click();
    await tab
        .locator(".notice", { hasText: /3.articles repris, à rembourser/ })
        .waitFor();
    // Nothing of it is on the ticket.
    assert.equal(await tab.locator(".ticket-lines li").count(), 0);
    const [made] = (await api("GET", `/sales/${id}/returns/`)).results;
    assert.deepEqual(
        made.lignes.map(({ produit, quantite }) => [produit, quantite]),
        [
            [2, 2],
            [6, 1],
        ],
    );
    assert.equal(made.motif, "erreur");
    assert.equal(made.remise_en_stock, true);
    assert.equal(await stockOf(1, 2), 19);
    assert.equal(await stockOf(1, 6), 19);

    // The rest, which is not sold again
    const sale = tab.getByRole("dialog", { name: `Vente n° ${id}` });
    await sale.getByText(/-63,99/).waitFor();
    assert.deepEqual(await violations(tab), []);
    await takeBack(tab);
    await form.getByLabel("Souris optique").fill("1");
    await form.getByLabel("Thé Vert Sencha").fill("1");
    await form.getByLabel("Que deviennent").selectOption("non");
    await submit.click();
    await sale.getByText("Tout est revenu.").waitFor();
    assert.equal(await stockOf(1, 2), 19);
});

till(
    "a return waits for the scans that are still looked up",
    { expected: [/status of 500/] },
    async (tab) => {
        await setStock(1, 2, 20);
        await setStock(1, 6, 20);
        const { id } = await sell([
            { produit: 2, quantite: 3 },
            { produit: 6, quantite: 2 },
        ]);
        const form = tab.getByRole("dialog", { name: /^Reprendre/ });
        const submit = form.getByRole("button", {
            name: "Reprendre",
            exact: true,
        });
        const [mouse, tea] = [await barcode(2), await barcode(6)];
        let lost = true;

        await openSale(tab, id);
        await takeBack(tab);
        await form.waitFor();
        await tab.route(/\/products\/\?code=/, async (route) => {
            await new Promise((resolve) => setTimeout(resolve, 400));
            if (lost && route.request().url().includes(tea)) {
                await route.fulfill({ status: 500, json: { detail: "Non." } });
            } else {
                await route.continue();
            }
        });
        // Into the number of the other one, which stays
        await form.getByLabel("Thé Vert Sencha").focus();
        await scan(tab, mouse);
        await scan(tab, mouse);
        await scan(tab, tea);
        await submit.click();
        // One of them is not known: nothing is sent without it.
        await form.getByText("n’a pas pu être cherché").waitFor();
        assert.deepEqual(
            (await api("GET", `/sales/${id}/returns/`)).results,
            [],
        );
        lost = false;
        await scan(tab, tea);
        await submit.click();
        await tab
            .locator(".notice", { hasText: /3.articles repris, à rembourser/ })
            .waitFor();
        const [made] = (await api("GET", `/sales/${id}/returns/`)).results;
        assert.deepEqual(
            made.lignes.map(({ produit, quantite }) => [produit, quantite]),
            [
                [2, 2],
                [6, 1],
            ],
        );
    },
);

till(
    "somebody else was faster: what can still come back is said",
    { expected: [/status of 409/] },
    async (tab) => {
        const { id } = await sell([{ produit: 6, quantite: 1 }]);
        const form = tab.getByRole("dialog", { name: /^Reprendre/ });

        await openSale(tab, id);
        await takeBack(tab);
        await form.getByLabel("Thé Vert Sencha").fill("1");
        await api("POST", `/sales/${id}/returns/`, {
            lignes: [{ produit: 6, quantite: 1 }],
            remise_en_stock: true,
        });
        await form
            .getByRole("button", { name: "Reprendre", exact: true })
            .click();
        await form
            .locator(".form-error", { hasText: "Thé Vert Sencha" })
            .waitFor();
    },
);

till(
    "who may not take back is told so",
    { scopes: ["ventes"] },
    async (tab) => {
        const { id } = await sell([{ produit: 6, quantite: 1 }]);

        await openSale(tab, id);
        await tab.getByText("n’a pas le droit « retours »").waitFor();
        assert.equal(
            await tab
                .getByRole("button", { name: "Reprendre des articles" })
                .count(),
            0,
        );
    },
);
