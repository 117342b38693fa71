// What a company with hundreds of stores sees: some at a time, found and put in
// order, with totals of all of them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
    openBrowser,
    openTab,
    settled,
    violations,
    withToken,
} from "./browser.js";

const MANY = 120;
const NUMBERS = Array.from({ length: MANY }, (_, at) => at + 1);
const stores = NUMBERS.map((id) => ({
    id,
    nom: `Lieu ${id}`,
    adresse: `${id} rue du Nombre`,
    ouvert: id !== 7,
    fuseau: "Europe/Paris",
}));
// The store 50 has run out of most, and 51 sells most.
const dashboard = NUMBERS.map((id) => ({
    magasin: `Lieu ${id}`,
    chiffre_affaires: id === 51 ? 99999.99 : id,
    ruptures: id === 50 ? 9 : id % 3,
    surstock: id === 52 ? 40 : 0,
    tendances: "",
    magasin_id: id,
    meilleures_ventes: [],
}));
const reports = NUMBERS.map((id) => ({
    magasin: `Lieu ${id}`,
    produits_vendus: { "Thé Vert": id },
    stock_local: { "Thé Vert": 1 },
    total: id,
}));

let chromium;

before(async () => {
    chromium = await openBrowser();
});
after(() => chromium.close());

async function open(path, options) {
    const opened = await openTab(chromium.browser, options);
    const { tab } = opened;

    await withToken(tab);
    for (const [pattern, json] of [
        ["**/api/v1/stores/?*", { count: MANY, next: null, results: stores }],
        ["**/api/v1/dashboard/*", dashboard],
        ["**/api/v1/reports/", reports],
    ]) {
        await tab.route(pattern, (route) =>
            route.fulfill({ json, headers: { ETag: '"all"' } }),
        );
    }
    await tab.goto(path);
    await settled(tab);
    return opened;
}

const cards = (tab) => tab.locator(".card.store");
const names = (tab) => cards(tab).locator("h3").allTextContents();
const first = (tab, name) =>
    cards(tab).first().filter({ hasText: name }).waitFor();

test("dashboard: the worst first, some at a time, totals of all", async () => {
    const { tab, close, nothingWrong } = await open("/");
    const revenue = tab.locator(".figure", { hasText: "Chiffre d’affaires" });
    const more = tab.getByRole("button", { name: "Montrer la suite" });

    assert.equal(await tab.getByLabel("Ordre").inputValue(), "ruptures");
    assert.deepEqual((await names(tab)).slice(0, 3), [
        "Lieu 50",
        "Lieu 2",
        "Lieu 5",
    ]);
    assert.equal(await cards(tab).count(), 48);
    await revenue
        .filter({ hasText: /120\s+magasins, depuis le début/ })
        .waitFor();
    // 1 + … + 120 without 51, and what the store 51 took
    await revenue.filter({ hasText: /107\s208,99/ }).waitFor();
    await more.click();
    await cards(tab)
        .nth(MANY - 1)
        .waitFor();
    assert.equal(await cards(tab).count(), MANY);
    assert.equal(await more.count(), 0);
    nothingWrong();
    await close();
});

test("dashboard: orders and the search are in the address, and wait for nothing", async () => {
    const { tab, close, nothingWrong } = await open("/?ordre=surstocks");
    const order = tab.getByLabel("Ordre");
    const search = tab.getByRole("searchbox", { name: "Magasin" });

    await first(tab, "Lieu 52");
    assert.equal(await order.inputValue(), "surstocks");
    // Nothing more is answered: what has been read is enough.
    await tab.unroute("**/api/v1/dashboard/*");
    await tab.route("**/api/v1/dashboard/*", () => {});
    for (const [value, name] of [
        ["-ca", "Lieu 51"],
        ["numero", "Lieu 1"],
        ["ca", "Lieu 1"],
        ["nom", "Lieu 1"],
        ["ruptures", "Lieu 50"],
    ]) {
        await order.selectOption(value);
        await first(tab, name);
        await tab.waitForURL((url) => url.searchParams.get("ordre") === value);
    }
    await search.fill("LIEU 11");
    await tab.getByText(/11\s+magasins trouvés sur 120/).waitFor();
    assert.equal(await cards(tab).count(), 11);
    assert.ok(await search.evaluate((one) => one === document.activeElement));
    await search.fill("nulle part");
    await tab.getByRole("button", { name: "Tout montrer" }).click();
    await first(tab, "Lieu 50");
    await tab.unroute("**/api/v1/dashboard/*");
    await tab.route("**/api/v1/dashboard/*", (route) =>
        route.fulfill({ json: dashboard }),
    );
    await tab.goto("/?ordre=constructor");
    await tab
        .locator(".empty", { hasText: "L’ordre « constructor » n’existe pas." })
        .waitFor();
    await tab.getByRole("button", { name: "Tout montrer" }).click();
    await first(tab, "Lieu 50");
    nothingWrong();
    await close();
});

for (const colorScheme of ["light", "dark"]) {
    test(`dashboard of many stores: axe, 360 pixels, ${colorScheme}`, async () => {
        const { tab, close, nothingWrong } = await open("/?recherche=lieu+1", {
            colorScheme,
            viewport: { width: 360, height: 740 },
        });

        assert.deepEqual(await violations(tab), []);
        assert.equal(
            await tab.evaluate(
                () => document.documentElement.scrollWidth - innerWidth,
            ),
            0,
        );
        nothingWrong();
        await close();
    });
}

test("stores: a hundred at a time, the search finds the others", async () => {
    const { tab, close, nothingWrong } = await open("/magasins");
    const rows = tab.locator("tbody tr");

    assert.equal(await rows.count(), 100);
    await tab.getByText(/^120\s+magasins$/).waitFor();
    await tab.getByRole("button", { name: "Montrer la suite" }).click();
    await rows.nth(MANY - 1).waitFor();
    await tab.getByRole("searchbox", { name: "Magasin" }).fill("lieu 120");
    await rows.nth(1).waitFor({ state: "detached" });
    assert.match(await rows.first().textContent(), /Lieu 120/);
    nothingWrong();
    await close();
});

test("report: fifty stores at a time, the sum of all, paper has all of it", async () => {
    const { tab, close, nothingWrong } = await open("/rapport");
    const rows = tab
        .getByRole("region", { name: "Total de chaque magasin" })
        .locator("tbody tr");
    const sum = rows.filter({ hasText: /^Ensemble/ });

    // The line "Ensemble" is one more.
    assert.equal(await rows.count(), 51);
    await sum.filter({ hasText: /7\s260,00/ }).waitFor();
    await tab.getByRole("button", { name: "Montrer la suite" }).click();
    await rows.nth(MANY).waitFor();
    await tab.evaluate(() => window.dispatchEvent(new Event("beforeprint")));
    assert.equal(await rows.count(), MANY + 1);
    await tab.evaluate(() => window.dispatchEvent(new Event("afterprint")));
    await tab.getByLabel("Magasin", { exact: true }).selectOption("Lieu 3");
    await rows.nth(1).waitFor({ state: "detached" });
    assert.match(await rows.first().textContent(), /Lieu 3/);
    nothingWrong();
    await close();
});
