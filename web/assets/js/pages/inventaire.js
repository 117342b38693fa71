// Stock-takes: begun, counted by scanning, closed with their differences.

import { choiceOf, idOf } from "../address.js";
import { query, read, readPage, sender } from "../api.js";
import { announceChange } from "../changes.js";
import { Counting, leftOver } from "../counting.js";
import { openDialog } from "../dialog.js";
import { Documents, facts, when } from "../documents.js";
import { button, element, fill, icon } from "../dom.js";
import { exportButton } from "../export.js";
import { filterBar, more, showAll } from "../filters.js";
import { field, formOf } from "../form.js";
import { difference, moment, plural, quantity } from "../format.js";
import { attempt, notify } from "../notices.js";
import { placeField, placeOf, placeValue } from "../places.js";
import { askWhy } from "../reason.js";
import { empty } from "../region.js";
import { locked, readRights } from "../rights.js";
import { navigate, setParameters } from "../router.js";
import { chosenStore, readStores, storeField, storeName } from "../stores.js";
import {
    badge,
    beside,
    cell,
    number,
    rowHeading,
    table,
    wide,
} from "../table.js";

const ROWS = 50;
const words = {
    path: "/inventaire",
    title: "Inventaires",
    all: "Tous les inventaires",
    absent: (id) => `L’inventaire « ${id} » n’existe pas.`,
};
const states = {
    ouvert: { name: "attente", label: "En cours" },
    clos: { name: "approuvee", label: "Clos" },
    annule: { name: "refusee", label: "Abandonné" },
};

class Counts extends Documents {
    constructor(page) {
        super(page, words);
        this.state = field({
            name: "statut",
            label: "État",
            type: "select",
            options: [
                ["", "Tous"],
                ["ouvert", "En cours"],
                ["clos", "Clos"],
                ["annule", "Abandonnés"],
            ],
            on: {
                change: () =>
                    setParameters({ statut: this.state.control.value }),
            },
        });
        this.store = storeField(["", "Tous les lieux"], (id) =>
            setParameters({ magasin: id }),
        );
        this.filters = filterBar(this.state.node, this.store.node);
        this.exportLines = exportButton(() => this.file, this.signal);
        this.counting = null;
        this.many = ROWS;
    }

    async list(stop) {
        const state = choiceOf(
            this.parameters,
            "statut",
            Object.keys(states),
            "L’état",
        );

        idOf(this.parameters, "magasin", "Le magasin");
        const [stores, rights, found] = await Promise.all([
            readStores(stop),
            readRights(stop),
            this.rows(
                `/counts/?${new URLSearchParams({
                    magasin: this.parameters.get("magasin") ?? "",
                    statut: state ?? "",
                })}`,
                stop,
            ),
        ]);
        const why = rights.why("stock");

        this.store.offer(stores, this.parameters.get("magasin"));
        this.state.control.value = state ?? "";
        fill(
            this.actions,
            this.export,
            why
                ? null
                : button(
                      [icon("plus"), "Nouvel inventaire"],
                      () => this.begin(stores, rights),
                      { class: "primary" },
                  ),
        );
        return [
            locked(why, "Vous ne pouvez pas compter :"),
            found.rows.length > 0
                ? listOf(this, found.rows)
                : this.parameters.size > 0
                  ? empty(
                        "Aucun inventaire ne correspond.",
                        showAll("statut", "magasin"),
                    )
                  : empty("Aucun inventaire n’a encore été fait."),
            found.more,
        ];
    }

    async begin(stores, rights) {
        const send = sender();
        const allowed = (place) => !rights.why("stock", place);
        const usual = chosenStore(new URLSearchParams(), stores);
        const place = placeField({ name: "lieu", label: "Lieu" });
        const blind = element("input", {
            type: "checkbox",
            name: "aveugle",
            value: "oui",
        });

        place.offer(
            stores,
            usual && allowed(usual.id) ? placeValue(usual.id) : "",
            allowed,
        );
        const made = await openDialog("Nouvel inventaire", (close) =>
            formOf({
                fields: [
                    place,
                    field({
                        name: "categorie",
                        label: "Catégorie",
                        placeholder: "Toutes",
                        maxlength: 100,
                    }),
                    field({ name: "motif", label: "Motif", maxlength: 200 }),
                ],
                extra: element(
                    "label",
                    { class: "tick" },
                    blind,
                    "À l’aveugle : ce qui est attendu n’est montré qu’à la fin",
                ),
                submit: "Commencer à compter",
                cancel: () => close(),
                action: async (values, form) => {
                    if (!values.lieu) {
                        form.show({ lieu: ["Choisissez où l’on compte."] });
                        return;
                    }
                    close(
                        await send("/counts/", {
                            lieu: placeOf(values.lieu),
                            ...(values.categorie.trim()
                                ? { categorie: values.categorie.trim() }
                                : {}),
                            ...(values.motif.trim()
                                ? { motif: values.motif.trim() }
                                : {}),
                            ...(blind.checked ? { aveugle: true } : {}),
                        }),
                    );
                },
            }),
        );

        if (made) {
            announceChange();
            navigate(this.address(made.id));
        }
    }

