// What a store should ask the centre for, and the requests of all of it, or of
// what is chosen, by one click.

import { query, readPage, sender } from "../api.js";
import { announceChange, keepFresh } from "../changes.js";
import { button, element, fill } from "../dom.js";
import { exportButton } from "../export.js";
import { filterBar, more } from "../filters.js";
import { plural, quantity } from "../format.js";
import { attempt, notify } from "../notices.js";
import { empty, Region } from "../region.js";
import { locked, readRights } from "../rights.js";
import { navigate, setParameters } from "../router.js";
import { chosenStore, readStores, storeField } from "../stores.js";
import { beside, rowHeading, table } from "../table.js";
import { defaultsDialog } from "../thresholds.js";

const ROWS = 50;
// As many as the API takes at once
const MOST = 1000;
const TRIES = 3;

class Reorder {
    constructor({ body, actions, signal }) {
        this.region = new Region(signal);
        this.actions = actions;
        this.parameters = new URLSearchParams();
        this.pages = 1;
        // {id: {off, quantity}} of what the person has changed
        this.chosen = new Map();
        this.rows = [];
        this.send = sender();

        this.store = storeField(null, (id) => setParameters({ magasin: id }));
        this.export = exportButton(
            () => ({ path: this.path, name: `a-commander-${this.shown}` }),
            signal,
        );
        fill(body, filterBar(this.store.node), this.region.node);

        // Nothing is taken from under the hands of somebody who chooses.
        const fresh = () => this.chosen.size === 0 && this.refresh();
        keepFresh(0, fresh, signal);
        document.addEventListener("jeton", fresh, { signal });
    }

    refresh() {
        return this.region.run((stop) => this.load(stop));
    }

    async load(stop) {
        const [stores, rights] = await Promise.all([
            readStores(stop),
            readRights(stop),
        ]);
        const store = chosenStore(this.parameters, stores);

        if (!store) {
            return empty("Il n’y a pas encore de magasin.");
        }
        this.store.offer(stores, store.id);

        const rows = [];
        let next = `/stores/${store.id}/reorder/${query({ limit: ROWS })}`;

        this.path = next;
        this.shown = store.id;
        for (let page = 0; page < this.pages && next; page += 1) {
            const read = await readPage(next, stop);
            rows.push(...read.results);
            next = read.next;
        }
        this.rows = rows;
        this.offer(store, rights);
        return this.view(
            store,
            next,
            store.ouvert
                ? rights.why("reapprovisionnement", store.id)
                : "Ce magasin est fermé.",
        );
    }

    offer(store, rights) {
        fill(
            this.actions,
            element(
                "a",
                { href: `/stock?magasin=${store.id}`, class: "button" },
                "Stock et seuils",
            ),
            this.export,
            rights.why("stock", store.id)
                ? null
                : button("Seuils par défaut", () =>
                      attempt(() =>
                          defaultsDialog(store, () => this.refresh()),
                      ),
                  ),
        );
    }

    view(store, next, why) {
        if (this.rows.length === 0) {
            return [
                locked(why, "Vous ne pouvez rien demander :"),
                empty(
                    "Rien n’est à commander : tout est au-dessus de son minimum.",
                ),
            ];
        }
        this.button = why ? null : button("", () => this.ask(store));
        this.button?.classList.add("primary");
        this.rest = null;

        const nodes = [
            locked(why, "Vous ne pouvez rien demander :"),
            table({
                caption: `À commander pour ${store.nom}`,
                class: "reorder-table",
                columns: [
                    ...(why ? [] : [{ label: this.all(), class: "check" }]),
                    { label: "Produit" },
                    { label: "Disponible", class: "number wide" },
                    { label: "Attendu", class: "number wide" },
                    { label: "Min. – max.", class: "number wide" },
                    { label: "Au central", class: "number wide" },
                    { label: "À demander", class: "number" },
                ],
                rows: this.rows.map((row) => this.line(row, why)),
            }),
            more(next, () => {
                this.pages += 1;
                this.refresh();
            }),
            this.button
                ? element(
                      "div",
                      { class: "bulk some" },
                      next ? this.offerRest(store) : null,
                      this.button,
                  )
                : null,
        ];
        this.count();
        return nodes;
    }

