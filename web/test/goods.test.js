// Goods that come in, move, and are asked for.

import assert from "node:assert/strict";
import { api, base, settled, sql, stockOf, token } from "./browser.js";
import { scan as burst } from "./keyboard.js";
import {
    central,
    entry,
    idOf,
    left,
    lines,
    notice,
    plain,
    press,
    work,
} from "./work.js";

async function head(tab) {
    await tab
        .getByLabel("Lieu de réception")
        .selectOption({ label: "Magasin Nord" });
    await tab.getByLabel("Fournisseur").fill("Torréfacteur");
    await tab.getByLabel("Référence").fill("BL-77");
}

// A scanner: a barcode twice, a code; then a name by the keyboard
async function scan(tab) {
    await entry(tab).focus();
    for (const text of ["2000000000046", "2000000000046", "BOI-005"]) {
        await tab.keyboard.type(text);
        await tab.keyboard.press("Enter");
    }
    await tab.keyboard.type("souris opt");
    await tab.locator(".suggestions button").first().waitFor();
    await tab.keyboard.press("ArrowDown");
    await tab.keyboard.press("Enter");
    await tab.keyboard.type("rien de tel");
    await tab.keyboard.press("Enter");
    await left(tab, "Aucun produit pour « rien de tel ».").waitFor();
}

work(
    "receipts: scanned and searched lines come in",
    { path: "/receptions" },
    async (tab) => {
        const had = await stockOf(2, 4);

        await press(tab, "Nouvelle réception");
        await tab
            .getByRole("heading", { name: "Nouvelle réception" })
            .waitFor();
        await settled(tab);
        await head(tab);

        await scan(tab);
        assert.deepEqual(await lines(tab).locator(".title").allTextContents(), [
            "Souris optique",
            "Café Espresso Intenso",
            "Café Premium Bio",
        ]);
        assert.equal(
            await tab.getByLabel("Quantité : Café Premium Bio").inputValue(),
            "2",
        );

        // What was typed takes the place of what was there; the wheel does not.
        await tab.getByLabel("Quantité : Café Premium Bio").click();
        await tab.keyboard.type("12");
        await tab.mouse.wheel(0, 300);
        await tab.keyboard.press("Enter");
        assert.ok(
            await entry(tab).evaluate(
                (node) => node === document.activeElement,
            ),
        );
        await tab.getByLabel("Coût unitaire : Café Premium Bio").fill("3,20");
        await press(tab, "Retirer la ligne : Souris optique");
        await tab.getByText("2 produits, 13 unités").waitFor();

        // A reload keeps the lines.
        await tab.reload();
        await settled(tab);
        assert.equal(await lines(tab).count(), 2);
        await head(tab);

        await tab.getByLabel("Quantité : Café Espresso Intenso").fill("x");
        await press(tab, "Enregistrer la réception");
        await tab.getByText("Entrez un nombre entier, 1 ou plus.").waitFor();
        await tab.getByLabel("Quantité : Café Espresso Intenso").fill("5");
        await press(tab, "Enregistrer la réception");
        await notice(tab, /^Réception n° \d+ enregistrée/).waitFor();
        await settled(tab);
        const id = idOf(tab);
        const made = await api("GET", `/receipts/${id}/`);
        assert.equal(made.lieu, 2);
        assert.equal(made.fournisseur, "Torréfacteur");
        assert.equal(made.reference, "BL-77");
        assert.deepEqual(made.lignes, [
            { produit: 4, quantite: 12, cout_unitaire: "3.20" },
            { produit: 5, quantite: 5, cout_unitaire: null },
        ]);
        assert.equal(await stockOf(2, 4), had + 12);
        assert.match(
            plain(await tab.locator("tr.total").textContent()),
            /^Total ?17 ?38,40 €$/,
        );
        await api("POST", `/receipts/${id}/cancel/`);
    },
);

