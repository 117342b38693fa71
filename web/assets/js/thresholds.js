// How many units of a product a store wants, at least and at most: of one
// product, and by category.

import { change, readTagged } from "./api.js";
import { announceChange } from "./changes.js";
import { openDialog } from "./dialog.js";
import { button, element, icon } from "./dom.js";
import { explain } from "./errors.js";
import { formOf } from "./form.js";
import { quantity } from "./format.js";
import { notify } from "./notices.js";

const shown = (number) => (number === null ? "–" : quantity(number));
const words = ({ minimum, maximum }) =>
    minimum === null && maximum === null
        ? "aucun"
        : `${shown(minimum)} à ${shown(maximum)}`;

// What a person wrote: null for nothing, undefined for what is no number.
function numberOf(text) {
    const written = text.trim();

    if (written === "") {
        return null;
    }
    return /^\d{1,9}$/.test(written) ? Number(written) : undefined;
}

const pathOf = (store, product) =>
    `/stores/${store}/stock/${product}/thresholds/`;

// Two fields in a row of a table.  What is written is saved when the field is
// left, with the state that it started from.
export function thresholdFields(store, row, done) {
    const base = { minimum: row.minimum, maximum: row.maximum };
    const make = (name, label) =>
        element("input", {
            type: "text",
            inputmode: "numeric",
            class: "number threshold",
            maxlength: 9,
            autocomplete: "off",
            placeholder: "–",
            value: row[name] === null ? "" : String(row[name]),
            "aria-label": `${label} : ${row.nom}`,
            "data-focus": `${name} ${row.produit}`,
            // By which a region sees that it is another one
            "data-value": row[name],
            on: {
                change: () => save(),
                keydown: (event) => {
                    if (event.key === "Escape") {
                        event.target.value = base[name] ?? "";
                    }
                },
            },
        });
    const fields = {
        minimum: make("minimum", "Minimum"),
        maximum: make("maximum", "Maximum"),
    };

    // One after the other: the second one starts from what the first has made.
    let saved = Promise.resolve();
    const save = () => {
        saved = saved.then(() =>
            saveThresholds({ store, row, base, fields, done }),
        );
    };

    return fields;
}

async function saveThresholds({ store, row, base, fields, done }) {
    const wanted = {};

    for (const [name, input] of Object.entries(fields)) {
        wanted[name] = numberOf(input.value);
        input.removeAttribute("aria-invalid");
        if (wanted[name] === undefined) {
            input.setAttribute("aria-invalid", "true");
            notify(`Seuil de ${row.nom} : entrez un nombre entier, 0 ou plus.`);
            return;
        }
    }
    try {
        const { data, etag } = await readTagged(pathOf(store, row.produit));
        if (data.minimum !== base.minimum || data.maximum !== base.maximum) {
            done();
            notify(
                `Les seuils de ${row.nom} ont changé entre-temps : ${words(data)}. Rien n’a été enregistré.`,
            );
        } else {
            await put(store, row.produit, wanted, etag);
            Object.assign(base, wanted);
            announceChange();
            notify(`Seuils de ${row.nom} : ${words(wanted)}.`, {
                label: "Annuler",
                run: () => undo(store, row, data, done),
            });
        }
        // What is being typed beside it is not taken away.
        if (!document.activeElement?.matches("input.threshold")) {
            done();
        }
    } catch (error) {
        for (const input of Object.values(fields)) {
            input.setAttribute("aria-invalid", "true");
        }
        notify(`Seuils de ${row.nom} : ${explain(error)}`);
    }
}

const put = (store, product, { minimum, maximum }, etag) =>
    change("PUT", pathOf(store, product), { minimum, maximum }, etag);

// What held by default holds by default again.
async function undo(store, row, before, done) {
    try {
        await put(
            store,
            row.produit,
            before.origine === "produit"
                ? before
                : { minimum: null, maximum: null },
        );
        announceChange();
        notify(`Seuils de ${row.nom} : ${words(before)}, comme avant.`);
    } catch (error) {
        notify(explain(error));
    }
    done();
}

