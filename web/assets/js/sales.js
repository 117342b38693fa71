// Sales that were made: the receipt, the last ones of a store, one of them, and
// how an older one is found.

import { query, read, readPage } from "./api.js";
import { dayFault, dayLimits } from "./days.js";
import { openDialog } from "./dialog.js";
import { button, element, icon } from "./dom.js";
import { exportButton } from "./export.js";
import { more } from "./filters.js";
import { field } from "./form.js";
import { amount, moment, quantity } from "./format.js";
import { cents } from "./money.js";
import { attempt } from "./notices.js";
import { format, formats, keepFormat, printReceipt } from "./receipt.js";
import { Region } from "./region.js";
import {
    readReturns,
    returnable,
    returnDialog,
    returnsView,
} from "./returns.js";
import { readRights } from "./rights.js";
import { readNames, storeName } from "./stores.js";

const RECENT = 5;
const ROWS = 20;

// How it is printed: the choice is the device's.
function printing(sale, nameOf) {
    const choice = field({
        name: "format",
        label: "Format du reçu",
        type: "select",
        options: formats,
        value: format(),
        on: { change: () => keepFormat(choice.control.value) },
    });

    return element(
        "div",
        { class: "printing" },
        choice.node,
        button(
            [icon("imprimer"), "Imprimer"],
            () => attempt(() => printReceipt(sale, nameOf)),
            { "data-focus": "imprimer" },
        ),
    );
}

// lines: the ticket's, whose names and prices the person has seen
export function receiptView({ sale, lines }, next) {
    const lineOf = (id) => lines.find((line) => line.id === id);
    const moved = sale.lignes.some(
        (one) => lineOf(one.produit).price !== one.prix_unitaire,
    );
    const nameOf = (id) => lineOf(id).name;

    return element(
        "div",
        { class: "receipt" },
        element(
            "h2",
            { id: "ticket-titre", tabindex: "-1" },
            `Vente n° ${sale.id} enregistrée`,
        ),
        element("p", { class: "muted" }, moment(sale.date_vente)),
        saleLines(sale, nameOf),
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
        printing(sale, nameOf),
    );
}

export async function recentSales(store, signal) {
    const { results } = await readPage(
        `/sales/${query({ magasin: store, limit: RECENT })}`,
        signal,
    );

    return results.length === 0
        ? element("p", { class: "muted" }, "Aucune vente dans ce magasin.")
        : listOf(results);
}

const listOf = (sales) =>
    element("ul", { class: "recent-sales" }, sales.map(recentSale));

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

// done(): something of it came back.
export async function showSale(id, done = () => {}) {
    const sale = await read(`/sales/${id}/`);
    const [names, returns, rights] = await Promise.all([
        readNames(sale.lignes.map((line) => line.produit)),
        readReturns(id),
        readRights(),
    ]);
    const nameOf = (product) => names.get(product);
    const why = rights.why("retours", sale.magasin);
    const takeBack = async (close) => {
        if (await returnDialog(sale, returns, nameOf)) {
            close();
            done();
            await showSale(id, done);
        }
    };

    openDialog(`Vente n° ${id}`, (close) =>
        element(
            "div",
            { class: "receipt" },
            element(
                "p",
                { class: "muted" },
                `${storeName(sale.magasin)}, ${moment(sale.date_vente)}`,
            ),
            saleLines(sale, nameOf),
            returnsView(returns, nameOf),
            returnable(sale, returns).size === 0
                ? element("p", { class: "muted" }, "Tout est revenu.")
                : why
                  ? element("p", { class: "muted" }, `Pas de retour : ${why}`)
                  : button("Reprendre des articles", () =>
                        attempt(() => takeBack(close)),
                    ),
            printing(sale, nameOf),
        ),
    );
}

// From midnight to midnight, where the person is
function bounds(day) {
    const from = new Date(`${day}T00:00`);
    const to = new Date(from);

    to.setDate(to.getDate() + 1);
    return { depuis: from.toISOString(), jusqu_a: to.toISOString() };
}

// The sales of a store, by their number or their day.
class Search {
    constructor(store, signal) {
        this.store = store;
        this.pages = 1;
        this.region = new Region(signal);
        this.number = field({
            name: "numero",
            label: "Numéro",
            inputmode: "numeric",
            autocomplete: "off",
            maxlength: 24,
            on: {
                keydown: (event) => {
                    if (event.key === "Enter") {
                        event.preventDefault();
                        attempt(() => this.open());
                    }
                },
            },
        });
        this.day = field({
            name: "jour",
            label: "Jour",
            type: "date",
            ...dayLimits,
            on: { change: () => this.dated() },
        });
        this.node = element(
            "div",
            { class: "sales-search" },
            element(
                "div",
                { class: "filters" },
                this.number.node,
                this.day.node,
                exportButton(
                    () => ({ path: this.path, name: `ventes-${this.store}` }),
                    signal,
                ),
            ),
            this.region.node,
        );
        this.refresh("");
    }

    async open() {
        const text = this.number.control.value.trim();
        const id = /^(?:VENTE-?)?([1-9]\d{0,17})$/i.exec(text)?.[1];

        this.number.show(id ? null : ["Entrez le numéro d’une vente."]);
        if (!id) {
            return;
        }
        try {
            await showSale(id);
        } catch (error) {
            if (error.status !== 404) {
                throw error;
            }
            this.number.show([`Il n’y a pas de vente n° ${id}.`]);
        }
    }

    dated() {
        const { value, validity } = this.day.control;
        const fault = value || validity.badInput ? dayFault(value) : null;

        this.day.show(fault ? [fault] : null);
        if (fault === null) {
            this.pages = 1;
            this.refresh(value);
        }
    }

    refresh(day) {
        return this.region.run(async (stop) => {
            const rows = [];
            let next = `/sales/${query({
                magasin: this.store,
                ...(day ? bounds(day) : {}),
                limit: ROWS,
            })}`;

            this.path = next;
            for (let page = 0; page < this.pages && next; page += 1) {
                const read = await readPage(next, stop);
                rows.push(...read.results);
                next = read.next;
            }
            return [
                rows.length === 0
                    ? element("p", { class: "muted" }, "Aucune vente.")
                    : listOf(rows),
                more(next, () => {
                    this.pages += 1;
                    this.refresh(day);
                }),
            ];
        });
    }
}

export async function searchSales(store) {
    const leaving = new AbortController();

    await openDialog(
        `Ventes de ${storeName(store)}`,
        () => new Search(store, leaving.signal).node,
    );
    leaving.abort();
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
