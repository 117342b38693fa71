// Products: search, create, edit, take off the shelves and put back.

import { change, query, readPage } from "../api.js";
import { announceChange } from "../changes.js";
import { button, element, fill, icon } from "../dom.js";
import { exportButton } from "../export.js";
import { filterBar, more, searchField, showAll } from "../filters.js";
import { field } from "../form.js";
import { amount } from "../format.js";
import { attempt, notify } from "../notices.js";
import { editProduct, newProduct } from "../product_sheet.js";
import { empty, Region } from "../region.js";
import { locked, readRights } from "../rights.js";
import { setParameters } from "../router.js";
import { beside, cell, number, rowHeading, table, wide } from "../table.js";

const ROWS = 25;

class Products {
    constructor({ body, actions, signal }) {
        this.region = new Region(signal);
        this.categories = element("datalist", { id: "categories" });
        this.parameters = new URLSearchParams();
        this.pages = 1;

        this.search = searchField({ placeholder: "Nom, code ou code-barres" });
        this.category = field({
            name: "categorie",
            label: "Catégorie",
            list: "categories",
            placeholder: "Toutes",
            on: {
                change: () =>
                    setParameters({
                        categorie: this.category.control.value.trim(),
                    }),
            },
        });
        this.archived = field({
            name: "retires",
            label: "Montrer",
            type: "select",
            options: [
                ["", "En vente"],
                ["oui", "Retirés de la vente"],
            ],
            on: {
                change: () =>
                    setParameters({ retires: this.archived.control.value }),
            },
        });

        this.actions = actions;
        this.export = exportButton(
            () => ({ path: this.path, name: "produits" }),
            signal,
        );
        document.addEventListener("jeton", () => this.refresh(), { signal });
        fill(
            body,
            filterBar(
                this.search.node,
                this.category.node,
                this.archived.node,
                this.categories,
            ),
            this.region.node,
        );
    }

    refresh() {
        return this.region.run(async (stop) => {
            const text = this.parameters.get("recherche");
            const archive = this.parameters.get("retires") ? "true" : "";
            const [coded, rights, { rows, next }] = await Promise.all([
                this.coded(text, stop),
                readRights(stop),
                this.named(text, archive, stop),
            ]);

            if (coded.length > 0 && rows.length === 0) {
                this.path = this.codedPath(text);
            }
            rows.unshift(
                ...coded.filter((one) => !rows.some(({ id }) => id === one.id)),
            );
            this.why = rights.why("produits", null);
            fill(
                this.actions,
                element(
                    "a",
                    { href: "/prix", class: "button" },
                    "Grille de prix",
                ),
                this.export,
                this.why
                    ? null
                    : button(
                          [icon("plus"), "Nouveau produit"],
                          () => this.create(),
                          { class: "primary" },
                      ),
            );
            this.learn(rows);
            return this.view(rows, next);
        });
    }

    // The product that has the text as its code or a barcode
    async coded(text, stop) {
        if (!text || text.length > 64 || this.parameters.get("categorie")) {
            return [];
        }
        return (await readPage(this.codedPath(text), stop)).results;
    }

    codedPath(text) {
        const archive = this.parameters.get("retires") ? "true" : "false";

        return `/products/${query({ code: text, archive })}`;
    }

    async named(text, archive, stop) {
        const rows = [];
        let next = `/products/${query({
            q: text,
            categorie: this.parameters.get("categorie"),
            archive,
            limit: ROWS,
        })}`;

        this.path = next;
        for (let page = 0; page < this.pages && next; page += 1) {
            const read = await readPage(next, stop);
            rows.push(...read.results);
            next = read.next;
        }
        return { rows, next };
    }

    // There is no list of categories to read: those that were seen are
    // offered.
    learn(rows) {
        const known = new Set(
            Array.from(this.categories.children, (one) => one.value),
        );

        for (const { categorie } of rows) {
            if (!known.has(categorie)) {
                known.add(categorie);
                this.categories.append(element("option", { value: categorie }));
            }
        }
    }

    view(rows, next) {
        if (rows.length === 0) {
            return this.parameters.size > 0
                ? empty(
                      "Aucun produit ne correspond.",
                      showAll("recherche", "categorie", "retires"),
                  )
                : empty("Il n’y a pas encore de produit.");
        }

        return [
            locked(this.why, "Vous ne pouvez pas modifier les produits :"),
            table({
                caption: "Produits",
                class: "with-actions",
                columns: [
                    { label: "Produit" },
                    { label: "Catégorie", class: "wide" },
                    { label: "Prix", class: "number" },
                    { label: element("span", { class: "hidden" }, "Actions") },
                ],
                rows: rows.map((row) => this.line(row)),
            }),
            more(next, () => {
                this.pages += 1;
                this.refresh();
            }),
        ];
    }

    line(row) {
        return element(
            "tr",
            {},
            rowHeading(
                row.nom,
                row.description
                    ? element("span", { class: "muted block" }, row.description)
                    : null,
                beside(row.categorie),
            ),
            wide(
                button(
                    row.categorie,
                    () => setParameters({ categorie: row.categorie }),
                    {
                        class: "link",
                        "aria-label": `${row.categorie} : ne montrer que cette catégorie`,
                        "data-focus": `categorie ${row.id}`,
                    },
                ),
            ),
            number(amount(row.prix)),
            cell(this.why ? null : this.actionsOf(row)),
        );
    }

    actionsOf(row) {
        return element(
            "div",
            { class: "row-actions" },
            this.parameters.get("retires")
                ? button(
                      "Remettre en vente",
                      () => attempt(() => this.archive(row, false)),
                      {
                          "aria-label": `Remettre ${row.nom} en vente`,
                      },
                  )
                : [
                      button(
                          "Retirer",
                          () => attempt(() => this.archive(row, true)),
                          {
                              class: "quiet",
                              "aria-label": `Retirer ${row.nom} de la vente`,
                              "data-focus": `retirer ${row.id}`,
                          },
                      ),
                      button("Modifier", () => attempt(() => this.edit(row)), {
                          "aria-label": `Modifier ${row.nom}`,
                          "data-focus": `modifier ${row.id}`,
                      }),
                  ],
        );
    }

    changed(text, action) {
        announceChange();
        notify(text, action);
        this.refresh();
    }

    // It can be undone at once, so it is not asked about.
    async archive(row, away) {
        await change("PATCH", `/products/${row.id}/`, { archive: away });
        this.changed(
            away
                ? `« ${row.nom} » est retiré de la vente.`
                : `« ${row.nom} » est de nouveau en vente.`,
            {
                label: "Annuler",
                run: () => attempt(() => this.archive(row, !away)),
            },
        );
    }

    async create() {
        const made = await newProduct();

        if (made) {
            this.changed(`« ${made.nom} » est créé.`);
        }
    }

    async edit(row) {
        const saved = await editProduct(row.id);

        if (saved) {
            this.changed(`« ${saved.nom} » est enregistré.`);
        }
    }

    update(now) {
        this.parameters = now;
        this.pages = 1;
        this.search.sync(now);
        this.category.control.value = now.get("categorie") ?? "";
        this.archived.control.value = now.get("retires") ?? "";
        this.refresh();
    }
}

export const mount = (page) => new Products(page);
