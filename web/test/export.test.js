// Lists as files: all rows, as the page filters and orders them.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { Cells } from "../assets/js/cells.js";
import { localDay } from "../assets/js/format.js";
import { api, base, settled, token } from "./browser.js";
import { notice, work } from "./work.js";

function records(text, separator) {
    const cells = new Cells(separator);
    return [...cells.read(text), ...cells.finish().rows];
}

async function saved(tab, within = tab) {
    const [download] = await Promise.all([
        tab.waitForEvent("download"),
        within.getByRole("button", { name: "CSV : toute la liste" }).click(),
    ]);
    const text = await readFile(await download.path(), "utf8");

    assert.equal(text[0], "\ufeff");
    return {
        name: download.suggestedFilename(),
        rows: records(text.slice(1), ";"),
    };
}

async function expected(path) {
    const answer = await fetch(`${base}/api/v1${path}`, {
        headers: { Accept: "text/csv", Authorization: `Token ${token}` },
    });
    return records(await answer.text(), ",");
}

const amounts = ["prix", "total", "chiffre_affaires"];
const comma = ([heads, ...rows]) => [
    heads,
    ...rows.map((row) =>
        row.map((cell, at) =>
            amounts.includes(heads[at]) ? cell.replace(".", ",") : cell,
        ),
    ),
];

const lists = [
    ["/produits", "/products/", "produits"],
    [
        "/produits?recherche=café&categorie=Boissons",
        "/products/?q=caf%C3%A9&categorie=Boissons",
        "produits",
    ],
    ["/produits?retires=oui", "/products/?archive=true", "produits"],
    ["/produits?recherche=BOI-004", "/products/?code=BOI-004", "produits"],
    ["/prix?recherche=souris", "/products/?q=souris", "prix"],
    [
        "/stock?magasin=2&ordre=-quantite&seuil=bas",
        "/stores/2/items/?sous_minimum=true&ordering=-quantite",
        "stock-magasin-2",
    ],
    [
        "/central?recherche=the&ordre=-nom",
        "/stock/central/?q=the&ordering=-nom",
        "stock-central",
    ],
    ["/commander?magasin=1", "/stores/1/reorder/", "a-commander-1"],
    [
        "/demandes?statut=toutes&magasin=4",
        "/replenishments/?magasin=4",
        "demandes",
    ],
    [
        "/receptions?reference=BL-2041",
        "/receipts/?reference=BL-2041",
        "receptions",
    ],
    ["/transferts?statut=tous", "/transfers/", "transferts"],
    ["/inventaire?statut=clos", "/counts/?statut=clos", "inventaire"],
    ["/inventaire?document=1", "/counts/1/lines/?etat=ecarts", "inventaire-1"],
    [
        "/journal?type=reception",
        "/journal/?type=reception&ordering=-id",
        "journal",
    ],
    ["/magasins", "/stores/", "magasins"],
];

work(
    "every list is saved with its filters and its order, and says how many rows",
    { path: "/produits" },
    async (tab) => {
        for (const [path, list, name] of lists) {
            await tab.goto(path);
            await settled(tab);
            const file = await saved(tab);
            const rows = comma(await expected(list));

            assert.deepEqual(file.rows, rows, path);
            assert.equal(
                file.name,
                `${name}-${localDay(new Date())}.csv`,
                path,
            );
            const words = rows.length - 1 < 2 ? "ligne" : "lignes";
            await notice(
                tab,
                new RegExp(
                    `${file.name}\\s:\\s${rows.length - 1}\\s${words}\\.`,
                ),
            ).waitFor();
        }
    },
);

work(
    "the stores that are searched, the dashboard, the sales of a day",
    { path: "/magasins?recherche=nord" },
    async (tab) => {
        const stores = await saved(tab);
        assert.deepEqual(
            stores.rows.map((row) => row[1]),
            ["nom", "Magasin Nord"],
        );

        await tab.goto("/");
        await settled(tab);
        const dashboard = await saved(tab);
        assert.deepEqual(dashboard.rows[0], [
            "magasin",
            "chiffre_affaires",
            "ruptures",
            "surstock",
            "tendances",
        ]);
        assert.equal(dashboard.rows.length, 6);
        assert.match(dashboard.rows[1][1], /^\d+,\d\d$/);

        // As it is searched and put in order
        for (const [address, words] of [
            ["/?ordre=-ca", ""],
            ["/?ordre=ca", ""],
            ["/?ordre=nom&recherche=magasin", "magasin"],
            ["/?recherche=nord&ordre=ca", "nord"],
        ]) {
            await tab.goto(address);
            await settled(tab);
            const shown = await tab.locator(".store h3").allTextContents();
            const file = await saved(tab);

            assert.ok(shown.length > 0);
            assert.ok(words !== "nord" || shown.length === 1);
            assert.deepEqual(
                file.rows.slice(1).map((row) => row[0]),
                shown,
                address,
            );
            assert.equal(file.rows[0].length, 5);
        }

        await tab.goto("/caisse?magasin=1");
        await settled(tab);
        await tab.getByRole("button", { name: "Chercher" }).click();
        const dialog = tab.getByRole("dialog");
        await dialog.locator(".recent-sales").waitFor();
        const sales = await saved(tab, dialog);
        assert.deepEqual(
            sales.rows,
            comma(await expected("/sales/?magasin=1")),
        );
    },
);

work(
    "a name that would be a formula, quotes and separators stay what they are",
    { path: "/produits" },
    async (tab) => {
        const nom = '=1+"a";b\u2028c';
        const { id } = await api("POST", "/products/", {
            nom,
            categorie: "À;part",
            prix: "0.50",
        });

        await tab.goto("/produits?categorie=À;part");
        await settled(tab);
        const { rows } = await saved(tab);
        assert.deepEqual(rows[1].slice(0, 4), [
            String(id),
            `'${nom}`,
            "À;part",
            "0,50",
        ]);
        await api("DELETE", `/products/${id}/`);
    },
);

work(
    "an answer that breaks off is no file",
    { path: "/produits", expected: [/ERR_|Failed/] },
    async (tab) => {
        let downloads = 0;

        tab.on("download", () => {
            downloads += 1;
        });
        await tab.route("**/api/v1/products/?**", (route) =>
            route.request().headers().accept === "text/csv"
                ? route.abort("connectionreset")
                : route.continue(),
        );
        await tab.getByRole("button", { name: "CSV : toute la liste" }).click();
        await notice(tab, "Le serveur ne répond pas").waitFor();
        await tab
            .getByRole("button", { name: "CSV : toute la liste" })
            .waitFor();
        assert.equal(downloads, 0);
    },
);
