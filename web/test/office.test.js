// The work of a head office.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { api, setStock, settled, sql, stockOf } from "./browser.js";
import { notice, plain, press, work } from "./work.js";

const ask = (magasin, produit, quantite) =>
    api("POST", "/replenishments/", { magasin, produit, quantite });
const request = (id) => api("GET", `/replenishments/${id}/`);
const choose = (tab, name) => tab.getByLabel(name).check();

work(
    "requests: many are decided at once, with a reason",
    { path: "/demandes" },
    async (tab) => {
        const one = await ask(1, 8, 2);
        const two = await ask(2, 8, 3);
        const lost = await ask(2, 9, 88888);
        const dialog = tab.getByRole("dialog");

        await tab.reload();
        await settled(tab);
        await choose(tab, /^Choisir : 2 × Chocolat Noir/);
        await choose(tab, /^Choisir : 3 × Chocolat Noir/);
        await choose(tab, /^Choisir : 88.888 × Chocolat au Lait/);
        await tab.getByText("3 demandes cochées").waitFor();
        await tab
            .locator(".bulk")
            .getByRole("button", { name: "Approuver" })
            .click();
        await dialog.getByText("Approuver 3 demandes ?").waitFor();
        await dialog.getByLabel("Motif").fill("tournée du mardi");
        await dialog.getByRole("button", { name: "Approuver" }).click();
        await notice(tab, "2 demandes approuvées, 1 autrement").waitFor();
        await dialog.getByText(/central/).waitFor();
        await dialog
            .locator(".form-actions")
            .getByRole("button", { name: "Fermer" })
            .click();
        assert.equal((await request(one.id)).statut, "approuvee");
        assert.equal((await request(two.id)).statut, "approuvee");
        assert.equal((await request(lost.id)).statut, "refusee");

        const three = await ask(1, 8, 4);
        const four = await ask(1, 9, 4);
        await tab.reload();
        await settled(tab);
        await choose(tab, "Tout cocher");
        await tab.getByLabel("Tout cocher").uncheck();
        await choose(tab, /^Choisir : 4 × Chocolat Noir/);
        await choose(tab, /^Choisir : 4 × Chocolat au Lait/);
        await tab
            .locator(".bulk")
            .getByRole("button", { name: "Refuser" })
            .click();
        await dialog.getByLabel("Motif").fill("fin de série");
        await dialog.getByRole("button", { name: "Refuser" }).click();
        await notice(tab, "2 demandes refusées.").waitFor();
        assert.equal((await request(three.id)).statut, "refusee");
        const rows = (
            await api("GET", "/journal/?type=demande_refus&ordering=-id")
        ).results;
        assert.ok(
            [three.id, four.id].every((id) =>
                rows.some(
                    (row) =>
                        row.motif === "fin de série" &&
                        row.reference?.endsWith(String(id)),
                ),
            ),
            JSON.stringify(rows.slice(0, 3)),
        );
    },
);

work(
    "requests: fewer are granted than were asked for",
    { path: "/demandes" },
    async (tab) => {
        const had = await stockOf(1, 8);
        const one = await ask(1, 8, 12);
        const dialog = tab.getByRole("dialog");

        await tab.reload();
        await settled(tab);
        await press(tab, /^Approuver : 12 × Chocolat Noir/);
        await dialog.getByLabel("Quantité accordée").fill("13");
        await dialog.getByRole("button", { name: "Approuver" }).click();
        await dialog.getByText("de 1 à 12").waitFor();
        await dialog.getByLabel("Quantité accordée").fill("5");
        await dialog.getByRole("button", { name: "Approuver" }).click();
        await notice(tab, "approuvée : 5 × Chocolat Noir").waitFor();
        assert.equal((await request(one.id)).quantite, 5);
        assert.equal(await stockOf(1, 8), had + 5);
    },
);

const journalOf = async (id, type) =>
    (
        await api("GET", `/journal/?type=${type}&ordering=-id&limit=20`)
    ).results.find((row) => row.reference === `demande/${id}`);