    offerRest(store) {
        this.rest = button("", () => this.askRest(store));
        return this.rest;
    }

    all() {
        this.allBox = element("input", {
            type: "checkbox",
            "aria-label": "Tout cocher",
            "data-focus": "tout",
            on: {
                change: ({ target }) => {
                    for (const row of this.rows) {
                        this.note(row, { off: !target.checked });
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
        return this.allBox;
    }

    note(row, change) {
        this.chosen.set(row.produit, {
            ...this.chosen.get(row.produit),
            ...change,
        });
    }

    wanted(row) {
        const { off = false, quantity: text = String(row.suggere) } =
            this.chosen.get(row.produit) ?? {};

        return { off, text };
    }

    line(row, why) {
        const { off, text } = this.wanted(row);
        const coming = row.en_transit + row.demande;
        const short = row.central < row.suggere;
        const box = element("input", {
            type: "checkbox",
            "aria-label": `Demander : ${row.nom}`,
            "data-focus": `cocher ${row.produit}`,
            "data-value": !off,
            on: {
                change: () => {
                    this.note(row, { off: !box.checked });
                    this.count();
                },
            },
        });
        const cell = (...content) =>
            element("td", { class: "number wide" }, content);

        box.checked = !off;
        return element(
            "tr",
            {},
            why ? null : element("td", { class: "check" }, box),
            rowHeading(
                row.nom,
                row.code
                    ? element("span", { class: "muted block" }, row.code)
                    : null,
                beside(
                    `${plural(row.disponible, "disponible", "disponibles")}${coming ? `, ${plural(coming, "attendu", "attendus")}` : ""}, minimum ${quantity(row.minimum ?? 0)}`,
                ),
                beside(
                    `Au central : ${quantity(row.central)}`,
                    short ? tooLittle() : null,
                ),
            ),
            element(
                "td",
                {
                    class: `number wide ${row.disponible <= 0 ? "short" : ""}`,
                },
                quantity(row.disponible),
            ),
            cell(coming ? quantity(coming) : "–"),
            cell(
                `${quantity(row.minimum ?? 0)} – ${row.maximum === null ? "∞" : quantity(row.maximum)}`,
            ),
            cell(quantity(row.central), short ? tooLittle() : null),
            element(
                "td",
                { class: "number" },
                why ? quantity(row.suggere) : this.input(row, text, box),
            ),
        );
    }

    // Who writes a number wants it.
    input(row, text, box) {
        return element("input", {
            type: "text",
            inputmode: "numeric",
            class: "number",
            maxlength: 9,
            autocomplete: "off",
            value: text,
            "aria-label": `Quantité : ${row.nom}`,
            "data-focus": `quantite ${row.produit}`,
            "data-product": row.produit,
            // By which a region sees that it is another one
            "data-value": text,
            on: {
                input: ({ target }) => {
                    target.removeAttribute("aria-invalid");
                    this.note(row, { quantity: target.value, off: false });
                    box.checked = true;
                    this.count();
                },
            },
        });
    }

    count() {
        const picked = this.rows.filter((row) => !this.wanted(row).off);

        if (this.button) {
            this.button.textContent =
                picked.length === 0
                    ? "Rien n’est coché"
                    : `Demander ${plural(picked.length, "produit", "produits")}`;
            this.button.disabled = picked.length === 0;
        }
        if (this.rest) {
            this.rest.textContent =
                picked.length === this.rows.length
                    ? "Tout demander, avec la suite"
                    : picked.length === 0
                      ? "Demander la suite"
                      : `Demander ${plural(picked.length, "produit", "produits")} et la suite`;
        }
        if (this.allBox) {
            this.allBox.checked = picked.length === this.rows.length;
            this.allBox.indeterminate =
                picked.length > 0 && picked.length < this.rows.length;
        }
    }

    // What is shown and checked
    ask(store) {
        const picked = this.rows.filter((row) => !this.wanted(row).off);

        if (!this.numbers(picked)) {
            return undefined;
        }
        return attempt(async () => {
            const { demandes } = await this.send(
                `/stores/${store.id}/reorder/`,
                {
                    lignes: picked.map((row) => ({
                        produit: row.produit,
                        quantite: Number(this.wanted(row).text),
                    })),
                },
            );

            this.done(store, demandes.length);
        });
    }

    // Are these quantities numbers?  The first that is none is shown.
    numbers(rows) {
        const bad = rows.find(
            (row) => !/^[1-9]\d{0,8}$/.test(this.wanted(row).text.trim()),
        );

        if (bad) {
            this.wrong(bad);
        }
        return !bad;
    }

    // The whole list, also what is not shown, but for what the person has taken
    // out of it, and with the quantities that were written.
    askRest(store) {
        const picked = this.rows.filter((row) => !this.wanted(row).off);
        const gone = [];
        let sent = 0;

        if (this.rest.disabled || !this.numbers(picked)) {
            return undefined;
        }
        this.rest.disabled = true;
        return attempt(async () => {
            try {
                for (const lignes of pieces(await this.wholeList(store))) {
                    const { demandes } = await this.sendPiece(store, lignes);

                    sent += demandes.length;
                    gone.push(...lignes.map(({ produit }) => produit));
                }
            } catch (error) {
                // What has been asked for is not offered again; what was chosen of
                // the rest stays.
                if (sent > 0) {
                    for (const id of gone) {
                        this.chosen.delete(id);
                    }
                    this.asked(store, sent);
                }
                this.rest.disabled = false;
                throw error;
            }
            this.done(store, sent);
        });
    }

    async wholeList(store) {
        const lines = [];
        let next = `/stores/${store.id}/reorder/${query({ limit: MOST })}`;

        while (next) {
            const read = await readPage(next);

            for (const { produit } of read.results) {
                const { off, quantity: text } = this.chosen.get(produit) ?? {};

                if (!off) {
                    // Without a number it is the one that is suggested then.
                    lines.push(
                        text === undefined
                            ? { produit }
                            : { produit, quantite: Number(text) },
                    );
                }
            }
            next = read.next;
        }
        return lines;
    }

    // Somebody else may ask for some of it at the same time, or delete it: that is
    // left out.
    async sendPiece(store, lignes) {
        let left = lignes;

        for (let attempt = 1; left.length > 0; attempt += 1) {
            try {
                return await this.send(`/stores/${store.id}/reorder/`, {
                    lignes: left,
                });
            } catch (error) {
                const faults = error.fields?.lignes;

                if (
                    !Array.isArray(faults) ||
                    faults.length !== left.length ||
                    attempt === TRIES
                ) {
                    throw error;
                }
                left = left.filter(
                    (_, at) => Object.keys(faults[at]).length === 0,
                );
            }
        }
        return { demandes: [] };
    }

    // Who asks for the same once more, after the centre has refused it, asks anew.
    done(store, number) {
        this.send = sender();
        this.chosen.clear();
        this.asked(store, number);
    }

    asked(store, number) {
        announceChange();
        notify(
            number === 0
                ? "Rien n’était à demander : quelqu’un vient de le faire."
                : `${plural(number, "demande envoyée", "demandes envoyées")} pour ${store.nom}.`,
            {
                label: "Voir les demandes",
                run: () => navigate(`/demandes?magasin=${store.id}`),
            },
        );
        this.refresh();
    }

    wrong(row) {
        const input = this.region.node.querySelector(
            `input[data-product="${row.produit}"]`,
        );

        input.setAttribute("aria-invalid", "true");
        input.focus();
        notify(`${row.nom} : entrez un nombre entier, 1 ou plus.`);
    }

    update(now) {
        this.parameters = now;
        this.pages = 1;
        this.chosen.clear();
        this.refresh();
    }
}

export const mount = (page) => new Reorder(page);

function* pieces(lines) {
    for (let at = 0; at < lines.length; at += MOST) {
        yield lines.slice(at, at + MOST);
    }
}

const tooLittle = () => element("span", { class: "short" }, " insuffisant");
