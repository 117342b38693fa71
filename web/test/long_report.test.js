// Reports that are too long for a page: a part of them, all of them as a file and
// on paper.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { api, settled, sql } from "./browser.js";
import { fault } from "./fault.js";
import { few, many } from "./samples.js";

const field = (tab) => tab.getByLabel("Produit", { exact: true });

// 1,200 more in store 3
const crowd = `
    INSERT INTO produit (id, nom, categorie, prix)
    SELECT n, 'Foule ' || n - 8000, 'Essai', 1
      FROM generate_series(8001, 9200) n;
    INSERT INTO stock_local (magasin_id, produit_id, quantite)
    SELECT 3, n, 7 FROM generate_series(8001, 9200) n;`;
const nobody = `
    DELETE FROM stock_local WHERE produit_id BETWEEN 8001 AND 9200;
    DELETE FROM produit WHERE id BETWEEN 8001 AND 9200;`;

// As the API writes it
const csvOf = (report) =>
    `magasin,total,produits_vendus,stock_local\r\n${report
        .map(({ magasin, total, produits_vendus, stock_local }) =>
            [
                magasin,
                total,
                ...[produits_vendus, stock_local].map(
                    (cell) => `"${JSON.stringify(cell).replaceAll('"', '""')}"`,
                ),
            ].join(","),
        )
        .join("\r\n")}\r\n`;

fault("a report that is too long is read a page at a time", {}, async (tab) => {
    const rows = tab.locator("table").nth(1).locator("tbody tr");
    const names = Array.from({ length: 9000 }, (_, n) => [`Essai ${n}`, n]);
    const report = (await api("GET", "/reports/")).map((one) => ({
        ...one,
        stock_local: Object.fromEntries(names),
    }));

    await sql(many);
    try {
        // What the server sends in pieces is not compressed.
        await tab.route("**/api/v1/reports/", (route) =>
            route.fulfill(
                route.request().headers().accept === "text/csv"
                    ? { contentType: "text/csv", body: csvOf(report) }
                    : { json: report },
            ),
        );
        await tab.goto("/rapport");
        await settled(tab);
        await tab.getByText("est trop long pour une page").waitFor();
        assert.equal(
            await tab.locator("table").first().locator("tbody tr").count(),
            report.length + 1,
        );
        await tab
            .getByLabel("Magasin", { exact: true })
            .selectOption({ label: "Magasin Est" });
        await rows.nth(49).waitFor();
        await tab.getByRole("button", { name: "Montrer la suite" }).click();
        await rows.nth(99).waitFor();
        await field(tab).fill("5123 essai");
        await rows.nth(1).waitFor({ state: "detached" });
        assert.equal(
            await rows.first().locator(".title").textContent(),
            "Essai 5123",
        );
        await field(tab).fill("");
        await rows.nth(49).waitFor();
        await tab.getByRole("button", { name: "En stock" }).click();
        await tab.waitForURL(/ordre=stock/);
        await settled(tab);
        const quantities = (
            await rows.locator("td.number:not(.wide)").allTextContents()
        ).map(Number);
        assert.deepEqual(
            quantities,
            quantities.toSorted((a, b) => a - b),
        );
        // One that cannot be short is not asked for.
        const seen = [];
        await tab.route("**/stock/list/", (route) =>
            route.fulfill({ json: { count: 50000, results: [] } }),
        );
        tab.on("request", (request) => {
            if (request.url().endsWith("/reports/")) {
                seen.push(request.method());
            }
        });
        await tab.reload();
        await rows.nth(49).waitFor();
        assert.deepEqual(seen, ["HEAD"]);
        // The file has all of it.
        await tab
            .getByLabel("Magasin", { exact: true })
            .selectOption({ label: "Tous les magasins" });
        const [file] = await Promise.all([
            tab.waitForEvent("download"),
            tab.getByRole("button", { name: "CSV : toute la liste" }).click(),
        ]);
        const text = await readFile(await file.path(), "utf8");
        assert.ok(text.split("\r\n").length > 45000);
        assert.match(text, /^\ufeffmagasin;produit;vendus;en_stock\r\n/);
    } finally {
        await sql(few);
    }
});

// As somebody who presses the button: what is on the paper
async function onPaper(tab) {
    await tab.evaluate(() => {
        globalThis.asked = new Promise((resolve) => {
            window.print = () => {
                window.dispatchEvent(new Event("beforeprint"));
                resolve();
            };
        });
    });
    await tab.getByRole("button", { name: "Imprimer" }).click();
    await tab.evaluate(() => globalThis.asked);
    const rows = await tab
        .locator(".sheet tbody tr")
        .evaluateAll((all) =>
            all.map((row) => Array.from(row.cells, (cell) => cell.textContent)),
        );
    const words = await tab.locator(".sheet").textContent();

    await tab.evaluate(() => window.dispatchEvent(new Event("afterprint")));
    assert.equal(await tab.locator(".sheet").count(), 0);
    return { rows, words: words.replace(/\s/g, " ") };
}

fault("a report that is too long is printed whole", {}, async (tab) => {
    const report = await api("GET", "/reports/");
    const more = (length) =>
        report.map((one) => ({
            ...one,
            stock_local: Object.fromEntries(
                Array.from({ length }, (_, n) => [`Essai ${n}`, n]),
            ),
            produits_vendus: { "Essai 7": 3 },
        }));
    let shown = more(900);

    await sql(many);
    try {
        await tab.route("**/api/v1/reports/", (route) =>
            route.request().headers().accept === "text/csv"
                ? route.fulfill({ contentType: "text/csv", body: csvOf(shown) })
                : route.fulfill({ json: more(9000) }),
        );
        await tab.goto("/rapport");
        await settled(tab);
        await tab.getByText("est trop long pour une page").waitFor();
        const all = await onPaper(tab);
        assert.equal(all.rows.length, 900 * report.length);
        assert.deepEqual(
            all.rows.find(([name]) => name === "Essai 7"),
            ["Essai 7", "3", "7"],
        );
        assert.doesNotMatch(all.words, /trop long|premières lignes/);
        assert.match(all.words, /Magasin Est : [\d ]+,\d\d € de ventes/);

        // Of what is longer the paper says how much it has.
        shown = more(1100);
        const first = await onPaper(tab);
        assert.equal(first.rows.length, 5000);
        assert.match(first.words, /5 000 premières lignes sur 5 500/);

        // One store, which has more than a page of the API
        shown = more(9000);
        await sql(crowd);
        await tab
            .getByLabel("Magasin", { exact: true })
            .selectOption({ label: "Magasin Est" });
        await settled(tab);
        assert.equal(
            await tab.locator("table").nth(1).locator("tbody tr").count(),
            50,
        );
        const items = await onPaper(tab);
        const names = items.rows.map(([name]) => name);
        assert.ok(names.length > 1500);
        assert.equal(new Set(names).size, names.length);
        assert.ok(names.includes("Foule 1200"));
        assert.equal(
            await tab.getByRole("button", { name: "Imprimer" }).count(),
            1,
        );
    } finally {
        await sql(nobody);
        await sql(few);
    }
});