work(
    "receipts: one is found by its reference, and cancelled",
    { path: "/receptions", expected: [/status of 404/] },
    async (tab) => {
        const had = await stockOf(2, 4);
        const { id } = await api("POST", "/receipts/", {
            lieu: 2,
            fournisseur: "Torréfacteur",
            reference: "BL-78",
            lignes: [{ produit: 4, quantite: 17 }],
        });

        await tab.getByLabel("Référence").fill("BL-78");
        await tab.keyboard.press("Enter");
        await tab.waitForURL(/reference=BL-78/);
        await settled(tab);
        assert.equal(await tab.locator("tbody tr").count(), 1);
        await tab.getByRole("link", { name: `n° ${id}` }).click();
        await tab.getByRole("heading", { name: `n° ${id}` }).waitFor();
        await settled(tab);
        assert.equal(await stockOf(2, 4), had + 17);
        await press(tab, "Annuler la réception");
        const dialog = tab.getByRole("dialog");
        await dialog.getByText("17 unités sortent").waitFor();
        await dialog.getByLabel("Motif").fill("erreur de saisie");
        await dialog
            .getByRole("button", { name: "Annuler la réception" })
            .click();
        await notice(tab, "est annulée").waitFor();
        await tab.locator(".facts .badge", { hasText: "Annulée" }).waitFor();
        assert.equal(await stockOf(2, 4), had);

        await tab.getByRole("link", { name: "Toutes les réceptions" }).click();
        await tab.locator("tbody tr").nth(3).waitFor();
        await tab.goto("/receptions?document=99999999");
        await tab.getByText("n’existe pas").waitFor();
    },
);

work(
    "receipts: into the centre; an entry that means several is chosen",
    { path: "/receptions?nouveau=oui", expected: [/status of 400/] },
    async (tab) => {
        const had = await central(5);

        await tab
            .getByLabel("Lieu de réception")
            .selectOption({ label: "Stock central" });
        await entry(tab).fill("café");
        await entry(tab).press("Enter");
        await left(tab, "Plusieurs produits pour « café »").waitFor();
        await tab
            .locator(".suggestions")
            .getByRole("button", { name: /Espresso/ })
            .click();
        assert.equal(await tab.locator(".entries li").count(), 0);
        await tab.getByLabel("Quantité : Café Espresso Intenso").fill("7");
        await press(tab, "Enregistrer la réception");
        await tab
            .locator(".field-error", { hasText: "vide" })
            .first()
            .waitFor();
        await tab.getByLabel("Fournisseur").fill("Brûlerie");
        await tab.getByLabel("Référence").fill("BL-79");
        await press(tab, "Enregistrer la réception");
        await notice(tab, "enregistrée : Stock central").waitFor();
        assert.equal(await central(5), had + 7);
        await api("POST", `/receipts/${idOf(tab)}/cancel/`);
    },
);

work(
    "receipts: 60 scans at the speed of a scanner, with late answers",
    { path: "/receptions?nouveau=oui" },
    async (tab) => {
        const codes = ["2000000000046", "BOI-005", "ACC-013", "BOI-015"];

        await tab.route(/\/products\/\?code=/, async (route) => {
            await new Promise((resolve) =>
                setTimeout(resolve, Math.random() * 700),
            );
            await route.continue();
        });
        await entry(tab).focus();
        for (let scan = 0; scan < 60; scan += 1) {
            await tab.keyboard.type(codes[scan % 4], { delay: 1 });
            await tab.keyboard.press("Enter");
        }
        await tab.getByText("4 produits, 60 unités").waitFor();
        assert.deepEqual(
            await lines(tab)
                .locator("input[inputmode=numeric]")
                .evaluateAll((all) => all.map((one) => one.value)),
            ["15", "15", "15", "15"],
        );
        assert.equal(await tab.locator(".entries li").count(), 0);
    },
);

