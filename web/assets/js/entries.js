// What was typed or scanned at the till, one entry for each Enter.  All are
// looked up at once, and decided in the order in which they came: however long
// an answer takes, it is that of its own entry.

import { query, readPage } from "./api.js";
import { button, element, fill, icon } from "./dom.js";
import { explain } from "./errors.js";
import { folded, plural } from "./format.js";
import { say } from "./notices.js";

const TRIES = 3;
const MANY = 20;

const pause = (seconds) =>
    new Promise((resolve) => setTimeout(resolve, seconds * 1000));

// The products that an entry may mean.
async function lookUp(text, signal) {
    for (let attempt = 1; ; attempt += 1) {
        try {
            const { results } = await readPage(
                `/products/${query({ q: text.slice(0, 100), limit: MANY })}`,
                signal,
            );
            const same = results.filter(
                (one) => folded(one.nom) === folded(text),
            );
            return { found: same.length === 1 ? same : results };
        } catch (error) {
            if (signal.aborted || !error.temporary || attempt === TRIES) {
                return { error };
            }
            await pause(1);
        }
    }
}

export class Entries {
    #chain = Promise.resolve();
    #waiting = 0;
    #left = [];

    // actions: add(product); choose(text, alone), several products have it, and
    // nothing came after it; ready(), resolves when the ticket can be added to;
    // focus(), where the next entry is typed.
    constructor(actions, signal) {
        this.actions = actions;
        this.signal = signal;
        this.state = element("p", { class: "entry-state muted" });
        this.list = element("ul", { class: "entries" });
        this.node = element("div", {}, this.state, this.list);
    }

    // Nothing is said here: a scanner is faster than a voice.
    add(text) {
        const answer = lookUp(text, this.signal);

        this.#waiting += 1;
        this.#tell("");
        this.#chain = this.#chain.then(async () => {
            const { found, error } = await answer;

            await this.actions.ready();
            this.#waiting -= 1;
            if (!this.signal.aborted) {
                this.#decide(text, found, error);
            }
        });
    }

    // All that has been entered is decided, or waits for a person.
    async settled() {
        let last;

        do {
            last = this.#chain;
            await last;
        } while (last !== this.#chain);
    }

    // Entries that somebody has to choose for, or to try again.
    get open() {
        return this.#left.filter((one) => one.open).map((one) => one.text);
    }

    // A product was chosen for the entry with this text.
    chosen(text) {
        this.#drop(this.#left.find((one) => one.open && one.text === text));
    }

    #decide(text, found, error) {
        if (error) {
            this.#leave(
                text,
                `« ${text} » n’a pas pu être cherché. ${explain(error)}`,
                "Réessayer",
                () => this.add(text),
            );
        } else if (found.length === 0) {
            this.#leave(text, `Aucun produit pour « ${text} ».`);
        } else if (found.length === 1) {
            this.actions.add(found[0]);
            this.#tell(`Ajouté : ${found[0].nom}`);
        } else {
            this.#leave(
                text,
                `Plusieurs produits pour « ${text} » : choisissez.`,
                "Choisir",
                () => this.actions.choose(text),
            );
            if (this.#waiting === 0) {
                this.actions.choose(text, true);
            }
        }
    }

    #tell(text) {
        this.state.textContent =
            this.#waiting > 0
                ? `${plural(this.#waiting, "saisie", "saisies")} en cours…`
                : text;
    }

    // Stays until somebody has read it.
    #leave(text, words, label = null, action = null) {
        const one = { text, open: action !== null };

        one.node = element(
            "li",
            {},
            element("span", {}, words),
            label
                ? button(
                      label,
                      () => {
                          if (label === "Réessayer") {
                              this.#drop(one);
                          }
                          action();
                      },
                      { class: "link" },
                  )
                : null,
            button(icon("croix"), () => this.#drop(one), {
                class: "icon-button",
                "aria-label": `Fermer : ${words}`,
            }),
        );
        this.#left.push(one);
        this.#tell("");
        this.#draw();
        say(words);
    }

    #drop(one) {
        if (one) {
            const inside = one.node.contains(document.activeElement);

            this.#left = this.#left.filter((other) => other !== one);
            this.#draw();
            if (inside) {
                this.actions.focus();
            }
        }
    }

    #draw() {
        fill(
            this.list,
            this.#left.map((one) => one.node),
        );
    }
}
