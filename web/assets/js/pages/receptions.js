// Goods that come in: the receipts, one of them, a new one.

import { idOf } from "../address.js";
import { read, sender } from "../api.js";
import { announceChange } from "../changes.js";
import { Documents, facts, unitsOf, when } from "../documents.js";
import { button, element, fill, icon } from "../dom.js";
import { filterBar, showAll } from "../filters.js";
import { field, formOf } from "../form.js";
import { amount, moment, plural, quantity } from "../format.js";
import { Goods } from "../goods.js";
import { cents } from "../money.js";
import { notify } from "../notices.js";
import { placeField, placeOf, placeValue } from "../places.js";
import { askWhy } from "../reason.js";
import { empty } from "../region.js";
import { locked, readRights, whyNotMove } from "../rights.js";
import { navigate, setParameters } from "../router.js";
import {
    chosenStore,
    readNames,
    readStores,
    storeField,
    storeName,
} from "../stores.js";
import {
    badge,
    beside,
    cell,
    number,
    rowHeading,
    table,
    wide,
} from "../table.js";

const words = {
    path: "/receptions",
    title: "Réceptions",
    all: "Toutes les réceptions",
    absent: (id) => `La réception « ${id} » n’existe pas.`,
};
const DRAFT = "magasin.reception";
const states = {
    recue: { name: "approuvee", label: "Reçue" },
    annulee: { name: "refusee", label: "Annulée" },
};

class Receipts extends Documents {
    constructor(page) {
        super(page, words);
        this.store = storeField(["", "Tous les lieux"], (id) =>
            setParameters({ magasin: id }),
        );
        this.reference = field({
            name: "reference",
            label: "Référence",
            type: "search",
            placeholder: "BL, facture",
            maxlength: 100,
            on: {
                change: () =>
                    setParameters({
                        reference: this.reference.control.value.trim(),
                    }),
            },
        });
        this.filters = filterBar(this.store.node, this.reference.node);
    }

    async list(stop) {
        idOf(this.parameters, "magasin", "Le magasin");
        const [stores, rights, { rows, more }] = await Promise.all([
            readStores(stop),
            readRights(stop),
            this.rows(
                `/receipts/?${new URLSearchParams({
                    magasin: this.parameters.get("magasin") ?? "",
                    reference: this.parameters.get("reference") ?? "",
                })}`,
                stop,
            ),
        ]);
        const why = whyNever(rights);

        this.store.offer(stores, this.parameters.get("magasin"));
        this.reference.control.value = this.parameters.get("reference") ?? "";
        fill(
            this.actions,
            this.export,
            why
                ? null
                : button(
                      [icon("plus"), "Nouvelle réception"],
                      () => navigate(`${words.path}?nouveau=oui`),
                      { class: "primary" },
                  ),
        );
        return [
            locked(why, "Vous ne pouvez pas recevoir :"),
            rows.length === 0 ? this.nothing() : listOf(this, rows),
            more,
        ];
    }

    nothing() {
        return this.parameters.size > 0
            ? empty(
                  "Aucune réception ne correspond.",
                  showAll("magasin", "reference"),
              )
            : empty("Rien n’a encore été reçu.");
    }

    async one(id, stop) {
        const receipt = await read(`/receipts/${id}/`, stop);
        const [names, rights] = await Promise.all([
            readNames(
                receipt.lignes.map((line) => line.produit),
                stop,
            ),
            readRights(stop),
            readStores(stop),
        ]);
        const open = receipt.statut === "recue";
        const why = open ? whyNotMove(rights, receipt.lieu) : null;

        this.heading.textContent = `Réception n° ${receipt.id}`;
        fill(
            this.actions,
            this.back(),
            button([icon("imprimer"), "Imprimer"], () => window.print()),
            open && !why
                ? button("Annuler la réception", () => this.cancel(receipt), {
                      class: "quiet",
                  })
                : null,
        );
        return [
            locked(why, "Vous ne pouvez pas l’annuler :"),
            facts(
                ["État", badge(states[receipt.statut])],
                ["Lieu", storeName(receipt.lieu)],
                ["Fournisseur", receipt.fournisseur ?? "–"],
                ["Référence", receipt.reference ?? "–"],
                ["Reçue", when(receipt.date_reception, receipt.recue_par)],
                receipt.date_annulation && [
                    "Annulée",
                    when(receipt.date_annulation, receipt.annulee_par),
                ],
            ),
            lines(receipt, names),
        ];
    }

    async cancel(receipt) {
        const send = sender();
        const units = unitsOf(receipt.lignes);
        const done = await askWhy({
            title: `Annuler la réception n° ${receipt.id} ?`,
            text:
                `${plural(units, "unité sort", "unités sortent")} de nouveau ` +
                `du stock (${storeName(receipt.lieu)}). C’est définitif.`,
            placeholder: "erreur de saisie, retour au fournisseur…",
            submit: "Annuler la réception",
            danger: true,
            action: async (reason, form) => {
                try {
                    return await send(
                        `/receipts/${receipt.id}/cancel/`,
                        reason,
                    );
                } catch (error) {
                    if (error.status === 409 && error.body.statut) {
                        return { statut: error.body.statut };
                    }
                    if (error.status !== 409 || !error.body.produits) {
                        throw error;
                    }
                    form.fail(missing(error.body.produits));
                    return undefined;
                }
            },
        });

        if (done) {
            announceChange();
            notify(`La réception n° ${receipt.id} est annulée.`);
            this.refresh();
        }
    }

