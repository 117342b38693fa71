// The rows of a file on their way: one batch with one key, which is sent again
// as it was until somebody knows what became of it.

import { newKey, postLines, query } from "./api.js";
import { announceChange } from "./changes.js";
import { pieces } from "./pieces.js";

export const paths = { produits: "/products/batch/", stock: "/stock/batch/" };

// What is written: neither what is wrong nor what changes nothing
export const isSent = (row) => ["change", "new", "open"].includes(row.kind);

export class Sending {
    #body = null;

    // mode: "all" or "valid"
    constructor({ kind, rows }, mode) {
        this.path = paths[kind] + query({ mode });
        this.sent = rows.filter(isSent);
        this.key = newKey();
    }

    // tell(read): how many rows the server has read.  Gives {written, made,
    // refused: Map of a row to its errors, more: how many refused rows were not
    // named}.
    async run(tell) {
        const refused = new Map();

        this.#body ??= await this.#lines();
        const last = await postLines(
            this.path,
            this.#body,
            this.key,
            (line) => {
                if (line.ligne !== undefined) {
                    refused.set(this.sent[line.ligne - 1], line.erreurs);
                } else if (line.lues !== undefined) {
                    tell(line.lues);
                }
            },
        );

        if (last.ecrites > 0) {
            announceChange();
        }
        return {
            written: last.ecrites,
            made: last.creees,
            refused,
            more: last.refusees - refused.size,
        };
    }

    async #lines() {
        const turn = pieces();
        const lines = [];

        for (const { body } of this.sent) {
            lines.push(`${JSON.stringify(body)}\n`);
            await turn();
        }
        return lines.join("");
    }
}
