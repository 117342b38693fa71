// What is held for somebody is there, but nobody else's to buy.

import assert from "node:assert/strict";
import { api, setStock, settled } from "./browser.js";
import { notice, plain, work } from "./work.js";

const tile = (tab) => tab.locator(".tile", { hasText: "Souris optique" });
const hold = (quantite) =>
    api("POST", "/reservations/", {
        magasin: 5,
        lignes: [{ produit: 2, quantite }],
        duree: 3600,
    });

work(
    "the till shows what can be sold beside what is there, and warns by it",
    { path: "/caisse?magasin=5&recherche=souris" },
    async (tab) => {
        await setStock(5, 2, 9);
        const held = await hold(7);
        const line = tab.locator(".ticket-lines li");

        await tab.reload();
        await settled(tab);
        assert.match(
            plain(await tile(tab).textContent()),
            /2 disponibles ?9 en stock, 7 de retenu/,
        );
        await tile(tab).click();
        await line.locator("input").fill("3");
        await line
            .getByText(
                /Il n’en reste que 2 à vendre\s: 9 en stock, 7 de retenu/,
            )
            .waitFor();
        await line.getByRole("button", { name: "Mettre 2" }).click();
        assert.equal(await line.locator(".field-error").textContent(), "");

        // All that is left is held, too.
        const rest = await hold(2);
        await tab.goto("/caisse?magasin=5&recherche=souris");
        await settled(tab);
        await line.getByText(/Tout est retenu/).waitFor();
        await line.getByRole("button", { name: "Enlever" }).click();
        await tile(tab).click();
        await notice(tab, "Souris optique : tout est retenu").waitFor();
        assert.equal(await line.count(), 0);

        for (const { id } of [held, rest]) {
            await api("POST", `/reservations/${id}/release/`);
        }
        await tab.reload();
        await settled(tab);
        assert.match(plain(await tile(tab).textContent()), /9 en stock/);
    },
);
