// Each page's main path, and what its URL carries.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import {
    api,
    identify,
    openBrowser,
    openTab,
    setStock,
    settled,
    stockOf,
} from "./browser.js";

let chromium;

before(async () => {
    chromium = await openBrowser();
});
after(() => chromium.close());

// A tab of its own for each test; what went wrong in it fails the test.
function page(name, path, run) {
    test(name, async () => {
        const { tab, close, nothingWrong } = await openTab(chromium.browser);

        await tab.goto(path);
        await settled(tab);
        await run(tab);
        nothingWrong();
        await close();
    });
}

const column = (tab, selector) =>
    tab.locator(`tbody tr ${selector}`).allTextContents();
const search = (tab) => new URL(tab.url()).searchParams;

page("dashboard: cards, charts, links, every store", "/", async (tab) => {
    const rows = await api("GET", "/dashboard/");

    assert.equal(await tab.locator(".store").count(), rows.length);
    assert.equal(
        await tab
            .locator(".figure", { hasText: "Ruptures" })
            .locator(".value")
            .textContent(),
        String(rows.reduce((sum, row) => sum + row.ruptures, 0)),
    );
    assert.equal(await tab.locator("canvas[role=img]").count(), 2);
    // The charts have drawn something.
    await tab.waitForFunction(() =>
        Array.from(document.querySelectorAll("canvas")).every((canvas) =>
            canvas
                .getContext("2d")
                .getImageData(0, 0, canvas.width, canvas.height)
                .data.some((byte) => byte !== 0),
        ),
    );
    await tab
        .locator(".store")
        .nth(2)
        .getByRole("link", { name: /rupture/ })
        .click();
    await settled(tab);
    assert.equal(search(tab).get("magasin"), "3");
    assert.equal(search(tab).get("ordre"), "quantite");
});

page("dashboard: follows what another tab does", "/", async (tab) => {
    const other = await tab.context().newPage();
    const value = tab.locator(".figure .value").first();
    const was = await value.textContent();

    await other.goto("/caisse?magasin=5");
    await settled(other);
    await other.locator(".tile:not(.none)").first().click();
    await other.getByRole("button", { name: "Encaisser" }).click();
    await identify(other);
    await other.getByRole("heading", { name: /enregistrée/ }).waitFor();
    await tab.bringToFront();
    await tab.waitForFunction(
        (text) => document.querySelector(".figure .value").textContent !== text,
        was,
    );
});

page(
    "stock: order, search, low stock, back",
    "/stock?magasin=3",
    async (tab) => {
        const quantities = async () =>
            (await column(tab, "td.stock")).map(Number);
        const names = await column(tab, "th .title");

        assert.equal(names.length, 15);
        await tab.getByRole("button", { name: "Quantité" }).click();
        await settled(tab);
        const up = await quantities();
        assert.deepEqual(
            up,
            [...up].sort((a, b) => a - b),
        );
        assert.equal(
            await tab.locator("th[aria-sort=ascending]").textContent(),
            "Quantité▲",
        );
        assert.ok(up.includes(0));
        assert.equal(
            await tab.locator(".badge.rupture:visible").count(),
            up.filter((number) => number === 0).length,
        );
        await tab.goBack();
        await settled(tab);
        assert.deepEqual(await column(tab, "th .title"), names);

        await tab.getByLabel("Produit", { exact: true }).fill("café");
        await tab.waitForURL(/recherche=caf/);
        await settled(tab);
        assert.deepEqual((await column(tab, "th .title")).sort(), [
            "Café Espresso Intenso",
            "Café Premium Bio",
        ]);
        await tab.reload();
        await settled(tab);
        assert.equal(
            await tab.getByLabel("Produit", { exact: true }).inputValue(),
            "café",
        );
        assert.equal(await tab.locator("tbody tr").count(), 2);

        await tab.getByLabel("Produit", { exact: true }).fill("zzz");
        await tab.getByText("Aucun produit ne correspond.").waitFor();
        await tab.getByRole("button", { name: "Tout montrer" }).click();
        await tab.locator("tbody tr").nth(9).waitFor();
    },
);