work(
    "requests: fewer are granted of many, each its own, with one reason",
    { path: "/demandes" },
    async (tab) => {
        const had = await stockOf(1, 8);
        const one = await ask(1, 8, 12);
        const two = await ask(2, 8, 13);
        const three = await ask(1, 9, 14);
        const lost = await ask(2, 9, 15);
        const dialog = tab.getByRole("dialog");
        const units = (name) =>
            tab.getByLabel(new RegExp(`^Quantité accordée : ${name}`));
        const approve = () =>
            tab
                .locator(".bulk")
                .getByRole("button", { name: "Approuver" })
                .click();

        await tab.reload();
        await settled(tab);
        await units("12 × Chocolat Noir").fill("13");
        await choose(tab, /^Choisir : 13 × Chocolat Noir/);
        await units("14 × Chocolat au Lait").fill("4");
        await units("15 × Chocolat au Lait").fill("5");
        await tab.getByText("4 demandes cochées").waitFor();
        await approve();
        await notice(tab, "entrez un nombre entier, de 1 à 12").waitFor();
        await units("12 × Chocolat Noir").fill("5");
        await approve();
        await dialog.getByText("5 × Chocolat Noir").waitFor();
        await dialog.getByText("(sur 12)").waitFor();
        // Its store wants more meanwhile.
        await api("PATCH", `/replenishments/${lost.id}/`, { quantite: 16 });
        await dialog.getByLabel("Motif").fill("la suite vendredi");
        await dialog.getByRole("button", { name: "Approuver" }).click();
        await notice(tab, "3 demandes approuvées, 1 autrement").waitFor();
        await dialog.getByText("a changé cette demande").waitFor();
        await dialog
            .locator(".form-actions")
            .getByRole("button", { name: "Fermer" })
            .click();
        for (const [{ id }, quantite] of [
            [one, 5],
            [two, 13],
            [three, 4],
        ]) {
            const now = await request(id);

            assert.equal(now.statut, "approuvee");
            assert.equal(now.quantite, quantite);
            assert.equal(
                (await journalOf(id, "demande_approbation")).motif,
                "la suite vendredi",
            );
        }
        assert.equal(
            (await journalOf(one.id, "demande_modification")).motif,
            "la suite vendredi",
        );
        assert.equal(await stockOf(1, 8), had + 5);
        assert.equal((await request(lost.id)).statut, "en_attente");
        await api("POST", `/replenishments/${lost.id}/cancel/`);

        // One alone with a reason
        const last = await ask(1, 8, 12);
        await tab.reload();
        await settled(tab);
        await press(tab, /^Approuver : 12 × Chocolat Noir/);
        await dialog.getByLabel("Quantité accordée").fill("2");
        await dialog.getByLabel("Motif").fill("casse");
        await dialog.getByRole("button", { name: "Approuver" }).click();
        await notice(tab, "approuvée : 2 × Chocolat Noir").waitFor();
        assert.equal(
            (await journalOf(last.id, "demande_approbation")).motif,
            "casse",
        );
        assert.equal((await request(last.id)).quantite, 2);
    },
);

work(
    "requests: a store changes its own, and takes it back",
    {
        path: "/demandes?magasin=2",
        expected: [/status of 412/],
        rights: { scopes: ["reapprovisionnement"], magasins: [2] },
    },
    async (tab) => {
        const one = await ask(2, 8, 6);
        const dialog = tab.getByRole("dialog");

        await tab.reload();
        await settled(tab);
        await tab.getByText("ne vaut que pour Magasin Nord").first().waitFor();
        assert.equal(
            await tab.getByRole("button", { name: /^Approuver/ }).count(),
            0,
        );
        await press(tab, /^Modifier : 6 × Chocolat Noir/);
        await dialog.getByLabel("Quantité demandée").fill("8");
        await dialog.getByRole("button", { name: "Enregistrer" }).click();
        await notice(tab, "modifiée : 8 × Chocolat Noir").waitFor();
        assert.equal((await request(one.id)).quantite, 8);

        // Somebody else changes it meanwhile.
        await press(tab, /^Modifier : 8 × Chocolat Noir/);
        await dialog.getByLabel("Quantité demandée").waitFor();
        await api("PATCH", `/replenishments/${one.id}/`, { quantite: 9 });
        await dialog.getByLabel("Quantité demandée").fill("10");
        await dialog.getByRole("button", { name: "Enregistrer" }).click();
        await notice(tab, "a changé cette demande").waitFor();
        assert.equal((await request(one.id)).quantite, 9);

        await press(tab, /^Modifier : 9 × Chocolat Noir/);
        await dialog
            .getByRole("button", { name: "Retirer la demande" })
            .click();
        await tab
            .getByRole("dialog", { name: /^Retirer la demande/ })
            .getByRole("button", { name: "Retirer la demande" })
            .click();
        await notice(tab, "retirée").waitFor();
        assert.equal((await request(one.id)).statut, "annulee");
        await tab.getByLabel("Statut", { exact: true }).selectOption("annulee");
        await tab.locator(".badge", { hasText: "Retirée" }).first().waitFor();
    },
);

