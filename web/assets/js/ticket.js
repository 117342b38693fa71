// The ticket of the till: what is being sold, kept for the tab, and where its
// sale stands.
//
//   open      lines can be changed
//   sending   the sale is on its way
//   unknown   no answer came: it may have been made.  Until that is settled
//             nothing changes, so that another try is the same sale.

import { newKey } from "./api.js";
import { cents, plain } from "./money.js";
import { tab } from "./storage.js";

const KEY = "magasin.ticket";

export class Ticket {
    constructor() {
        this.lines = [];
        this.store = null;
        this.phase = "open";
        this.key = newKey();
        // The product that was added last
        this.last = null;
        // It is sold whatever the record says is there.
        this.forced = false;
        // When its sale was sent the first time: the server does not know keys
        // for ever.
        this.sent = null;

        try {
            Object.assign(this, JSON.parse(tab.get(KEY)));
        } catch {
            tab.remove(KEY);
        }
        // The tab was loaded again while the sale was on its way.
        if (this.phase === "sending") {
            this.phase = "unknown";
        }
    }

    // All that another tab has to know to go on with it
    get state() {
        const { lines, store, phase, key, forced, sent } = this;
        return { lines, store, phase, key, forced, sent };
    }

    save() {
        tab.set(KEY, JSON.stringify(this.state));
    }

    // Another ticket in its place
    resume({ lines, store, phase, key, forced = false, sent = null }) {
        Object.assign(this, {
            lines,
            store,
            phase,
            key,
            forced,
            sent,
            last: null,
        });
        this.save();
    }

    find(id) {
        return this.lines.find((line) => line.id === id);
    }

    add(product, count = 1) {
        const line = this.find(product.id);

        this.last = product.id;
        if (line) {
            this.set(line.id, line.quantity + count);
            return;
        }
        this.lines.push({
            id: product.id,
            name: product.nom,
            price: product.prix,
            quantity: count,
        });
        this.#changed();
    }

    set(id, quantity) {
        const line = this.find(id);

        line.quantity = quantity;
        line.error = null;
        if (quantity < 1) {
            this.lines = this.lines.filter((one) => one !== line);
        }
        this.#changed();
    }

    // What the products cost now, which the person has agreed to.
    setPrices(prices) {
        for (const line of this.lines) {
            line.price = prices.get(line.id) ?? line.price;
        }
        const { forced } = this;

        this.#changed();
        if (forced) {
            this.force();
        }
    }

    clear() {
        this.lines = [];
        this.phase = "open";
        this.#changed();
    }

    // Another sale than the one that may have been sent has another key.
    #changed() {
        this.key = newKey();
        this.forced = false;
        this.sent = null;
        this.save();
    }

    force() {
        this.#changed();
        this.forced = true;
        this.save();
    }

    enter(phase) {
        if (phase === "sending") {
            this.sent ??= Date.now();
        } else if (phase === "open") {
            this.sent = null;
        }
        this.phase = phase;
        this.save();
    }

    // The server has said no, and would say it again under this key.
    reopen() {
        this.phase = "open";
        this.#changed();
    }

    get total() {
        return this.totalAt(new Map());
    }

    // With other prices than the lines', by product
    totalAt(prices) {
        return this.lines.reduce(
            (sum, { id, price, quantity }) =>
                sum + cents(prices.get(id) ?? price) * BigInt(quantity),
            0n,
        );
    }

    get units() {
        return this.lines.reduce((sum, line) => sum + line.quantity, 0);
    }

    get body() {
        return {
            magasin: this.store,
            total_attendu: plain(this.total),
            ...(this.forced ? { forcer: true } : {}),
            lignes: this.lines.map(({ id, quantity }) => ({
                produit: id,
                quantite: quantity,
            })),
        };
    }

    // Puts what a refusal says on the lines that it is about; what is left
    // is for the whole ticket.
    refuse(error) {
        const { produits } = error.body;

        for (const line of this.lines) {
            line.error = null;
        }
        if (Array.isArray(produits)) {
            for (const product of produits) {
                const line = this.find(product.produit);
                if (line) {
                    line.error =
                        product.disponible === undefined
                            ? { text: "N’est plus en vente.", left: 0 }
                            : shortage(product);
                }
            }
            return error.message;
        }
        if (error.fields) {
            const { lignes = [], ...others } = error.fields;
            const rest = Object.values(others).flat();

            lignes.forEach((messages, index) => {
                if (typeof messages === "string") {
                    rest.push(messages);
                } else if (Object.keys(messages).length > 0) {
                    this.lines[index].error = {
                        text: Object.values(messages).flat().join(" "),
                    };
                }
            });
            return rest.join(" ") || "La vente n’a pas été enregistrée.";
        }
        return null;
    }
}

function shortage({ demande, disponible }) {
    return {
        text:
            disponible === 0
                ? "Il n’y en a plus."
                : `Demandé ${demande}, il en reste ${disponible}.`,
        left: disponible,
    };
}
