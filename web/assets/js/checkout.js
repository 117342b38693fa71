// From a ticket to a sale, or to what is in its way.

import { post } from "./api.js";
import { announceChange } from "./changes.js";
import { button } from "./dom.js";
import { explain, Withdrawn } from "./errors.js";
import { say } from "./notices.js";
import { agreeOnPrices } from "./prices.js";
import { changeToken } from "./token.js";

export class Checkout {
    #started = false;

    constructor(till) {
        this.till = till;
        // A sale is asked about or on its way.
        this.busy = false;
    }

    // What was entered before belongs to this ticket.  A second press while the
    // first is under way is none.
    async sell() {
        const { ticket, entries } = this.till;

        if (this.#started || ticket.phase === "sending") {
            return;
        }
        this.#started = true;
        this.till.problem = null;
        try {
            if (ticket.phase === "open") {
                await entries.settled();
            }
            if (ticket.lines.length > 0 && !this.till.signal.aborted) {
                await this.#run(document.activeElement);
            }
        } finally {
            this.#started = false;
        }
    }

    async #run(held) {
        this.busy = true;
        this.till.drawTicket();
        try {
            if (this.till.ticket.phase !== "open" || (await this.mayBeSold())) {
                await this.send();
            }
        } catch (error) {
            if (!this.till.signal.aborted) {
                this.till.problem = this.reason(error);
            }
        } finally {
            this.busy = false;
        }
        if (!this.till.signal.aborted) {
            this.till.drawTicket();
            this.till.wake();
            this.afterSale(held);
        }
    }

    // The person is asked what nobody else can know.
    async mayBeSold() {
        const [text] = this.till.entries.open;

        if (text) {
            this.till.problem = [
                `« ${text} » n’est pas sur le ticket : choisissez un produit, ` +
                    "ou fermez le message.",
            ];
            return false;
        }
        return agreeOnPrices(this.till.ticket, this.till.signal);
    }

    async send() {
        const before = this.till.ticket.phase;

        this.till.ticket.enter("sending");
        this.till.drawTicket();
        try {
            const sale = await post(
                "/sales/",
                this.till.ticket.body,
                this.till.ticket.key,
            );
            this.till.receipt = { sale, lines: this.till.ticket.lines };
            this.till.ticket.clear();
            announceChange();
        } catch (error) {
            this.till.problem = this.reason(error);
            this.settle(error, before);
        }
    }

    // The focus stays where it was, or goes where the next entry is typed.
    afterSale(held) {
        if (this.till.receipt) {
            this.till.focusSearch();
            if (document.activeElement !== this.till.search.control) {
                this.till.panel.querySelector("h2").focus();
            }
            say(`Vente n° ${this.till.receipt.sale.id} enregistrée.`);
        } else {
            if (!document.activeElement?.closest("main")) {
                (held.isConnected && !held.disabled
                    ? held
                    : this.till.search.control
                ).focus({ preventScroll: true });
            }
            if (this.till.problem) {
                say(this.till.view.problem.textContent);
            }
        }
        this.till.refresh();
    }

    // A refusal is an answer, but for that of a token: a person who has none,
    // or not the right one, has sent nothing more than before.
    settle(error, before) {
        if (error.unknown) {
            this.till.ticket.enter("unknown");
        } else if (error instanceof Withdrawn || error.status === 403) {
            this.till.ticket.enter(before);
        } else {
            this.till.ticket.reopen();
        }
    }

    reason(error) {
        if (error instanceof Withdrawn) {
            return null;
        }
        if (error.status === 403) {
            return [
                explain(error),
                " ",
                button("Changer de jeton", () => changeToken(), {
                    class: "link",
                }),
            ];
        }
        if (error.status === 409 || error.status === 400) {
            return this.till.ticket.refuse(error) ?? explain(error);
        }
        if (!error.status && !error.temporary) {
            console.error(error);
        }
        return explain(error);
    }
}