    async write(stop) {
        const [stores, rights] = await Promise.all([
            readStores(stop),
            readRights(stop),
        ]);
        const why = whyNever(rights);

        this.heading.textContent = "Nouvelle réception";
        fill(this.actions, this.back());
        return why
            ? locked(why, "Vous ne pouvez pas recevoir :")
            : this.editor(stores, rights);
    }

    editor(stores, rights) {
        const send = sender();
        const goods = new Goods({
            key: DRAFT,
            cost: true,
            signal: this.signal,
        });
        const place = placeField({ name: "lieu", label: "Lieu de réception" });
        const allowed = (where) => !whyNotMove(rights, where);
        const usual = chosenStore(new URLSearchParams(), stores);

        place.offer(
            stores,
            this.parameters.get("lieu") ??
                (usual && allowed(usual.id) ? placeValue(usual.id) : null),
            allowed,
        );
        const form = formOf({
            fields: [
                place,
                field({
                    name: "fournisseur",
                    label: "Fournisseur",
                    maxlength: 100,
                }),
                field({
                    name: "reference",
                    label: "Référence",
                    placeholder: "Bon de livraison, facture",
                    maxlength: 100,
                }),
            ],
            extra: goods.node,
            submit: "Enregistrer la réception",
            cancel: () => navigate(words.path),
            action: (values, handle) => this.save(values, handle, goods, send),
        });

        requestAnimationFrame(() => goods.focus());
        return element("section", { class: "card document-form" }, form);
    }

    async save(values, form, goods, send) {
        if (!(await goods.decided(form))) {
            return;
        }
        if (!values.lieu) {
            form.show({ lieu: ["Choisissez où la marchandise arrive."] });
            return;
        }
        if (goods.lines.length === 0) {
            form.fail("Ajoutez au moins un produit.");
            goods.entry.control.focus();
            return;
        }
        const lignes = await goods.read();
        if (!lignes) {
            return;
        }
        try {
            const made = await send("/receipts/", {
                lieu: placeOf(values.lieu),
                fournisseur: values.fournisseur.trim(),
                reference: values.reference.trim(),
                lignes,
            });
            goods.clear();
            announceChange();
            notify(
                `Réception n° ${made.id} enregistrée : ${storeName(made.lieu)}.`,
            );
            navigate(this.address(made.id));
        } catch (error) {
            goods.refuse(error, form);
        }
    }
}

export const mount = (page) => new Receipts(page);

// Why nothing can be received anywhere, null when something can.
function whyNever(rights) {
    return rights.why("stock") && whyNotMove(rights, null)
        ? rights.why("stock")
        : null;
}

function listOf(page, rows) {
    return table({
        caption: "Réceptions",
        columns: [
            { label: "Réception" },
            { label: "Lieu", class: "wide" },
            { label: "Référence", class: "wide" },
            { label: "Reçue le", class: "wide" },
            { label: "État" },
        ],
        rows: rows.map((row) =>
            element(
                "tr",
                {},
                rowHeading(
                    page.link(row.id),
                    element(
                        "span",
                        { class: "block" },
                        row.fournisseur ?? "Sans fournisseur",
                    ),
                    beside(storeName(row.lieu)),
                    row.reference ? beside(row.reference) : null,
                    beside(moment(row.date_reception)),
                ),
                wide(storeName(row.lieu)),
                wide(row.reference ?? "–"),
                element(
                    "td",
                    { class: "wide date" },
                    moment(row.date_reception),
                ),
                cell(badge(states[row.statut])),
            ),
        ),
    });
}

function lines({ lignes }, names) {
    const worth = (line) =>
        line.cout_unitaire === null
            ? null
            : cents(line.cout_unitaire) * BigInt(line.quantite);
    const costs = lignes.map(worth).filter((one) => one !== null);
    const money = (value) => (value === null ? "–" : amount(value));

    return table({
        caption: "Produits reçus",
        columns: [
            { label: "Produit" },
            { label: "Quantité", class: "number" },
            { label: "Coût unitaire", class: "number wide" },
            { label: "Valeur", class: "number" },
        ],
        rows: [
            ...lignes.map((line) =>
                element(
                    "tr",
                    {},
                    rowHeading(
                        names.get(line.produit),
                        line.cout_unitaire === null
                            ? null
                            : beside(`${amount(line.cout_unitaire)} l’unité`),
                    ),
                    number(quantity(line.quantite)),
                    element(
                        "td",
                        { class: "number wide" },
                        money(line.cout_unitaire),
                    ),
                    number(money(worth(line))),
                ),
            ),
            element(
                "tr",
                { class: "total" },
                rowHeading("Total"),
                number(quantity(unitsOf(lignes))),
                element("td", { class: "number wide" }),
                number(
                    costs.length > 0
                        ? amount(costs.reduce((sum, one) => sum + one, 0n))
                        : "–",
                ),
            ),
        ],
    });
}

const missing = (products) =>
    element(
        "div",
        {},
        "Tout n’est plus là, rien n’a été annulé :",
        element(
            "ul",
            {},
            products.map((one) =>
                element(
                    "li",
                    {},
                    `${one.nom} : ${quantity(one.disponible)} en stock sur ${quantity(one.demande)} reçus`,
                ),
            ),
        ),
    );
