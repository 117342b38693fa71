// What nobody knows, in the address or from the server: words, and no blank page.

import assert from "node:assert/strict";
import { settled } from "./browser.js";
import { fault, requests } from "./fault.js";

for (const [address, words, way] of [
    ["/journal?depuis=202666-01-01", "L’année doit être entre", "depuis"],
    ["/journal?depuis=0002-11-24", "L’année doit être entre", "depuis"],
    ["/journal?depuis=hier", "Entrez une date complète", "depuis"],
    ["/journal?depuis=2026-02-30", "Cette date n’existe pas", "depuis"],
    ["/journal?type=constructor", "n’existe pas", "type"],
    ["/journal?produit=x", "n’existe pas", "produit"],
    ["/journal?magasin=1e3", "n’existe pas", "magasin"],
    ["/demandes?statut=constructor", "n’existe pas", "statut"],
    ["/demandes?magasin=x", "n’existe pas", "magasin"],
    ["/rapport?page=1e9", "n’existe pas", "page"],
]) {
    fault(`${address}: words, and nothing is asked`, {}, async (tab) => {
        const seen = requests(tab);

        await tab.goto(address);
        await tab.locator(".empty", { hasText: words }).waitFor();
        await settled(tab);
        // Only what changes from now on
        assert.deepEqual(
            seen.filter((one) => one !== "/journal/stream/"),
            [],
        );
        await tab.getByRole("button", { name: "Tout montrer" }).click();
        await tab
            .locator("table, .empty", { hasNotText: words })
            .first()
            .waitFor();
        assert.equal(new URL(tab.url()).searchParams.get(way), null);
    });
}

fault(
    "dates, kinds and states that nobody knows are words",
    {},
    async (tab) => {
        const strange = (route, change) =>
            tab.route(route, async (one) => {
                const answer = await one.fetch();
                const body = await answer.json();
                await one.fulfill({
                    response: answer,
                    json: { ...body, results: body.results.map(change) },
                });
            });

        await strange(/\/journal\/\?/, (row, index) => ({
            ...row,
            instant: index === 0 ? "bientôt" : row.instant,
            type: ["constructor", "reception", "produit_code_ajout"][index % 3],
        }));
        await strange(/\/sales\/\?/, (row) => ({ ...row, date_vente: null }));
        await strange(/\/replenishments\/\?/, (row) => ({
            ...row,
            statut: "toString",
        }));
        await tab.goto("/journal");
        await settled(tab);
        const rows = tab.locator("tbody tr");
        assert.match(
            await rows.nth(0).textContent(),
            /constructor.*date inconnue/,
        );
        assert.match(await rows.nth(1).textContent(), /^Réception\d/);
        assert.match(await rows.nth(2).textContent(), /^Produit, code ajouté/);
        await tab.goto("/caisse?magasin=1");
        await settled(tab);
        await tab
            .locator(".recent-sale", { hasText: "date inconnue" })
            .first()
            .waitFor();
        await tab.goto("/demandes?statut=approuvee");
        await settled(tab);
        assert.ok(
            (await tab.locator("main .region").textContent()).length > 20,
        );
    },
);

for (const address of [
    "/caisse?magasin=999",
    "/stock?magasin=x",
    "/rapport?magasin=Ailleurs",
    "/central?ordre=constructor",
    "/rapport?ordre=constructor",
    "/stock?magasin=1&ordre=__proto__",
]) {
    fault(`${address}: words or rows, no blank`, {}, async (tab) => {
        await tab.goto(address);
        await settled(tab);
        if (address.includes("ordre")) {
            await tab.locator("tbody tr").first().waitFor();
        } else {
            await tab.locator(".empty", { hasText: "n’existe pas" }).waitFor();
        }
    });
}

fault(
    "a date that is typed digit by digit is asked about once it is one",
    { path: "/journal" },
    async (tab) => {
        const seen = requests(tab);
        const input = tab.getByLabel("Depuis le");

        await input.focus();
        await tab.keyboard.type("11112026");
        await tab.waitForURL(/depuis=2026-11-11/);
        await settled(tab);
        assert.deepEqual(
            seen.filter(
                (one) =>
                    one.startsWith("/journal/") &&
                    !one.includes("depuis=2026-11-1"),
            ),
            [],
        );
        // Half of one says so, and asks nothing.
        await tab.goto("/journal");
        await settled(tab);
        seen.length = 0;
        await input.fill("0002-11-24");
        await tab
            .locator(".field-error", { hasText: "L’année doit être" })
            .waitFor();
        assert.deepEqual(seen, []);
    },
);