work(
    "receipts: a scan is a line wherever the focus is",
    { path: "/receptions?nouveau=oui" },
    async (tab) => {
        const { id } = await api("POST", "/products/", {
            nom: "Essai de huit chiffres",
            categorie: "Essai",
            prix: "1.00",
            codes_barres: ["96385074"],
        });
        const coffee = tab.getByLabel("Quantité : Café Premium Bio");
        const other = tab.getByLabel("Quantité : Essai de huit chiffres");
        const cost = tab.getByLabel("Coût unitaire : Café Premium Bio");
        const reference = tab.getByLabel("Référence");
        const values = async (...wanted) => {
            await tab.waitForFunction(
                (all) =>
                    [
                        ...document.querySelectorAll(
                            ".goods-table input[inputmode=numeric]",
                        ),
                    ]
                        .map((one) => one.value)
                        .join() === all,
                wanted.join(),
            );
        };

        try {
            await entry(tab).focus();
            await burst(tab, "BOI-004");
            await values("1");
            await coffee.fill("12");
            await coffee.focus();
            await burst(tab, "96385074");
            await values("1", "12");
            await coffee.focus();
            await burst(tab, "96385074", { every: 300 });
            await values("2", "12");
            // Its own line
            await coffee.focus();
            await burst(tab, "2000000000046");
            await values("2", "13");
            await cost.fill("3,20");
            await cost.focus();
            await burst(tab, "BOI-004");
            await values("2", "14");
            assert.equal(await cost.inputValue(), "3,20");
            await reference.fill("BL-77");
            await reference.focus();
            await burst(tab, "BOI-004");
            await values("2", "15");
            assert.equal(await reference.inputValue(), "BL-77");
            // On a button that would take the line off, and on nothing
            await tab
                .getByRole("button", { name: /^Retirer la ligne : Essai/ })
                .focus();
            await burst(tab, "BOI-004");
            await values("2", "16");
            await tab.evaluate(() => document.activeElement.blur());
            await burst(tab, "BOI-004");
            await values("2", "17");
            await tab.getByText("2 produits, 19 unités").waitFor();
            await other.fill("3");
            await tab.getByText("2 produits, 20 unités").waitFor();
        } finally {
            await tab.evaluate(() => sessionStorage.clear());
            await api("DELETE", `/products/${id}/`);
        }
    },
);

work(
    "receipts: a number that is hardly meant is asked about",
    { path: "/receptions?nouveau=oui" },
    async (tab) => {
        const dialog = tab.getByRole("dialog");

        await head(tab);
        await entry(tab).fill("BOI-004");
        await entry(tab).press("Enter");
        await tab.getByLabel("Quantité : Café Premium Bio").fill("96385074");
        await press(tab, "Enregistrer la réception");
        await dialog.getByText("Un code-barres a peut-être").waitFor();
        await dialog.getByRole("button", { name: "Annuler" }).click();
        assert.match(tab.url(), /nouveau=oui/);
        await tab.getByLabel("Quantité : Café Premium Bio").fill("20000");
        await press(tab, "Enregistrer la réception");
        await dialog.getByRole("button", { name: "Garder ce nombre" }).click();
        await notice(tab, /^Réception n° \d+ enregistrée/).waitFor();
        const id = idOf(tab);
        const { lignes } = await api("GET", `/receipts/${id}/`);
        assert.equal(lignes[0].quantite, 20000);
        await api("POST", `/receipts/${id}/cancel/`);
    },
);

work(
    "receipts: what is still looked up, or to be chosen, is not left out",
    { path: "/receptions?nouveau=oui" },
    async (tab) => {
        await head(tab);
        await entry(tab).fill("BOI-004");
        await entry(tab).press("Enter");
        await lines(tab).first().waitFor();
        await tab.route(/\/products\/\?/, async (route) => {
            await new Promise((resolve) => setTimeout(resolve, 400));
            await route.continue();
        });
        await entry(tab).fill("café");
        await entry(tab).press("Enter");
        await press(tab, "Enregistrer la réception");
        await tab
            .locator(".form-error", { hasText: "« café » n’est pas" })
            .waitFor();
        assert.match(tab.url(), /nouveau=oui/);
        await tab.evaluate(() => sessionStorage.clear());
    },
);

