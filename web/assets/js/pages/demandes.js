// What stores have asked for, and the decision about it.

import { choiceOf, idOf } from "../address.js";
import { query, readPage, sender } from "../api.js";
import { announceChange, keepFresh } from "../changes.js";
import { confirm } from "../dialog.js";
import { button, element, fill } from "../dom.js";
import { filterBar, more } from "../filters.js";
import { field } from "../form.js";
import { moment, quantity } from "../format.js";
import { notify } from "../notices.js";
import { empty, Region } from "../region.js";
import { setParameters } from "../router.js";
import { readProducts, readStores, storeField, storeName } from "../stores.js";
import {
    badge,
    beside,
    cell,
    number,
    rowHeading,
    table,
    wide,
} from "../table.js";

const SECONDS = 30;
const ROWS = 50;
const MOST = 1000;

const states = {
    en_attente: { name: "attente", label: "En attente" },
    approuvee: { name: "approuvee", label: "Approuvée" },
    refusee: { name: "refusee", label: "Refusée" },
};

class Requests {
    constructor({ body, signal }) {
        this.region = new Region(signal);
        this.parameters = new URLSearchParams();
        this.many = ROWS;

        this.state = field({
            name: "statut",
            label: "Statut",
            type: "select",
            options: [
                ["en_attente", "En attente"],
                ["approuvee", "Approuvées"],
                ["refusee", "Refusées"],
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
            body,
            filterBar(this.state.node, this.store.node),
            this.region.node,
        );

        keepFresh(SECONDS, () => this.refresh(), signal);
    }

    refresh() {
        return this.region.run(async (stop) => {
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
            const [{ results, next }, stores] = await Promise.all([
                readPage(path, stop),
                readStores(stop),
            ]);
            const products = await readProducts(
                results.map((row) => row.produit),
                stop,
            );

            this.store.offer(stores, this.parameters.get("magasin"));
            this.state.control.value = wanted;
            return this.view(results, products, next, wanted);
        });
    }

    view(rows, products, next, wanted) {
        if (rows.length === 0) {
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

        return [
            table({
                caption: "Demandes de réapprovisionnement",
                class: "with-actions",
                columns: [
                    { label: "Produit" },
                    { label: "Magasin", class: "wide" },
                    { label: "Demandé", class: "number" },
                    { label: "Au central", class: "number wide" },
                    { label: "Date", class: "wide" },
                    { label: "Décision" },
                ],
                rows: rows.map((row) =>
                    this.line(row, products.get(row.produit)),
                ),
            }),
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
        ];
    }

    line(row, product) {
        const short =
            product.central !== null && product.central < row.quantite;

        return element(
            "tr",
            {},
            rowHeading(
                product.nom,
                beside(storeName(row.magasin)),
                beside(moment(row.date_demande)),
                row.statut === "en_attente" && product.central !== null
                    ? beside(`Au central : ${quantity(product.central)}`)
                    : null,
            ),
            wide(storeName(row.magasin)),
            number(quantity(row.quantite)),
            element(
                "td",
                { class: "number wide" },
                product.central === null ? "–" : quantity(product.central),
                short && row.statut === "en_attente"
                    ? element("span", { class: "short" }, " insuffisant")
                    : null,
            ),
            element("td", { class: "wide date" }, moment(row.date_demande)),
            cell(
                row.statut === "en_attente"
                    ? this.decisions(row, product)
                    : decided(row),
            ),
        );
    }

    decisions(row, product) {
        const what = `${quantity(row.quantite)} × ${product.nom} pour ${storeName(row.magasin)}`;

        return element(
            "div",
            { class: "row-actions" },
            button("Refuser", () => this.decide(row, product, what, false), {
                class: "quiet",
                "aria-label": `Refuser : ${what}`,
                "data-focus": `refuser ${row.id}`,
            }),
            button("Approuver", () => this.decide(row, product, what, true), {
                class: "primary",
                "aria-label": `Approuver : ${what}`,
                "data-focus": `approuver ${row.id}`,
            }),
        );
    }

    // A decision is final, so it is asked for twice.
    async decide(row, product, what, approve) {
        const send = sender();
        const left = product.central - row.quantite;
        let consequence =
            "La demande sera classée comme refusée ; rien ne bouge.";

        if (approve && product.central === null) {
            consequence = "Les unités passeront du stock central au magasin.";
        } else if (approve && left < 0) {
            consequence =
                `Le stock central n’en a que ${quantity(product.central)} : ` +
                "la demande sera refusée.";
        } else if (approve) {
            consequence =
                `Le stock central passera de ${quantity(product.central)} à ` +
                `${quantity(left)}.`;
        }

        const answer = await confirm({
            title: approve ? "Approuver la demande" : "Refuser la demande",
            text: `${what}. ${consequence}`,
            submit: approve ? "Approuver" : "Refuser",
            danger: !approve,
            action: async () => {
                const verb = approve ? "approve" : "reject";
                try {
                    return await send(`/replenishments/${row.id}/${verb}/`);
                } catch (error) {
                    // The server has settled it, one way or the other.
                    if (error.status === 409 && error.body.statut) {
                        return { refused: error.message };
                    }
                    throw error;
                }
            },
        });

        if (answer) {
            announceChange();
            notify(
                answer.refused ??
                    `Demande n° ${row.id} ${answer.statut === "approuvee" ? "approuvée" : "refusée"} : ${what}.`,
            );
            this.refresh();
        }
    }

    update(now) {
        this.parameters = now;
        this.many = ROWS;
        this.refresh();
    }
}

export const mount = (page) => new Requests(page);

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