page(
    "stock: a correction, with its reason in the journal",
    "/stock?magasin=4",
    async (tab) => {
        const was = await stockOf(4, 1);

        await tab
            .getByRole("button", {
                name: "Corriger le stock de Clavier mécanique",
            })
            .click();
        await tab.getByLabel("Quantité comptée").fill(String(was - 3));
        await tab.getByLabel("Motif", { exact: true }).fill("casse");
        await tab
            .getByRole("button", { name: "Enregistrer la quantité" })
            .click();
        await tab.getByLabel("Jeton d’accès").waitFor();
        await identify(tab);
        await tab.locator(".notice", { hasText: "Stock corrigé" }).waitFor();
        assert.equal(await stockOf(4, 1), was - 3);

        await tab.goto("/journal?type=ajustement");
        await settled(tab);
        const row = tab.locator("tbody tr").first();
        assert.match(
            await row.textContent(),
            /Correction de stock.*«\scasse\s».*Magasin Sud/,
        );
        assert.equal(await row.locator(".delta").textContent(), "-3");
    },
);

page(
    "products: create, search, edit, take away, put back",
    "/produits",
    async (tab) => {
        const name = "Tasse <script>alert(1)</script> & Co";

        await tab.getByRole("button", { name: "Nouveau produit" }).click();
        const dialog = tab.getByRole("dialog", { name: "Nouveau produit" });
        await dialog.getByLabel("Nom", { exact: true }).fill(name);
        await dialog.getByLabel("Catégorie", { exact: true }).fill("Vaisselle");
        await dialog.getByLabel("Prix", { exact: true }).fill("1 012,5");
        await dialog.getByRole("button", { name: "Créer le produit" }).click();
        await identify(tab);
        await tab.locator(".notice", { hasText: "est créé" }).waitFor();

        await tab.getByRole("searchbox", { name: "Produit" }).fill("TASSE");
        const row = tab.getByRole("row", { name: /^Tasse/ });
        await row.waitFor();
        await settled(tab);
        // The text, to the letter, and the price without a rounding.
        assert.equal(await row.locator(".title").textContent(), name);
        assert.match(
            await row.locator("td.number").textContent(),
            /^1.012,50.€$/,
        );

        await row.getByRole("button", { name: /^Modifier/ }).click();
        await tab
            .getByRole("dialog")
            .getByLabel("Prix", { exact: true })
            .fill("8");
        await tab.getByRole("button", { name: "Enregistrer" }).click();
        await tab.locator(".notice", { hasText: "est enregistré" }).waitFor();
        await row.getByText("8,00").waitFor();

        await row.getByRole("button", { name: /^Retirer/ }).click();
        await tab.getByText("Aucun produit ne correspond.").waitFor();
        await tab
            .locator(".notice", { hasText: "est retiré de la vente" })
            .getByRole("button", { name: "Annuler" })
            .click();
        await row.waitFor();

        await row.getByRole("button", { name: /^Vaisselle/ }).click();
        await tab.waitForURL(/categorie=Vaisselle/);
        await row.getByRole("button", { name: /^Retirer/ }).click();
        await tab.getByLabel("Montrer", { exact: true }).selectOption("oui");
        await tab.getByRole("button", { name: /^Remettre/ }).click();
        await tab.getByLabel("Montrer", { exact: true }).selectOption("");
        await row.waitFor();
    },
);

