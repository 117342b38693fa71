// The central stock, from which stores are replenished.

import { query, readPage } from "../api.js";
import { keepFresh } from "../changes.js";
import { button, element, fill } from "../dom.js";
import { filterBar, more, searchField, showAll } from "../filters.js";
import { level, quantity } from "../format.js";
import { empty, Region } from "../region.js";
import { requestDialog } from "../request.js";
import { setParameters } from "../router.js";
import {
    badge,
    beside,
    cell,
    number,
    rowHeading,
    table,
    wide,
} from "../table.js";

const ROWS = 25;
const orders = ["nom", "-nom", "quantite", "-quantite"];

class Central {
    constructor({ body, signal }) {
        this.region = new Region(signal);
        this.parameters = new URLSearchParams();
        this.pages = 1;

        this.search = searchField();

        fill(body, filterBar(this.search.node), this.region.node);

        keepFresh(0, () => this.refresh(), signal);
    }

    refresh() {
        return this.region.run(async (stop) => {
            const wanted = this.parameters.get("ordre");
            const order = orders.includes(wanted) ? wanted : "nom";
            const rows = [];
            let next = `/stock/central/${query({
                q: this.parameters.get("recherche"),
                ordering: order,
                limit: ROWS,
            })}`;

            for (let page = 0; page < this.pages && next; page += 1) {
                const read = await readPage(next, stop);
                rows.push(...read.results);
                next = read.next;
            }
            return this.view(rows, order, next);
        });
    }

    view(rows, order, next) {
        if (rows.length === 0) {
            return this.parameters.get("recherche")
                ? empty("Aucun produit ne correspond.", showAll("recherche"))
                : empty("Le stock central est vide.");
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
                sort: (name) => setParameters({ ordre: name }),
                rows: rows.map((row) => line(row, () => this.refresh())),
            }),
            more(next, () => {
                this.pages += 1;
                this.refresh();
            }),
        ];
    }

    update(now) {
        this.parameters = now;
        this.pages = 1;
        this.search.sync(now);
        this.refresh();
    }
}

export const mount = (page) => new Central(page);

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
