// The dialog in which a store asks the central stock for units of a product.

import { read, sender } from "./api.js";
import { announceChange } from "./changes.js";
import { openDialog } from "./dialog.js";
import { field, formOf } from "./form.js";
import { quantity } from "./format.js";
import { notify } from "./notices.js";
import { navigate } from "./router.js";
import { readStores, storeField, storeName } from "./stores.js";

const USUAL = 10;

export async function requestDialog(product, storeId, done) {
    const store = storeField(["", "Choisir un magasin"], () => {});
    const count = field({
        name: "quantite",
        label: "Quantité demandée",
        type: "number",
        min: 1,
        step: 1,
        inputmode: "numeric",
        value: String(USUAL),
        hint: "…",
    });
    const hint = count.node.querySelector(".hint");
    const send = sender();

    readStores()
        .then((list) => store.offer(list, storeId))
        .catch(() =>
            store.show(["La liste des magasins n’a pas pu être lue."]),
        );
    read(`/products/${product.id}/availability/`)
        .then(({ central, magasins }) => {
            const here = magasins.find((one) => one.magasin === storeId);
            hint.textContent =
                `Au stock central : ${quantity(central)}.` +
                (storeId
                    ? ` En magasin : ${quantity(here?.quantite ?? 0)}.`
                    : "");
        })
        .catch(() => {
            hint.textContent = "Le stock central n’a pas pu être lu.";
        });

    const made = await openDialog(`Demander : ${product.nom}`, (close) =>
        formOf({
            intro: "Le siège approuvera ou refusera cette demande.",
            fields: [store, count],
            submit: "Envoyer la demande",
            cancel: () => close(),
            action: async (values, form) => {
                const body = {
                    magasin: values.magasin,
                    produit: product.id,
                    quantite: values.quantite.trim(),
                };

                if (!values.magasin) {
                    form.show({ magasin: ["Choisissez un magasin."] });
                    return;
                }
                close(await send("/replenishments/", body));
            },
        }),
    );

    if (made) {
        announceChange();
        notify(
            `Demande n° ${made.id} envoyée : ${quantity(made.quantite)} × ` +
                `${product.nom} pour ${storeName(made.magasin)}.`,
            { label: "Voir les demandes", run: () => navigate("/demandes") },
        );
        done();
    }
}
