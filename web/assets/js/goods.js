// Lines of a document that a person writes: scanned or searched, counted,
// perhaps with what they cost.  They are kept in the tab until they are sent.

import { confirm } from "./dialog.js";
import { afterPause, button, element, fill, icon, uniqueId } from "./dom.js";
import { Entries } from "./entries.js";
import { findProducts } from "./find.js";
import { field } from "./form.js";
import { plural, quantity } from "./format.js";
import { cents, plain } from "./money.js";
import { say } from "./notices.js";
import { isUnlikely } from "./numbers.js";
import { watchScanner } from "./scan.js";
import { tab } from "./storage.js";

const SUGGESTIONS = 8;
const LINES = 1000;
const MOST = 2147483647;

export class Goods {
    #rows = new Map();
    #asked = 0;

    // key: what the tab keeps the lines by, null for not at all; cost: whether
    // a line may have one; fixed: the lines are given, each with what was sent,
    // and may be 0; changed(goods): after each change of a line.
    constructor({ key = null, cost = false, fixed = false, changed, signal }) {
        this.key = key;
        this.cost = cost;
        this.fixed = fixed;
        this.changed = changed ?? (() => {});
        this.signal = signal;
        this.lines = [];
        // What is to be chosen among several: {text, count}
        this.chosen = null;

        this.entry = field({
            name: "produit",
            label: "Scanner ou chercher un produit",
            type: "search",
            placeholder: "Code-barres, code ou nom",
            maxlength: 100,
            autocomplete: "off",
            enterkeyhint: "done",
            on: {
                input: () => suggest(),
                keydown: (event) => this.#key(event),
            },
        });
        const suggest = afterPause(250, () => this.#suggest());
        this.suggest = suggest;
        this.found = element("ul", {
            class: "suggestions",
            "aria-label": "Produits trouvés",
            hidden: true,
        });
        this.entries = new Entries(
            {
                add: (product, count) => this.add(product, count),
                choose: (...one) => this.#choose(...one),
                ready: () => Promise.resolve(),
                focus: () => this.focus(),
                find: findProducts,
            },
            signal,
        );
        this.body = element("tbody");
        this.table = element(
            "div",
            { class: "goods-table", hidden: true },
            element(
                "table",
                {},
                element("caption", { class: "hidden" }, "Lignes"),
                element("thead", {}, this.#head()),
                this.body,
            ),
        );
        this.sum = element("p", { class: "goods-sum muted" });
        this.none = element(
            "p",
            { class: "goods-none muted" },
            "Aucune ligne pour l’instant. Scannez un article, ou cherchez-le par son nom.",
        );
        this.node = element(
            "div",
            { class: "goods" },
            element(
                "div",
                { class: "goods-entry" },
                this.entry.node,
                this.found,
            ),
            this.entries.node,
            this.none,
            this.table,
            this.sum,
        );
        watchScanner(
            (code) => this.entries.scanned(code, this.entry.control),
            signal,
            () => this.node.isConnected,
        );
        this.#restore();
    }

    #head() {
        return element(
            "tr",
            {},
            element("th", { scope: "col" }, "Produit"),
            this.fixed
                ? element("th", { scope: "col", class: "number" }, "Envoyé")
                : null,
            this.cost
                ? element(
                      "th",
                      { scope: "col", class: "number" },
                      "Coût unitaire",
                  )
                : null,
            element(
                "th",
                { scope: "col", class: "number" },
                this.fixed ? "Reçu" : "Quantité",
            ),
            this.fixed
                ? element("th", { scope: "col", class: "number" }, "Écart")
                : element(
                      "th",
                      { scope: "col" },
                      element("span", { class: "hidden" }, "Retirer"),
                  ),
        );
    }

    // Where there is a keyboard: one on the screen would hide what is there.
    focus() {
        if (matchMedia("(hover: hover)").matches) {
            this.entry.control.focus({ preventScroll: true });
        }
    }

    #key(event) {
        if (event.key === "Enter") {
            const text = this.entry.control.value.trim();

            event.preventDefault();
            this.#clearEntry();
            if (text) {
                this.entries.add(text);
            }
        } else if (event.key === "ArrowDown" && !this.found.hidden) {
            event.preventDefault();
            this.found.querySelector("button")?.focus();
        } else if (event.key === "Escape" && !this.found.hidden) {
            event.preventDefault();
            this.#hide();
        }
    }

