// What stores have asked for, and the decisions: one by one or many at once,
// for all units or fewer.  A store changes and withdraws its own.

import { choiceOf, idOf } from "../address.js";
import { change, query, read, readPage, readTagged, sender } from "../api.js";
import { announceChange } from "../changes.js";
import { decideMany, granting } from "../decisions.js";
import { button, element, fill } from "../dom.js";
import { exportButton } from "../export.js";
import { filterBar, more } from "../filters.js";
import { field } from "../form.js";
import { moment, plural, quantity } from "../format.js";
import { follow } from "../live.js";
import { notify } from "../notices.js";
import { askWhy } from "../reason.js";
import { empty, Region } from "../region.js";
import { locked, readRights } from "../rights.js";
import { setParameters } from "../router.js";
import { readProducts, readStores, storeField, storeName } from "../stores.js";
import { badge, beside, cell, number, rowHeading, table } from "../table.js";

const SECONDS = 30;
const ROWS = 50;
const MOST = 1000;
const SCOPE = "reapprovisionnement";
// So many requests are read one by one; more are read with the page.
const FEW = 8;

const states = {
    en_attente: { name: "attente", label: "En attente" },
    approuvee: { name: "approuvee", label: "Approuvée" },
    refusee: { name: "refusee", label: "Refusée" },
    annulee: { name: "annulee", label: "Retirée" },
};

class Requests {
    constructor({ body, actions, signal }) {
        this.region = new Region(signal);
        this.parameters = new URLSearchParams();
        this.many = ROWS;
        this.picked = new Set();
        // {id: text} of the units that are granted where they were written
        this.granted = new Map();

        this.state = field({
            name: "statut",
            label: "Statut",
            type: "select",
            options: [
                ["en_attente", "En attente"],
                ["approuvee", "Approuvées"],
                ["refusee", "Refusées"],
                ["annulee", "Retirées"],
                ["toutes", "Toutes"],
            ],
            on: {
                change: () =>
                    setParameters({ statut: this.state.control.value }),
            },
        });
        this.store = storeField(["", "Tous les magasins"], (id) =>
            setParameters({ magasin: id }),
        );

        fill(
            actions,
            exportButton(() => ({ path: this.path, name: "demandes" }), signal),
        );
        fill(
            body,
            filterBar(this.state.node, this.store.node),
            this.region.node,
        );

        this.signal = signal;
        this.rows = null;
        follow({
            seconds: SECONDS,
            region: this.region,
            signal,
            store: () => Number(this.parameters.get("magasin")) || null,
            wants: (event) => this.wants(event),
            change: (events) => this.changeRows(events),
            refresh: () => this.refresh(),
        });
        document.addEventListener("jeton", () => this.refresh(), { signal });
    }

    async refresh() {
        await this.region.run((stop) => this.load(stop));
        this.count();
    }

    // Requests, and the central stock that they wait for
    wants({ type, magasin, produit }) {
        return (
            this.rows !== null &&
            (type.startsWith("demande_") ||
                (magasin === null && this.products.has(produit)))
        );
    }

    async changeRows(events) {
        const { rows, products } = this;
        const requests = new Set();
        const stock = new Set();

        for (const { type, produit, reference } of events) {
            if (type.startsWith("demande_")) {
                requests.add(Number(reference?.split("/")[1]));
            } else {
                stock.add(produit);
            }
        }
        if (requests.size + stock.size > FEW || requests.has(Number.NaN)) {
            await this.refresh();
            return;
        }
        const now = await Promise.all(
            [...requests].map((id) => requestNow(id, this.signal)),
        );
        const there = now.filter((row) => row.produit !== undefined);
        const known = await readProducts(
            [...stock, ...there.map((row) => row.produit)],
            this.signal,
        );
        if (rows === this.rows) {
            // What a button was made with learns it, too.
            for (const [id, product] of known) {
                products.set(
                    id,
                    Object.assign(products.get(id) ?? {}, product),
                );
            }
            for (const row of now) {
                this.take(row);
            }
            this.region.patch(() => this.view());
            this.count();
        }
    }

