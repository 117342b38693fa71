// What one store has of the products that somebody looks at, and of no others:
// what is there, and what of it can be sold, since some may be held.

import { readSome } from "./api.js";
import { quantity } from "./format.js";

const NONE = { there: 0, free: 0 };

// In words, where fewer can be sold than are there
export const held = ({ there, free }) =>
    free < there
        ? `${quantity(there)} en stock, ${quantity(there - free)} de retenu`
        : null;

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

    get store() {
        return this.#store;
    }

    // {there, free}; null while nobody knows
    of(id) {
        return this.#known.get(id) ?? null;
    }

    async read(ids, signal) {
        const unique = [...new Set(ids)];
        const store = this.#store;
        const rows = (
            await readSome(
                unique,
                (some) => `/stores/${store}/items/?produits=${some}&limit=100`,
                signal,
            )
        ).flatMap(({ results }) => results);
        const known = new Map(
            rows.map(({ produit, quantite, disponible }) => [
                produit,
                { there: quantite, free: disponible },
            ]),
        );

        if (store === this.#store) {
            for (const id of unique) {
                this.#known.set(id, known.get(id) ?? NONE);
            }
        }
    }

    // What is known from elsewhere
    know(id, stock) {
        this.#known.set(id, stock);
    }

    learn(ids) {
        return this.read(
            ids.filter((id) => this.of(id) === null),
            this.signal,
        );
    }
}
