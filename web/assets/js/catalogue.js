// What the till has last seen of its products and stores, for when there is no
// answer.  It is said to be old wherever it is shown.

import { query, read, readSome } from "./api.js";
import { Silence } from "./errors.js";
import { finder } from "./format.js";
import { all, get, put, remove } from "./kept.js";
import { works } from "./outbox.js";
import {
    findProducts as findNow,
    searchProducts as searchNow,
} from "./products.js";
import { silence } from "./reach.js";
import { ShopStock } from "./shop_stock.js";
import { readStores, recallStores } from "./stores.js";

// So many products are kept, those that were seen last.
const MOST = 2000;
// So many are asked for, when the till of a store is opened the first time in
// so many milliseconds.
const ASKED = 1000;
const AGAIN = 12 * 3600000;
const SOON = 2000;

let before = Promise.resolve();

// One after the other.  What is kept is a help: where it can not be kept, nothing
// is wrong.
function quietly(action) {
    before = before.then(async () => {
        try {
            if (await works()) {
                await action();
            }
        } catch (error) {
            if (!error.temporary && error.name !== "AbortError") {
                console.warn(error);
            }
        }
    });
    return before;
}

const learn = (products) => quietly(() => write(products));

async function write(products) {
    const known = new Map((await all("produits")).map((one) => [one.id, one]));
    const seen = Date.now();

    await put(
        "produits",
        products.map(({ id, nom, prix }) => ({
            ...known.get(id),
            id,
            nom,
            prix,
            seen,
        })),
    );
    const news = products.filter(({ id }) => !known.has(id)).length;
    if (known.size + news > MOST) {
        await forget();
    }
}

async function forget() {
    const products = (await all("produits")).sort((a, b) => b.seen - a.seen);
    const gone = new Set(products.slice(MOST).map((one) => one.id));
    const codes = (await all("codes")).filter(({ id }) => gone.has(id));

    await remove("produits", [...gone]);
    await remove(
        "codes",
        codes.map((one) => one.code),
    );
}

const learnCode = (code, id) => quietly(() => put("codes", [{ code, id }]));

// The server was not heard the last time: nobody waits long for it.
function soon(answer) {
    answer.catch(() => {});
    return Promise.race([
        answer,
        new Promise((_resolve, reject) =>
            setTimeout(() => reject(new Silence()), SOON),
        ),
    ]);
}

// What is read; when no answer comes, what is kept, if there is something.
async function orKept(reads, kept) {
    try {
        return await (silence() ? soon(reads()) : reads());
    } catch (error) {
        const found = error.temporary && (await works()) ? await kept() : null;

        if (!found) {
            throw error;
        }
        return found;
    }
}

export async function findProducts(text, limit, signal) {
    return orKept(
        async () => {
            const answer = await findNow(text, limit, signal);
            if (answer.found.length > 0) {
                learn(answer.found);
            }
            if (answer.found.length === 1) {
                learnCode(text, answer.found[0].id);
            }
            return answer;
        },
        () => findKept(text, limit),
    );
}

async function findKept(text, limit) {
    const coded = await get("codes", text);
    const product = coded && (await get("produits", coded.id));
    const has = finder(text);
    const found = product?.prix
        ? [product]
        : (await sellable()).filter(({ nom }) => has(nom)).slice(0, limit);

    return { found, kept: true };
}

// By name; one of which only the stock is known has no price.
async function sellable() {
    return (await all("produits"))
        .filter((one) => one.prix)
        .sort((a, b) => a.nom.localeCompare(b.nom, "fr"));
}

// {results, next}; with old, when they were seen last, where they are not of now.
export async function searchProducts(text, store, limit, signal) {
    return orKept(
        async () => {
            const page = await searchNow(text, store, limit, signal);
            learn(page.results);
            return page;
        },
        async () => {
            const products = await sellable();
            const has = finder(text ?? "");
            const results = products
                .filter(({ nom }) => has(nom))
                .slice(0, limit);

            return products.length === 0
                ? null
                : {
                      results,
                      next: null,
                      old: Math.max(...products.map((one) => one.seen)),
                  };
        },
    );
}

export async function tillStores(signal) {
    return orKept(
        async () => {
            const stores = await readStores(signal);
            quietly(() =>
                put("faits", [
                    { nom: "magasins", stores: [...stores], more: stores.more },
                ]),
            );
            return stores;
        },
        async () => {
            const kept = await get("faits", "magasins");

            return (
                kept &&
                recallStores(Object.assign(kept.stores, { more: kept.more }))
            );
        },
    );
}

// The stock of what is shown; what waits to be sold is not there any more.
export class KeptStock extends ShopStock {
    // Since when it may be another one: null where all of it was read
    old = null;

    async read(ids, signal) {
        await orKept(
            async () => {
                await super.read(ids, signal);
                this.#keep(ids);
                this.old = null;
                return true;
            },
            async () => {
                await this.#recall(ids);
                return true;
            },
        );
    }

    #keep(ids) {
        const { store } = this;
        const seen = Date.now();

        quietly(async () => {
            const known = new Map(
                (await all("produits")).map((one) => [one.id, one]),
            );
            await put(
                "produits",
                ids
                    .filter((id) => known.has(id))
                    .map((id) => ({
                        ...known.get(id),
                        stock: { store, left: this.of(id), seen },
                    })),
            );
        });
    }

    async #recall(ids) {
        const products = new Map(
            (await all("produits")).map((one) => [one.id, one]),
        );
        const sold = await soldAt(this.store);

        this.old ??= Date.now();
        for (const id of ids) {
            const stock = products.get(id)?.stock;

            if (stock?.store === this.store && isStock(stock.left)) {
                this.old = Math.min(this.old, stock.seen ?? this.old);
                this.know(id, without(stock.left, sold.get(id) ?? 0));
            }
        }
    }
}

// The pages may have been others when it was kept: one number, or nothing.
const isStock = (left) =>
    Number.isInteger(left?.there) && Number.isInteger(left?.free);

const without = ({ there, free }, units) => ({
    there: Math.max(there - units, 0),
    free: Math.max(free - units, 0),
});

async function soldAt(store) {
    const sold = new Map();

    for (const sale of await all("ventes")) {
        for (const { id, quantity } of sale.store === store ? sale.lines : []) {
            sold.set(id, (sold.get(id) ?? 0) + quantity);
        }
    }
    return sold;
}

// The first products of the till's store with their codes and prices, so that
// they can be found also when nobody has looked for them yet.
export const learnShop = (store, signal) =>
    quietly(async () => {
        const known = await get("faits", "catalogue");

        if (known?.store === store && Math.abs(Date.now() - known.at) < AGAIN) {
            return;
        }
        const { results } = await read(
            `/stores/${store}/items/${query({ limit: ASKED })}`,
            signal,
        );
        const prices = await readSome(
            results.map((row) => row.produit),
            (id) => `/products/${query({ id, limit: 100 })}`,
            signal,
        );

        await write(prices.flatMap((page) => page.results));
        await put(
            "codes",
            results
                .filter((row) => row.code)
                .map(({ code, produit }) => ({ code, id: produit })),
        );
        // Who has left meanwhile has not got them.
        await put("faits", [{ nom: "catalogue", store, at: Date.now() }]);
    });