const sheet = (id) => api("GET", `/products/${id}/sheet/`);

work(
    "products: codes are shown and edited; one that is taken says by whom",
    { path: "/produits", expected: [/status of 4(00|09)/] },
    async (tab) => {
        const dialog = tab.getByRole("dialog");
        const before = await sheet(2);
        const codes = dialog.getByLabel("Codes-barres");

        await tab
            .getByRole("searchbox", { name: "Produit" })
            .fill("2000000000046");
        await tab.waitForURL(/recherche=2000/);
        await tab.getByRole("row", { name: /Café Premium Bio/ }).waitFor();
        await settled(tab);
        assert.equal(await tab.locator("tbody tr").count(), 1);
        await tab.getByRole("searchbox", { name: "Produit" }).fill("souris op");
        await tab.waitForURL(/recherche=souris/);
        await tab.getByRole("row", { name: /Souris optique/ }).waitFor();
        await press(tab, "Modifier Souris optique");
        assert.equal(
            await dialog.getByLabel("Code", { exact: true }).inputValue(),
            before.code,
        );
        assert.equal(await codes.inputValue(), before.codes_barres.join("\n"));
        // A scanner in the field: a line each
        await codes.focus();
        await tab.keyboard.press("Control+End");
        await tab.keyboard.press("Enter");
        await tab.keyboard.type("3017620422004");
        await dialog.getByRole("button", { name: "Enregistrer" }).click();
        await dialog
            .locator(".field-error", { hasText: /contrôle|valide/ })
            .waitFor();
        await codes.fill("3017620422003\nBOI-004-X\n2000000000046\n");
        await dialog.getByRole("button", { name: "Enregistrer" }).click();
        await dialog
            .getByText("« Café Premium Bio » a 2000000000046")
            .waitFor();
        await codes.fill("3017620422003\nBOI-004-X\n");
        await dialog.getByLabel("Code", { exact: true }).fill("");
        await dialog.getByRole("button", { name: "Enregistrer" }).click();
        await notice(tab, "est enregistré").waitFor();
        const now = await sheet(2);
        assert.equal(now.code, null);
        assert.deepEqual([...now.codes_barres].sort(), [
            "3017620422003",
            "BOI-004-X",
        ]);
        await api("PATCH", "/products/2/", {
            code: before.code,
            codes_barres: before.codes_barres,
        });
    },
);

