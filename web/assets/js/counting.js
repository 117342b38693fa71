// What is counted, as it is counted: each scan adds one at once, a number that
// is written replaces what was counted.  What is not sent yet is kept in the
// tab with its key, so that it is added once, also after a reload.

import { newKey, post } from "./api.js";
import { button, element, fill, uniqueId } from "./dom.js";
import { Entries } from "./entries.js";
import { explain, Withdrawn } from "./errors.js";
import { findProducts } from "./find.js";
import { field } from "./form.js";
import { difference, plural } from "./format.js";
import { say } from "./notices.js";
import { isOld } from "./outbox.js";
import { tab } from "./storage.js";

const AT_ONCE = 100;
const MOST = 2147483647;
const AGAIN = 5000;

const pause = (milliseconds) =>
    new Promise((resolve) => setTimeout(resolve, milliseconds));

export class Counting {
    #rows = new Map();
    #waiting = [];
    #running = false;
    #asked = null;

    // count: the stock-take; lines: what was counted before
    constructor(count, lines, signal) {
        this.path = `/counts/${count.id}/lines/`;
        this.blind = count.aveugle;
        this.key = `magasin.comptage.${count.id}`;
        this.signal = signal;
        this.entry = field({
            name: "produit",
            label: "Scanner ou chercher un produit",
            type: "search",
            placeholder: "Code-barres, code ou nom",
            maxlength: 100,
            autocomplete: "off",
            enterkeyhint: "done",
            on: {
                keydown: (event) => {
                    const text = this.entry.control.value.trim();

                    if (event.key === "Enter") {
                        event.preventDefault();
                        this.entry.control.value = "";
                        if (text) {
                            this.entries.add(text);
                        }
                    }
                },
            },
        });
        this.entries = new Entries(
            {
                add: (product, units = 1) => this.add(product, units),
                choose: (text, _alone, units) => this.#choose(text, units),
                ready: () => Promise.resolve(),
                focus: () => this.focus(),
                find: findProducts,
            },
            signal,
        );
        this.choices = element("ul", {
            class: "suggestions",
            "aria-label": "Produits trouvés",
            hidden: true,
        });
        this.state = element("p", { class: "muted", role: "status" });
        this.problem = element("div", { class: "form-error", role: "alert" });
        this.body = element("tbody");
        this.none = element(
            "p",
            { class: "goods-none muted" },
            "Rien n’est encore compté. Scannez un article, ou cherchez-le par son nom.",
        );
        this.table = element(
            "div",
            { class: "goods-table" },
            element(
                "table",
                {},
                element("caption", { class: "hidden" }, "Ce qui est compté"),
                element("thead", {}, this.#head()),
                this.body,
            ),
        );
        this.node = element(
            "section",
            { class: "card goods" },
            element(
                "div",
                { class: "goods-entry" },
                this.entry.node,
                this.choices,
            ),
            this.entries.node,
            this.problem,
            this.none,
            this.table,
            this.state,
        );
        for (const line of [...lines].reverse()) {
            this.#learn(line);
        }
        this.#restore();
        this.#tell();
    }

    #head() {
        return element(
            "tr",
            {},
            element("th", { scope: "col" }, "Produit"),
            element("th", { scope: "col", class: "number" }, "Compté"),
            this.blind
                ? null
                : element("th", { scope: "col", class: "number" }, "Écart"),
        );
    }

    focus() {
        if (matchMedia("(hover: hover)").matches) {
            this.entry.control.focus({ preventScroll: true });
        }
    }

    async #choose(text, units = 1) {
        const products = await findProducts(text, this.signal);