page(
    "till: several lines, steps, empty and undo, kept by the tab",
    "/caisse?magasin=2",
    async (tab) => {
        const units = tab.locator(".ticket-lines input");

        await tab.getByLabel("Produit", { exact: true }).fill("souris op");
        await tab.waitForURL(/recherche=souris/);
        await settled(tab);
        await tab.getByLabel("Produit", { exact: true }).press("Enter");
        await tab
            .getByRole("button", { name: "Un Souris optique de plus" })
            .click();
        assert.equal(await units.inputValue(), "2");
        await tab.getByLabel("Produit", { exact: true }).fill("");
        await tab.locator(".tile", { hasText: "Café Premium Bio" }).click();
        assert.match(await tab.locator(".ticket-total").textContent(), /66,99/);

        // Another page and a reload leave it alone.
        await tab.goto("/rapport");
        await tab.goto("/caisse");
        await settled(tab);
        assert.equal(await units.count(), 2);
        assert.equal(
            await tab
                .getByLabel("Magasin", { exact: true })
                .locator("option:checked")
                .textContent(),
            "Magasin Nord",
        );

        await tab
            .getByRole("button", { name: "Un Café Premium Bio de moins" })
            .click();
        assert.equal(await units.count(), 1);
        await tab.getByRole("button", { name: "Vider" }).click();
        assert.equal(await units.count(), 0);
        await tab
            .locator(".notice")
            .getByRole("button", { name: "Annuler" })
            .click();
        assert.equal(await units.count(), 1);
    },
);

page("central stock: search, order, a request", "/central", async (tab) => {
    await tab.getByRole("button", { name: "Quantité" }).click();
    await settled(tab);
    const up = (await column(tab, "td.number")).map((text) =>
        Number(text.replace(/\D/g, "")),
    );
    assert.deepEqual(
        up,
        [...up].sort((a, b) => a - b),
    );
    await tab.getByLabel("Produit", { exact: true }).fill("ECOUTEURS");
    await tab.waitForURL(/recherche=/);
    await settled(tab);
    assert.deepEqual(await column(tab, "th .title"), ["Écouteurs Bluetooth"]);

    await tab.getByRole("button", { name: /^Demander/ }).click();
    const dialog = tab.getByRole("dialog");
    await dialog.getByRole("button", { name: "Envoyer la demande" }).click();
    await dialog.getByText("Choisissez un magasin.").waitFor();
    await dialog
        .getByLabel("Magasin", { exact: true })
        .selectOption({ label: "Magasin Nord" });
    await dialog.getByLabel("Quantité demandée").fill("7");
    await dialog.getByRole("button", { name: "Envoyer la demande" }).click();
    await identify(tab);
    await tab
        .locator(".notice", {
            hasText: "7 × Écouteurs Bluetooth pour Magasin Nord",
        })
        .waitFor();
});

page("requests: filters, a refusal", "/demandes", async (tab) => {
    const made = await api("POST", "/replenishments/", {
        magasin: 1,
        produit: 9,
        quantite: 3,
    });

    await tab.getByLabel("Statut", { exact: true }).selectOption("toutes");
    await settled(tab);
    assert.ok((await tab.locator(".badge.approuvee").count()) >= 3);
    await tab.getByLabel("Statut", { exact: true }).selectOption("en_attente");
    await tab
        .getByLabel("Magasin", { exact: true })
        .selectOption({ label: "Magasin Centre-Ville" });
    await settled(tab);
    await tab
        .getByRole("button", { name: /^Refuser : 3 × Chocolat au Lait/ })
        .click();
    await tab
        .getByRole("dialog")
        .getByRole("button", { name: "Refuser" })
        .click();
    await identify(tab);
    await tab.locator(".notice", { hasText: "refusée" }).waitFor();
    assert.equal(
        (await api("GET", `/replenishments/${made.id}/`)).statut,
        "refusee",
    );
});

