// The grid of prices: many are written or calculated, looked at together, saved
// at once, and taken back at once.

import { query, readPage } from "../api.js";
import { keepFresh } from "../changes.js";
import { openDialog } from "../dialog.js";
import { button, element, fill } from "../dom.js";
import { exportButton } from "../export.js";
import { filterBar, more, searchField, showAll } from "../filters.js";
import { field, formOf } from "../form.js";
import { amount, moment, plural } from "../format.js";
import { cents, plain } from "../money.js";
import { attempt, notify, say } from "../notices.js";
import {
    changeAndKeep,
    lastChange,
    percent,
    proposed,
    takeBack,
} from "../price_changes.js";
import { empty, Region } from "../region.js";
import { locked, readRights } from "../rights.js";
import { setParameters } from "../router.js";
import { beside, number, rowHeading, table, wide } from "../table.js";

const ROWS = 50;
const MOST = 1000;
const STRIKING = 30;
const signed = new Intl.NumberFormat("fr-FR", {
    signDisplay: "exceptZero",
    maximumFractionDigits: 1,
});

// {id: {name, from, text}} of what was written, also on other pages of the list;
// it is there again for who comes back to this page.
const written = new Map();

class Prices {
    constructor({ body, actions, signal }) {
        this.region = new Region(signal);
        this.parameters = new URLSearchParams();
        this.pages = 1;
        this.rows = [];
        this.written = written;

        this.search = searchField();
        this.category = field({
            name: "categorie",
            label: "Catégorie",
            placeholder: "Toutes",
            maxlength: 100,
            on: {
                change: () =>
                    setParameters({
                        categorie: this.category.control.value.trim(),
                    }),
            },
        });
        this.tool = this.calculator();
        this.last = element("div", {});
        this.told = element("span", { class: "muted" });
        this.drop = button("Tout effacer", () => this.clear());
        this.check = button("Vérifier", () => this.preview(), {
            class: "primary",
        });
        this.bar = element(
            "div",
            { class: "bulk some" },
            this.told,
            this.drop,
            this.check,
        );
        fill(
            body,
            filterBar(this.search.node, this.category.node),
            this.last,
            this.tool,
            this.region.node,
            this.bar,
        );
        this.count();
        fill(
            actions,
            exportButton(() => ({ path: this.path, name: "prix" }), signal),
        );

        // What is being written is not taken away.
        const fresh = () => this.written.size === 0 && this.refresh();
        keepFresh(0, fresh, signal);
        document.addEventListener("jeton", fresh, { signal });
        // Another tab has changed prices, or taken them back.
        window.addEventListener("storage", () => this.showLast(), { signal });
        window.addEventListener(
            "beforeunload",
            (event) => this.written.size > 0 && event.preventDefault(),
            { signal },
        );
    }

    calculator() {
        const way = field({
            name: "calcul",
            label: "Pour tous les produits affichés",
            type: "select",
            options: [
                ["plus", "Augmenter de … %"],
                ["moins", "Baisser de … %"],
                ["somme", "Ajouter … à chaque prix"],
            ],
        });
        const by = field({
            name: "valeur",
            label: "Valeur",
            inputmode: "decimal",
            class: "number",
            maxlength: 10,
            placeholder: "2,5",
        });
        const rounding = field({
            name: "arrondi",
            label: "Arrondi",
            type: "select",
            options: [
                ["", "Au centime"],
                ["5", "À 0,05"],
                ["10", "À 0,10"],
                ["100", "À l’unité"],
                ["99", "À …,99"],
            ],
        });

        return element(
            "form",
            {
                class: "card calculator",
                novalidate: true,
                on: {
                    submit: (event) => {
                        event.preventDefault();
                        this.calculate(way, by, rounding.control.value);
                    },
                },
            },
            way.node,
            by.node,
            rounding.node,
            element("button", { type: "submit" }, "Proposer ces prix"),
        );
    }

    calculate(way, by, rounding) {
        const value = cents(by.control.value);

        by.show(null);
        if (value === null || (value < 0n && way.control.value !== "somme")) {
            by.show(["Entrez un nombre, comme 2,5."]);
            by.control.focus();
            return;
        }
        for (const row of this.rows) {
            const from = cents(row.prix);
            this.write(
                row,
                shown(proposed(from, way.control.value, value, rounding)),
            );
        }
        this.draw();
        this.count();
        say(this.told.textContent);
    }

    refresh() {
        return this.region.run(async (stop) => {
            const rows = [];
            let rights;
            let next = `/products/${query({
                q: this.parameters.get("recherche"),
                categorie: this.parameters.get("categorie"),
                limit: ROWS,
            })}`;

            this.path = next;
            for (let page = 0; page < this.pages && next; page += 1) {
                let read;

                [read, rights] = await Promise.all([
                    readPage(next, stop),
                    readRights(stop),
                ]);
                rows.push(...read.results);
                next = read.next;
            }
            this.rows = rows;
            this.why = rights.why("produits", null);
            this.tool.hidden = Boolean(this.why) || rows.length === 0;
            this.showLast();
            return this.view(next);
        });
    }

