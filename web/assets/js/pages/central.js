// The central stock, from which stores are replenished.

import { adjustDialog } from "../adjust.js";
import { query, readPage } from "../api.js";
import { keepFresh } from "../changes.js";
import { button, element, fill } from "../dom.js";
import { exportButton } from "../export.js";
import { filterBar, more, searchField, showAll } from "../filters.js";
import { level, quantity } from "../format.js";
import { attempt } from "../notices.js";
import { empty, Region } from "../region.js";
import { requestDialog } from "../request.js";
import { locked, readRights } from "../rights.js";
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
import { showWhereabouts } from "../whereabouts.js";

const ROWS = 25;
const CENTRE = { id: null, nom: "Stock central" };
const orders = ["nom", "-nom", "quantite", "-quantite"];

class Central {
    constructor({ body, actions, signal }) {
        this.actions = actions;
        this.region = new Region(signal);
        this.parameters = new URLSearchParams();
        this.pages = 1;

        this.search = searchField();
        this.export = exportButton(
            () => ({ path: this.path, name: "stock-central" }),
            signal,
        );

        fill(body, filterBar(this.search.node), this.region.node);

        keepFresh(0, () => this.refresh(), signal);
        document.addEventListener("jeton", () => this.refresh(), { signal });
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

            this.path = next;
            for (let page = 0; page < this.pages && next; page += 1) {
                const read = await readPage(next, stop);
                rows.push(...read.results);
                next = read.next;
            }
            this.offer(await readRights(stop));
            return this.view(rows, order, next);
        });
    }

    offer(rights) {
        this.why = {
            adjust: rights.why("stock", null),
            ask: rights.why("reapprovisionnement"),
        };
        fill(
            this.actions,
            this.export,
            rights.why("reapprovisionnement", null)
                ? null
                : [
                      element(
                          "a",
                          {
                              href: "/receptions?nouveau=oui&lieu=centre",
                              class: "button",
                          },
                          "Recevoir",
                      ),
                      element(
                          "a",
                          {
                              href: "/transferts?nouveau=oui&de=centre",
                              class: "button",
                          },
                          "Envoyer",
                      ),
                  ],
        );
    }

    view(rows, order, next) {
        if (rows.length === 0) {
            return this.parameters.get("recherche")
                ? empty("Aucun produit ne correspond.", showAll("recherche"))
                : empty("Le stock central est vide.");
        }

        return [
            locked(this.why.adjust, "Vous ne pouvez pas corriger ce stock :"),
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
                rows: rows.map((row) =>
                    line(row, this.why, () => this.refresh()),
                ),
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

function line(row, why, refresh) {
    const state = level(row.quantite);
    const product = { id: row.produit, nom: row.nom };
    // A large central stock is what it is for.
    const mark = ["normal", "surstock"].includes(state.name)
        ? null
        : badge(state);

    return element(
        "tr",
        {},
        rowHeading(
            row.nom,
            element(
                "span",
                { class: "muted block" },
                button("Qui en a ?", () => showWhereabouts(product, null), {
                    class: "link",
                    "aria-label": `Qui en a ? ${row.nom}`,
                    "data-focus": `qui ${row.produit}`,
                }),
            ),
            beside(mark?.cloneNode(true)),
        ),
        wide(mark),
        number(quantity(row.quantite)),
        cell(
            element(
                "div",
                { class: "row-actions" },
                why.adjust
                    ? null
                    : button(
                          "Corriger",
                          () =>
                              attempt(() =>
                                  adjustDialog(CENTRE, product, refresh),
                              ),
                          {
                              class: "quiet",
                              "aria-label": `Corriger le stock central de ${row.nom}`,
                              "data-focus": `corriger ${row.produit}`,
                          },
                      ),
                why.ask
                    ? null
                    : button(
                          "Demander",
                          () => requestDialog(product, null, refresh),
                          {
                              "aria-label": `Demander un réapprovisionnement en ${row.nom}`,
                              "data-focus": `demander ${row.produit}`,
                          },
                      ),
            ),
        ),
    );
}
