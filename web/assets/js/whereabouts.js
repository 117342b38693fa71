// Who has a product: the centre and the stores, those with the most first,
// and the way to have it sent.

import { query, read } from "./api.js";
import { openDialog } from "./dialog.js";
import { element } from "./dom.js";
import { compare, quantity } from "./format.js";
import { attempt } from "./notices.js";
import { placeValue } from "./places.js";

// to: the store that looks for it, null for nobody
export const showWhereabouts = (product, to) =>
    attempt(async () => {
        const found = await read(`/products/${product.id}/availability/`);
        const places = [
            { place: null, nom: "Stock central", units: found.central },
            ...found.magasins
                .filter((one) => one.magasin !== to)
                .map((one) => ({
                    place: one.magasin,
                    nom: one.nom,
                    units: one.disponible ?? one.quantite,
                })),
        ].sort((a, b) => b.units - a.units || compare(a.nom, b.nom));

        await openDialog(`Qui en a : ${product.nom}`, (close) =>
            element(
                "div",
                { class: "form" },
                places.some((one) => one.units > 0)
                    ? list(places, product, to, close)
                    : element(
                          "p",
                          { class: "muted" },
                          "Personne d’autre n’en a.",
                      ),
            ),
        );
    });

function list(places, product, to, close) {
    return element(
        "ul",
        { class: "whereabouts" },
        places
            .filter((one) => one.units > 0)
            .map(({ place, nom, units }) =>
                element(
                    "li",
                    {},
                    element("span", { class: "name" }, nom),
                    element("strong", { class: "number" }, quantity(units)),
                    to === null
                        ? null
                        : element(
                              "a",
                              {
                                  href: `/transferts${query({
                                      nouveau: "oui",
                                      de: placeValue(place),
                                      vers: to,
                                      produit: product.id,
                                  })}`,
                                  "aria-label": `Faire venir de ${nom}`,
                                  on: { click: () => close() },
                              },
                              "Faire venir",
                          ),
                ),
            ),
    );
}