work(
    "prices: calculated, written, looked at, saved, taken back",
    { path: "/prix?categorie=Boissons" },
    async (tab) => {
        const list = (await api("GET", "/products/?categorie=Boissons"))
            .results;
        const price = async (id) => (await api("GET", `/products/${id}/`)).prix;
        const dialog = tab.getByRole("dialog");
        const coffee = tab.getByLabel("Nouveau prix : Café Premium Bio");

        assert.ok(await tab.locator(".bulk").isHidden());
        await tab.getByLabel("Valeur").fill("10");
        await tab.getByLabel("Arrondi").selectOption("99");
        await press(tab, "Proposer ces prix");
        await tab
            .getByText(`${list.length} prix écrits, rien n’est encore`)
            .first()
            .waitFor();
        assert.equal(await coffee.inputValue(), "17,99");
        await press(tab, "Tout effacer");
        assert.equal(await coffee.inputValue(), "");
        await notice(tab, "effacés")
            .getByRole("button", { name: "Annuler" })
            .click();
        assert.equal(await coffee.inputValue(), "17,99");
        await coffee.fill("x");
        await press(tab, "Vérifier");
        await notice(tab, "« x » n’est pas un prix").waitFor();
        await coffee.fill("25");
        await coffee.press("Enter");
        assert.match(
            await tab.evaluate(() =>
                document.activeElement.getAttribute("aria-label"),
            ),
            /^Nouveau prix/,
        );
        await press(tab, "Vérifier");
        await dialog.getByText("1 prix change de plus de 30").waitFor();
        assert.equal(
            plain(
                await dialog
                    .getByRole("row", { name: /Café Premium Bio/ })
                    .textContent(),
            ),
            "Café Premium Bio15,99 €25,00 €+56,3 %+56,3 %",
        );
        // Somebody else changes one of them meanwhile.
        const other = list.find((one) => one.id !== 4);
        await api("PATCH", `/products/${other.id}/`, { prix: "1.23" });
        await dialog.getByRole("button", { name: /^Enregistrer/ }).click();
        await notice(tab, `${list.length - 1} prix enregistrés.`).waitFor();
        await dialog.getByText("Le prix est devenu 1,23").waitFor();
        await dialog
            .locator(".form-actions")
            .getByRole("button", { name: "Fermer" })
            .click();
        assert.equal(await price(4), "25.00");
        assert.equal(await price(other.id), "1.23");

        await notice(tab, "enregistrés")
            .getByRole("button", { name: "Annuler" })
            .click();
        await notice(tab, "de nouveau comme avant").waitFor();
        await api("PATCH", `/products/${other.id}/`, { prix: other.prix });
        assert.deepEqual(
            (await api("GET", "/products/?categorie=Boissons")).results,
            list,
        );
    },
);

// The drinks, each a cent dearer
async function dearer(tab, meanwhile = async () => {}) {
    await tab
        .getByLabel("Pour tous les produits affichés")
        .selectOption("somme");
    await tab.getByLabel("Valeur").fill("0,01");
    await press(tab, "Proposer ces prix");
    await press(tab, "Vérifier");
    await meanwhile();
    await tab
        .getByRole("dialog")
        .getByRole("button", { name: /^Enregistrer/ })
        .click();
}

const takeBack = async (tab) => {
    await press(tab, "Annuler le dernier changement");
    await tab
        .getByRole("dialog")
        .getByRole("button", { name: /^Remettre/ })
        .click();
};

work(
    "prices: the last change can be taken back after a reload, but for what others changed",
    { path: "/prix?categorie=Boissons" },
    async (tab) => {
        const drinks = async () =>
            (await api("GET", "/products/?categorie=Boissons")).results;
        const list = await drinks();
        const [other] = list;
        const dialog = tab.getByRole("dialog");
        const last = tab.locator(".last-change");

        assert.ok(list.length >= 3);
        assert.equal(await last.count(), 0);
        await dearer(tab);
        await notice(tab, `${list.length} prix enregistrés.`).waitFor();
        await last.getByText("par demo.").waitFor();
        await tab.reload();
        await settled(tab);
        await last
            .getByText(`Dernier changement : ${list.length} prix, `)
            .waitFor();
        await api("PATCH", `/products/${other.id}/`, { prix: "1.23" });
        await takeBack(tab);
        await notice(
            tab,
            `${list.length - 1} prix sont de nouveau comme avant.`,
        ).waitFor();
        await dialog.getByText("Le prix est devenu 1,23").waitFor();
        await dialog
            .locator(".form-actions")
            .getByRole("button", { name: "Fermer" })
            .click();
        await last.waitFor({ state: "detached" });
        await tab.reload();
        await settled(tab);
        assert.equal(await last.count(), 0);
        assert.equal((await drinks())[0].prix, "1.23");
        await api("PATCH", `/products/${other.id}/`, { prix: other.prix });
        assert.deepEqual(await drinks(), list);
    },
);

