// Stock-takes by scanning, from the first scan to the corrected stock.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
    api,
    openBrowser,
    openTab,
    settled,
    stockOf,
    violations,
    withToken,
} from "./browser.js";

let chromium;

before(async () => {
    chromium = await openBrowser();
});
after(() => chromium.close());

function counting(name, { path, expected = [], ...options }, run) {
    test(name, async () => {
        const { tab, close, nothingWrong } = await openTab(
            chromium.browser,
            options,
        );

        await withToken(tab);
        await tab.goto(path);
        await settled(tab);
        await run(tab);
        nothingWrong(...expected);
        await close();
    });
}

const entry = (tab) => tab.getByLabel("Scanner ou chercher un produit");
const press = (tab, name) => tab.getByRole("button", { name }).click();
const notice = (tab, text) => tab.locator(".notice", { hasText: text });
// The server has it, and says so.
const counted = (tab, name, units) =>
    tab.waitForFunction(
        ([label, value]) =>
            document.querySelector(`input[aria-label="${label}"]`)?.value ===
            value,
        [`Compté : ${name}`, units],
    );
const saved = (tab) => tab.getByText("tout est enregistré").waitFor();
const begin = (body) => api("POST", "/counts/", body);

async function scan(tab, ...codes) {
    await entry(tab).focus();
    for (const code of codes) {
        await tab.keyboard.type(code);
        await tab.keyboard.press("Enter");
    }
}

counting(
    "a category is counted, closed, and the stock is what was counted",
    { path: "/inventaire", expected: [/status of 400/] },
    async (tab) => {
        const dialog = tab.getByRole("dialog");

        await press(tab, "Nouvel inventaire");
        await dialog.getByLabel("Lieu").selectOption({ label: "Magasin Nord" });
        await dialog.getByLabel("Catégorie").fill("Boissons");
        await dialog.getByRole("button", { name: "Commencer" }).click();
        await tab
            .getByRole("heading", { name: /^Inventaire n° \d+$/ })
            .waitFor();
        await settled(tab);
        await scan(tab, "BOI-004", "BOI-004", "BOI-005", "2000000000046");
        await saved(tab);
        await counted(tab, "Café Premium Bio", "3");

        // A number replaces what was scanned; a reload loses nothing.
        await tab.getByLabel("Compté : Café Espresso Intenso").fill("17");
        await entry(tab).focus();
        await saved(tab);
        await tab.reload();
        await settled(tab);
        await tab.getByLabel("Compté : Café Premium Bio").waitFor();
        await counted(tab, "Café Premium Bio", "3");
        await counted(tab, "Café Espresso Intenso", "17");

        // What is of another category is told beside its line.
        await scan(tab, "ACC-003");
        await tab.getByText("n’est pas dans cet inventaire").first().waitFor();

        const had = await stockOf(2, 4);
        await api("POST", "/sales/", {
            magasin: 2,
            lignes: [{ produit: 4, quantite: 1 }],
        });
        await press(tab, "Terminer");
        await dialog.getByText("n’ont pas été comptés").waitFor();
        await dialog
            .getByRole("button", { name: "Terminer et corriger le stock" })
            .click();
        await notice(tab, "terminé : 2 écarts.").waitFor();
        // What was sold since it was counted stays sold.
        assert.equal(await stockOf(2, 4), 2);
        assert.equal(await stockOf(2, 5), 17);
        await tab.getByRole("heading", { name: "Écarts" }).waitFor();
        assert.ok(had > 3);

        // All of it has words in the journal.
        await tab.goto("/journal");
        await settled(tab);
        const titles = await tab.locator("tbody th .title").allTextContents();
        assert.ok(titles.includes("Correction d’inventaire"));
        assert.ok(titles.includes("Inventaire, produit compté"));
        assert.deepEqual(
            titles.filter((title) => /_/.test(title)),
            [],
        );
    },
);