    view(next) {
        if (this.rows.length === 0) {
            return empty(
                "Aucun produit ne correspond.",
                showAll("recherche", "categorie"),
            );
        }
        return [
            locked(this.why, "Vous ne pouvez pas changer les prix :"),
            table({
                caption: "Prix des produits",
                class: "price-table",
                columns: [
                    { label: "Produit" },
                    { label: "Catégorie", class: "wide" },
                    { label: "Prix", class: "number" },
                    ...(this.why
                        ? []
                        : [
                              { label: "Nouveau prix", class: "number" },
                              { label: "Écart", class: "number wide" },
                          ]),
                ],
                rows: this.rows.map((row) => this.line(row)),
            }),
            more(next && this.rows.length < MOST, () => {
                this.pages += 1;
                this.refresh();
            }),
        ];
    }

    draw() {
        for (const row of this.rows) {
            const input = this.region.node.querySelector(
                `input[data-product="${row.id}"]`,
            );
            if (input) {
                input.value = this.written.get(row.id)?.text ?? "";
                this.compare(row, input);
            }
        }
    }

    // The same price again is no change.
    write(row, text) {
        if (text === "" || cents(text) === cents(row.prix)) {
            this.written.delete(row.id);
        } else {
            this.written.set(row.id, {
                name: row.nom,
                from: cents(row.prix),
                text,
            });
        }
    }

    line(row) {
        const text = this.written.get(row.id)?.text ?? "";
        const input = this.why
            ? null
            : element("input", {
                  type: "text",
                  inputmode: "decimal",
                  class: "number",
                  maxlength: 13,
                  autocomplete: "off",
                  placeholder: shown(cents(row.prix)),
                  value: text,
                  "aria-label": `Nouveau prix : ${row.nom}`,
                  "data-focus": `prix ${row.id}`,
                  "data-product": row.id,
                  "data-value": text,
                  on: {
                      input: () => {
                          this.write(row, input.value.trim());
                          this.compare(row, input);
                          this.count();
                      },
                      keydown: (event) => this.walk(event, input),
                  },
              });
        const node = element(
            "tr",
            {},
            rowHeading(row.nom, beside(row.categorie)),
            wide(row.categorie),
            number(amount(row.prix)),
            input
                ? [
                      element(
                          "td",
                          { class: "number" },
                          input,
                          element("span", { class: "beside gap" }),
                      ),
                      element("td", { class: "number wide gap" }),
                  ]
                : null,
        );

        if (input) {
            this.compare(row, input, node);
        }
        return node;
    }

    compare(row, input, line = input.closest("tr")) {
        const to = cents(input.value);
        const wrong = input.value.trim() !== "" && (to === null || to < 0n);
        const part = wrong || to === null ? null : percent(cents(row.prix), to);

        if (wrong) {
            input.setAttribute("aria-invalid", "true");
        } else {
            input.removeAttribute("aria-invalid");
        }
        for (const gap of line.querySelectorAll(".gap")) {
            gap.textContent = part ? `${signed.format(part)}\u00a0%` : "";
            gap.classList.toggle("striking", Math.abs(part) > STRIKING);
        }
    }

    // Up and down the column, as in any grid
    walk(event, input) {
        const step = { Enter: 1, ArrowDown: 1, ArrowUp: -1 }[event.key];

        if (step) {
            const all = [
                ...this.region.node.querySelectorAll("input[data-product]"),
            ];
            event.preventDefault();
            all[all.indexOf(input) + step]?.focus();
        }
    }

    count() {
        const { size } = this.written;

        this.bar.hidden = size === 0;
        this.told.textContent = `${plural(size, "prix écrit", "prix écrits")}, rien n’est encore enregistré`;
    }

    clear() {
        const before = new Map(this.written);

        this.written.clear();
        this.draw();
        this.count();
        notify("Les prix écrits sont effacés.", {
            label: "Annuler",
            run: () => {
                for (const [id, one] of before) {
                    this.written.set(id, one);
                }
                this.draw();
                this.count();
            },
        });
    }

    // Null when one is no price, which is shown.
    changes() {
        const list = [];

        for (const [id, { name, from, text }] of this.written) {
            const to = cents(text);

            if (to === null || to < 0n) {
                notify(`${name} : « ${text} » n’est pas un prix.`);
                this.region.node
                    .querySelector(`input[data-product="${id}"]`)
                    ?.focus();
                return null;
            }
            list.push({ id, name, from, to });
        }
        return list;
    }

    async preview() {
        const changes = this.changes();

        if (!changes) {
            return;
        }
        const progress = element("p", { class: "muted", role: "status" });
        const result = await openDialog(
            `${plural(changes.length, "prix change", "prix changent")}`,
            (close) =>
                formOf({
                    intro: summary(changes),
                    fields: [],
                    extra: [changeTable(changes), progress],
                    submit: `Enregistrer ${plural(changes.length, "prix", "prix")}`,
                    cancel: () => close(),
                    action: async () =>
                        close(
                            await changeAndKeep(changes, (number) => {
                                progress.textContent = `${number} sur ${changes.length}…`;
                            }),
                        ),
                }),
            { class: "broad" },
        );

        if (result) {
            for (const { id } of result.done) {
                this.written.delete(id);
            }
            this.report(result);
        }
    }

