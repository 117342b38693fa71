// Pages of documents, such as receipts: the list of them, one of them
// ("document" in the URL), and forms: for a new one ("nouveau"), and for what
// came of one ("recevoir").

import { readPage } from "./api.js";
import { keepFresh } from "./changes.js";
import { element, fill } from "./dom.js";
import { exportButton } from "./export.js";
import { more } from "./filters.js";
import { moment } from "./format.js";
import { say } from "./notices.js";
import { empty, Region } from "./region.js";
import { storeName } from "./stores.js";

const ROWS = 25;

export class Documents {
    #shown = null;
    #pages = 1;

    // words: {path, title, all, absent(id)}; filters: what stands above the list.
    // A page has list(stop), one(id, stop), write(stop) and perhaps
    // receive(id, stop), which give nodes.
    constructor({ body, actions, heading, signal }, words) {
        this.body = body;
        this.actions = actions;
        this.heading = heading;
        this.signal = signal;
        this.words = words;
        this.region = new Region(signal);
        this.parameters = new URLSearchParams();

        // Of the list; a page offers it there.
        this.export = exportButton(
            () => ({ path: this.listed, name: words.path.slice(1) }),
            signal,
        );

        const fresh = () => {
            if (!this.#writing) {
                this.refresh();
            }
        };
        keepFresh(0, fresh, signal);
        document.addEventListener("jeton", fresh, { signal });
    }

    get #writing() {
        return (
            this.parameters.has("nouveau") || this.parameters.has("recevoir")
        );
    }

    refresh() {
        return this.region.run((stop) => this.#load(stop));
    }

    async #load(stop) {
        const id = this.parameters.get("document");

        if (this.parameters.has("nouveau")) {
            return this.write(stop);
        }
        if (!id) {
            return this.list(stop);
        }
        try {
            if (/^[1-9]\d{0,17}$/.test(id)) {
                return await (this.parameters.has("recevoir")
                    ? this.receive(id, stop)
                    : this.one(id, stop));
            }
        } catch (error) {
            if (error.status !== 404) {
                throw error;
            }
        }
        fill(this.actions);
        return empty(this.words.absent(id), this.back());
    }

    back() {
        return element(
            "a",
            { href: this.words.path, class: "button" },
            this.words.all,
        );
    }

    address(id) {
        return `${this.words.path}?document=${id}`;
    }

    link(id) {
        return element(
            "a",
            { href: this.address(id), "data-focus": `document ${id}` },
            `n° ${id}`,
        );
    }

    // As many pages of the list as the person has asked for
    async rows(path, stop) {
        const rows = [];
        let next = `${path}&limit=${ROWS}`;

        this.listed = path;
        for (let page = 0; page < this.#pages && next; page += 1) {
            const answer = await readPage(next, stop);
            rows.push(...answer.results);
            next = answer.next;
        }
        return {
            rows,
            more: more(next, () => {
                this.#pages += 1;
                this.refresh();
            }),
        };
    }

    update(now) {
        const mode = ["nouveau", "recevoir", "document"]
            .map((name) => now.get(name))
            .join(" ");
        const moved = mode !== this.#shown;
        const first = this.#shown === null;

        this.parameters = now;
        this.#pages = 1;
        this.#shown = mode;
        if (moved) {
            this.#enter(now, first);
        }
        // A form that has been begun stays.
        if (moved || !this.#writing) {
            this.refresh();
        }
    }

    #enter(now, first) {
        const list = !now.has("nouveau") && !now.has("document");

        this.heading.textContent = this.words.title;
        fill(this.actions);
        this.region.stop();
        this.region.filled = false;
        fill(this.region.node);
        fill(this.body, list ? this.filters : null, this.region.node);
        if (!first) {
            window.scrollTo(0, 0);
            this.heading.focus({ preventScroll: true });
            say(this.heading.textContent);
        }
    }
}

// pairs: [[name, ...value], ...] of what a document says of itself
export const facts = (...pairs) =>
    element(
        "dl",
        { class: "card facts" },
        pairs
            .filter(Boolean)
            .map(([name, ...value]) =>
                element(
                    "div",
                    {},
                    element("dt", {}, name),
                    element("dd", {}, value),
                ),
            ),
    );

export const when = (instant, who) => [
    moment(instant),
    who ? element("span", { class: "muted block" }, `par ${who}`) : null,
];

export const between = (from, to) => `${storeName(from)} → ${storeName(to)}`;

export const unitsOf = (lines) =>
    lines.reduce((sum, line) => sum + line.quantite, 0);