counting(
    "60 scans with late and lost answers: each counts once",
    { path: "/inventaire", expected: [/ERR_FAILED|Failed to load/] },
    async (tab) => {
        const { id } = await begin({ lieu: 3 });
        let asked = 0;

        await tab.route(/\/counts\/\d+\/lines\/$/, async (route) => {
            asked += 1;
            if (route.request().method() === "POST" && asked % 3 === 0) {
                // It is done, and nobody hears of it.
                await route.fetch();
                await route.abort();
            } else {
                await route.continue();
            }
        });
        await tab.goto(`/inventaire?document=${id}`);
        await settled(tab);
        for (let round = 0; round < 15; round += 1) {
            await scan(tab, "BOI-004", "BOI-005", "ACC-013", "BOI-015");
        }
        for (const name of [
            "Café Premium Bio",
            "Café Espresso Intenso",
            "Câble USB-C 2m",
            "Thé Rooibos Vanille",
        ]) {
            await counted(tab, name, "15");
        }
        await saved(tab);
        const { results } = await api(
            "GET",
            `/counts/${id}/lines/?etat=comptes`,
        );
        assert.deepEqual(
            results.map((line) => line.compte),
            [15, 15, 15, 15],
        );
        await api("POST", `/counts/${id}/cancel/`);
    },
);

for (const [button, wanted] of [
    ["Compter", "4"],
    ["Jeter", "2"],
]) {
    counting(
        `what waits for a day is asked about: ${button}`,
        { path: "/inventaire", expected: [/ERR_FAILED|Failed to load/] },
        async (tab) => {
            const { id } = await begin({ lieu: 3 });
            const keys = new Set();
            let lost = true;

            await tab.route(/\/counts\/\d+\/lines\/$/, async (route) => {
                if (route.request().method() !== "POST") {
                    await route.continue();
                    return;
                }
                const key = route.request().headers()["idempotency-key"];

                // The first one is done, and nobody hears of it.
                if (keys.size === 0) {
                    await route.fetch();
                }
                keys.add(key);
                if (lost) {
                    await route.abort();
                } else {
                    // A server that has forgotten the key
                    await route.continue({
                        headers: {
                            ...route.request().headers(),
                            "idempotency-key": `${key}-a-day-later`,
                        },
                    });
                }
            });
            await tab.goto(`/inventaire?document=${id}`);
            await settled(tab);
            await scan(tab, "2*BOI-004");
            await tab.getByText("Ce qui est compté est gardé").waitFor();
            await tab.clock.setSystemTime(Date.now() + 24 * 3600000);
            lost = false;
            await tab
                .getByText("saisie attend depuis plus de 23 heures")
                .waitFor();
            // What is scanned meanwhile waits behind it, and asks nothing.
            await scan(tab, "BOI-005");
            assert.deepEqual(await violations(tab), []);
            assert.equal(keys.size, 1);
            await press(tab, button);
            await counted(tab, "Café Espresso Intenso", "1");
            await saved(tab);
            const { results } = await api(
                "GET",
                `/counts/${id}/lines/?etat=comptes`,
            );
            assert.equal(
                results.find((line) => line.nom === "Café Premium Bio").compte,
                Number(wanted),
            );
            await api("POST", `/counts/${id}/cancel/`);
        },
    );
}

counting(
    "blind: nothing is shown of what is expected; abandoned",
    { path: "/inventaire" },
    async (tab) => {
        const { id } = await begin({ lieu: null, aveugle: true });
        const dialog = tab.getByRole("dialog");

        await tab.goto(`/inventaire?document=${id}`);
        await settled(tab);
        await scan(tab, "BOI-004");
        await saved(tab);
        assert.equal(
            await tab.getByRole("columnheader", { name: "Écart" }).count(),
            0,
        );
        await press(tab, "Abandonner");
        await dialog.getByRole("button", { name: "Abandonner" }).click();
        await notice(tab, "est abandonné").waitFor();
        assert.equal((await api("GET", `/counts/${id}/`)).statut, "annule");
    },
);

for (const colorScheme of ["light", "dark"]) {
    for (const width of [360, 1280]) {
        counting(
            `axe, nothing sticks out: ${width}, ${colorScheme}`,
            {
                path: "/inventaire",
                colorScheme,
                viewport: { width, height: 740 },
            },
            async (tab) => {
                const { id } = await begin({ lieu: 4 });

                await tab.goto(`/inventaire?document=${id}`);
                await settled(tab);
                await scan(tab, "BOI-004", "BOI-005");
                await saved(tab);
                assert.deepEqual(await violations(tab), []);
                assert.equal(
                    await tab.evaluate(
                        () => document.documentElement.scrollWidth - innerWidth,
                    ),
                    0,
                );
                await api("POST", `/counts/${id}/cancel/`);
            },
        );
    }
}