        this.choices.hidden = false;
        fill(
            this.choices,
            products.map((product) =>
                element(
                    "li",
                    {},
                    button(product.nom, () => {
                        this.choices.hidden = true;
                        this.entries.chosen(text);
                        this.add(product, units);
                        this.focus();
                    }),
                ),
            ),
        );
        this.choices.querySelector("button")?.focus();
    }

    add(product, units) {
        const row = this.#row(product.id, product.nom);

        this.#mark(row);
        this.#send({ produit: product.id, quantite: units, ajoute: true });
    }

    #send(line) {
        this.#waiting.push({ line, key: null, at: null });
        this.#keep();
        this.#run();
    }

    // What goes together has one key, and goes again as it is: scans, which add,
    // or one number that replaces.  at: since when it has the key
    #batch() {
        const [first] = this.#waiting;

        if (first.key === null) {
            const key = newKey();
            const end = this.#waiting.findIndex(({ line }) => !line.ajoute);
            const most = Math.max(end === -1 ? AT_ONCE : end, 1);

            for (const one of this.#waiting.slice(0, Math.min(most, AT_ONCE))) {
                one.key = key;
                one.at = Date.now();
            }
        }
        return this.#waiting.filter((one) => one.key === first.key);
    }

    async #run() {
        if (this.#running) {
            return;
        }
        this.#running = true;
        while (this.#waiting.length > 0 && !this.signal.aborted) {
            const batch = this.#batch();
            this.#keep();
            this.#tell();
            if (isOld(batch[0].at)) {
                this.#ask(batch);
                break;
            }
            try {
                const { lignes } = await post(
                    this.path,
                    { lignes: summed(batch) },
                    batch[0].key,
                );
                this.#done(batch);
                for (const line of lignes) {
                    this.#learn(line);
                }
                fill(this.problem);
            } catch (error) {
                if (!error.temporary && !error.unknown) {
                    this.#refused(batch, error);
                } else {
                    fill(
                        this.problem,
                        `${explain(error)} Ce qui est compté est gardé et sera envoyé.`,
                    );
                    await pause(AGAIN);
                }
            }
        }
        this.#running = false;
        this.#tell();
    }

    // The server knows a key for a day: what has one for as long may be counted
    // already, and would be counted once more.
    #ask(batch) {
        const [{ key }] = batch;
        const goOn = () => {
            this.#asked = null;
            fill(this.problem);
            this.#tell();
            this.focus();
            this.#run();
        };

        if (this.#asked === key) {
            return;
        }
        this.#asked = key;
        fill(
            this.problem,
            `${plural(batch.length, "saisie attend", "saisies attendent")} depuis plus de 23 heures, peut-être déjà comptées : regardez les quantités avant de décider. `,
            button("Compter", () => {
                for (const one of batch) {
                    one.at = Date.now();
                }
                this.#keep();
                goOn();
            }),
            " ",
            button("Jeter", () => {
                this.#done(batch);
                goOn();
            }),
        );
    }

    #done(batch) {
        this.#waiting = this.#waiting.filter((one) => !batch.includes(one));
        this.#keep();
    }

    // One that is wrong takes none with it: each goes alone then.
    #refused(batch, error) {
        if (error instanceof Withdrawn) {
            this.#waiting = this.#waiting.map((one) => ({
                ...one,
                key: null,
                at: null,
            }));
            this.#running = false;
            fill(this.problem, "Il faut un jeton pour enregistrer ce compte.");
            return;
        }
        this.#done(batch);
        if (batch.length > 1) {
            this.#waiting.unshift(
                ...batch.map((one) => ({
                    ...one,
                    key: newKey(),
                    at: Date.now(),
                })),
            );
            return;
        }
        const { produit } = batch[0].line;
        const row = this.#rows.get(produit);
        const words =
            error.body?.produits?.[0]?.comptage !== undefined
                ? `Déjà compté dans l’inventaire n° ${error.body.produits[0].comptage}.`
                : error.status === 400
                  ? "Ce produit n’est pas dans cet inventaire."
                  : explain(error);

        if (row) {
            fill(row.wrong, words);
            row.input.setAttribute("aria-invalid", "true");
        }
        say(words);
    }

    #row(id, name) {
        let row = this.#rows.get(id);

        if (!row) {
            row = this.#make(id, name);
            this.#rows.set(id, row);
        }
        return row;
    }

    #make(id, name) {
        const wrong = element("p", {
            class: "field-error",
            id: uniqueId("compte"),
        });
        const gap = element("td", { class: "number delta" });
        const input = element("input", {
            type: "text",
            inputmode: "numeric",
            class: "number",
            maxlength: 10,
            autocomplete: "off",
            "aria-label": `Compté : ${name}`,
            "aria-describedby": wrong.id,
            on: {
                change: () => this.#replace(id, input, wrong),
                keydown: (event) => {
                    if (event.key === "Enter") {
                        event.preventDefault();
                        input.blur();
                        this.entry.control.focus();
                    }
                },
            },
        });
        const node = element(
            "tr",
            {},
            element(
                "th",
                { scope: "row" },
                element("span", { class: "title" }, name),
                wrong,
            ),
            element("td", { class: "number" }, input),
            this.blind ? null : gap,
        );

        return { id, node, input, gap, wrong };
    }

    #replace(id, input, wrong) {
        const text = input.value.trim();

        if (!/^\d{1,10}$/.test(text) || Number(text) > MOST) {
            fill(wrong, "Entrez un nombre entier, 0 ou plus.");
            input.setAttribute("aria-invalid", "true");
            return;
        }
        fill(wrong);
        input.removeAttribute("aria-invalid");
        this.#send({ produit: id, quantite: Number(text) });
    }

    // What the server has of it now
    #learn({ produit, nom, compte, ecart }) {
        const row = this.#row(produit, nom);

        if (document.activeElement !== row.input) {
            row.input.value = String(compte);
        }
        fill(row.wrong);
        row.input.removeAttribute("aria-invalid");
        if (!this.blind && ecart !== null) {
            row.gap.textContent = ecart === 0 ? "" : difference(ecart);
            row.gap.className = `number delta ${ecart < 0 ? "minus" : "plus"}`;
        }
        if (!row.node.isConnected) {
            this.body.prepend(row.node);
        }
    }

    // The one that was just scanned is the first.
    #mark(row) {
        for (const one of this.#rows.values()) {
            one.node.classList.remove("latest");
        }
        row.node.classList.add("latest");
        this.body.prepend(row.node);
    }

    #tell() {
        const waiting = this.#waiting.length;

        this.none.hidden = this.#rows.size > 0;
        this.table.hidden = this.#rows.size === 0;
        this.state.textContent =
            waiting > 0
                ? `${plural(waiting, "saisie", "saisies")} à envoyer…`
                : `${plural(this.#rows.size, "produit", "produits")} ici, tout est enregistré.`;
    }

    get settled() {
        return this.#waiting.length === 0;
    }

    #keep() {
        if (this.#waiting.length > 0) {
            tab.set(this.key, JSON.stringify(this.#waiting));
        } else {
            tab.remove(this.key);
        }
    }

    #restore() {
        try {
            this.#waiting = JSON.parse(tab.get(this.key)) ?? [];
        } catch {
            this.#waiting = [];
        }
        if (this.#waiting.length > 0) {
            this.#run();
        }
    }
}

// Scans of one product in a batch are one line.
function summed(batch) {
    const lines = new Map();

    for (const { line } of batch) {
        const known = lines.get(line.produit);

        lines.set(
            line.produit,
            known
                ? { ...known, quantite: known.quantite + line.quantite }
                : line,
        );
    }
    return [...lines.values()];
}