    // A request that has changed is shown if it is one of those that are wanted.
    take(row) {
        const at = this.rows.findIndex((one) => one.id === row.id);
        const store = this.parameters.get("magasin");
        const wanted =
            row.produit !== undefined &&
            (this.wanted === "toutes" || row.statut === this.wanted) &&
            (!store || row.magasin === Number(store));

        if (at === -1 && wanted) {
            this.rows.unshift(row);
            this.rows.sort((a, b) => b.id - a.id);
        } else if (at !== -1 && wanted) {
            Object.assign(this.rows[at], row);
        } else if (at !== -1) {
            this.rows.splice(at, 1);
        }
    }

    async load(stop) {
        const wanted =
            choiceOf(
                this.parameters,
                "statut",
                [...Object.keys(states), "toutes"],
                "Le statut",
            ) ?? "en_attente";
        idOf(this.parameters, "magasin", "Le magasin");
        const path = `/replenishments/${query({
            statut: wanted === "toutes" ? "" : wanted,
            magasin: this.parameters.get("magasin"),
            limit: this.many,
        })}`;
        this.path = path;
        const [{ results, next }, stores, rights] = await Promise.all([
            readPage(path, stop),
            readStores(stop),
            readRights(stop),
        ]);
        const products = await readProducts(
            results.map((row) => row.produit),
            stop,
        );

        this.store.offer(stores, this.parameters.get("magasin"));
        this.state.control.value = wanted;
        this.rows = results;
        this.products = products;
        this.rights = rights;
        this.next = next;
        this.wanted = wanted;
        return this.view();
    }

    view() {
        const { next, wanted } = this;
        const why = this.rights.why(SCOPE, null);
        const waiting = this.rows.filter((row) => row.statut === "en_attente");

        this.picked = new Set(
            waiting.map((row) => row.id).filter((id) => this.picked.has(id)),
        );
        if (this.rows.length === 0) {
            return nothing(wanted);
        }
        this.choosing = !why && waiting.length > 1;

        return [
            waiting.length > 0
                ? locked(why, "Vous ne pouvez pas décider :")
                : null,
            this.table(),
            more(next && this.many < MOST, () => {
                this.many = Math.min(this.many + 2 * ROWS, MOST);
                this.refresh();
            }),
            next && this.many >= MOST
                ? element(
                      "p",
                      { class: "muted" },
                      `Les ${quantity(MOST)} dernières demandes. Choisissez un magasin ou un statut pour voir les autres.`,
                  )
                : null,
            this.choosing ? this.bulk() : null,
        ];
    }

    table() {
        return table({
            caption: "Demandes de réapprovisionnement",
            class: this.choosing
                ? "with-actions requests-table choosing"
                : "with-actions requests-table",
            columns: [
                ...(this.choosing
                    ? [{ label: this.all(), class: "check" }]
                    : []),
                { label: "Produit" },
                {
                    label: this.choosing ? "Quantité" : "Demandé",
                    class: "number",
                },
                { label: "Au central", class: "number wide" },
                { label: "Décision" },
            ],
            rows: this.rows.map((row) => this.line(row)),
        });
    }

    // The box at the head of the boxes
    all() {
        return element("input", {
            type: "checkbox",
            "aria-label": "Tout cocher",
            "data-focus": "tout",
            on: {
                change: ({ target }) => {
                    for (const { id, statut } of this.rows) {
                        if (statut === "en_attente") {
                            this.pick(id, target.checked);
                        }
                    }
                    for (const box of this.region.node.querySelectorAll(
                        "tbody input[type=checkbox]",
                    )) {
                        box.checked = target.checked;
                    }
                    this.count();
                },
            },
        });
    }

    pick(id, yes) {
        if (yes) {
            this.picked.add(id);
        } else {
            this.picked.delete(id);
        }
    }

