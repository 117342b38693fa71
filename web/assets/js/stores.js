// Stores and products by name, for pages whose rows have only their ids.

import { read, readAll } from "./api.js";
import { element } from "./dom.js";
import { field } from "./form.js";

let stores = null;

// The list changes rarely: once per visit of a page is enough.
export async function readStores(signal) {
    stores = await readAll("/stores/", signal);
    return stores;
}

export function storeName(id) {
    if (id === null) {
        return "Stock central";
    }
    return stores?.find((store) => store.id === id)?.nom ?? `Magasin n° ${id}`;
}

// first: [value, label] of what stands before the stores
export function storeField(first, change) {
    const one = field({
        name: "magasin",
        label: "Magasin",
        type: "select",
        options: first ? [first] : [],
        on: { change: () => change(one.control.value) },
    });

    one.offer = (list, chosen) => {
        one.control.replaceChildren(
            ...(first ? [first] : []).map(([value, text]) =>
                element("option", { value }, text),
            ),
            ...list.map((store) =>
                element(
                    "option",
                    { value: store.id },
                    store.ouvert ? store.nom : `${store.nom} (fermé)`,
                ),
            ),
        );
        one.control.value = chosen ?? "";
    };

    return one;
}

// The store of the URL, else the one that was last worked with in this tab.
const KEY = "magasin.magasin";

export function chosenStore(parameters, list) {
    const wanted = parameters.get("magasin") ?? sessionStorage.getItem(KEY);
    const store = list.find((one) => String(one.id) === wanted) ?? list[0];

    if (store) {
        sessionStorage.setItem(KEY, store.id);
    }
    return store;
}

// Names and central stock of products: {nom, central, magasins}, the latter
// two null for archived ones, which the API does not show.
export async function readProducts(ids, signal) {
    const unique = [...new Set(ids.filter((id) => id !== null))];
    const products = await Promise.all(
        unique.map(async (id) => {
            try {
                const { nom, central, magasins } = await read(
                    `/products/${id}/availability/`,
                    signal,
                );
                return [id, { nom, central, magasins }];
            } catch (error) {
                if (error.status !== 404) {
                    throw error;
                }
                return [
                    id,
                    {
                        nom: `Produit n° ${id} (retiré)`,
                        central: null,
                        magasins: null,
                    },
                ];
            }
        }),
    );

    return new Map(products);
}