    async one(id, stop) {
        const [count, rights] = await Promise.all([
            read(`/counts/${id}/`, stop),
            readRights(stop),
            readStores(stop),
        ]);
        const why = rights.why("stock", count.lieu);
        const whyClose = rights.why("inventaire", count.lieu);
        const open = count.statut === "ouvert";

        this.heading.textContent = `Inventaire n° ${id}`;
        this.file = {
            path: `/counts/${id}/lines/${query({ etat: this.kindOf(count) })}`,
            name: `inventaire-${id}`,
        };
        fill(
            this.actions,
            this.back(),
            this.exportLines,
            open && !why
                ? button("Abandonner", () => this.drop(count), {
                      class: "quiet",
                  })
                : null,
            open && !whyClose
                ? button("Terminer", () => this.close(count), {
                      class: "primary",
                  })
                : null,
        );
        return [
            open ? locked(why, "Vous ne pouvez pas compter :") : null,
            open && why !== whyClose
                ? locked(whyClose, "Vous ne pouvez pas le terminer :")
                : null,
            open && !why
                ? [await this.field(count, stop), factsOf(count)]
                : [
                      open ? null : await this.over(count),
                      factsOf(count),
                      await this.differences(count, stop),
                  ],
        ];
    }

    // What is being counted stays over refreshes.
    async field(count, stop) {
        if (this.counting?.id !== count.id) {
            const { results } = await readPage(
                `/counts/${count.id}/lines/${query({ etat: "comptes", limit: 200 })}`,
                stop,
            );
            this.counting?.counting.leave();
            const counting = new Counting(count, results, this.signal);

            this.counting = { id: count.id, counting };
            requestAnimationFrame(() => counting.focus());
        }
        return this.counting.counting.node;
    }

    over({ id }) {
        this.counting?.counting.leave();
        this.counting = null;
        this.left?.abort();
        this.left = new AbortController();
        return leftOver(id, AbortSignal.any([this.signal, this.left.signal]));
    }

    kindOf(count) {
        return count.statut === "clos" ? "ecarts" : "comptes";
    }

    async differences(count, stop) {
        const { results, next } = await readPage(
            `/counts/${count.id}/lines/${query({
                etat: this.kindOf(count),
                limit: this.many,
            })}`,
            stop,
        );

        return [
            element(
                "h2",
                {},
                count.statut === "clos" ? "Écarts" : "Ce qui a été compté",
            ),
            results.length === 0
                ? empty(
                      count.statut === "clos"
                          ? "Tout ce qui a été compté était juste."
                          : "Rien n’a été compté.",
                  )
                : linesOf(results),
            more(next && this.many < 1000, () => {
                this.many = Math.min(this.many * 4, 1000);
                this.refresh();
            }),
        ];
    }

    async close(count) {
        if (this.closing) {
            return;
        }
        this.closing = true;
        try {
            await attempt(() => this.end(count));
        } finally {
            this.closing = false;
        }
    }

    // All that was scanned is counted first.
    async end(count) {
        const send = sender();
        const zero = element("input", { type: "checkbox" });
        const settled = () => this.counting?.counting.settled() ?? null;
        const why = await settled();

        if (why) {
            notify(why);
            return;
        }
        const [gaps, missing] = await Promise.all([
            count.aveugle
                ? null
                : readPage(
                      `/counts/${count.id}/lines/${query({ etat: "ecarts", limit: 100 })}`,
                  ),
            readPage(
                `/counts/${count.id}/lines/${query({ etat: "oublis", limit: 100 })}`,
            ),
        ]);
        const answer = await askWhy({
            title: `Terminer l’inventaire n° ${count.id} ?`,
            text: closing(gaps, missing),
            extra:
                missing.results.length > 0
                    ? [
                          summaryOf(missing),
                          element(
                              "label",
                              { class: "tick" },
                              zero,
                              "Mettre à 0 ce que personne n’a compté",
                          ),
                      ]
                    : null,
            submit: "Terminer et corriger le stock",
            action: async (reason, form) => {
                // A scanner does not know that somebody asks.
                const late = await settled();

                if (late) {
                    form.fail(late);
                    return undefined;
                }
                try {
                    return await send(`/counts/${count.id}/close/`, {
                        ...reason,
                        ...(zero.checked ? { non_comptes_a_zero: true } : {}),
                    });
                } catch (error) {
                    if (error.status !== 409 || !error.body.produits) {
                        throw error;
                    }
                    form.fail(
                        "Comptez de nouveau, il s’en est vendu entre-temps : ",
                        error.body.produits.map((one) => one.nom).join(", "),
                        ".",
                    );
                    return undefined;
                }
            },
        });

        if (answer) {
            announceChange();
            notify(
                `Inventaire n° ${count.id} terminé : ${plural(answer.ecarts, "écart", "écarts")}.`,
            );
            this.refresh();
        }
    }