    #clearEntry() {
        this.chosen = null;
        this.suggest.cancel();
        this.entry.control.value = "";
        this.#hide();
    }

    #hide() {
        this.#asked += 1;
        this.found.hidden = true;
        fill(this.found);
    }

    // Unless somebody types already: then it waits to be asked for.
    #choose(text, alone, count) {
        if (alone && this.entry.control.value !== "") {
            return;
        }
        this.chosen = { text, count };
        this.entry.control.value = text;
        if (!alone || !this.body.contains(document.activeElement)) {
            this.focus();
        }
        this.#suggest();
    }

    async #suggest() {
        const text = this.entry.control.value.trim();

        this.#asked += 1;
        const mine = this.#asked;
        if (text.length < 2) {
            this.#hide();
            return;
        }
        try {
            const products = await findProducts(text, this.signal, SUGGESTIONS);
            if (mine === this.#asked) {
                this.#offer(text, products);
            }
        } catch {
            // Enter says what is wrong.
        }
    }

    #offer(text, products) {
        // Somebody is choosing already.
        if (this.found.contains(document.activeElement)) {
            return;
        }
        this.found.hidden = false;
        fill(
            this.found,
            products.length === 0
                ? element(
                      "li",
                      { class: "muted" },
                      "Aucun produit ne correspond.",
                  )
                : products.map((product) =>
                      element(
                          "li",
                          {},
                          button(
                              [
                                  element("span", {}, product.nom),
                                  element(
                                      "span",
                                      { class: "muted" },
                                      product.categorie,
                                  ),
                              ],
                              () => {
                                  const { count = 1 } =
                                      this.chosen?.text === text
                                          ? this.chosen
                                          : {};

                                  this.entries.chosen(text);
                                  this.#clearEntry();
                                  this.add(product, count);
                                  this.focus();
                              },
                          ),
                      ),
                  ),
        );
        this.found.onkeydown = (event) => this.#walk(event);
        say(
            products.length === 0
                ? "Aucun produit ne correspond."
                : plural(
                      products.length,
                      "produit proposé",
                      "produits proposés",
                  ),
        );
    }

    #walk(event) {
        const all = [...this.found.querySelectorAll("button")];
        const at = all.indexOf(document.activeElement);

        if (event.key === "ArrowDown" || event.key === "ArrowUp") {
            event.preventDefault();
            const next = all[at + (event.key === "ArrowDown" ? 1 : -1)];
            (next ?? (at === 0 ? this.entry.control : all[at])).focus();
        } else if (event.key === "Escape") {
            event.preventDefault();
            this.#hide();
            this.entry.control.focus();
        }
    }

    // So many more of it
    add(product, count = 1) {
        let line = this.lines.find((one) => one.id === product.id);

        if (line) {
            line.quantity = String((Number(line.quantity) || 0) + count);
        } else if (this.fixed) {
            this.entries.state.textContent = `« ${product.nom} » n’est pas dans cet envoi.`;
            say(this.entries.state.textContent);
            return;
        } else if (this.lines.length >= LINES) {
            this.entries.state.textContent = `Un document a ${quantity(LINES)} lignes au plus.`;
            return;
        } else {
            line = {
                id: product.id,
                name: product.nom,
                quantity: String(count),
                cost: "",
            };
            this.lines.push(line);
        }
        this.#row(line).refresh();
        this.#mark(line);
        this.#after();
    }

    // lines: [{id, name, quantity, sent, note}]
    set(lines) {
        this.lines = lines;
        this.#rows.clear();
        fill(this.body);
        for (const line of this.fixed ? [...lines].reverse() : lines) {
            this.#row(line).refresh();
        }
        this.#after();
    }

    clear() {
        this.set([]);
    }

    // What stands below the name of each line
    note(id, text, wrong = false) {
        this.#rows.get(id)?.note(text, wrong);
    }

    #row(line) {
        let row = this.#rows.get(line.id);

        if (!row) {
            row = this.#make(line);
            this.#rows.set(line.id, row);
            this.body.prepend(row.node);
        }
        return row;
    }

    #make(line) {
        const wrong = element("p", {
            class: "field-error",
            id: uniqueId("ligne"),
        });
        const note = element("span", { class: "muted block" });
        const gap = element("td", { class: "number" });
        const count = this.#input({
            label: this.fixed
                ? `Reçu : ${line.name}`
                : `Quantité : ${line.name}`,
            wrong,
            inputmode: "numeric",
            "data-units": true,
            change: (text) => {
                line.quantity = text;
            },
            restore: (input) => {
                input.value = line.quantity;
            },
        });
        const cost = this.#input({
            label: `Coût unitaire : ${line.name}`,
            wrong,
            inputmode: "decimal",
            placeholder: "–",
            change: (text) => {
                line.cost = text;
            },
        });
        const row = {
            count,
            cost,
            node: element(
                "tr",
                {},
                element(
                    "th",
                    { scope: "row" },
                    element("span", { class: "title" }, line.name),
                    note,
                    wrong,
                ),
                this.fixed
                    ? element("td", { class: "number" }, quantity(line.sent))
                    : null,
                this.cost
                    ? element("td", { class: "number cost" }, cost)
                    : null,
                element("td", { class: "number" }, count),
                this.fixed
                    ? gap
                    : element("td", { class: "off" }, this.#off(line)),
            ),
            refresh: () => {
                count.value = line.quantity;
                cost.value = line.cost ?? "";
                row.compare();
            },
            compare: () => {
                const missing = line.sent - Number(line.quantity);
                gap.textContent = missing === 0 ? "" : quantity(-missing);
                gap.className = `number delta ${missing > 0 ? "minus" : "plus"}`;
            },
            note: (text, bad) => {
                note.textContent = text ?? "";
                note.classList.toggle("short", bad);
            },
            show: (message) => {
                fill(wrong, message);
                for (const input of [count, cost]) {
                    input.removeAttribute("aria-invalid");
                }
            },
        };

        return row;
    }

    #input({ label, wrong, change, restore = () => {}, ...rest }) {
        return element("input", {
            type: "text",
            class: "number",
            maxlength: 13,
            autocomplete: "off",
            "aria-label": label,
            "aria-describedby": wrong.id,
            ...rest,
            on: {
                input: (event) => {
                    change(event.target.value.trim());
                    fill(wrong);
                    event.target.removeAttribute("aria-invalid");
                    this.#after();
                },
                restore: (event) => restore(event.target),
                keydown: (event) => {
                    if (event.key === "Enter") {
                        event.preventDefault();
                        this.entry.control.focus();
                    }
                },
            },
        });
    }

    #off(line) {
        return button(icon("croix"), () => this.#remove(line), {
            class: "icon-button quiet",
            "aria-label": `Retirer la ligne : ${line.name}`,
        });
    }

    #remove(line) {
        this.lines = this.lines.filter((one) => one !== line);
        this.#rows.get(line.id).node.remove();
        this.#rows.delete(line.id);
        this.#after();
        this.entry.control.focus({ preventScroll: true });
        say(`Retiré : ${line.name}`);
    }

    // The one that was just scanned
    #mark(line) {
        for (const { node } of this.#rows.values()) {
            node.classList.remove("latest");
        }
        this.#rows.get(line.id).node.classList.add("latest");
    }

    #after() {
        const units = this.lines.reduce(
            (sum, line) => sum + (whole(line.quantity) ?? 0),
            0,
        );

        for (const row of this.fixed ? this.#rows.values() : []) {
            row.compare();
        }
        this.none.hidden = this.lines.length > 0;
        this.table.hidden = this.lines.length === 0;
        this.sum.textContent =
            this.lines.length === 0
                ? ""
                : `${plural(this.lines.length, "produit", "produits")}, ${plural(units, "unité", "unités")}`;
        this.#keep();
        this.changed(this);
    }

    #keep() {
        if (this.key && this.lines.length > 0) {
            tab.set(this.key, JSON.stringify(this.lines));
        } else if (this.key) {
            tab.remove(this.key);
        }
    }

    #restore() {
        if (this.key) {
            try {
                this.set(JSON.parse(tab.get(this.key)) ?? []);
                return;
            } catch {
                // It is not ours.
            }
        }
        this.#after();
    }

    // Whether all that was entered is a line; else somebody has to choose.
    async decided(form) {
        await this.entries.settled();
        const [text] = this.entries.open;

        if (text !== undefined) {
            form.fail(
                `« ${text} » n’est pas dans les lignes : choisissez un produit, ou fermez le message.`,
            );
        }
        return text === undefined;
    }

    // What the API is sent; null when a line is wrong, which is shown, or not meant.
    async read() {
        const lines = this.#read();

        return lines && (await this.#sure()) ? lines : null;
    }

    // Whether such quantities are meant
    async #sure() {
        for (const line of this.lines) {
            const units = whole(line.quantity);

            if (
                isUnlikely(units, this.fixed ? line.sent : null) &&
                !(await confirm({
                    title: `${quantity(units)} × ${line.name} ?`,
                    text: `${this.fixed ? `L’envoi en a ${quantity(line.sent)}. ` : ""}Un code-barres a peut-être été scanné dans ce champ.`,
                    submit: "Garder ce nombre",
                    action: () => true,
                }))
            ) {
                this.#rows.get(line.id).count.focus();
                return false;
            }
        }
        return true;
    }

    // null when a line is wrong
    #read() {
        let first = null;
        const refuse = (input, line, message) => {
            this.#rows.get(line.id).show(message);
            input.setAttribute("aria-invalid", "true");
            first ??= input;
        };
        const lines = this.lines.map((line) => {
            const { count, cost, show } = this.#rows.get(line.id);
            const number = whole(line.quantity);
            const price = line.cost ? cents(line.cost) : null;

            show(null);
            if (number === null || (number === 0 && !this.fixed)) {
                refuse(
                    count,
                    line,
                    `Entrez un nombre entier, ${this.fixed ? 0 : 1} ou plus.`,
                );
            }
            if (line.cost && (price === null || price < 0n)) {
                refuse(cost, line, "Entrez un montant, comme 3,20.");
            }
            return {
                produit: line.id,
                quantite: number,
                ...(line.cost && price !== null
                    ? { cout_unitaire: plain(price) }
                    : {}),
            };
        });

        first?.focus();
        return first ? null : lines;
    }

    // A refusal by the API: what it says of lines, {lignes: [{champ:
    // [messages]}, …]} of a 400 or the products of a 409, stands beside them.
    refuse(error, form) {
        if (!error.body || !this.#show(error.body)) {
            throw error;
        }
        if (error.fields) {
            const { lignes: _, ...others } = error.fields;
            form.show(others);
        } else {
            form.fail(error.message);
        }
    }

    #show({ lignes, produits }) {
        let shown = false;

        for (const [at, errors] of (lignes ?? []).entries()) {
            const messages = typeof errors === "object" ? errors : {};
            const text = Object.values(messages).flat().join(" ");
            const line = this.lines[at];

            if (text && line) {
                this.#rows.get(line.id).show(text);
                shown = true;
            }
        }
        for (const one of produits ?? []) {
            const row = this.#rows.get(one.produit);

            if (row) {
                row.show(
                    one.disponible === undefined
                        ? "Ce produit est retiré de la vente."
                        : `Il n’y en a que ${quantity(one.disponible)}.`,
                );
                shown = true;
            }
        }
        return shown;
    }
}

function whole(text) {
    const number = /^\d{1,10}$/.test(text) ? Number(text) : null;

    return number !== null && number <= MOST ? number : null;
}
