// What one store has of the products that somebody looks at, and of no others.

import { readSome } from "./api.js";

export class ShopStock {
    #known = new Map();
    #store = null;

    constructor(signal) {
        this.signal = signal;
    }

    enter(store) {
        if (store !== this.#store) {
            this.#known = new Map();
            this.#store = store;
        }
    }

    // null while nobody knows
    of(id) {
        return this.#known.get(id) ?? null;
    }

    async read(ids, signal) {
        const unique = [...new Set(ids)];
        const store = this.#store;
        const rows = (
            await readSome(
                unique,
                (some) => `/stores/${store}/stock/?produits=${some}`,
                signal,
            )
        ).flat();
        const there = new Map(
            rows.map((row) => [row.produit_id, row.quantite]),
        );

        if (store === this.#store) {
            for (const id of unique) {
                this.#known.set(id, there.get(id) ?? 0);
            }
        }
    }

    learn(ids) {
        return this.read(
            ids.filter((id) => this.of(id) === null),
            this.signal,
        );
    }
}
