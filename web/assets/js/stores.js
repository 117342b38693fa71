// Stores and products by name, for pages whose rows have only their ids.

import { Unusable } from "./address.js";
import { query, read, readPage, readSome } from "./api.js";
import { element } from "./dom.js";
import { field } from "./form.js";
import { device, tab } from "./storage.js";

let stores = null;

const MOST = 1000;

// The list changes rarely: once per visit of a page is enough.  It is as long
// as a choice can be; what is not in it can still be named in the address.
export async function readStores(signal) {
    const { results, next } = await readPage(`/stores/?limit=${MOST}`, signal);

    stores = results;
    stores.more = next !== null;
    return stores;
}

// What was read before, where nothing can be read.
export function recallStores(list) {
    stores = list;
    return stores;
}

export const knownStore = (id) =>
    stores?.find((store) => store.id === id) ?? { id, nom: `Magasin n° ${id}` };

export const storeName = (id) =>
    id === null ? "Stock central" : knownStore(id).nom;

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
        if (list.more) {
            one.control.append(
                element(
                    "option",
                    { disabled: true },
                    `Les ${MOST} premiers magasins`,
                ),
            );
        }
        one.control.value = chosen ?? "";
    };

    return one;
}

// The store of the URL, else the one that was last worked with in this tab,
// else the one of this device, else the first.
const KEY = "magasin.magasin";

export function chosenStore(parameters, list) {
    return storeOf(parameters, list, [tab.get(KEY), device.get(KEY)], (id) =>
        tab.set(KEY, id),
    );
}

// A till stands in one store: what was looked at elsewhere does not move it.
// begun: the store of the ticket that has been begun, null when none has.
export function tillStore(parameters, list, begun) {
    return storeOf(parameters, list, [begun, device.get(KEY)], () => {});
}

export function keepTillStore(id) {
    device.set(KEY, id);
    tab.set(KEY, id);
}

function storeOf(parameters, list, kept, keep) {
    const named = parameters.get("magasin");
    const find = (id) => list.find((one) => String(one.id) === String(id));
    const store = named
        ? find(named)
        : (kept.map(find).find(Boolean) ?? list[0]);

    if (named && !store) {
        throw new Unusable(
            `Le magasin « ${named} » n’existe pas.`,
            "magasin",
            "page",
        );
    }
    if (store) {
        keep(store.id);
    }
    return store;
}

// Names of products by their ids, in one or two requests however many they
// are; what is not there any more is a number.
export async function readNames(ids, signal) {
    const unique = [...new Set(ids.filter((id) => id !== null))];
    const names = new Map();
    const ask = async (archive) => {
        const left = unique.filter((id) => !names.has(id));
        const pages = await readSome(
            left,
            (id) => `/products/${query({ id, archive, limit: 100 })}`,
            signal,
        );

        for (const { id, nom } of pages.flatMap(({ results }) => results)) {
            names.set(id, archive ? `${nom} (retiré)` : nom);
        }
    };

    await ask("");
    await ask("true");
    for (const id of unique) {
        names.set(id, names.get(id) ?? `Produit n° ${id} (supprimé)`);
    }
    return names;
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
