// What goes wrong between a store that asks and the centre that decides.

import assert from "node:assert/strict";
import { api, settled, stockOf } from "./browser.js";
import { notice, press, work } from "./work.js";

const waiting = async (store) =>
    (
        await api(
            "GET",
            `/replenishments/?magasin=${store}&statut=en_attente&limit=1000`,
        )
    ).results;
const units = (tab, name) => tab.getByLabel(`Quantité : ${name}`);

work(
    "reorder: what the centre has refused is asked for once more",
    { path: "/commander?magasin=3" },
    async (tab) => {
        const old = (await waiting(3)).map(({ id }) => id);
        const asked = async () =>
            (await waiting(3)).filter(({ id }) => !old.includes(id));
        const ask = async () => {
            await tab.getByLabel("Tout cocher").uncheck();
            await units(tab, "Café Premium Bio").fill("10");
            await press(tab, "Demander 1 produit");
            await notice(tab, "1 demande envoyée").waitFor();
            await units(tab, "Café Premium Bio").waitFor({ state: "detached" });
            await press(tab, "Fermer ce message");
            const [one, ...more] = await asked();

            assert.equal(one.quantite, 10);
            assert.deepEqual(more, []);
            return one.id;
        };

        const bounds = (minimum, maximum) =>
            api("PUT", "/stores/3/stock/4/thresholds/", { minimum, maximum });

        await bounds(500, 510);
        try {
            const { disponible, en_transit, demande } = (
                await api("GET", "/stores/3/reorder/")
            ).results.find(({ produit }) => produit === 4);
            const there = disponible + en_transit + demande;

            await bounds(there + 5, there + 10);
            await tab.reload();
            await settled(tab);
            const first = await ask();

            await api("POST", `/replenishments/${first}/reject/`);
            // As when the tab is looked at again
            await tab.evaluate(() =>
                document.dispatchEvent(new Event("visibilitychange")),
            );
            await units(tab, "Café Premium Bio").waitFor();
            assert.notEqual(await ask(), first);
        } finally {
            for (const { id } of await asked()) {
                await api("POST", `/replenishments/${id}/cancel/`);
            }
            await bounds(null, null);
        }
    },
);

const row = (produit, nom) => ({
    produit,
    nom,
    code: null,
    disponible: 0,
    en_transit: 0,
    demande: 0,
    minimum: 2,
    maximum: 9,
    central: 99,
    suggere: 9,
});

work(
    "reorder: what was written stays for what was not sent",
    { path: "/commander?magasin=4", expected: [/status of 403/] },
    async (tab) => {
        const two = [row(9001, "Aaa"), row(9002, "Bbb")];
        const many = Array.from({ length: 999 }, (_, at) =>
            row(9100 + at, `Ccc ${at}`),
        );
        const list = "http://localhost/api/v1/stores/4/reorder/";
        const sent = [];

        await tab.route("**/stores/4/reorder/?*", (route) => {
            const query = new URL(route.request().url()).searchParams;
            const page = (results, next) =>
                route.fulfill({ json: { next, results } });

            return query.get("limit") === "50"
                ? page(two, `${list}?limit=50&cursor=x`)
                : query.has("cursor")
                  ? page(two.slice(1), null)
                  : page([two[0], ...many], `${list}?limit=1000&cursor=x`);
        });
        await tab.route("**/stores/4/reorder/", (route) => {
            const { lignes } = route.request().postDataJSON();

            sent.push(lignes);
            return sent.length === 1
                ? route.fulfill({ status: 201, json: { demandes: lignes } })
                : route.fulfill({ status: 403, json: { detail: "Non." } });
        });
        await tab.reload();
        await settled(tab);
        await units(tab, "Aaa").fill("3");
        await units(tab, "Bbb").fill("7");
        await press(tab, "Tout demander, avec la suite");
        await notice(tab, "n’autorise pas cette opération").waitFor();
        await notice(tab, /1\s000\sdemandes envoyées/).waitFor();
        assert.deepEqual(sent[0][0], { produit: 9001, quantite: 3 });
        assert.deepEqual(sent[1], [{ produit: 9002, quantite: 7 }]);
        await settled(tab);
        assert.equal(await units(tab, "Aaa").inputValue(), "9");
        assert.equal(await units(tab, "Bbb").inputValue(), "7");
    },
);

