// The stock of one store: what is there, held and on its way, with the
// thresholds; what is short can be asked for.

import { adjustDialog } from "../adjust.js";
import { query, read, readPage } from "../api.js";
import { button, element, fill } from "../dom.js";
import { exportButton } from "../export.js";
import { filterBar, more, searchField, showAll } from "../filters.js";
import { field } from "../form.js";
import { level, plural, quantity } from "../format.js";
import { follow } from "../live.js";
import { attempt } from "../notices.js";
import { empty, Region } from "../region.js";
import { requestDialog } from "../request.js";
import { locked, readRights } from "../rights.js";
import { setParameters } from "../router.js";
import { chosenStore, readStores, storeField } from "../stores.js";
import { badge, beside, cell, rowHeading, table, wide } from "../table.js";
import { defaultsDialog, thresholdFields } from "../thresholds.js";
import { showWhereabouts } from "../whereabouts.js";

const ROWS = 25;
const orders = ["nom", "-nom", "quantite", "-quantite"];
// So many rows are read one by one; more are read with the page.
const FEW = 8;

class Stock {
    constructor({ body, actions, signal }) {
        this.region = new Region(signal);
        this.actions = actions;
        this.stores = null;
        this.shown = null;
        this.parameters = new URLSearchParams();
        this.pages = 1;

        this.store = storeField(null, (id) => setParameters({ magasin: id }));
        this.search = searchField({ placeholder: "Nom, code ou code-barres" });
        this.category = field({
            name: "categorie",
            label: "Catégorie",
            placeholder: "Toutes",
            maxlength: 100,
            on: {
                change: () =>
                    setParameters({
                        categorie: this.category.control.value.trim(),
                    }),
            },
        });
        this.low = field({
            name: "seuil",
            label: "Montrer",
            type: "select",
            options: [
                ["", "Tout"],
                ["bas", "Sous le minimum"],
            ],
            on: {
                change: () => setParameters({ seuil: this.low.control.value }),
            },
        });

        // The list that is shown, as a file
        this.list = null;
        this.export = exportButton(() => this.list, signal);
        fill(
            body,
            filterBar(
                this.store.node,
                this.search.node,
                this.category.node,
                this.low.node,
            ),
            this.region.node,
        );

        const fresh = () => {
            // What is being typed is not taken away.
            if (!document.activeElement?.matches("input.threshold")) {
                this.refresh();
            }
        };
        this.signal = signal;
        follow({
            seconds: 0,
            region: this.region,
            signal,
            store: () => this.shown?.chosen.id ?? null,
            wants: (event) => this.wants(event),
            change: (events) => this.change(events),
            refresh: fresh,
        });
        document.addEventListener("jeton", fresh, { signal });
    }

    async load(stop) {
        const [stores, rights] = await Promise.all([
            this.stores ?? readStores(stop),
            readRights(stop),
        ]);

        this.stores = stores;
        const chosen = chosenStore(this.parameters, this.stores);

        if (!chosen) {
            return empty("Il n’y a pas encore de magasin.");
        }
        this.store.offer(this.stores, chosen.id);

        const wanted = this.parameters.get("ordre");
        const order = orders.includes(wanted) ? wanted : "nom";
        const rows = [];
        let next = `/stores/${chosen.id}/items/${query({
            q: this.parameters.get("recherche"),
            categorie: this.parameters.get("categorie"),
            sous_minimum: this.parameters.get("seuil") ? "true" : "",
            ordering: order,
            limit: ROWS,
        })}`;

        this.list = { path: next, name: `stock-magasin-${chosen.id}` };
        for (let page = 0; page < this.pages && next; page += 1) {
            const read = await readPage(next, stop);
            rows.push(...read.results);
            next = read.next;
        }
        this.offer(chosen, rights);
        this.shown = { rows, next, chosen, order, rights };
        return this.view(this.shown);
    }

    // Does it change what is shown?  Units on their way come from elsewhere.
    wants({ type, magasin, produit }) {
        const { chosen, rows } = this.shown ?? {};

        return (
            rows !== undefined &&
            (rows.some((row) => row.produit === produit)
                ? magasin === chosen.id || /^(transfert|produit)_/.test(type)
                : magasin === chosen.id && type.startsWith("seuil_"))
        );
    }

    // The rows that have changed are read, and no others.
    async change(events) {
        const { shown } = this;
        const rows = shown.rows.filter((row) =>
            events.some((event) => event.produit === row.produit),
        );

        if (
            rows.length > FEW ||
            events.some((event) => event.produit === null)
        ) {
            await this.refresh();
            return;
        }
        const found = await Promise.all(
            rows.map((row) => rowNow(shown.chosen.id, row, this.signal)),
        );
        if (shown !== this.shown) {
            return;
        }
        if (found.includes(undefined)) {
            await this.refresh();
            return;
        }
        rows.forEach((row, at) => {
            Object.assign(row, found[at]);
        });
        this.region.patch(() => this.view(shown));
    }

    refresh() {
        return this.region.run((stop) => this.load(stop));
    }

    offer(chosen, rights) {
        fill(
            this.actions,
            element(
                "a",
                {
                    href: `/commander?magasin=${chosen.id}`,
                    class: "button",
                },
                "À commander",
            ),
            this.export,
            rights.why("stock", chosen.id)
                ? null
                : button("Seuils par défaut", () =>
                      attempt(() =>
                          defaultsDialog(chosen, () => this.refresh()),
                      ),
                  ),
        );
    }