    box(row, what) {
        const box = element("input", {
            type: "checkbox",
            "aria-label": `Choisir : ${what}`,
            "data-focus": `choisir ${row.id}`,
            "data-value": this.picked.has(row.id),
            on: {
                change: () => {
                    this.pick(row.id, box.checked);
                    this.count();
                },
            },
        });

        box.checked = this.picked.has(row.id);
        return box;
    }

    // Who writes a number wants to grant it.
    units(row, what) {
        const text = this.granted.get(row.id) ?? String(row.quantite);
        const input = element("input", {
            type: "text",
            inputmode: "numeric",
            class: "number",
            maxlength: 10,
            autocomplete: "off",
            value: text,
            "aria-label": `Quantité accordée : ${what}`,
            "data-focus": `accorder ${row.id}`,
            "data-request": row.id,
            "data-value": text,
            on: {
                input: () => {
                    input.removeAttribute("aria-invalid");
                    this.granted.set(row.id, input.value);
                    this.pick(row.id, true);
                    input
                        .closest("tr")
                        .querySelector("input[type=checkbox]").checked = true;
                    this.count();
                },
            },
        });

        return number(
            input,
            element(
                "span",
                { class: "muted block" },
                `sur ${quantity(row.quantite)}`,
            ),
        );
    }

    unitsOf(row) {
        return this.granted.has(row.id)
            ? wholeUpTo(this.granted.get(row.id), row.quantite)
            : row.quantite;
    }

    wrong(row) {
        const input = this.region.node.querySelector(
            `input[data-request="${row.id}"]`,
        );

        input.setAttribute("aria-invalid", "true");
        input.focus();
        notify(
            `${this.products.get(row.produit).nom} : entrez un nombre entier, de 1 à ${quantity(row.quantite)}.`,
        );
    }

    bulk() {
        const hidden = this.picked.size === 0;

        return element(
            "div",
            { class: hidden ? "bulk" : "bulk some" },
            element("span", { class: "muted told" }, pickedWords(this.picked)),
            button("Refuser", () => this.decideMany(false), { hidden }),
            button("Approuver", () => this.decideMany(true), {
                class: "primary",
                hidden,
            }),
        );
    }

    // What is shown may be older than this.rows is: nodes that are the same stay.
    count() {
        const bar = this.region.node.querySelector(".bulk");
        const head = this.region.node.querySelector("thead input");
        const picked = this.picked.size;
        const waiting = this.rows?.filter(
            (row) => row.statut === "en_attente",
        ).length;

        if (!bar || !head) {
            return;
        }
        fill(bar.querySelector(".told"), pickedWords(this.picked));
        for (const one of bar.querySelectorAll("button")) {
            one.hidden = picked === 0;
        }
        bar.classList.toggle("some", picked > 0);
        head.checked = picked === waiting;
        head.indeterminate = picked > 0 && picked < waiting;
    }

    line(row) {
        const product = this.products.get(row.produit);
        const waits = row.statut === "en_attente";
        const short =
            product.central !== null && product.central < row.quantite;
        const what = `${quantity(row.quantite)} × ${product.nom} pour ${storeName(row.magasin)}`;

        return element(
            "tr",
            { "data-key": row.id },
            this.choosing
                ? element(
                      "td",
                      { class: "check" },
                      waits ? this.box(row, what) : null,
                  )
                : null,
            rowHeading(
                product.nom,
                element("span", { class: "block" }, storeName(row.magasin)),
                element(
                    "span",
                    { class: "muted block" },
                    moment(row.date_demande),
                ),
                waits && product.central !== null
                    ? beside(
                          `Au central : ${quantity(product.central)}`,
                          short
                              ? element(
                                    "span",
                                    { class: "short" },
                                    ", trop peu",
                                )
                              : null,
                      )
                    : null,
            ),
            waits && this.choosing
                ? this.units(row, what)
                : number(quantity(row.quantite)),
            element(
                "td",
                { class: "number wide" },
                product.central === null ? "–" : quantity(product.central),
                short && waits ? insufficient() : null,
            ),
            cell(waits ? this.decisions(row, product, what) : decided(row)),
        );
    }

