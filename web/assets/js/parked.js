// Tickets that wait: those of the device, so that a tab that is closed takes
// none along.

import { button, element, fill } from "./dom.js";
import { amount, plural, time } from "./format.js";
import { cents } from "./money.js";
import { device } from "./storage.js";
import { storeName } from "./stores.js";

const KEY = "magasin.attente";
const MOST = 50;

function read() {
    try {
        const list = JSON.parse(device.get(KEY));
        return Array.isArray(list) ? list : [];
    } catch {
        return [];
    }
}

const write = (list) => device.set(KEY, JSON.stringify(list));

export const full = () => read().length >= MOST;

export function park(state) {
    write([...read(), { ...state, since: new Date().toISOString() }]);
}

// null when another tab was faster
function take(key) {
    const list = read();
    const one = list.find((other) => other.key === key);

    write(list.filter((other) => other !== one));
    return one ?? null;
}

const total = (lines) =>
    lines.reduce(
        (sum, { price, quantity }) => sum + cents(price) * BigInt(quantity),
        0n,
    );
const units = (lines) => lines.reduce((sum, one) => sum + one.quantity, 0);

export class Parked {
    // resume(state): the ticket is the till's again; inTurn(action): after what
    // was entered before
    constructor(resume, inTurn, signal) {
        this.resume = resume;
        this.inTurn = inTurn;
        this.list = element("ul", {});
        this.node = element(
            "section",
            { class: "parked", "aria-label": "Tickets en attente" },
            this.list,
        );
        window.addEventListener(
            "storage",
            ({ key }) => key === KEY && this.draw(),
            { signal },
        );
        this.draw();
    }

    // here: the store of the till
    draw(here = this.here) {
        const list = read();

        this.here = here;
        this.node.hidden = list.length === 0;
        fill(
            this.list,
            list.map((one) => element("li", {}, this.#button(one))),
        );
    }

    // The one that waits longest
    first() {
        const [one] = read();

        if (one) {
            this.#take(one);
        }
    }

    #take({ key }) {
        const state = take(key);

        if (state) {
            this.resume(state);
        }
        this.draw();
    }

    #button(one) {
        const elsewhere =
            one.store === null || one.store === this.here
                ? null
                : ` · ${storeName(one.store)}`;

        return button(
            [
                element("span", { class: "hidden" }, "Reprendre le ticket de "),
                element("span", {}, time(new Date(one.since)).slice(0, 5)),
                element(
                    "span",
                    { class: "muted" },
                    plural(units(one.lines), "article", "articles"),
                    elsewhere,
                    one.phase === "open" ? null : " · à vérifier",
                ),
                element("span", { class: "number" }, amount(total(one.lines))),
            ],
            () => this.inTurn(() => this.#take(one)),
        );
    }
}
