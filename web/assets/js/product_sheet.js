// The sheet of a product, with its codes: a new one, and one that is changed.

import { change, readTagged, sender } from "./api.js";
import { openDialog } from "./dialog.js";
import { button, element } from "./dom.js";
import { Refusal } from "./errors.js";
import { field, formOf } from "./form.js";
import { amount } from "./format.js";
import { cents, plain } from "./money.js";

const labels = {
    nom: "Nom",
    categorie: "Catégorie",
    prix: "Prix",
    code: "Code",
    codes_barres: "Codes-barres",
    description: "Description",
};

// What is in the way of a code, where somebody else has it
function explainCode(error, form) {
    if (error.status !== 409 || !error.body.produits) {
        throw error;
    }
    form.fail(
        `${error.message} `,
        error.body.produits
            .map((one) => `« ${one.nom} » a ${one.code}.`)
            .join(" "),
    );
}

export function newProduct() {
    const send = sender();

    return openDialog("Nouveau produit", (close) =>
        formOf({
            fields: productFields({}),
            submit: "Créer le produit",
            cancel: () => close(),
            action: async (values, form) => {
                if (priceIsWrong(values, form)) {
                    return;
                }
                const { code, ...body } = bodyOf(values);
                try {
                    close(
                        await send(
                            "/products/",
                            code ? { ...body, code } : body,
                        ),
                    );
                } catch (error) {
                    explainCode(error, form);
                }
            },
        }),
    );
}

export async function editProduct(id) {
    const path = `/products/${id}/`;
    const first = await readTagged(`${path}sheet/`);
    const state = { base: flat(first.data), etag: first.etag };
    const fields = productFields(state.base);

    return openDialog(`Modifier : ${state.base.nom}`, (close) =>
        formOf({
            fields,
            submit: "Enregistrer",
            cancel: () => close(),
            action: async (values, form) => {
                if (!priceIsWrong(values, form)) {
                    await save({ path, values, form, fields, state, close });
                }
            },
        }),
    );
}

async function save({ path, values, form, fields, state, close }) {
    const mine = bodyOf(values);

    try {
        close((await change("PATCH", path, mine, state.etag)).data);
        return;
    } catch (error) {
        if (!(error instanceof Refusal) || error.status !== 412) {
            explainCode(error, form);
            return;
        }
    }

    const theirs = await readTagged(`${path}sheet/`);
    const now = flat(theirs.data);
    // Our own write may have come through without its answer.
    if (same(now, flat(mine))) {
        close(theirs.data);
        return;
    }
    const before = state.base;
    state.base = now;
    state.etag = theirs.etag;
    form.fail(conflict(before, now, fields, form));
}

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
            name: "code",
            label: labels.code,
            value: product.code ?? "",
            hint: "Celui de l’enseigne, s’il y en a un.",
            maxlength: 64,
            autocomplete: "off",
        }),
        field({
            name: "codes_barres",
            label: labels.codes_barres,
            type: "textarea",
            rows: 2,
            value: product.codes_barres ?? "",
            hint: "Un par ligne : scannez-les l’un après l’autre.",
            class: "codes",
            autocomplete: "off",
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

// As the fields have it
const flat = (sheet) => ({
    ...sheet,
    code: sheet.code ?? "",
    codes_barres: sheet.codes_barres.join("\n"),
});

const listed = (text) =>
    text
        .split("\n")
        .map((one) => one.trim())
        .filter(Boolean);

// What a person writes as 12,50 the API knows as 12.50; what is no amount
// goes as it is, and the API says why not.
function bodyOf(values) {
    const price = cents(values.prix);

    return {
        nom: values.nom,
        categorie: values.categorie,
        prix: price === null ? values.prix.replace(",", ".") : plain(price),
        description: values.description,
        code: values.code.trim() || null,
        codes_barres: listed(values.codes_barres),
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
