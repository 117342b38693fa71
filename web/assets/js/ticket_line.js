// One line of the ticket: how many, for how much, and what is wrong with it.
// Its nodes stay while it does: a click that begins on a button ends on it,
// whatever else the ticket has learned meanwhile.

import { button, element, fill, icon } from "./dom.js";
import { amount, quantity } from "./format.js";
import { cents } from "./money.js";
import { held } from "./shop_stock.js";

const MOST = 99999;

export class TicketLine {
    // set(quantity) changes the ticket, which then calls update(); done() when
    // the person is done with the line.
    constructor({ id, name }, set, done) {
        const label = `ligne-${id}-erreur`;
        const step = (image, word, by) =>
            button(icon(image), () => set(this.quantity + by), {
                class: "icon-button",
                "aria-label": `Un ${name} de ${word}`,
            });

        this.quantity = 0;
        this.set = set;
        this.price = element("span", { class: "price" });
        this.unit = element("span", { class: "muted unit" });
        this.error = element("p", { class: "field-error", id: label });
        this.less = step("moins", "moins", -1);
        this.more = step("plus", "plus", 1);
        this.input = element("input", {
            type: "number",
            min: 1,
            max: MOST,
            step: 1,
            inputmode: "numeric",
            "aria-label": `Quantité de ${name}`,
            "aria-describedby": label,
            on: {
                input: () => this.#typed(),
                change: () => this.#committed(),
                restore: () => this.#restored(),
                keydown: (event) => {
                    if (event.key === "Enter") {
                        this.#committed();
                        done();
                    }
                },
            },
        });
        this.node = element(
            "li",
            {},
            element("span", { class: "name" }, name),
            this.price,
            element(
                "span",
                { class: "stepper" },
                this.less,
                this.input,
                this.more,
            ),
            this.unit,
            this.error,
        );
    }

    // What is no quantity yet, as an empty field, changes nothing.
    #typed() {
        const value = Number(this.input.value);

        if (Number.isInteger(value) && value >= 1 && value <= MOST) {
            this.set(value);
        }
    }

    // A scanner has typed here.  What is no quantity yet stays; else it may be
    // another one by now.
    #restored() {
        if (Number(this.input.value) >= 1) {
            this.input.value = String(this.quantity);
        }
    }

    // None of it is wanted, or what is no quantity is not there any more.
    #committed() {
        // A field that goes away says once more that it was changed.
        if (this.quantity === 0) {
            return;
        }
        if (this.input.value === "0") {
            this.quantity = 0;
            this.set(0);
        } else {
            this.input.value = String(this.quantity);
        }
    }

    // stock: what the store has, {there, free}, null while nobody knows
    update(line, stock, locked) {
        const error = line.error ?? (locked ? null : foreseen(line, stock));

        this.#show(line.quantity);
        this.input.disabled = locked;
        this.less.disabled = locked;
        this.more.disabled = locked || line.quantity >= MOST;
        this.price.textContent = amount(
            cents(line.price) * BigInt(line.quantity),
        );
        this.unit.textContent = `à ${amount(line.price)}`;

        if (error) {
            this.input.setAttribute("aria-invalid", "true");
        } else {
            this.input.removeAttribute("aria-invalid");
        }
        fill(this.error, error?.text, this.#correction(error, locked));
    }

    // What somebody is typing stays, 0 or nothing yet, unless another quantity
    // has come meanwhile.
    #show(quantity) {
        const typing =
            quantity === this.quantity && document.activeElement === this.input;

        this.quantity = quantity;
        if (!typing && Number(this.input.value) !== quantity) {
            this.input.value = String(quantity);
        }
    }

    #correction(error, locked) {
        if (error?.left === undefined || locked) {
            return null;
        }
        return [
            " ",
            button(
                error.left > 0 ? `Mettre ${error.left}` : "Enlever",
                () => this.set(error.left),
                { class: "link" },
            ),
        ];
    }
}

// The server has the last word; this one saves a refusal.
function foreseen(line, stock) {
    if (stock === null || line.quantity <= stock.free) {
        return null;
    }
    const { free } = stock;
    const note = held(stock);

    return {
        text:
            free > 0
                ? `Il n’en reste que ${quantity(free)}${note ? ` à vendre : ${note}` : ""}.`
                : note
                  ? `Tout est retenu : ${note}.`
                  : "En rupture dans ce magasin.",
        left: free,
    };
}
