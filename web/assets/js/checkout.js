// From a ticket to a sale, or to what is in its way.

import { post } from "./api.js";
import { announceChange } from "./changes.js";
import { confirm } from "./dialog.js";
import { button } from "./dom.js";
import { explain, Withdrawn } from "./errors.js";
import { plain } from "./money.js";
import { say } from "./notices.js";
import { deliver, isOld, works } from "./outbox.js";
import { agreeOnPrices } from "./prices.js";
import { readRights } from "./rights.js";
import { askForToken, authorization, changeToken } from "./token.js";

const askAgain = () =>
    confirm({
        title: "Envoyer cette vente ?",
        text:
            "Elle attend depuis plus de 23 heures, et a peut-être déjà été " +
            "enregistrée : cherchez-la dans les ventes du magasin avant de " +
            "l’envoyer.",
        submit: "Envoyer",
        action: () => true,
    });

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
                await entries.inTurn(() => {
                    this.busy = true;
                });
            }
            if (ticket.lines.length > 0 && !this.till.signal.aborted) {
                await this.#run(document.activeElement);
            }
        } finally {
            this.#started = false;
            if (this.busy) {
                this.busy = false;
                this.till.wake();
            }
        }
    }

    async #run(held) {
        this.busy = true;
        this.till.drawTicket();
        try {
            if (this.till.ticket.phase !== "open" || this.till.decided()) {
                await this.#send();
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

    async #send() {
        const { ticket } = this.till;
        const before = ticket.phase;

        ticket.enter("sending");
        this.till.drawTicket();
        try {
            const made = await this.#make(ticket, before === "unknown");
            this.till.receipt = { ...made, lines: ticket.lines };
            ticket.clear();
            announceChange();
        } catch (error) {
            this.settle(error, before);
            if (error.body?.total_attendu !== undefined) {
                await this.#agree(error);
            } else {
                this.till.problem = await this.reason(error);
            }
        }
    }

    // {sale}, or {kept} where the browser keeps what has no answer
    async #make(ticket, unknown) {
        const { key, body, lines, store, sent } = ticket;
        const total = plain(ticket.total);
        let reason = null;

        while (await works()) {
            if (!authorization() && !(await askForToken(reason))) {
                throw new Withdrawn();
            }
            const made = await deliver({
                key,
                body,
                lines,
                store,
                total,
                sent,
                unknown,
            });

            if (made === null) {
                break;
            }
            if (!made.error) {
                return made;
            }
            if (made.error.status !== 401) {
                throw made.error;
            }
            reason = "Ce jeton n’est pas accepté.";
        }
        if (unknown && isOld(sent) && !(await askAgain())) {
            throw new Withdrawn();
        }
        return { sale: await post("/sales/", body, key) };
    }

    // The server has the last word on what it costs, and the customer on
    // whether that is paid.
    async #agree({ body }) {
        this.till.drawTicket();
        if (await agreeOnPrices(this.till.ticket, body)) {
            await this.#send();
        }
    }

    // Goods that are there though the record says that they are not.
    async #force() {
        const sure = await confirm({
            title: "Vendre quand même ?",
            text:
                "Le client a ces articles en main. Le stock sera corrigé de " +
                "ce qui manque, avec le motif « écart de caisse ».",
            submit: "Vendre quand même",
            action: () => true,
        });

        if (sure && this.till.ticket.phase === "open") {
            this.till.ticket.force();
            await this.sell();
        }
    }

    async #forcing(error) {
        const short = error.body?.produits?.some(
            (one) => one.disponible !== undefined,
        );

        if (!short) {
            return null;
        }
        const rights = await readRights(this.till.signal);

        return rights.why("inventaire", this.till.ticket.store)
            ? null
            : [
                  " ",
                  button("Vendre quand même", () => this.#force(), {
                      class: "link",
                  }),
              ];
    }

    // The focus stays where it was, or goes where the next entry is typed.
    afterSale(held) {
        if (this.till.receipt) {
            this.till.focusSearch();
            if (document.activeElement !== this.till.search.control) {
                this.till.panel.querySelector("h2").focus();
            }
            const { sale, kept } = this.till.receipt;

            say(
                sale
                    ? `Vente n° ${sale.id} enregistrée.`
                    : `Vente gardée, en attente n° ${kept.n}.`,
            );
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

    async reason(error) {
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
            return [
                this.till.ticket.refuse(error) ?? explain(error),
                await this.#forcing(error).catch(() => null),
            ];
        }
        if (!error.status && !error.temporary) {
            console.error(error);
        }
        return explain(error);
    }
}