// The defaults of a store: a line for each category, one for all the others
export async function defaultsDialog(store, done) {
    const path = `/stores/${store.id}/thresholds/`;
    const { data, etag } = await readTagged(path);
    const body = element("tbody");
    const add = (line) => {
        const row = lineOf(line);
        body.append(row.node);
        return row;
    };
    const general = data.lignes.find((line) => line.categorie === null);

    add(general ?? { categorie: null, minimum: null, maximum: null });
    for (const line of data.lignes) {
        if (line.categorie !== null) {
            add(line);
        }
    }

    const saved = await openDialog(
        `Seuils par défaut : ${store.nom}`,
        (close) =>
            formOf({
                intro: "Ils valent pour les produits qui n’ont pas de seuils à eux.",
                fields: [],
                extra: defaultsTable(body, add),
                submit: "Enregistrer",
                cancel: () => close(false),
                action: async (_values, form) => {
                    const lignes = linesOf(body, form);
                    if (lignes) {
                        await change("PUT", path, { lignes }, etag);
                        close(true);
                    }
                },
            }),
    );

    if (saved) {
        announceChange();
        notify(`Seuils par défaut enregistrés : ${store.nom}.`);
        done();
    }
}

function defaultsTable(body, add) {
    return element(
        "div",
        { class: "defaults" },
        element(
            "table",
            {},
            element("caption", { class: "hidden" }, "Seuils par catégorie"),
            element(
                "thead",
                {},
                element(
                    "tr",
                    {},
                    ["Catégorie", "Minimum", "Maximum"].map((label) =>
                        element("th", { scope: "col" }, label),
                    ),
                    element(
                        "th",
                        { scope: "col" },
                        element("span", { class: "hidden" }, "Retirer"),
                    ),
                ),
            ),
            body,
        ),
        button([icon("plus"), "Ajouter une catégorie"], () =>
            add({ categorie: "", minimum: null, maximum: null }).focus(),
        ),
    );
}

function lineOf({ categorie, minimum, maximum }) {
    const general = categorie === null;
    const name = element("input", {
        type: "text",
        value: categorie ?? "",
        "aria-label": "Catégorie",
        maxlength: 100,
    });
    const input = (label, value) =>
        element("input", {
            type: "text",
            inputmode: "numeric",
            class: "number",
            maxlength: 9,
            placeholder: "–",
            value: value === null ? "" : String(value),
            "aria-label": `${label} : ${categorie || (general ? "autres catégories" : "nouvelle catégorie")}`,
        });
    const node = element(
        "tr",
        {},
        element("td", {}, general ? "Toutes les autres" : name),
        element("td", {}, input("Minimum", minimum)),
        element("td", {}, input("Maximum", maximum)),
        element(
            "td",
            {},
            general
                ? null
                : button(icon("croix"), () => node.remove(), {
                      class: "icon-button quiet",
                      "aria-label": `Retirer : ${categorie || "nouvelle catégorie"}`,
                  }),
        ),
    );

    return { node, focus: () => name.focus() };
}

// Null when something is wrong, which is said.
function linesOf(body, form) {
    const lines = [];

    for (const [at, row] of [...body.rows].entries()) {
        const inputs = [...row.querySelectorAll("input")];
        const [minimum, maximum] = inputs
            .slice(-2)
            .map((input) => numberOf(input.value));
        const categorie = at === 0 ? null : inputs[0].value.trim();

        if (minimum === undefined || maximum === undefined) {
            form.fail("Entrez des nombres entiers, 0 ou plus.");
            inputs.at(-2).focus();
            return null;
        }
        if (minimum !== null && maximum !== null && maximum < minimum) {
            form.fail("Un maximum ne peut pas être plus petit que le minimum.");
            inputs.at(-1).focus();
            return null;
        }
        if (categorie === "") {
            form.fail("Donnez un nom à la catégorie, ou retirez la ligne.");
            inputs[0].focus();
            return null;
        }
        if (minimum !== null || maximum !== null) {
            lines.push({ categorie, minimum, maximum });
        }
    }
    return lines;
}