work(
    "prices: what somebody else had set to the same is not taken back",
    { path: "/prix?categorie=Boissons" },
    async (tab) => {
        const drinks = async () =>
            (await api("GET", "/products/?categorie=Boissons")).results;
        const list = await drinks();
        const [other, ...ours] = list;
        const prix = (Number(other.prix) + 0.01).toFixed(2);
        const now = async () => (await drinks())[0].prix;
        const theirs = () => api("PATCH", `/products/${other.id}/`, { prix });

        await dearer(tab, theirs);
        await notice(
            tab,
            `${ours.length} prix enregistrés, 1 l’était déjà.`,
        ).waitFor();
        await tab
            .getByText(`Dernier changement : ${ours.length} prix, `)
            .waitFor();
        await notice(tab, "enregistrés")
            .getByRole("button", { name: "Annuler" })
            .click();
        await notice(
            tab,
            `${ours.length} prix sont de nouveau comme avant.`,
        ).waitFor();
        assert.equal(await now(), prix);
        await api("PATCH", `/products/${other.id}/`, { prix: other.prix });
        assert.deepEqual(await drinks(), list);
    },
);

work(
    "prices: what was saved before a refusal can be taken back",
    { path: "/prix?categorie=Boissons", expected: [/status of 403/] },
    async (tab) => {
        const drinks = async () =>
            (await api("GET", "/products/?categorie=Boissons")).results;
        const list = await drinks();
        const dialog = tab.getByRole("dialog");
        const path = `**/api/v1/products/${list.at(-1).id}/`;

        // The token's right is taken away half-way.
        await tab.route(path, async (route) => {
            if (route.request().method() === "PATCH") {
                await new Promise((resolve) => setTimeout(resolve, 1000));
                await route.fulfill({
                    status: 403,
                    json: { detail: "Vous n'avez pas la permission." },
                });
            } else {
                await route.continue();
            }
        });
        await dearer(tab);
        await notice(tab, `${list.length - 1} prix enregistré`).waitFor();
        await dialog.getByText("n’autorise pas cette opération").waitFor();
        await dialog
            .locator(".form-actions")
            .getByRole("button", { name: "Fermer" })
            .click();
        assert.notDeepEqual(await drinks(), list);

        // With nothing saved the change before stays the last one.
        await tab.route("**/api/v1/products/*/", (route) =>
            route.request().method() === "PATCH"
                ? route.fulfill({ status: 403, json: { detail: "Non." } })
                : route.continue(),
        );
        await press(tab, "Vérifier");
        await dialog.getByRole("button", { name: /^Enregistrer/ }).click();
        await dialog.getByText("n’autorise pas cette opération").waitFor();
        await tab.keyboard.press("Escape");
        await tab.unroute("**/api/v1/products/*/");
        await tab.unroute(path);
        await press(tab, "Tout effacer");
        await takeBack(tab);
        await notice(tab, "de nouveau comme avant").waitFor();
        assert.deepEqual(await drinks(), list);
    },
);

work(
    "stores: created, renamed, closed, opened again",
    { path: "/magasins", expected: [/status of 400/] },
    async (tab) => {
        const dialog = tab.getByRole("dialog");
        const shops = async () => (await api("GET", "/stores/")).results;
        const before = await shops();

        await tab.getByText("Vos droits").waitFor();
        await press(tab, "Nouveau magasin");
        await dialog.getByLabel("Nom").fill("Magasin du Port");
        await dialog.getByLabel("Fuseau horaire").fill("Europe/Nulle-Part");
        await dialog.getByRole("button", { name: "Créer" }).click();
        await dialog.locator(".field-error:not(:empty)").first().waitFor();
        await dialog.getByLabel("Adresse").fill("1 quai des Brumes");
        await dialog.getByLabel("Fuseau horaire").fill("Indian/Reunion");
        await dialog.getByRole("button", { name: "Créer" }).click();
        await notice(tab, "Magasin du Port est créé.").waitFor();
        await press(tab, "Modifier Magasin du Port");
        await dialog.getByLabel("Nom").fill("Magasin du Vieux Port");
        await dialog.getByRole("button", { name: "Enregistrer" }).click();
        await notice(tab, "Vieux Port est enregistré").waitFor();
        await press(tab, "Fermer Magasin du Vieux Port");
        await dialog.getByRole("button", { name: "Fermer le magasin" }).click();
        await tab.locator(".badge:visible", { hasText: "Fermé" }).waitFor();
        const made = (await shops()).at(-1);
        assert.deepEqual(
            { ...made, id: 0 },
            {
                id: 0,
                nom: "Magasin du Vieux Port",
                adresse: "1 quai des Brumes",
                ouvert: false,
                fuseau: "Indian/Reunion",
            },
        );
        await press(tab, "Rouvrir Magasin du Vieux Port");
        await notice(tab, "Magasin du Vieux Port est ouvert.").waitFor();
        await tab.getByLabel("Magasin", { exact: true }).fill("brumes");
        await tab.waitForURL(/recherche=brumes/);
        await settled(tab);
        assert.equal(await tab.locator("tbody tr").count(), 1);
        await sql(`DELETE FROM magasin WHERE id = ${made.id}`);
        assert.deepEqual(await shops(), before);
    },
);