work(
    "transfers: sent, received with differences",
    { path: "/transferts?nouveau=oui&de=1&vers=4&produit=4" },
    async (tab) => {
        const here = await stockOf(1, 4);
        const there = await stockOf(4, 4);

        // What is held for somebody cannot be sent.
        const { disponible } = await api("GET", "/stores/1/stock/4/");
        assert.ok(disponible < here);
        await tab.getByText(`${disponible} au départ`).waitFor();
        await tab.getByLabel("Quantité : Café Premium Bio").fill("9999");
        await tab.locator(".short", { hasText: "au départ" }).waitFor();
        await tab.getByLabel("Quantité : Café Premium Bio").fill("5");
        await tab.getByLabel("Vers").selectOption({ label: "Stock central" });
        await tab.getByLabel("De", { exact: true }).selectOption("centre");
        await press(tab, "Envoyer");
        await tab.getByText("Choisissez un autre lieu").waitFor();
        await tab.getByLabel("De", { exact: true }).selectOption("1");
        await tab.getByLabel("Vers").selectOption("4");
        await press(tab, "Envoyer");
        await notice(tab, "Magasin Centre-Ville → Magasin Sud").waitFor();
        await settled(tab);
        const id = idOf(tab);
        assert.equal(await stockOf(1, 4), here - 5);

        // On its way, in the list of both stores
        await tab.getByRole("link", { name: "Tous les transferts" }).click();
        await settled(tab);
        await tab.getByLabel("Magasin", { exact: true }).selectOption("4");
        await tab.waitForURL(/magasin=4/);
        await settled(tab);
        await tab
            .getByRole("link", { name: `Recevoir le transfert n° ${id}` })
            .click();
        await settled(tab);
        await press(tab, "Arrivé avec des écarts");
        await tab.getByLabel("Reçu : Café Premium Bio").waitFor();
        await press(tab, "Compter en scannant, depuis zéro");
        for (let scan = 0; scan < 3; scan += 1) {
            await entry(tab).fill("2000000000046");
            await entry(tab).press("Enter");
        }
        await entry(tab).fill("BOI-005");
        await entry(tab).press("Enter");
        await tab.getByText("n’est pas dans cet envoi").waitFor();
        assert.equal(await lines(tab).locator(".delta").textContent(), "-2");
        await tab.getByLabel("Motif des écarts").fill("casse");
        await press(tab, "Enregistrer ce qui est arrivé");
        await notice(tab, `Transfert n° ${id} reçu, avec 1 écart.`).waitFor();
        await settled(tab);
        assert.equal(await stockOf(4, 4), there + 3);
        assert.deepEqual(
            await tab.locator("tbody td.number").allTextContents(),
            ["5", "3", "-2"],
        );
    },
);

work(
    "transfers: all has come; another is brought back; the second one is told",
    { path: "/transferts", expected: [/status of 409/] },
    async (tab) => {
        const send = (quantite) =>
            api("POST", "/transfers/", {
                de: null,
                vers: 2,
                lignes: [{ produit: 13, quantite }],
            });
        const had = await stockOf(2, 13);
        const stock = await central(13);
        const one = await send(4);
        const two = await send(3);

        await tab.goto(`/transferts?document=${one.id}`);
        await settled(tab);
        await press(tab, "Tout est arrivé");
        await tab
            .getByRole("dialog")
            .getByRole("button", { name: "Tout est arrivé" })
            .click();
        await notice(tab, "reçu : Magasin Nord").waitFor();
        assert.equal(await stockOf(2, 13), had + 4);

        await tab.goto(`/transferts?document=${two.id}`);
        await settled(tab);
        await press(tab, "Annuler l’envoi");
        // Somebody else is faster.
        await api("POST", `/transfers/${two.id}/cancel/`);
        await tab
            .getByRole("dialog")
            .getByRole("button", { name: "Annuler l’envoi" })
            .click();
        await tab.locator(".facts .badge", { hasText: "Annulé" }).waitFor();
        assert.equal(await central(13), stock - 4);
    },
);

work(
    "transfers: too little is told beside its line",
    {
        path: "/transferts?nouveau=oui&de=3&vers=4&produit=4",
        expected: [/status of 409/],
    },
    async (tab) => {
        await tab.getByLabel("Quantité : Café Premium Bio").fill("9999");
        await press(tab, "Envoyer");
        await tab
            .locator(".goods-table .field-error", { hasText: /n’y en a que/ })
            .waitFor();
        await tab.locator(".form-error", { hasText: "insuffisant" }).waitFor();
    },
);

const limits = (store, product) =>
    api("GET", `/stores/${store}/stock/${product}/thresholds/`);