page("report: order, filter, CSV, totals", "/rapport", async (tab) => {
    const report = await api("GET", "/reports/");
    const rows = tab.locator("table").nth(1).locator("tbody tr");

    await tab.getByRole("button", { name: "Vendus" }).click();
    await tab.getByRole("button", { name: "Vendus" }).click();
    await settled(tab);
    assert.equal(search(tab).get("ordre"), "-vendus");
    assert.equal(
        Number(await rows.first().locator("td.number").first().textContent()),
        Math.max(
            ...report.flatMap((one) => Object.values(one.produits_vendus)),
        ),
    );
    await tab
        .getByLabel("Magasin", { exact: true })
        .selectOption("Magasin Sud");
    await settled(tab);
    assert.match(
        (await tab.locator("table").first().textContent()).replace(/\s/g, " "),
        new RegExp(report[3].total.toFixed(2).slice(-6).replace(".", ",")),
    );

    const [file] = await Promise.all([
        tab.waitForEvent("download"),
        tab.getByRole("button", { name: "Télécharger (CSV)" }).click(),
    ]);
    const lines = (await readFile(await file.path(), "utf8"))
        .trimEnd()
        .split("\r\n");
    assert.equal(lines[0], "\ufeffMagasin;Produit;Vendus;En stock");
    assert.equal(lines.length - 1, Object.keys(report[3].stock_local).length);
    assert.ok(lines.slice(1).every((line) => line.startsWith("Magasin Sud;")));

    await tab.emulateMedia({ media: "print" });
    assert.equal(await tab.locator(".bar").isVisible(), false);
});

page("journal: filters, one product, what follows", "/journal", async (tab) => {
    assert.equal(await tab.locator("tbody tr").count(), 50);
    await tab.getByRole("button", { name: "Montrer la suite" }).click();
    await tab.locator("tbody tr").nth(99).waitFor();
    await tab
        .getByLabel("Événement", { exact: true })
        .selectOption("ouverture");
    await settled(tab);
    await tab.locator("tbody button").first().click();
    await tab.locator(".chip").waitFor();
    await settled(tab);
    assert.equal(await tab.locator("tbody tr").count(), 6);
    await tab.getByLabel("Depuis le").fill("2100-01-01");
    await tab.getByText("Rien ne correspond dans le journal.").waitFor();
});

page(
    "a refresh that brings nothing new touches nothing",
    "/caisse?magasin=3",
    async (tab) => {
        const first = await tab.locator(".tile").first().elementHandle();
        const refresh = async () => {
            await Promise.all([
                tab.waitForResponse(/\/stores\/3\/items\/\?produits=/),
                tab.evaluate(() =>
                    document.dispatchEvent(new Event("visibilitychange")),
                ),
            ]);
            await settled(tab);
        };

        await refresh();
        assert.ok(await first.evaluate((node) => node.isConnected));
        await setStock(3, 13, (await stockOf(3, 13)) + 1);
        await refresh();
        assert.ok(!(await first.evaluate((node) => node.isConnected)));
    },
);

page(
    "keyboard: skip link, menu, dialog gives the focus back",
    "/stock?magasin=1",
    async (tab) => {
        const focused = () =>
            tab.evaluate(
                () =>
                    document.activeElement.getAttribute("aria-label") ??
                    document.activeElement.textContent,
            );

        await tab.keyboard.press("Tab");
        assert.equal(await focused(), "Aller au contenu");
        await tab.keyboard.press("Enter");
        assert.equal(
            await tab.evaluate(() => document.activeElement.id),
            "page",
        );

        const demand = tab.getByRole("button", { name: /^Demander/ }).first();
        const name = await demand.getAttribute("aria-label");
        await demand.focus();
        await tab.keyboard.press("Enter");
        await tab.getByRole("dialog").waitFor();
        await tab.keyboard.press("Escape");
        await tab.getByRole("dialog").waitFor({ state: "detached" });
        assert.equal(await focused(), name);

        await tab.setViewportSize({ width: 360, height: 740 });
        assert.equal(
            await tab.getByRole("link", { name: "Vente" }).isVisible(),
            false,
        );
        await tab.getByRole("button", { name: "Menu" }).press("Enter");
        await tab.getByRole("link", { name: "Vente" }).press("Enter");
        await tab.getByRole("heading", { level: 1, name: "Vente" }).waitFor();
        assert.equal(await focused(), "Vente");
        assert.equal(
            await tab.getByRole("link", { name: "Journal" }).isVisible(),
            false,
        );
    },
);
