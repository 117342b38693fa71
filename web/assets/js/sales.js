// Sales that were made: the receipt, the last ones of a store, one of them.

import { query, read, readPage } from "./api.js";
import { openDialog } from "./dialog.js";
import { button, element } from "./dom.js";
import { amount, moment, quantity } from "./format.js";
import { cents } from "./money.js";
import { attempt } from "./notices.js";
import { readNames } from "./stores.js";

const RECENT = 5;

// lines: the ticket's, whose names and prices the person has seen
export function receiptView({ sale, lines }, next) {
    const lineOf = (id) => lines.find((line) => line.id === id);
    const moved = sale.lignes.some(
        (one) => lineOf(one.produit).price !== one.prix_unitaire,
    );

    return element(
        "div",
        { class: "receipt" },
        element(
            "h2",
            { id: "ticket-titre", tabindex: "-1" },
            `Vente n° ${sale.id} enregistrée`,
        ),
        element("p", { class: "muted" }, moment(sale.date_vente)),
        saleLines(sale, (id) => lineOf(id).name),
        moved
            ? element(
                  "p",
                  { class: "form-error" },
                  "Des prix ont changé pendant la saisie : ce sont ceux ",
                  "d’ici qui comptent.",
              )
            : null,
        button("Nouvelle vente", next, {
            class: "primary large",
            "data-focus": "nouvelle",
        }),
    );
}

export async function recentSales(store, signal) {
    const { results } = await readPage(
        `/sales/${query({ magasin: store, limit: RECENT })}`,
        signal,
    );

    return results.length === 0
        ? element("p", { class: "muted" }, "Aucune vente dans ce magasin.")
        : element("ul", { class: "recent-sales" }, results.map(recentSale));
}

function recentSale(sale) {
    return element(
        "li",
        {},
        button(
            [
                element("span", {}, `n° ${sale.id}`),
                element("span", { class: "muted" }, moment(sale.date_vente)),
                element("span", { class: "number" }, amount(sale.total)),
            ],
            () => attempt(() => showSale(sale.id)),
            { class: "recent-sale", "data-focus": `vente ${sale.id}` },
        ),
    );
}

async function showSale(id) {
    const sale = await read(`/sales/${id}/`);
    const names = await readNames(sale.lignes.map((line) => line.produit));

    openDialog(`Vente n° ${id}`, () =>
        element(
            "div",
            {},
            element("p", { class: "muted" }, moment(sale.date_vente)),
            saleLines(sale, (product) => names.get(product)),
        ),
    );
}

function saleLines(sale, nameOf) {
    return [
        element(
            "ul",
            { class: "receipt-lines" },
            sale.lignes.map((line) =>
                element(
                    "li",
                    {},
                    element(
                        "span",
                        {},
                        `${quantity(line.quantite)} × ${nameOf(line.produit)}`,
                    ),
                    element(
                        "span",
                        { class: "number" },
                        amount(
                            cents(line.prix_unitaire) * BigInt(line.quantite),
                        ),
                    ),
                ),
            ),
        ),
        element(
            "p",
            { class: "ticket-total" },
            element("span", {}, "Total"),
            element("strong", {}, amount(sale.total)),
        ),
    ];
}
