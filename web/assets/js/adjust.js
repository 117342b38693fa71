// A correction of a store's stock, or of the central one: a count that says what it expected to
// find, so that a sale of meanwhile is not undone by it.

import { read, sender } from "./api.js";
import { announceChange } from "./changes.js";
import { openDialog } from "./dialog.js";
import { field, formOf } from "./form.js";
import { quantity } from "./format.js";
import { notify } from "./notices.js";

// store: {id, nom}, with the id null for the centre
export async function adjustDialog(store, product, done) {
    const path =
        store.id === null
            ? `/stock/central/${product.id}/`
            : `/stores/${store.id}/stock/${product.id}/`;
    let found = (await read(path)).quantite;
    const count = field({
        name: "quantite",
        label: "Quantité comptée",
        type: "number",
        min: 0,
        step: 1,
        inputmode: "numeric",
        value: String(found),
        hint: `Le système en a ${quantity(found)}.`,
    });
    const reason = field({
        name: "motif",
        label: "Motif",
        maxlength: 200,
        placeholder: "casse, inventaire, retour…",
    });
    const send = sender();

    const changed = await openDialog(`Corriger : ${product.nom}`, (close) =>
        formOf({
            intro: store.nom,
            fields: [count, reason],
            submit: "Enregistrer la quantité",
            cancel: () => close(false),
            action: async (values, form) => {
                const body = {
                    quantite: values.quantite.trim(),
                    attendu: found,
                    ...(values.motif.trim()
                        ? { motif: values.motif.trim() }
                        : {}),
                };

                if (!/^\d+$/.test(body.quantite)) {
                    form.show({
                        quantite: ["Entrez un nombre entier, 0 ou plus."],
                    });
                    return;
                }
                try {
                    await send(`${path}adjust/`, body);
                    close(true);
                } catch (error) {
                    if (
                        error.status !== 409 ||
                        error.body.quantite === undefined
                    ) {
                        throw error;
                    }
                    form.fail(
                        `Entre-temps la quantité est passée de ${quantity(found)} à `,
                        `${quantity(error.body.quantite)}. `,
                        "Vérifiez votre compte, puis enregistrez de nouveau.",
                    );
                    found = error.body.quantite;
                }
            },
        }),
    );

    if (changed) {
        announceChange();
        notify(`Stock corrigé : ${product.nom}.`);
        done();
    }
}