    report({ done, left, kept }) {
        this.count();
        this.refresh();
        if (done.length > 0) {
            notify(savedWords(done), kept && this.undo(kept));
        }
        tellLeft(left);
    }

    undo(kept) {
        return {
            label: "Annuler",
            run: () => attempt(async () => this.restored(await takeBack(kept))),
        };
    }

    restored({ done, left }) {
        this.refresh();
        notify(
            `${plural(done.length, "prix est", "prix sont")} de nouveau comme avant.`,
        );
        tellLeft(left);
    }

    // What the device keeps of the last change, with the way back
    showLast() {
        const last = lastChange();

        if (!last) {
            fill(this.last);
            return;
        }
        const by = last.who ? `, par ${last.who}` : "";

        fill(
            this.last,
            element(
                "p",
                { class: "last-change" },
                element(
                    "span",
                    {},
                    `Dernier changement : ${plural(last.changes.length, "prix", "prix")}, ${moment(last.when)}${by}.`,
                ),
                this.why
                    ? null
                    : button("Annuler", () => this.askBack(last), {
                          class: "link",
                          "aria-label": "Annuler le dernier changement",
                      }),
            ),
        );
    }

    async askBack(last) {
        const number = last.changes.length;
        const result = await openDialog(
            "Annuler le dernier changement",
            (close) =>
                formOf({
                    intro: "Chaque prix redevient celui d’avant. Un prix que quelqu’un a changé depuis reste comme il est.",
                    fields: [],
                    extra: changeTable(
                        last.changes.map((one) => ({
                            ...one,
                            from: one.to,
                            to: one.from,
                        })),
                    ),
                    submit: `Remettre ${plural(number, "prix", "prix")}`,
                    action: async () => close(await takeBack(last)),
                }),
            { class: "broad" },
        );

        if (result) {
            this.restored(result);
        }
    }

    update(now) {
        this.parameters = now;
        this.pages = 1;
        this.search.sync(now);
        if (document.activeElement !== this.category.control) {
            this.category.control.value = now.get("categorie") ?? "";
        }
        this.refresh();
    }
}

export const mount = (page) => new Prices(page);

const shown = (value) => plain(value, ",");

function savedWords(done) {
    const same = done.filter((one) => one.same).length;
    const saved = plural(
        done.length - same,
        "prix enregistré",
        "prix enregistrés",
    );

    return same === 0
        ? `${saved}.`
        : `${saved}, ${plural(same, "l’était", "l’étaient")} déjà.`;
}

function tellLeft(left) {
    if (left.length > 0) {
        openDialog(
            `${plural(left.length, "prix n’a pas changé", "prix n’ont pas changé")}`,
            (close) =>
                element(
                    "div",
                    { class: "form" },
                    element(
                        "ul",
                        { class: "summary" },
                        left.map((one) =>
                            element(
                                "li",
                                {},
                                element("strong", {}, one.name),
                                element("span", {}, one.why),
                            ),
                        ),
                    ),
                    element(
                        "div",
                        { class: "form-actions" },
                        button("Fermer", () => close(), { class: "primary" }),
                    ),
                ),
        );
    }
}

function summary(changes) {
    const parts = changes.map((one) => percent(one.from, one.to) ?? 0);
    const striking = parts.filter((one) => Math.abs(one) > STRIKING).length;
    const up = parts.filter((one) => one > 0).length;

    return (
        `${plural(up, "hausse", "hausses")}, ${plural(parts.length - up, "baisse", "baisses")}.` +
        (striking > 0
            ? ` Attention : ${plural(striking, "prix change", "prix changent")} de plus de ${STRIKING} %.`
            : "")
    );
}

function changeTable(changes) {
    return element(
        "div",
        {
            class: "table-scroll preview",
            tabindex: "0",
            role: "region",
            "aria-label": "Prix qui changent",
        },
        element(
            "table",
            {},
            element("caption", { class: "hidden" }, "Prix qui changent"),
            element(
                "thead",
                {},
                element(
                    "tr",
                    {},
                    element("th", { scope: "col" }, "Produit"),
                    ["Avant", "Après"].map((label) =>
                        element("th", { scope: "col", class: "number" }, label),
                    ),
                    element(
                        "th",
                        { scope: "col", class: "number wide" },
                        "Écart",
                    ),
                ),
            ),
            element(
                "tbody",
                {},
                changes.map((one) => {
                    const part = percent(one.from, one.to);
                    const gap =
                        part === null ? "–" : `${signed.format(part)}\u00a0%`;
                    const mark = Math.abs(part) > STRIKING ? " striking" : "";

                    return element(
                        "tr",
                        {},
                        rowHeading(one.name),
                        number(amount(one.from)),
                        number(
                            element("strong", {}, amount(one.to)),
                            element("span", { class: `beside${mark}` }, gap),
                        ),
                        element("td", { class: `number wide${mark}` }, gap),
                    );
                }),
            ),
        ),
    );
}