const sold = async (parameters) =>
    (await api("GET", `/reports/sales/?limit=1000&${parameters}`)).results;
const centsOf = (rows, name = "chiffre_affaires") =>
    rows.reduce((sum, row) => sum + Math.round(Number(row[name]) * 100), 0);
const digits = (text) => Number(text.replace(/[^\d-]/g, ""));
const figure = (tab, label) =>
    tab.locator(".figure", { hasText: label }).locator(".value").textContent();

work(
    "numbers: by day with the days before, by product, as CSV",
    { path: "/chiffres?depuis=2026-11-02&jusqu_a=2026-11-15" },
    async (tab) => {
        const days = windowOf(tab);
        const now = await sold(`depuis=${days.from}&jusqu_a=${days.to}`);
        const then = await sold(
            `depuis=${days.earlier}&jusqu_a=${days.before}`,
        );
        const products = await sold(
            `par=mois&groupe=produit&depuis=${days.from}&jusqu_a=${days.to}`,
        );

        assert.ok(centsOf(now) > 0);
        assert.equal(
            digits(await figure(tab, "Chiffre d’affaires")),
            centsOf(now),
        );
        const total = tab.locator(".times tr.total td");
        assert.equal(digits(await total.nth(1).textContent()), centsOf(now));
        assert.equal(digits(await total.nth(4).textContent()), centsOf(then));
        // Days without a sale are there, too.
        assert.equal(await tab.locator(".times tbody tr").count(), 15);
        assert.equal(await tab.locator("canvas[role=img]").count(), 1);

        const most = Math.max(
            ...products.map((row) =>
                Math.round(Number(row.chiffre_affaires) * 100),
            ),
        );
        assert.equal(
            digits(
                await tab
                    .locator(".groups tbody tr")
                    .first()
                    .locator("td")
                    .nth(1)
                    .textContent(),
            ),
            most,
        );

        const [file] = await Promise.all([
            tab.waitForEvent("download"),
            press(tab, "CSV : par produit"),
        ]);
        const text = (await readFile(await file.path(), "utf8"))
            .trimEnd()
            .split("\r\n");
        assert.match(text[0], /^\ufeffProduit;Unités;Chiffre d’affaires;/);
        assert.equal(
            text
                .slice(1)
                .reduce((sum, line) => sum + digits(line.split(";")[2]), 0),
            centsOf(now),
        );
    },
);

