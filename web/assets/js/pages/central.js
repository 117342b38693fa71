// The central stock, from which stores are replenished.

import { readAll } from "../api.js";
import { keepFresh } from "../changes.js";
import { button, element, fill } from "../dom.js";
import { filterBar, searchField, showAll } from "../filters.js";
import { compare, folded, level, quantity } from "../format.js";
import { empty, Region } from "../region.js";
import { requestDialog } from "../request.js";
import { setParameters } from "../router.js";
import {
    badge,
    beside,
    cell,
    number,
    ordered,
    pageOf,
    pager,
    rowHeading,
    table,
    wide,
} from "../table.js";

const ROWS = 25;

const orders = {
    nom: (a, b) => compare(a.nom, b.nom),
    quantite: (a, b) => a.quantite - b.quantite || compare(a.nom, b.nom),
};

class Central {
    constructor({ body, signal }) {
        this.region = new Region(signal);
        this.parameters = new URLSearchParams();
        this.rows = null;

        this.search = searchField();

        fill(body, filterBar(this.search.node), this.region.node);

        keepFresh(0, () => this.refresh(), signal);
    }

    show(fresh) {
        return this.region.run(async (stop) => {
            if (fresh || this.rows === null) {
                this.rows = await readAll("/stock/central/", stop);
            }
            return view(this.rows, this.parameters, () => this.refresh());
        });
    }

    refresh() {
        return this.show(true);
    }

    update(now) {
        this.parameters = now;
        this.search.sync(now);
        this.show(false);
    }
}

export const mount = (page) => new Central(page);

function view(rows, parameters, refresh) {
    const text = folded(parameters.get("recherche") ?? "");
    const order = parameters.get("ordre") ?? "nom";
    const found = ordered(
        rows.filter((row) => folded(row.nom).includes(text)),
        orders,
        order,
        orders.nom,
    );
    const { page, pages } = pageOf(parameters, found.length, ROWS);

    if (rows.length === 0) {
        return empty("Le stock central est vide.");
    }
    if (found.length === 0) {
        return empty("Aucun produit ne correspond.", showAll("recherche"));
    }

    return [
        table({
            caption: "Stock central",
            class: "with-actions",
            columns: [
                { label: "Produit", sort: "nom" },
                { label: "État", class: "wide" },
                { label: "Quantité", sort: "quantite", class: "number" },
                { label: element("span", { class: "hidden" }, "Actions") },
            ],
            order,
            sort: (name) => setParameters({ ordre: name, page: "" }),
            rows: found
                .slice((page - 1) * ROWS, page * ROWS)
                .map((row) => line(row, refresh)),
        }),
        pager({
            page,
            pages,
            count: found.length,
            words: ["produit", "produits"],
            go: (target) => setParameters({ page: target }),
        }),
    ];
}

function line(row, refresh) {
    const state = level(row.quantite);
    // A large central stock is what it is for.
    const mark = ["normal", "surstock"].includes(state.name)
        ? null
        : badge(state);

    return element(
        "tr",
        {},
        rowHeading(row.nom, beside(mark?.cloneNode(true))),
        wide(mark),
        number(quantity(row.quantite)),
        cell(
            element(
                "div",
                { class: "row-actions" },
                button(
                    "Demander",
                    () =>
                        requestDialog(
                            { id: row.produit, nom: row.nom },
                            null,
                            refresh,
                        ),
                    {
                        "aria-label": `Demander un réapprovisionnement en ${row.nom}`,
                        "data-focus": `demander ${row.produit}`,
                    },
                ),
            ),
        ),
    );
}