work(
    "stock: thresholds in their row, taken back, and not over another's",
    { path: "/stock?magasin=3&recherche=BOI-006", expected: [/status of 400/] },
    async (tab) => {
        const minimum = tab.getByLabel("Minimum : Thé Vert Sencha");
        const maximum = tab.getByLabel("Maximum : Thé Vert Sencha");
        const before = await limits(3, 6);

        assert.equal(await tab.locator("tbody tr").count(), 1);
        assert.equal(before.origine, "categorie");
        await minimum.focus();
        await tab.keyboard.type("12");
        await tab.keyboard.press("Tab");
        await tab.keyboard.type("48");
        await tab.keyboard.press("Enter");
        await notice(tab, "Seuils de Thé Vert Sencha : 12 à 48.").waitFor();
        assert.deepEqual(await limits(3, 6), {
            magasin: 3,
            produit: 6,
            minimum: 12,
            maximum: 48,
            origine: "produit",
        });
        await maximum.fill("5");
        await tab.keyboard.press("Enter");
        await tab.locator(".threshold[aria-invalid]").first().waitFor();
        assert.equal((await limits(3, 6)).maximum, 48);

        await tab.reload();
        await settled(tab);
        // Somebody else is faster.
        await api("PUT", "/stores/3/stock/6/thresholds/", {
            minimum: 13,
            maximum: 50,
        });
        await minimum.fill("2");
        await tab.keyboard.press("Enter");
        await notice(tab, "ont changé entre-temps : 13 à 50").waitFor();
        await tab.getByLabel("Produit", { exact: true }).focus();
        await tab.evaluate(() =>
            document.dispatchEvent(new Event("visibilitychange")),
        );
        await tab.waitForFunction(
            () => document.querySelector("input.threshold").value === "13",
        );

        await minimum.fill("14");
        await minimum.blur();
        await notice(tab, "Thé Vert Sencha : 14 à 50.")
            .getByRole("button", { name: "Annuler" })
            .click();
        await notice(tab, "13 à 50, comme avant").waitFor();
        assert.equal((await limits(3, 6)).minimum, 13);
        await api("PUT", "/stores/3/stock/6/thresholds/", {
            minimum: null,
            maximum: null,
        });
    },
);

work(
    "stock: found by its barcode; who has it, and a transfer of it",
    { path: "/stock?magasin=3" },
    async (tab) => {
        await tab.getByLabel("Produit", { exact: true }).fill("2000000000046");
        await tab.waitForURL(/recherche=2000/);
        await settled(tab);
        assert.deepEqual(
            await tab.locator("tbody th .title").allTextContents(),
            ["Café Premium Bio"],
        );
        await press(tab, /^Qui en a/);
        const rows = tab.locator(".whereabouts li");
        const { central: there, magasins } = await api(
            "GET",
            "/products/4/availability/",
        );
        const units = [
            there,
            ...magasins
                .filter((one) => one.magasin !== 3)
                .map((one) => one.disponible),
        ].sort((a, b) => b - a);
        await rows.first().waitFor();
        assert.deepEqual(
            (await rows.locator("strong").allTextContents()).map(Number),
            units,
        );
        await tab
            .getByRole("link", { name: /Faire venir de Magasin Sud/ })
            .click();
        await tab.getByLabel("Quantité : Café Premium Bio").waitFor();
        assert.equal(
            await tab.getByLabel("De", { exact: true }).inputValue(),
            "4",
        );
        assert.equal(await tab.getByLabel("Vers").inputValue(), "3");
    },
);

work(
    "stock: what is on its way and what is below the minimum",
    { path: "/stock?magasin=3&seuil=bas" },
    async (tab) => {
        const low = (await api("GET", "/stores/3/items/?sous_minimum=true"))
            .results;
        assert.deepEqual(
            await tab.locator("tbody th .title").allTextContents(),
            low.map((one) => one.nom),
        );
        await tab.getByLabel("Montrer").selectOption("");
        await tab.waitForURL(/magasin=3$/);
        await settled(tab);
        await tab
            .getByRole("row", { name: /Câble USB-C/ })
            .locator(".muted:visible", { hasText: "20 en chemin" })
            .waitFor();
    },
);