work("numbers: what came back, and the net", { path: "/" }, async (tab) => {
    await setStock(2, 4, 50);
    const sale = await api("POST", "/sales/", {
        magasin: 2,
        lignes: [{ produit: 4, quantite: 3 }],
    });
    await api("POST", `/sales/${sale.id}/returns/`, {
        lignes: [{ produit: 4, quantite: 2 }],
        remise_en_stock: true,
    });
    const inParis = new Intl.DateTimeFormat("sv-SE", {
        timeZone: "Europe/Paris",
    });
    const today = inParis.format(Date.now());
    const first = inParis.format(Date.now() - 14 * 86400000);
    const span = `depuis=${first}&jusqu_a=${today}`;
    const rows = await sold(`${span}&par=jour`);
    const units = rows.reduce((sum, row) => sum + row.unites_rendues, 0);
    const cell = (row, column) =>
        row.locator("td").nth(column).textContent().then(digits);
    const total = tab.locator(".times tr.total");
    const [day] = rows.slice(-1);

    assert.ok(day.unites_rendues >= 2);
    assert.equal(day.periode, today);
    await tab.goto(`/chiffres?${span}&par=jour`);
    await settled(tab);
    const net = tab.locator(".figure", { hasText: "Net des retours" });
    await net.getByText(`${units} unités rendues`).waitFor();
    assert.equal(
        digits(await net.locator(".value").textContent()),
        centsOf(rows, "net"),
    );
    assert.equal(await cell(total, 1), centsOf(rows));
    assert.equal(await cell(total, 2), -centsOf(rows, "remboursements"));
    assert.equal(await cell(total, 3), centsOf(rows, "net"));

    const [file] = await Promise.all([
        tab.waitForEvent("download"),
        press(tab, "CSV : par jour"),
    ]);
    const text = (await readFile(await file.path(), "utf8"))
        .trimEnd()
        .split("\r\n");
    const last = text.at(-1).split(";");
    assert.equal(last[0], day.periode);
    assert.equal(Number(last[3]), day.unites_rendues);
    assert.equal(digits(last[4]), centsOf([day], "remboursements"));
    assert.equal(digits(last[5]), centsOf([day], "net"));
});

// The days that the address of the tab names, and as many before
function windowOf(tab) {
    const day = (text, number) =>
        new Date(Date.parse(`${text}T12:00Z`) + number * 86400000)
            .toISOString()
            .slice(0, 10);
    const parameters = new URL(tab.url()).searchParams;
    const from = parameters.get("depuis");
    const to = parameters.get("jusqu_a");

    return { from, to, earlier: day(from, -14), before: day(to, -14) };
}

work(
    "numbers: hours, weeks, months, stores; what is too long, and wrong",
    { path: "/chiffres" },
    async (tab) => {
        const sum = digits(await figure(tab, "Chiffre d’affaires"));
        const choose = async (label, value, expected) => {
            await tab.getByLabel(label, { exact: true }).selectOption(value);
            await tab.waitForURL(expected);
            await settled(tab);
        };
        const rows = () => tab.locator(".times tbody tr").count();
        const all = async () =>
            digits(
                await tab.locator(".times tr.total td").nth(1).textContent(),
            );

        assert.equal(await rows(), 31);
        await choose("Par", "heure", /par=heure/);
        assert.equal(await rows(), 25);
        assert.equal(await all(), sum);
        await choose("Par", "semaine", /par=semaine/);
        assert.ok([6, 7].includes(await rows()));
        assert.equal(await all(), sum);
        await choose("Par", "mois", /par=mois/);
        assert.equal(await all(), sum);

        await choose("Détail par", "magasin", /groupe=magasin/);
        const shops = tab.locator(".groups tbody tr td:nth-child(3)");
        const parts = (await shops.allTextContents()).map(digits);
        assert.deepEqual(
            parts,
            [...parts].sort((a, b) => b - a),
        );
        assert.equal(
            parts.reduce((whole, part) => whole + part, 0),
            sum,
        );
        await choose("Magasin", "2", /magasin=2/);
        assert.equal(await shops.count(), 1);
        assert.ok(digits(await figure(tab, "Chiffre d’affaires")) < sum);

        await choose("Période", "365", /periode=365/);
        await choose("Par", "heure", /par=heure/);
        await tab.getByText("une période a 31 jours au plus").waitFor();
        await press(tab, "Par mois");
        await tab.locator(".times").waitFor();
        await choose("Période", "autre", /depuis=/);
        await tab.getByLabel("Du", { exact: true }).fill("2026-02-01");
        await tab.waitForURL(/depuis=2026-02-01/);
        await tab.getByLabel("Au", { exact: true }).fill("2026-01-01");
        await tab.getByText("La fin de la période est avant").waitFor();
        await tab.goto("/chiffres?par=constructor");
        await tab.locator(".empty", { hasText: "n’existe pas" }).waitFor();
    },
);