    decisions(row, product, what) {
        const own = this.rights.why(SCOPE, row.magasin);
        const all = this.rights.why(SCOPE, null);
        const one = (label, run, properties) =>
            button(label, run, {
                "aria-label": `${label} : ${what}`,
                "data-focus": `${label} ${row.id}`,
                ...properties,
            });

        return element(
            "div",
            { class: "row-actions" },
            own
                ? null
                : one("Modifier", () => this.edit(row, product), {
                      class: "quiet",
                  }),
            all
                ? null
                : [
                      one("Refuser", () => this.reject(row, what), {
                          class: "quiet",
                      }),
                      one("Approuver", () => this.grant(row, product, what), {
                          class: "primary",
                      }),
                  ],
        );
    }

    // answer: the request as it is now, or {refused}, what the server has
    // settled in another way; undefined when nothing was done.
    done(row, answer, words) {
        if (answer) {
            announceChange();
            notify(answer.refused ?? `Demande n° ${row.id} ${words}.`);
            this.refresh();
        }
    }

    async grant(row, product, what) {
        const send = sender();
        const { grant, left } = granting();
        // As it is now: rows follow what changes.
        const asked = { ...row };
        const there = product.central;
        const units = field({
            name: "quantite",
            label: "Quantité accordée",
            type: "number",
            min: 1,
            max: row.quantite,
            step: 1,
            inputmode: "numeric",
            value: String(this.unitsOf(row) ?? row.quantite),
            hint: `Demandé : ${quantity(asked.quantite)}.`,
        });
        const answer = await askWhy({
            title: "Approuver la demande",
            text: `${what}. ${consequence(there, asked.quantite)}`,
            fields: [units],
            placeholder: "fin de série, la suite vendredi…",
            submit: "Approuver",
            action: async (reason, form, values) => {
                const granted = wholeUpTo(values.quantite, asked.quantite);

                if (granted === null) {
                    form.show({
                        quantite: [
                            `Entrez un nombre entier, de 1 à ${quantity(asked.quantite)}.`,
                        ],
                    });
                    return undefined;
                }
                if (reason.motif) {
                    const [result] = await grant(
                        [{ ...asked, granted }],
                        reason,
                    );
                    return result.demande ?? { refused: result.detail };
                }
                // Also where it is all of it: its store may ask for more by now.
                return settle(() =>
                    send(`/replenishments/${row.id}/approve/`, {
                        quantite: granted,
                    }),
                );
            },
        });

        if (!answer && left()) {
            this.refresh();
        }
        this.done(
            row,
            answer,
            `approuvée : ${quantity(answer?.quantite ?? 0)} × ${product.nom} pour ${storeName(row.magasin)}`,
        );
    }

    // A decision is final, so it is asked for twice.
    async reject(row, what) {
        const send = sender();
        const answer = await askWhy({
            title: "Refuser la demande",
            text: `${what}. La demande sera classée comme refusée ; rien ne bouge.`,
            placeholder: "stock réservé, article en fin de série…",
            submit: "Refuser",
            danger: true,
            action: async (reason) => {
                const { resultats } = await send("/replenishments/decisions/", {
                    refuser: [row.id],
                    ...reason,
                });
                return resultats[0].code === 200
                    ? resultats[0].demande
                    : { refused: resultats[0].detail };
            },
        });

        this.done(row, answer, `refusée : ${what}`);
    }

    async decideMany(approve) {
        const rows = this.rows.filter((row) => this.picked.has(row.id));
        const bad = rows.find((row) => this.unitsOf(row) === null);

        if (approve && bad) {
            this.wrong(bad);
            return;
        }
        const done = await decideMany(rows, {
            nameOf: (row) => this.products.get(row.produit).nom,
            unitsOf: (row) => this.unitsOf(row),
            approve,
            changed: () => this.refresh(),
        });

        if (done) {
            this.picked.clear();
            this.granted.clear();
            this.refresh();
        }
    }