work(
    "defaults: a category is added, another taken away",
    { path: "/stock?magasin=5" },
    async (tab) => {
        const before = await api("GET", "/stores/5/thresholds/");
        const dialog = tab.getByRole("dialog");

        await press(tab, "Seuils par défaut");
        await dialog.getByLabel("Minimum : autres catégories").fill("6");
        await dialog
            .getByRole("button", { name: "Ajouter une catégorie" })
            .click();
        await tab.keyboard.type("Confiserie");
        await dialog.getByLabel("Minimum : nouvelle catégorie").fill("9");
        await dialog.getByLabel("Maximum : nouvelle catégorie").fill("3");
        await dialog.getByRole("button", { name: "Enregistrer" }).click();
        await dialog.getByText("plus petit que le minimum").waitFor();
        await dialog.getByLabel("Maximum : nouvelle catégorie").fill("30");
        await dialog
            .getByRole("button", { name: "Retirer : Informatique" })
            .click();
        await dialog.getByRole("button", { name: "Enregistrer" }).click();
        await notice(tab, "Seuils par défaut enregistrés").waitFor();
        const { lignes } = await api("GET", "/stores/5/thresholds/");
        assert.deepEqual(
            lignes.map((line) => [line.categorie, line.minimum]),
            [
                [null, 6],
                ["Boissons", 10],
                ["Confiserie", 9],
            ],
        );
        await api("PUT", "/stores/5/thresholds/", { lignes: before.lignes });
    },
);

work(
    "reorder: some with other quantities, then the rest by one click",
    { path: "/commander?magasin=3" },
    async (tab) => {
        await api("PUT", "/stores/3/stock/14/thresholds/", {
            minimum: 500,
            maximum: 510,
        });
        await tab.reload();
        await settled(tab);
        const list = (await api("GET", "/stores/3/reorder/")).results;
        const asked = async () =>
            (
                await api(
                    "GET",
                    "/replenishments/?magasin=3&statut=en_attente&limit=200",
                )
            ).results;
        const before = (await asked()).length;

        assert.ok(list.length >= 3);
        assert.deepEqual(
            await tab.locator("tbody th .title").allTextContents(),
            list.map((one) => one.nom),
        );
        // Tout cocher off, one on by writing a number
        await tab.getByLabel("Tout cocher").uncheck();
        assert.ok(
            await tab
                .getByRole("button", { name: "Rien n’est coché" })
                .isDisabled(),
        );
        await tab.getByLabel("Quantité : Café Premium Bio").fill("x");
        await press(tab, "Demander 1 produit");
        await notice(tab, "Café Premium Bio : entrez un nombre").waitFor();
        await tab.getByLabel("Quantité : Café Premium Bio").fill("21");
        await press(tab, "Demander 1 produit");
        await notice(tab, "1 demande envoyée pour Magasin Est.").waitFor();
        await settled(tab);
        const [first] = await asked();
        assert.equal(first.produit, 4);
        assert.equal(first.quantite, 21);
        assert.equal((await asked()).length, before + 1);

        await press(tab, /^Demander \d+ produits$/);
        await tab.getByText("Rien n’est à commander").waitFor();
        assert.equal((await asked()).length, before + list.length);
        await notice(tab, "demandes envoyées")
            .getByRole("button", { name: "Voir les demandes" })
            .click();
        await tab.waitForURL(/\/demandes\?magasin=3/);
        for (const one of (await asked()).slice(0, list.length)) {
            await api("POST", `/replenishments/${one.id}/cancel/`);
        }
        await api("PUT", "/stores/3/stock/14/thresholds/", {
            minimum: null,
            maximum: null,
        });
    },
);

// More than a page: 120 products of which the store 5 has none
const scarce = `
    INSERT INTO produit (id, nom, categorie, prix)
    SELECT n, 'Aaa ' || n, 'Suite', 1 FROM generate_series(7001, 7120) n;
    INSERT INTO stock_local (magasin_id, produit_id, quantite)
    SELECT 5, n, 0 FROM generate_series(7001, 7120) n;
    INSERT INTO seuil (magasin_id, produit_id, minimum, maximum)
    SELECT 5, n, 2, 9 FROM generate_series(7001, 7120) n`;