// 500 stores and 600 products that were sold in each month of 2024: the first ones
// evenly, the last one in December alone, and more than any other.
const year = `
    INSERT INTO magasin (id, nom, adresse)
    SELECT n, 'Lieu ' || n, 'rue' FROM generate_series(2001, 2500) n;
    INSERT INTO produit (id, nom, categorie, prix)
    SELECT n, 'Essai ' || n, 'Essais', 1 FROM generate_series(8001, 8600) n;
    INSERT INTO vente_jour (magasin_id, jour, quantite, total)
    SELECT n, jour, 1,
           CASE WHEN n = 2500 AND jour >= '2024-12-01' THEN 200 ELSE 10 END
      FROM generate_series(2001, 2500) n,
           generate_series('2024-01-15', '2024-12-15', interval '1 month') jour;
    INSERT INTO vente_jour_produit (magasin_id, jour, produit_id, quantite, total)
    SELECT 0, jour, n, 1,
           CASE WHEN n = 8600 AND jour >= '2024-12-01' THEN 200 ELSE 10 END
      FROM generate_series(8001, 8600) n,
           generate_series('2024-01-15', '2024-12-15', interval '1 month') jour;`;
const noYear = `
    DELETE FROM vente_jour WHERE magasin_id BETWEEN 2001 AND 2500;
    DELETE FROM vente_jour_produit WHERE produit_id BETWEEN 8001 AND 8600;
    DELETE FROM produit WHERE id BETWEEN 8001 AND 8600;
    DELETE FROM magasin WHERE id BETWEEN 2001 AND 2500;`;

work(
    "numbers: a year of 500 stores and of 600 products in the right order",
    { path: "/" },
    async (tab) => {
        const seen = [];
        const first = tab.locator(".groups tbody tr").first();

        tab.on("request", (request) => {
            if (request.url().includes("groupe=")) {
                seen.push(request.url());
            }
        });
        await sql(year);
        try {
            for (const [group, name, rows] of [
                ["magasin", "Lieu 2500", 500],
                ["produit", "Essai 8600", 600],
                ["categorie", "Essais", 1],
            ]) {
                seen.length = 0;
                await tab.goto(
                    `/chiffres?depuis=2024-01-01&jusqu_a=2024-12-31&groupe=${group}`,
                );
                await settled(tab);
                await first.getByText(name).waitFor();
                assert.equal(
                    digits(await first.locator("td").nth(1).textContent()),
                    group === "categorie" ? 7219000 : 31000,
                );
                // A month of it is a page: no request for each store.
                assert.ok(seen.length <= 15, seen.join("\n"));
                const [file] = await Promise.all([
                    tab.waitForEvent("download"),
                    press(
                        tab,
                        `CSV : par ${group === "categorie" ? "catégorie" : group}`,
                    ),
                ]);
                const text = await readFile(await file.path(), "utf8");
                assert.equal(text.trimEnd().split("\r\n").length - 1, rows);
            }
        } finally {
            await sql(noYear);
        }
    },
);

work(
    "numbers: where there is too much to add up there is no order",
    { path: "/" },
    async (tab) => {
        await tab.route("**/reports/sales/?*groupe=produit*", (route) => {
            const url = new URL(route.request().url());
            const page = Number(url.searchParams.get("cursor") ?? 0);

            url.searchParams.set("cursor", page + 1);
            return route.fulfill({
                json: {
                    next: String(url),
                    results: Array.from({ length: 1000 }, (_, at) => ({
                        periode: "2026-11",
                        produit: 1000 * page + at,
                        nom: "x",
                        unites: 1,
                        chiffre_affaires: "1.00",
                        unites_rendues: 0,
                        remboursements: "0.00",
                        net: "1.00",
                    })),
                },
            });
        });
        await tab.goto("/chiffres?periode=365");
        await tab.getByText(/plus de 100.000 lignes/).waitFor();
        assert.equal(await tab.locator(".groups").count(), 0);
        assert.equal(await tab.locator(".times").count(), 1);
        await press(tab, "Par catégorie");
        await tab.locator(".groups").waitFor();
    },
);
