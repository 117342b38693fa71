// The work of four people, each job from the open page to the answer of the API.
// A job has everything ready before begin(), and is checked after its last key.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { api, server, setStock, stockOf } from "./browser.js";

const lastSale = async () => (await api("GET", "/sales/?limit=1")).results[0];
const sheet = (id) => api("GET", `/products/${id}/sheet/`);
const barcode = async (id) => (await sheet(id)).codes_barres[0];
const sell = (lignes) => api("POST", "/sales/", { magasin: 1, lignes });
const ask = (magasin, produit, quantite) =>
    api("POST", "/replenishments/", { magasin, produit, quantite });

const waiting = async (store) =>
    (await api("GET", `/replenishments/?magasin=${store}&statut=en_attente`))
        .results;

async function saleDone(hand, units) {
    await hand.see("enregistrée");
    const { id } = await lastSale();
    const { lignes } = await api("GET", `/sales/${id}/`);

    assert.equal(
        lignes.reduce((sum, line) => sum + line.quantite, 0),
        units,
    );
}

const oneLine = () =>
    document.querySelectorAll(".ticket-lines li").length === 1;

// What the till keeps for when no answer comes
const shopIsKept = () =>
    new Promise((resolve) => {
        const request = indexedDB.open("magasin");

        request.onerror = () => resolve(false);
        request.onsuccess = () => {
            const { result } = request;
            const done = (found) => {
                result.close();
                resolve(found);
            };

            if (!result.objectStoreNames.contains("produits")) {
                done(false);
                return;
            }
            const all = result
                .transaction("produits")
                .objectStore("produits")
                .getAll();
            all.onsuccess = () =>
                done(
                    all.result.some(
                        (one) => one.nom === "Souris optique" && one.stock,
                    ),
                );
        };
    });
const printed = (hand) => hand.until("paper", () => globalThis.printed > 0);