    // By its store, while it waits
    async edit(row, product) {
        const path = `/replenishments/${row.id}/`;
        const send = sender();
        const { data, etag } = await readTagged(path);
        const units = field({
            name: "quantite",
            label: "Quantité demandée",
            type: "number",
            min: 1,
            step: 1,
            inputmode: "numeric",
            value: String(data.quantite),
        });
        const answer = await askWhy({
            title: `Modifier la demande n° ${row.id}`,
            text: `${product.nom}, ${storeName(row.magasin)}`,
            fields: [units],
            extra: button(
                "Retirer la demande",
                () => this.withdraw(row, product, send),
                { class: "link" },
            ),
            submit: "Enregistrer",
            action: async (reason, form, values) => {
                const number = wholeUpTo(values.quantite, 2147483647);
                if (number === null) {
                    form.show({
                        quantite: ["Entrez un nombre entier, 1 ou plus."],
                    });
                    return undefined;
                }
                return settle(
                    async () =>
                        (
                            await change(
                                "PATCH",
                                path,
                                { quantite: number, ...reason },
                                etag,
                            )
                        ).data,
                );
            },
        });

        this.done(
            row,
            answer,
            `modifiée : ${quantity(answer?.quantite ?? 0)} × ${product.nom}`,
        );
    }

    async withdraw(row, product, send) {
        document.querySelector("dialog[open]")?.close();
        const answer = await askWhy({
            title: `Retirer la demande n° ${row.id} ?`,
            text: `${quantity(row.quantite)} × ${product.nom} pour ${storeName(row.magasin)}. Personne n’aura plus à en décider.`,
            submit: "Retirer la demande",
            danger: true,
            action: (reason) =>
                settle(() => send(`/replenishments/${row.id}/cancel/`, reason)),
        });

        this.done(row, answer, "retirée");
    }

    update(now) {
        this.parameters = now;
        this.many = ROWS;
        this.granted.clear();
        this.refresh();
    }
}

export const mount = (page) => new Requests(page);

// As it is now; one that was deleted is its id alone.
async function requestNow(id, signal) {
    try {
        return await read(`/replenishments/${id}/`, signal);
    } catch (error) {
        if (error.status === 404) {
            return { id };
        }
        throw error;
    }
}

const pickedWords = ({ size }) =>
    size === 0
        ? "Cochez des demandes pour décider de plusieurs à la fois."
        : `${plural(size, "demande cochée", "demandes cochées")}`;

const insufficient = () => element("span", { class: "short" }, " insuffisant");

// The server has settled it, one way or the other.
async function settle(action) {
    try {
        return await action();
    } catch (error) {
        if (error.status === 409 && error.body.statut) {
            return { refused: error.message };
        }
        if (error.status === 412) {
            return {
                refused:
                    "Quelqu’un a changé cette demande entre-temps. Rien n’a été enregistré.",
            };
        }
        throw error;
    }
}

function wholeUpTo(text, most) {
    const number = /^[1-9]\d{0,9}$/.test(text.trim()) ? Number(text) : null;

    return number !== null && number <= most ? number : null;
}

function consequence(there, asked) {
    if (there === null) {
        return "Les unités passeront du stock central au magasin.";
    }
    if (there < asked) {
        return there === 0
            ? "Le stock central n’en a plus : la demande sera refusée."
            : `Le stock central n’en a que ${quantity(there)} : accordez-en moins, ou la demande sera refusée.`;
    }
    return (
        `Le stock central passera de ${quantity(there)} à ` +
        `${quantity(there - asked)}.`
    );
}

function nothing(wanted) {
    return wanted === "en_attente"
        ? empty(
              "Aucune demande n’attend une décision.",
              element(
                  "a",
                  { href: "/central", class: "button" },
                  "Faire une demande",
              ),
          )
        : empty("Aucune demande ne correspond à ce filtre.");
}

function decided(row) {
    return [
        badge(states[row.statut]),
        element(
            "span",
            { class: "muted block" },
            row.date_decision ? moment(row.date_decision) : "",
            row.decideur ? `, ${row.decideur}` : "",
        ),
    ];
}