    view({ rows, next, chosen, order, rights }) {
        const adjust = rights.why("stock", chosen.id);
        const ask = rights.why("reapprovisionnement", chosen.id);
        const filtered = ["recherche", "categorie", "seuil"].some((name) =>
            this.parameters.get(name),
        );

        return [
            locked(adjust, "Vous ne pouvez pas corriger ce stock :"),
            ask === adjust
                ? null
                : locked(ask, "Vous ne pouvez rien demander :"),
            rows.length === 0
                ? filtered
                    ? empty(
                          "Aucun produit ne correspond.",
                          showAll("recherche", "categorie", "seuil"),
                      )
                    : empty("Ce magasin n’a encore rien en stock.")
                : this.table(rows, chosen, order, { adjust, ask }),
            more(next, () => {
                this.pages += 1;
                this.refresh();
            }),
        ];
    }

    table(rows, chosen, order, why) {
        return table({
            caption: `Stock de ${chosen.nom}`,
            class: "with-actions stock-table",
            columns: [
                { label: "Produit", sort: "nom" },
                { label: "État", class: "wide" },
                { label: "Quantité", sort: "quantite", class: "number" },
                { label: "Minimum", class: "number limit" },
                { label: "Maximum", class: "number limit" },
                { label: element("span", { class: "hidden" }, "Actions") },
            ],
            order,
            sort: (name) => setParameters({ ordre: name }),
            rows: rows.map((row) => this.line(row, chosen, why)),
        });
    }

    line(row, chosen, why) {
        const state = stateOf(row);
        const product = { id: row.produit, nom: row.nom };
        const mark = state.name === "normal" ? null : badge(state);
        const about = remarks(row);

        return element(
            "tr",
            { class: `level-${state.name}`, "data-key": row.produit },
            rowHeading(
                row.nom,
                element(
                    "span",
                    { class: "muted block" },
                    row.code
                        ? element("span", { class: "code" }, row.code)
                        : null,
                    button(
                        "Qui en a ?",
                        () => showWhereabouts(product, chosen.id),
                        {
                            class: "link",
                            "aria-label": `Qui en a ? ${row.nom}`,
                            "data-focus": `qui ${row.produit}`,
                        },
                    ),
                ),
                beside(mark?.cloneNode(true)),
                about.map((text) => beside(text)),
            ),
            wide(
                mark,
                about.map((text) =>
                    element("span", { class: "muted block" }, text),
                ),
            ),
            element("td", { class: "number stock" }, quantity(row.quantite)),
            this.limits(row, chosen, why),
            cell(this.actionsOf(row, product, chosen, why)),
        );
    }

    limits(row, chosen, why) {
        const label = { minimum: "Min.", maximum: "Max." };
        const fields = why.adjust
            ? {
                  minimum: row.minimum === null ? "–" : quantity(row.minimum),
                  maximum: row.maximum === null ? "–" : quantity(row.maximum),
              }
            : thresholdFields(chosen.id, row, () => this.refresh());

        return Object.entries(fields).map(([name, content]) =>
            element(
                "td",
                { class: "number limit" },
                element(
                    "span",
                    { class: "limit-name", "aria-hidden": "true" },
                    label[name],
                ),
                content,
            ),
        );
    }

    actionsOf(row, product, chosen, why) {
        const refresh = () => this.refresh();

        return element(
            "div",
            { class: "row-actions" },
            why.adjust
                ? null
                : button(
                      "Corriger",
                      () =>
                          attempt(() => adjustDialog(chosen, product, refresh)),
                      {
                          class: "quiet",
                          "aria-label": `Corriger le stock de ${row.nom}`,
                          "data-focus": `corriger ${row.produit}`,
                      },
                  ),
            why.ask
                ? null
                : button(
                      "Demander",
                      () => requestDialog(product, chosen.id, refresh),
                      {
                          "aria-label": `Demander un réapprovisionnement en ${row.nom}`,
                          "data-focus": `demander ${row.produit}`,
                      },
                  ),
        );
    }

    update(now) {
        this.parameters = now;
        this.pages = 1;
        this.search.sync(now);
        if (document.activeElement !== this.category.control) {
            this.category.control.value = now.get("categorie") ?? "";
        }
        this.low.control.value = now.get("seuil") ? "bas" : "";
        this.refresh();
    }
}

export const mount = (page) => new Stock(page);

// A row as it is now, found by its code or its name; undefined when it is not
// found so.
async function rowNow(store, row, signal) {
    const { results } = await read(
        `/stores/${store}/items/${query({ q: row.code ?? row.nom.slice(0, 100), limit: 5 })}`,
        signal,
    );

    return results.find((one) => one.produit === row.produit);
}

// By the store's own thresholds, where it has some
function stateOf(row) {
    if (row.disponible <= 0) {
        return level(0);
    }
    if (row.minimum !== null && row.disponible <= row.minimum) {
        return { name: "bas", label: "Sous le minimum" };
    }
    if (row.maximum !== null && row.quantite > row.maximum) {
        return { name: "surstock", label: "Surstock" };
    }
    return row.minimum === null && row.maximum === null
        ? level(row.disponible)
        : { name: "normal", label: "Normal" };
}

// What is not on the shelf to be sold
const remarks = (row) =>
    [
        row.retenu > 0
            ? `${plural(row.disponible, "disponible", "disponibles")}, ${plural(row.retenu, "retenu", "retenus")}`
            : null,
        row.en_transit > 0 ? `${quantity(row.en_transit)} en chemin` : null,
        row.demande > 0
            ? `${plural(row.demande, "demandé", "demandés")}`
            : null,
    ].filter(Boolean);
