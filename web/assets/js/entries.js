// What was typed or scanned at the till, one entry for each Enter.  All are
// looked up at once, and decided in the order in which they came: however long
// an answer takes, it is that of its own entry.

import { button, element, fill, icon } from "./dom.js";
import { explain } from "./errors.js";
import { plural, quantity } from "./format.js";
import { say } from "./notices.js";
import { findProducts } from "./products.js";

const TRIES = 3;
const MANY = 20;

const pause = (seconds) =>
    new Promise((resolve) => setTimeout(resolve, seconds * 1000));

// "3*" before an entry, or alone before the next one
const TIMES = /^([1-9]\d{0,4})\s*[*×]\s*(.*)$/;

// The products that an entry may mean.
async function lookUp(text, signal, find) {
    for (let attempt = 1; ; attempt += 1) {
        try {
            const found = await (find
                ? find(text, signal)
                : findProducts(text, MANY, signal));
            return Array.isArray(found) ? { found } : found;
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
    #times = null;
    #turns = 0;

    // actions: add(product, count); choose(text, alone, count), several products
    // have it, and nothing came after it; ready(), resolves when what is added to
    // is there; focus(), where the next entry is typed.  Perhaps find(text,
    // signal), the products that an entry may mean, as a list or as findProducts()
    // gives them, with kept when only this device was asked; and unknown(text),
    // whether what is no product was something else.
    constructor(actions, signal) {
        this.actions = actions;
        this.signal = signal;
        this.state = element("p", { class: "entry-state muted" });
        this.list = element("ul", { class: "entries" });
        this.node = element("div", {}, this.state, this.list);
    }

    // Nothing is said here: a scanner is faster than a voice.
    add(entry) {
        const [, times, rest] = TIMES.exec(entry) ?? [];

        if (rest === "") {
            this.#times = Number(times);
            this.#tell("");
            return;
        }
        this.#lookUp(rest ?? entry, Number(times ?? this.#times ?? 1));
        this.#times = null;
    }

    #lookUp(text, count) {
        const answer = lookUp(text, this.signal, this.actions.find);

        this.#waiting += 1;
        this.#tell("");
        this.#chain = this.#chain.then(async () => {
            const found = await answer;

            await this.actions.ready();
            this.#waiting -= 1;
            if (!this.signal.aborted) {
                this.#decide(text, count, found);
            }
        });
    }

    // A code came from a scanner.  "4*" waits in the field for what it is of.
    scanned(code, control) {
        if (/^\s*\d+\s*[*×]\s*$/.test(control.value)) {
            this.add(control.value.trim() + code);
            control.value = "";
            control.dispatchEvent(new Event("input", { bubbles: true }));
        } else {
            this.add(code);
        }
    }

    // What is to be done after all that was entered before, and before what is
    // entered after.
    inTurn(action) {
        this.#turns += 1;
        this.#chain = this.#chain.then(async () => {
            try {
                if (!this.signal.aborted) {
                    await action();
                }
            } catch (error) {
                console.error(error);
            } finally {
                this.#turns -= 1;
            }
        });
        return this.#chain;
    }

    // A product that somebody has seen and chosen: what was looked up before it
    // may come after it, but not what is to be done in turn.
    take(product, count) {
        if (this.#turns === 0) {
            this.actions.add(product, count);
            return;
        }
        this.inTurn(async () => {
            await this.actions.ready();
            this.actions.add(product, count);
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

    #decide(text, count, { found, gone, kept, error }) {
        if (error) {
            this.#leave(
                text,
                `« ${text} » n’a pas pu être cherché. ${explain(error)}`,
                "Réessayer",
                () => this.#lookUp(text, count),
            );
        } else if (gone) {
            this.#leave(text, `${gone.nom} n’est plus en vente.`);
        } else if (found.length === 0) {
            if (this.actions.unknown?.(text)) {
                this.#tell("");
            } else {
                this.#leave(
                    text,
                    kept
                        ? `« ${text} » n’est pas connu de cet appareil sans connexion : cherchez le produit par son nom.`
                        : `Aucun produit pour « ${text} ».`,
                );
            }
        } else if (found.length === 1) {
            this.actions.add(found[0], count);
            this.#tell(
                `Ajouté : ${count > 1 ? `${quantity(count)} × ` : ""}${found[0].nom}`,
            );
        } else {
            this.#leave(
                text,
                `Plusieurs produits pour « ${text} » : choisissez.`,
                "Choisir",
                () => this.actions.choose(text, false, count),
            );
            if (this.#waiting === 0) {
                this.actions.choose(text, true, count);
            }
        }
    }

    #tell(text) {
        this.state.textContent =
            this.#waiting > 0
                ? `${plural(this.#waiting, "saisie", "saisies")} en cours…`
                : this.#times
                  ? `${quantity(this.#times)} × la prochaine saisie`
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