const ask = (magasin, produit, quantite) =>
    api("POST", "/replenishments/", { magasin, produit, quantite });
const request = (id) => api("GET", `/replenishments/${id}/`);
const granted = (tab, name) =>
    tab.getByLabel(new RegExp(`^Quantité accordée : ${name}`));
const approveMany = (tab) =>
    tab.locator(".bulk").getByRole("button", { name: "Approuver" }).click();

work(
    "requests: who leaves after a refusal is told what asks for fewer by then",
    { path: "/demandes?magasin=1", expected: [/status of 403/] },
    async (tab) => {
        const one = await ask(1, 8, 12);
        const two = await ask(1, 9, 14);
        const dialog = tab.getByRole("dialog");
        const refused = "n’autorise pas cette opération";

        await tab.route("**/replenishments/decisions/", (route) =>
            route.fulfill({ status: 403, json: { detail: "Non." } }),
        );
        await tab.reload();
        await settled(tab);
        await granted(tab, "12 × Chocolat Noir").fill("5");
        await tab.getByLabel(/^Choisir : 14 × Chocolat au Lait/).check();
        await approveMany(tab);
        await dialog.getByRole("button", { name: "Approuver" }).click();
        await dialog.getByText(refused).waitFor();
        await dialog.getByRole("button", { name: "Annuler" }).click();
        await notice(
            tab,
            `des demandes ont changé : n° ${one.id}, 5 unités au lieu de 12.`,
        ).waitFor();
        await granted(tab, "5 × Chocolat Noir").waitFor();

        // One alone with a reason
        await press(tab, /^Approuver : 14 × Chocolat au Lait/);
        await dialog.getByLabel("Quantité accordée").fill("4");
        await dialog.getByLabel("Motif").fill("casse");
        await dialog.getByRole("button", { name: "Approuver" }).click();
        await dialog.getByText(refused).waitFor();
        await dialog.getByRole("button", { name: "Annuler" }).click();
        await notice(tab, `n° ${two.id}, 4 unités au lieu de 14.`).waitFor();
        await granted(tab, "4 × Chocolat au Lait").waitFor();
        for (const [{ id }, quantite] of [
            [one, 5],
            [two, 4],
        ]) {
            const now = await request(id);

            assert.equal(now.statut, "en_attente");
            assert.equal(now.quantite, quantite);
            await api("POST", `/replenishments/${id}/cancel/`);
        }
    },
);

work(
    "requests: no more is granted than what was shown",
    { path: "/demandes?magasin=1" },
    async (tab) => {
        const more = ({ id }) =>
            api("PATCH", `/replenishments/${id}/`, { quantite: 100 });
        const had = await stockOf(1, 8);
        const one = await ask(1, 8, 2);
        const two = await ask(1, 9, 3);
        const dialog = tab.getByRole("dialog");
        const approve = () =>
            dialog.getByRole("button", { name: "Approuver" }).click();

        await tab.reload();
        await settled(tab);
        await tab.getByLabel(/^Choisir : 2 × Chocolat Noir/).check();
        await tab.getByLabel(/^Choisir : 3 × Chocolat au Lait/).check();
        await approveMany(tab);
        await dialog.getByText("Approuver 2 demandes ?").waitFor();
        await more(two);
        await approve();
        await notice(tab, "1 demande approuvée, 1 autrement").waitFor();
        await dialog.getByText("a changé cette demande").waitFor();
        await tab.keyboard.press("Escape");
        assert.equal((await request(one.id)).statut, "approuvee");
        assert.equal((await request(two.id)).statut, "en_attente");
        await api("POST", `/replenishments/${two.id}/cancel/`);
        assert.equal(await stockOf(1, 8), had + 2);

        const last = await ask(1, 8, 2);
        await tab.reload();
        await settled(tab);
        await press(tab, /^Approuver : 2 × Chocolat Noir/);
        await dialog.getByLabel("Quantité accordée").waitFor();
        await more(last);
        await approve();
        await notice(tab, "approuvée : 2 × Chocolat Noir").waitFor();
        assert.equal((await request(last.id)).quantite, 2);
        assert.equal(await stockOf(1, 8), had + 4);
    },
);
