// Products: search, create, edit, take off the shelves and put back.

import { change, query, readPage, readTagged, sender } from "../api.js";
import { announceChange } from "../changes.js";
import { openDialog } from "../dialog.js";
import { button, element, fill, icon } from "../dom.js";
import { Refusal } from "../errors.js";
import { filterBar, more, searchField, showAll } from "../filters.js";
import { field, formOf } from "../form.js";
import { amount } from "../format.js";
import { cents, plain } from "../money.js";
import { attempt, notify } from "../notices.js";
import { empty, Region } from "../region.js";
import { setParameters } from "../router.js";
import { beside, cell, number, rowHeading, table, wide } from "../table.js";

const ROWS = 25;
const labels = {
    nom: "Nom",
    categorie: "Catégorie",
    prix: "Prix",
    description: "Description",
};

class Products {
    constructor({ body, actions, signal }) {
        this.region = new Region(signal);
        this.categories = element("datalist", { id: "categories" });
        this.parameters = new URLSearchParams();
        this.pages = 1;

        this.search = searchField();
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

        fill(
            actions,
            button([icon("plus"), "Nouveau produit"], () => this.create(), {
                class: "primary",
            }),
        );
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
            const rows = [];
            let next = `/products/${query({
                q: this.parameters.get("recherche"),
                categorie: this.parameters.get("categorie"),
                archive: this.parameters.get("retires") ? "true" : "",
                limit: ROWS,
            })}`;

            for (let page = 0; page < this.pages && next; page += 1) {
                const read = await readPage(next, stop);
                rows.push(...read.results);
                next = read.next;
            }
            this.learn(rows);
            return this.view(rows, next);
        });
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
            cell(
                element(
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
                              button(
                                  "Modifier",
                                  () => attempt(() => this.edit(row)),
                                  {
                                      "aria-label": `Modifier ${row.nom}`,
                                      "data-focus": `modifier ${row.id}`,
                                  },
                              ),
                          ],
                ),
            ),
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
        const send = sender();
        const made = await openDialog("Nouveau produit", (close) =>
            formOf({
                fields: productFields({}),
                submit: "Créer le produit",
                cancel: () => close(),
                action: async (values, form) => {
                    if (priceIsWrong(values, form)) {
                        return;
                    }
                    close(await send("/products/", bodyOf(values)));
                },
            }),
        );

        if (made) {
            this.changed(`« ${made.nom} » est créé.`);
        }
    }

    async edit(row) {
        const path = `/products/${row.id}/`;
        let { data: base, etag } = await readTagged(path);
        const fields = productFields(base);

        const saved = await openDialog(`Modifier : ${base.nom}`, (close) =>
            formOf({
                fields,
                submit: "Enregistrer",
                cancel: () => close(),
                action: async (values, form) => {
                    if (priceIsWrong(values, form)) {
                        return;
                    }
                    const mine = bodyOf(values);
                    try {
                        close((await change("PUT", path, mine, etag)).data);
                        return;
                    } catch (error) {
                        if (
                            !(error instanceof Refusal) ||
                            error.status !== 412
                        ) {
                            throw error;
                        }
                    }

                    const theirs = await readTagged(path);
                    // Our own write may have come through without its answer.
                    if (same(theirs.data, mine)) {
                        close(theirs.data);
                        return;
                    }
                    const before = base;
                    ({ data: base, etag } = theirs);
                    form.fail(conflict(before, theirs.data, fields, form));
                },
            }),
        );

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

function productFields(product) {
    return [
        field({
            name: "nom",
            label: labels.nom,
            value: product.nom ?? "",
            required: true,
        }),
        field({
            name: "categorie",
            label: labels.categorie,
            value: product.categorie ?? "",
            list: "categories",
            required: true,
        }),
        field({
            name: "prix",
            label: labels.prix,
            value: product.prix?.replace(".", ",") ?? "",
            inputmode: "decimal",
            class: "number",
            required: true,
        }),
        field({
            name: "description",
            label: labels.description,
            type: "textarea",
            rows: 3,
            value: product.description ?? "",
        }),
    ];
}

// What a person writes as 12,50 the API knows as 12.50; what is no amount
// goes as it is, and the API says why not.
function bodyOf(values) {
    const price = cents(values.prix);

    return {
        nom: values.nom,
        categorie: values.categorie,
        prix: price === null ? values.prix.replace(",", ".") : plain(price),
        description: values.description,
    };
}

function priceIsWrong(values, form) {
    if (values.prix.trim() !== "") {
        return false;
    }
    form.show({ prix: ["Entrez un prix, comme 12,50."] });
    return true;
}

const same = (a, b) =>
    Object.keys(labels).every((name) => (a[name] ?? "") === (b[name] ?? ""));

// Somebody else was faster.  What this person did not touch takes the other's
// value; for the rest both are shown, and the person chooses.
function conflict(before, theirs, fields, form) {
    const written = (name, value) =>
        name === "prix" ? (value ?? "").replace(".", ",") : (value ?? "");
    const shown = (name, value) =>
        name === "prix" ? amount(value) : value || "(vide)";
    const differing = fields.filter(
        ({ name }) => (before[name] ?? "") !== (theirs[name] ?? ""),
    );
    const disputed = differing.filter(
        ({ name, control }) => control.value !== written(name, before[name]),
    );

    for (const one of differing) {
        if (!disputed.includes(one)) {
            one.control.value = written(one.name, theirs[one.name]);
        }
    }

    return element(
        "div",
        { class: "conflict" },
        element(
            "p",
            {},
            element(
                "strong",
                {},
                "Quelqu’un d’autre a modifié ce produit entre-temps.",
            ),
            " Rien n’a été enregistré.",
        ),
        element(
            "dl",
            {},
            differing.map(({ name }) => [
                element("dt", {}, labels[name]),
                element(
                    "dd",
                    {},
                    element("del", {}, shown(name, before[name])),
                    " → ",
                    element("ins", {}, shown(name, theirs[name])),
                ),
            ]),
        ),
        disputed.length > 0
            ? [
                  element(
                      "p",
                      {},
                      "Enregistrez de nouveau pour garder vos valeurs, ou reprenez les siennes.",
                  ),
                  button("Reprendre ses valeurs", () => {
                      for (const one of disputed) {
                          one.control.value = written(
                              one.name,
                              theirs[one.name],
                          );
                      }
                      form.fail();
                      disputed[0].control.focus();
                  }),
              ]
            : element(
                  "p",
                  {},
                  "Ses valeurs sont reprises ci-dessus à côté des vôtres : vérifiez, ",
                  "puis enregistrez.",
              ),
    );
}
