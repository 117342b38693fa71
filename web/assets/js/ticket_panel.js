// The ticket as it is seen: its lines, the total, the button that sells.
// Only what changes is touched, so that focus and clicks are never lost.

import { button, element, fill } from "./dom.js";
import { amount, plural } from "./format.js";
import { TicketLine } from "./ticket_line.js";

export class TicketPanel {
    #lines = new Map();

    // actions: set(id, quantity), sell(), clear(), abandon(), show(), park(),
    // done() with a line
    constructor(actions) {
        this.actions = actions;
        this.clear = button("Vider", actions.clear, { class: "quiet" });
        this.park = button("En attente", actions.park, {
            class: "quiet",
            title: "Mettre ce ticket en attente (F4)",
        });
        this.hint = element(
            "p",
            { class: "muted" },
            "Scannez ou choisissez un produit pour commencer.",
        );
        this.list = element("ul", { class: "ticket-lines" });
        this.total = element("strong", {});
        this.problem = element("div", { class: "form-error" });
        this.sell = button("Encaisser", actions.sell, {
            class: "primary large",
        });
        this.unknown = unknown(actions);
        this.count = element("span", {});
        this.jump = button(this.count, actions.show, { class: "link jump" });
        // Always on the screen, however long the list is.
        this.foot = element(
            "div",
            { class: "ticket-foot" },
            this.problem,
            element(
                "p",
                { class: "ticket-total" },
                element("span", { class: "word" }, "Total"),
                this.jump,
                this.total,
            ),
            this.sell,
            this.unknown,
        );
        this.node = element(
            "div",
            { class: "ticket-open" },
            element(
                "div",
                { class: "card-head" },
                element("h2", { id: "ticket-titre" }, "Ticket"),
                element("span", { class: "pair" }, this.park, this.clear),
            ),
            this.hint,
            this.list,
            this.foot,
        );
    }

    // leftOf(id): what the store has of a product, {there, free}, null while nobody knows;
    // asking: the sale waits for something
    update(ticket, leftOf, problem, asking) {
        const locked = ticket.phase !== "open";
        const nothing = ticket.lines.length === 0;

        this.#follow(ticket.lines);
        for (const line of ticket.lines) {
            this.#lines.get(line.id).update(line, leftOf(line.id), locked);
        }

        this.clear.hidden = nothing || locked;
        this.park.hidden = nothing || ticket.phase === "sending";
        this.hint.hidden = !nothing;
        this.list.hidden = nothing;
        this.total.textContent = amount(ticket.total);
        this.count.textContent = plural(ticket.units, "article", "articles");
        this.foot.classList.toggle("nothing", nothing);
        fill(this.problem, problem);
        this.sell.hidden = ticket.phase === "unknown";
        this.sell.textContent =
            ticket.phase === "sending"
                ? "Enregistrement…"
                : asking
                  ? "Vérification…"
                  : "Encaisser";
        this.sell.setAttribute("aria-disabled", String(nothing || locked));
        this.unknown.hidden = ticket.phase !== "unknown";
    }

    #follow(lines) {
        for (const [id, view] of this.#lines) {
            if (!lines.some((line) => line.id === id)) {
                view.node.remove();
                this.#lines.delete(id);
            }
        }
        for (const line of lines) {
            if (!this.#lines.has(line.id)) {
                const view = new TicketLine(
                    line,
                    (quantity) => this.actions.set(line.id, quantity),
                    this.actions.done,
                );
                this.#lines.set(line.id, view);
                this.list.append(view.node);
            }
        }
    }
}

function unknown({ sell, abandon }) {
    return element(
        "div",
        { class: "problem" },
        element(
            "p",
            {},
            element(
                "strong",
                {},
                "On ne sait pas si cette vente est enregistrée.",
            ),
            " Réessayez : elle ne sera jamais faite deux fois.",
        ),
        element(
            "div",
            { class: "form-actions" },
            button("Abandonner", abandon, { class: "quiet" }),
            button("Réessayer", sell, { class: "primary" }),
        ),
    );
}