const plenty = ["demande_reapprovisionnement", "seuil", "stock_local"]
    .map(
        (table) =>
            `DELETE FROM ${table} WHERE produit_id BETWEEN 7001 AND 7120;`,
    )
    .concat("DELETE FROM produit WHERE id BETWEEN 7001 AND 7120;")
    .join(" ");

work(
    "reorder: all with what is not shown, as it was chosen",
    { path: "/commander?magasin=5", expected: [/status of 400/] },
    async (tab) => {
        const waiting = async () =>
            (
                await api(
                    "GET",
                    "/replenishments/?magasin=5&statut=en_attente&limit=1000",
                )
            ).results;
        const asked = async () =>
            new Map(
                (await waiting())
                    .filter(({ produit }) => produit > 7000)
                    .map(({ produit, quantite }) => [produit, quantite]),
            );
        const old = (await waiting()).map(({ id }) => id);

        await sql(scarce);
        try {
            await tab.reload();
            await settled(tab);
            assert.equal(await tab.locator("tbody tr").count(), 50);
            await tab
                .getByRole("button", { name: "Tout demander, avec la suite" })
                .waitFor();
            await tab.getByLabel("Demander : Aaa 7003").uncheck();
            await tab.getByLabel("Quantité : Aaa 7004").fill("x");
            await press(tab, "Demander 49 produits et la suite");
            await notice(tab, "Aaa 7004 : entrez un nombre").waitFor();
            assert.equal((await asked()).size, 0);
            await tab.getByLabel("Quantité : Aaa 7004").fill("4");

            // Between the list and the request somebody asks for one of them, and
            // another one is deleted.
            let once = 0;
            await tab.route("**/stores/5/reorder/", async (route) => {
                if (route.request().method() === "POST" && once === 0) {
                    once = 1;
                    await fetch(`${base}/api/v1/stores/5/reorder/`, {
                        method: "POST",
                        headers: {
                            Authorization: `Token ${token}`,
                            "Content-Type": "application/json",
                        },
                        body: '{"lignes":[{"produit":7100,"quantite":7}]}',
                    });
                    await api("DELETE", "/products/7101/");
                }
                await route.continue();
            });
            const before = (await api("GET", "/stores/5/reorder/?limit=1000"))
                .results;
            await press(tab, "Demander 49 produits et la suite");
            await notice(
                tab,
                `${before.length - 3} demandes envoyées pour`,
            ).waitFor();
            const now = await asked();
            assert.equal(now.size, 118);
            assert.equal(now.has(7003), false);
            assert.equal(now.has(7101), false);
            assert.equal(now.get(7004), 4);
            assert.equal(now.get(7005), 9);
            assert.equal(now.get(7100), 7);
            assert.equal(now.get(7120), 9);
            // What was left out is there still.
            await settled(tab);
            assert.deepEqual(
                await tab.locator("tbody th .title").allTextContents(),
                ["Aaa 7003"],
            );
        } finally {
            for (const { id } of await waiting()) {
                if (!old.includes(id)) {
                    await api("POST", `/replenishments/${id}/cancel/`);
                }
            }
            await sql(plenty);
        }
    },
);

work(
    "central stock: corrected, and who has it",
    { path: "/central?recherche=Souris" },
    async (tab) => {
        const had = await central(2);
        const dialog = tab.getByRole("dialog");

        await press(tab, "Corriger le stock central de Souris optique");
        await dialog.getByLabel("Quantité comptée").fill(String(had - 4));
        await dialog.getByLabel("Motif").fill("inventaire");
        await dialog
            .getByRole("button", { name: "Enregistrer la quantité" })
            .click();
        await notice(tab, "Stock corrigé : Souris optique.").waitFor();
        assert.equal(await central(2), had - 4);
        await press(tab, "Qui en a ? Souris optique");
        await dialog.getByText("Magasin Nord").waitFor();
        assert.equal(await dialog.getByRole("link").count(), 0);
        await tab.keyboard.press("Escape");
        await api("POST", "/stock/central/2/adjust/", { delta: 4 });
        await tab.getByRole("link", { name: "Recevoir" }).click();
        await settled(tab);
        assert.equal(
            await tab.getByLabel("Lieu de réception").inputValue(),
            "centre",
        );
    },
);