export const jobs = [
    {
        who: "cashier",
        what: "sell three articles by scanning",
        path: "/caisse?magasin=1",
        ready: () => Promise.all([1, 2, 6].map((id) => setStock(1, id, 60))),
        run: async (hand) => {
            await hand.key("F2");
            for (const id of [1, 2, 6]) {
                await hand.scan(await barcode(id));
            }
            await hand.key("F9");
        },
        check: (hand) => saleDone(hand, 3),
    },
    {
        who: "cashier",
        what: "sell two of one product by its name",
        path: "/caisse?magasin=1",
        run: async (hand) => {
            await hand.key("F2");
            await hand.enter("2*souris op");
            await hand.key("F9");
        },
        check: (hand) => saleDone(hand, 2),
    },
    {
        who: "cashier",
        what: "let a ticket wait, serve somebody, take it up again",
        path: "/caisse?magasin=1",
        run: async (hand) => {
            await hand.key("F2");
            await hand.scan(await barcode(1));
            await hand.until("the line", oneLine);
            await hand.key("F4");
            await hand.scan(await barcode(2));
            await hand.key("F9");
            await hand.see("enregistrée");
            await hand.key("F4");
            await hand.until("the line", oneLine);
            await hand.key("F9");
        },
        check: (hand) => saleDone(hand, 1),
    },
    {
        who: "cashier",
        what: "take one article of a sale back, by the receipt and the article",
        path: "/caisse?magasin=1",
        ready: async () => (await sell([{ produit: 2, quantite: 3 }])).id,
        run: async (hand, id) => {
            await hand.key("F2");
            await hand.scan(`VENTE-${id}`);
            await hand.click("Reprendre des articles");
            await hand.see("Que deviennent les articles");
            await hand.scan(await barcode(2));
            await hand.see("Souris optique : 1");
            await hand.click("Reprendre");
            await hand.see("repris, à rembourser");
        },
        check: async (_hand, id) => {
            const { results } = await api("GET", `/sales/${id}/returns/`);
            assert.equal(results[0].lignes[0].quantite, 1);
        },
    },
    {
        who: "cashier",
        what: "print the receipt of an older sale",
        path: "/caisse?magasin=1",
        ready: async () => (await sell([{ produit: 2, quantite: 1 }])).id,
        run: async (hand, id) => {
            await hand.key("F8");
            await hand.see("Numéro");
            await hand.enter(String(id).slice(0, 3));
            await hand.click("Imprimer");
        },
        check: printed,
    },
    {
        who: "cashier",
        what: "sell two articles of which the record has one",
        path: "/caisse?magasin=1",
        expected: [/409/],
        ready: () => setStock(1, 2, 1),
        run: async (hand) => {
            await hand.key("F2");
            await hand.scan(await barcode(2));
            await hand.scan(await barcode(2));
            await hand.key("F9");
            await hand.click("Vendre quand même");
            await hand.see("écart de caisse");
            await hand.click("Vendre quand même");
        },
        check: async (hand) => {
            await saleDone(hand, 2);
            assert.equal(await stockOf(1, 2), 0);
            await setStock(1, 2, 60);
        },
    },
    {
        who: "cashier",
        what: "sell two articles while the server is away",
        path: "/caisse?magasin=1",
        expected: [/ERR_/, /NetworkError/, /cannot load|failed to load/i],
        ready: async (hand) => {
            const code = await barcode(2);

            // The till knows a code that it has seen before.
            await setStock(1, 2, 60);
            await hand.go("/caisse?magasin=1");
            await hand.key("F2");
            await hand.scan(code);
            await hand.key("F9");
            await hand.see("enregistrée");
            await hand.until("the shop’s products", shopIsKept);
            await hand.until("the pages are kept", () =>
                Boolean(navigator.serviceWorker.controller),
            );
            return [(await lastSale()).id, code];
        },
        run: async (hand, [, code]) => {
            await server("stop-nginx");
            try {
                await hand.key("F2");
                await hand.scan(code);
                await hand.scan(code);
                await hand.key("F9");
                await hand.see("Vente en attente n°");
            } finally {
                await server("start-nginx");
            }
        },
        check: async (hand, [before]) => {
            await hand.until("what waits has gone", () => {
                const waits = document.querySelector(".kept-sales > li");
                return !waits;
            });
            const sale = await lastSale();
            const { lignes } = await api("GET", `/sales/${sale.id}/`);

            assert.equal(sale.id, before + 1);
            assert.equal(lignes[0].quantite, 2);
        },
    },
    {
        who: "manager",
        what: "receive ten of one product and one of another",
        path: "/receptions",
        run: async (hand) => {
            await hand.click("Nouvelle réception");
            await hand.choose("Lieu de réception", "2");
            await hand.fill("Fournisseur", "Dupont");
            await hand.key("Tab");
            await hand.type("BL-7");
            await hand.fill(/^Scanner ou chercher/, "10*");
            await hand.key("Enter");
            await hand.scan(await barcode(2));
            await hand.scan(await barcode(1));
            await hand.see("11 unités");
            await hand.click("Enregistrer la réception");
            await hand.see("enregistrée");
        },
        check: async () => {
            const [made] = (await api("GET", "/receipts/?limit=1")).results;
            const { lignes } = await api("GET", `/receipts/${made.id}/`);
            assert.deepEqual(
                lignes.map((one) => [one.produit, one.quantite]).sort(),
                [
                    [1, 1],
                    [2, 10],
                ],
            );
            await api("POST", `/receipts/${made.id}/cancel/`);
        },
    },
    {
        who: "manager",
        what: "send three of one product to another store",
        path: "/transferts",
        ready: () => setStock(1, 2, 60),
        run: async (hand) => {
            await hand.click("Nouvel envoi");
            await hand.choose("Vers", "2");
            await hand.fill(/^Scanner ou chercher/, "3*");
            await hand.key("Enter");
            await hand.scan(await barcode(2));
            await hand.see("3 unités");
            await hand.click("Envoyer");
            await hand.see("Magasin Centre-Ville → Magasin Nord");
        },
        check: async () => {
            const [sent] = (await api("GET", "/transfers/?limit=1")).results;
            const { lignes } = await api("GET", `/transfers/${sent.id}/`);

            assert.deepEqual(
                [sent.de, sent.vers, lignes[0].produit, lignes[0].quantite],
                [1, 2, 2, 3],
            );
            await api("POST", `/transfers/${sent.id}/cancel/`);
        },
    },
    {
        who: "manager",
        what: "receive a transfer of which one unit is missing",
        path: "/transferts",
        ready: async () => {
            await setStock(1, 2, 60);
            const { id } = await api("POST", "/transfers/", {
                de: 1,
                vers: 4,
                lignes: [{ produit: 2, quantite: 3 }],
            });
            return { id, had: await stockOf(4, 2) };
        },
        run: async (hand, { id }) => {
            await hand.click(`Recevoir le transfert n° ${id}`);
            await hand.click("Arrivé avec des écarts");
            await hand.fill("Reçu : Souris optique", "2");
            await hand.fill("Motif des écarts", "casse");
            await hand.click("Enregistrer ce qui est arrivé");
            await hand.see(`Transfert n° ${id} reçu, avec 1 écart.`);
        },
        check: async (_hand, { had }) => {
            assert.equal(await stockOf(4, 2), had + 2);
            await setStock(4, 2, had);
        },
    },
    {
        who: "manager",
        what: "set the minimum and the maximum of one product",
        path: "/stock?magasin=3",
        run: async (hand) => {
            await hand.fill("Produit", "sencha");
            await hand.until(
                "one row",
                () => document.querySelectorAll("tbody tr").length === 1,
            );
            await hand.fill("Minimum : Thé Vert Sencha", "12");
            await hand.key("Tab");
            await hand.type("48");
            await hand.key("Enter");
            await hand.see("Seuils de Thé Vert Sencha : 12 à 48.");
        },
        check: async () => {
            const path = "/stores/3/stock/6/thresholds/";
            const { minimum, maximum } = await api("GET", path);

            assert.deepEqual([minimum, maximum], [12, 48]);
            await api("PUT", path, { minimum: null, maximum: null });
        },
    },
    {
        who: "manager",
        what: "count a category of three articles by scanning, and correct the stock",
        path: "/inventaire",
        ready: async () => [await stockOf(4, 4), await stockOf(4, 5)],
        run: async (hand) => {
            await hand.click("Nouvel inventaire");
            await hand.choose("Lieu", "4");
            await hand.fill("Catégorie", "Boissons");
            await hand.click("Commencer à compter");
            await hand.see("Scanner ou chercher");
            await hand.tick(/^Scanner ou chercher/);
            for (const code of ["BOI-004", "BOI-004", "BOI-005"]) {
                await hand.scan(code);
            }
            await hand.until(
                "what was counted",
                () =>
                    document.querySelector(
                        'input[aria-label="Compté : Café Premium Bio"]',
                    )?.value === "2" &&
                    document.querySelector(
                        'input[aria-label^="Compté : Café Espresso"]',
                    )?.value === "1",
            );
            await hand.see("tout est enregistré");
            await hand.click("Terminer");
            await hand.click("Terminer et corriger le stock");
            await hand.see("terminé :");
        },
        check: async (_hand, [coffee, espresso]) => {
            assert.equal(await stockOf(4, 4), 2);
            assert.equal(await stockOf(4, 5), 1);
            await setStock(4, 4, coffee);
            await setStock(4, 5, espresso);
        },
    },
    {
        who: "manager",
        what: "ask for all that is under its minimum",
        path: "/commander?magasin=5",
        ready: async () => {
            const { id } = await api("POST", "/products/", {
                nom: "Sucre en morceaux",
                categorie: "Épicerie",
                prix: "2.00",
            });
            await api("PUT", `/stores/5/stock/${id}/thresholds/`, {
                minimum: 3,
                maximum: null,
            });
            return id;
        },
        run: async (hand) => {
            await hand.click(/^Demander \d+ produits?$/);
            await hand.see("envoyée");
        },
        check: async (_hand, id) =>
            assert.ok((await waiting(5)).some(({ produit }) => produit === id)),
    },
    {
        who: "manager",
        what: "correct the stock of one product",
        path: "/stock?magasin=1",
        run: async (hand) => {
            await hand.fill("Produit", "sencha");
            await hand.until(
                "one row",
                () => document.querySelectorAll("tbody tr").length === 1,
            );
            await hand.click(/^Corriger le stock de Thé Vert Sencha/);
            await hand.see("Quantité comptée");
            await hand.enter("41");
            await hand.see("Stock corrigé");
        },
        ready: () => stockOf(1, 6),
        check: async (_hand, before) => {
            assert.equal(await stockOf(1, 6), 41);
            await setStock(1, 6, before);
        },
    },
    {
        who: "manager",
        what: "print three price labels of one product",
        path: "/etiquettes",
        run: async (hand) => {
            await hand.fill("Produit", "3*");
            await hand.key("Enter");
            await hand.scan(await barcode(2));
            await hand.see("3 étiquettes");
            await hand.click("Imprimer");
        },
        check: async (hand) => {
            await printed(hand);
            assert.ok(
                (await hand.evaluate(
                    () => document.querySelectorAll(".barcode").length,
                )) > 0,
            );
        },
    },
    {
        who: "buyer",
        what: "look at a file of prices, and import what is right of it",
        path: "/importer",
        ready: async () => {
            const home = await mkdtemp(join(tmpdir(), "magasin-import."));
            const path = join(home, "prix.csv");

            await writeFile(
                path,
                Buffer.from(
                    "N\xb0;D\xe9signation;Prix\r\n4;;16,49\r\n5;;gratuit\r\n",
                    "latin1",
                ),
            );
            return { home, path, prix: (await sheet(4)).prix };
        },
        run: async (hand, { path }) => {
            await hand.upload(/^Fichier CSV/, path);
            await hand.see("Un nombre valide est requis.");
            await hand.choose("S’il y a des erreurs", "valid");
            await hand.click("Importer 1 ligne");
            await hand.see("1 ligne importée");
        },
        check: async (_hand, { home, prix }) => {
            assert.equal((await sheet(4)).prix, "16.49");
            await api("PATCH", "/products/4/", { prix });
            await rm(home, { recursive: true });
        },
    },
    {
        who: "buyer",
        what: "raise all prices of a category by 2 %",
        path: "/prix?categorie=Confiserie",
        run: async (hand) => {
            await hand.fill("Valeur", "2");
            await hand.click("Proposer ces prix");
            await hand.click("Vérifier");
            await hand.click(/^Enregistrer \d+ prix$/);
            await hand.see("enregistrés");
        },
        check: async (hand) => {
            await hand.click("Annuler");
            await hand.see("de nouveau comme avant");
        },
    },
    {
        who: "buyer",
        what: "create a product",
        path: "/produits",
        run: async (hand) => {
            await hand.click("Nouveau produit");
            await hand.see("Codes-barres");
            await hand.type("Thé noir");
            await hand.key("Tab");
            await hand.type("Boissons");
            await hand.key("Tab");
            await hand.type("4,50");
            await hand.click("Créer le produit");
            await hand.see("« Thé noir » est créé.");
        },
        check: async () => {
            const { results } = await api("GET", "/products/?q=thé noir");
            assert.equal(results[0].prix, "4.50");
            await api("DELETE", `/products/${results[0].id}/`);
        },
    },
    {
        who: "buyer",
        what: "approve all requests of a store",
        path: "/demandes?magasin=5",
        ready: async () => [await ask(5, 8, 1), await ask(5, 9, 1)],
        run: async (hand) => {
            await hand.tick("Tout cocher");
            await hand.click("Approuver");
            await hand.click("Approuver");
            await hand.see("demandes approuvées");
        },
        check: async (_hand, asked) => {
            for (const { id } of asked) {
                assert.equal(
                    (await api("GET", `/replenishments/${id}/`)).statut,
                    "approuvee",
                );
            }
        },
    },
    {
        who: "buyer",
        what: "grant fewer units of two requests of three, with one reason",
        path: "/demandes?magasin=5",
        ready: async () => [
            await ask(5, 8, 12),
            await ask(5, 9, 14),
            await ask(5, 8, 1),
        ],
        run: async (hand) => {
            await hand.fill(/^Quantité accordée : 12 × /, "5");
            await hand.fill(/^Quantité accordée : 14 × /, "6");
            await hand.click("Approuver");
            await hand.see("Approuver 2 demandes");
            await hand.enter("la suite vendredi");
            await hand.see("demandes approuvées");
        },
        check: async (_hand, [one, two, left]) => {
            const now = (id) => api("GET", `/replenishments/${id}/`);

            for (const [id, units] of [
                [one.id, 5],
                [two.id, 6],
            ]) {
                const { quantite, statut } = await now(id);
                assert.deepEqual([quantite, statut], [units, "approuvee"]);
            }
            assert.equal((await now(left.id)).statut, "en_attente");
            await api("POST", `/replenishments/${left.id}/cancel/`);
        },
    },
    {
        who: "accountant",
        what: "see revenue, stock-outs and what waits, of all stores",
        path: "/",
        run: () => {},
        check: async (hand) => {
            await hand.see("Chiffre d’affaires");
            assert.equal(
                await hand.evaluate(
                    () => document.querySelectorAll(".store").length,
                ),
                5,
            );
            await hand.until("the charts", () =>
                [...document.querySelectorAll("canvas")].some(
                    (one) => one.width > 100,
                ),
            );
        },
    },
    {
        who: "accountant",
        what: "compare the revenue of the last 90 days by store with the 90 before",
        path: "/chiffres",
        run: async (hand) => {
            await hand.choose("Période", "90");
            await hand.settled();
            await hand.choose("Détail par", "magasin");
            await hand.settled();
        },
        check: (hand) => hand.see("Magasin Nord"),
    },
    {
        who: "accountant",
        what: "save every change since the beginning as a file",
        path: "/journal",
        run: (hand) => hand.click("CSV : toute la liste"),
        check: (hand) => hand.see("lignes."),
    },
];
