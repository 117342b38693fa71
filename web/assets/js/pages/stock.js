// The stock of one store, a page at a time; what is short can be asked for.

import { pageNumberOf } from "../address.js";
import { adjustDialog } from "../adjust.js";
import { query, read } from "../api.js";
import { keepFresh } from "../changes.js";
import { button, element, fill } from "../dom.js";
import { filterBar, searchField, showAll } from "../filters.js";
import { level, quantity } from "../format.js";
import { attempt } from "../notices.js";
import { empty, Region } from "../region.js";
import { requestDialog } from "../request.js";
import { setParameters } from "../router.js";
import { chosenStore, readStores, storeField } from "../stores.js";
import {
    badge,
    beside,
    cell,
    number,
    pager,
    rowHeading,
    table,
    wide,
} from "../table.js";

const ROWS = 10;

class Stock {
    constructor({ body, signal }) {
        this.region = new Region(signal);
        this.stores = null;
        this.parameters = new URLSearchParams();

        this.store = storeField(null, (id) =>
            setParameters({ magasin: id, page: "" }),
        );
        this.search = searchField();

        fill(
            body,
            filterBar(this.store.node, this.search.node),
            this.region.node,
        );

        keepFresh(0, () => this.refresh(), signal);
    }

    async load(stop) {
        pageNumberOf(this.parameters);
        this.stores ??= await readStores(stop);
        const chosen = chosenStore(this.parameters, this.stores);

        if (!chosen) {
            return empty("Il n’y a pas encore de magasin.");
        }
        this.store.offer(this.stores, chosen.id);

        const page = pageNumberOf(this.parameters);
        const order = this.parameters.get("ordre") ?? "produit__nom";
        try {
            const list = await read(
                `/stores/${chosen.id}/stock/list/${query({
                    page,
                    ordering: order,
                    q: this.parameters.get("recherche"),
                })}`,
                stop,
            );
            return this.view(list, chosen, page, order);
        } catch (error) {
            if (error.status !== 404) {
                throw error;
            }
            return empty(
                "Cette page n’existe pas.",
                button("Aller à la première", () =>
                    setParameters({ page: "" }),
                ),
            );
        }
    }

    refresh() {
        return this.region.run((stop) => this.load(stop));
    }

    view(list, chosen, page, order) {
        if (list.count === 0) {
            return this.parameters.get("recherche")
                ? empty("Aucun produit ne correspond.", showAll("recherche"))
                : empty("Ce magasin n’a encore rien en stock.");
        }

        return [
            table({
                caption: `Stock de ${chosen.nom}`,
                class: "with-actions",
                columns: [
                    { label: "Produit", sort: "produit__nom" },
                    { label: "État", class: "wide" },
                    { label: "Quantité", sort: "quantite", class: "number" },
                    { label: element("span", { class: "hidden" }, "Actions") },
                ],
                order,
                sort: (name) => setParameters({ ordre: name, page: "" }),
                rows: list.results.map((row) => this.line(row, chosen)),
            }),
            pager({
                page,
                pages: Math.ceil(list.count / ROWS),
                count: list.count,
                words: ["produit", "produits"],
                go: (target) => setParameters({ page: target }),
            }),
        ];
    }

    line(row, chosen) {
        const state = level(row.quantite);
        const product = { id: row.produit, nom: row.produit_nom };
        const mark = state.name === "normal" ? null : badge(state);
        const refresh = () => this.refresh();

        return element(
            "tr",
            { class: `level-${state.name}` },
            rowHeading(row.produit_nom, beside(mark?.cloneNode(true))),
            wide(mark),
            number(quantity(row.quantite)),
            cell(
                element(
                    "div",
                    { class: "row-actions" },
                    button(
                        "Corriger",
                        () =>
                            attempt(() =>
                                adjustDialog(chosen, product, refresh),
                            ),
                        {
                            class: "quiet",
                            "aria-label": `Corriger le stock de ${row.produit_nom}`,
                            "data-focus": `corriger ${row.produit}`,
                        },
                    ),
                    button(
                        "Demander",
                        () => requestDialog(product, chosen.id, refresh),
                        {
                            "aria-label": `Demander un réapprovisionnement en ${row.produit_nom}`,
                            "data-focus": `demander ${row.produit}`,
                        },
                    ),
                ),
            ),
        );
    }

    update(now) {
        this.parameters = now;
        this.search.sync(now);
        this.refresh();
    }
}

export const mount = (page) => new Stock(page);