    async drop(count) {
        const send = sender();
        const done = await askWhy({
            title: `Abandonner l’inventaire n° ${count.id} ?`,
            text: "Rien ne change dans le stock, et ce qui a été compté ne sert plus.",
            submit: "Abandonner",
            danger: true,
            action: (reason) => send(`/counts/${count.id}/cancel/`, reason),
        });

        if (done) {
            await this.counting?.counting.forget();
            announceChange();
            notify(`L’inventaire n° ${count.id} est abandonné.`);
            this.refresh();
        }
    }
}

export const mount = (page) => new Counts(page);

function closing(gaps, missing) {
    const some = (list, one, many) =>
        list.next
            ? `plus de ${list.results.length} ${many}`
            : plural(list.results.length, one, many);
    const parts = [];

    if (gaps) {
        parts.push(
            gaps.results.length === 0
                ? "Aucun écart."
                : `${some(gaps, "produit diffère", "produits diffèrent")} de ce qui était attendu.`,
        );
    }
    if (missing.results.length > 0) {
        parts.push(
            `${some(missing, "produit n’a pas été compté", "produits n’ont pas été comptés")} :`,
        );
    }
    return parts.join(" ") || "Tout a été compté.";
}

const summaryOf = ({ results }) =>
    element(
        "ul",
        { class: "summary", tabindex: "0", "aria-label": "Non comptés" },
        results.map((one) =>
            element(
                "li",
                {},
                element("span", {}, one.nom),
                one.present === null
                    ? null
                    : element(
                          "span",
                          { class: "muted" },
                          quantity(one.present),
                      ),
            ),
        ),
    );

function factsOf(count) {
    return facts(
        ["État", badge(states[count.statut])],
        ["Lieu", storeName(count.lieu)],
        ["Ce qui est compté", scopeOf(count)],
        ["Commencé", when(count.date_ouverture, count.ouvert_par)],
        count.date_cloture && [
            count.statut === "clos" ? "Terminé" : "Abandonné",
            when(count.date_cloture, count.cloture_par),
        ],
        count.statut === "clos" && [
            "Écarts",
            `${plural(count.ecarts, "produit", "produits")} : `,
            `+${quantity(count.en_plus)}, −${quantity(count.en_moins)}`,
        ],
        count.motif && ["Motif", count.motif],
    );
}

const scopeOf = (count) =>
    [
        count.categorie ??
            (count.produits ? "Une liste de produits" : "Tout le stock"),
        count.aveugle ? " (à l’aveugle)" : "",
    ].join("");

function listOf(page, rows) {
    return table({
        caption: "Inventaires",
        columns: [
            { label: "Inventaire" },
            { label: "Lieu", class: "wide" },
            { label: "Commencé le", class: "wide" },
            { label: "Écarts", class: "number wide" },
            { label: "État" },
        ],
        rows: rows.map((row) =>
            element(
                "tr",
                {},
                rowHeading(
                    page.link(row.id),
                    element("span", { class: "block" }, scopeOf(row)),
                    beside(storeName(row.lieu)),
                    beside(moment(row.date_ouverture)),
                ),
                wide(storeName(row.lieu)),
                element(
                    "td",
                    { class: "wide date" },
                    moment(row.date_ouverture),
                ),
                element(
                    "td",
                    { class: "number wide" },
                    row.ecarts === null ? "–" : quantity(row.ecarts),
                ),
                cell(badge(states[row.statut])),
            ),
        ),
    });
}

function linesOf(rows) {
    return table({
        caption: "Lignes de l’inventaire",
        columns: [
            { label: "Produit" },
            { label: "Attendu", class: "number" },
            { label: "Compté", class: "number" },
            { label: "Écart", class: "number" },
        ],
        rows: rows.map((row) =>
            element(
                "tr",
                {},
                rowHeading(row.nom),
                number(row.present === null ? "–" : quantity(row.present)),
                number(quantity(row.compte)),
                element(
                    "td",
                    {
                        class: `number delta ${row.ecart < 0 ? "minus" : "plus"}`,
                    },
                    row.ecart ? difference(row.ecart) : "–",
                ),
            ),
        ),
    });
}
