// A sale on paper: on the roll of a printer for receipts, or on A4.

import { barcode } from "./barcode.js";
import { element } from "./dom.js";
import { amount, moment, plural, quantity } from "./format.js";
import { cents } from "./money.js";
import { printNow } from "./print.js";
import { device } from "./storage.js";
import { knownStore } from "./stores.js";

const KEY = "magasin.recu";

export const formats = [
    ["ticket", "Ticket 80 mm"],
    ["a4", "A4"],
];

export const format = () => (device.get(KEY) === "a4" ? "a4" : "ticket");
export const keepFormat = (name) => device.set(KEY, name);

// What a scanner reads of it, and what it means
export const numberCode = (id) => `VENTE-${id}`;
export const numberOf = (text) =>
    Number(/^VENTE-?(\d{1,15})$/i.exec(text)?.[1] ?? 0) || null;

function lines(sale, nameOf) {
    return element(
        "table",
        {},
        element(
            "thead",
            {},
            element(
                "tr",
                {},
                ["Article", "Qté", "Prix", "Montant"].map((label) =>
                    element("th", {}, label),
                ),
            ),
        ),
        element(
            "tbody",
            {},
            sale.lignes.map((line) =>
                element(
                    "tr",
                    {},
                    element("td", {}, nameOf(line.produit)),
                    element("td", {}, quantity(line.quantite)),
                    element("td", {}, amount(line.prix_unitaire)),
                    element(
                        "td",
                        {},
                        amount(
                            cents(line.prix_unitaire) * BigInt(line.quantite),
                        ),
                    ),
                ),
            ),
        ),
    );
}

// The paper of a sale, for print.js; the promise is there for the barcode.  While
// what draws it cannot be fetched, the number has to do.
export async function receiptPaper(sale, nameOf) {
    const store = knownStore(sale.magasin);
    const code = await barcode(numberCode(sale.id)).catch(() => null);
    const units = sale.lignes.reduce((sum, one) => sum + one.quantite, 0);

    return () => ({
        format: format(),
        ...(format() === "ticket" ? { width: 80, margin: 4 } : {}),
        nodes: [
            element("p", { class: "shop" }, store.nom),
            store.adresse ? element("p", {}, store.adresse) : null,
            element(
                "p",
                { class: "sale" },
                `Vente n° ${sale.id}`,
                element("br"),
                moment(sale.date_vente),
            ),
            lines(sale, nameOf),
            element(
                "p",
                { class: "sum" },
                element("span", {}, "Total"),
                element("strong", {}, amount(sale.total)),
            ),
            element("p", {}, plural(units, "article", "articles")),
            code?.cloneNode(true),
            element(
                "p",
                { class: "small" },
                "Reçu sans valeur fiscale : il ne vient pas d’une caisse " +
                    "certifiée.",
            ),
        ],
    });
}

export async function printReceipt(sale, nameOf) {
    printNow((await receiptPaper(sale, nameOf))());
}
