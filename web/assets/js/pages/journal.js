// The journal: every change, newest first.

import { choiceOf, dayOf, idOf } from "../address.js";
import { query, readPage } from "../api.js";
import { dayFault, dayLimits } from "../days.js";
import { button, element, fill } from "../dom.js";
import { exportButton } from "../export.js";
import { filterBar, more } from "../filters.js";
import { field } from "../form.js";
import { difference, exactMoment, quantity } from "../format.js";
import { empty, Region } from "../region.js";
import { setParameters } from "../router.js";
import { readNames, readStores, storeField, storeName } from "../stores.js";
import { beside, cell, rowHeading, table, wide } from "../table.js";

const ROWS = 50;

const movements = {
    vente: "Vente",
    retour: "Retour d’un client",
    retour_perte: "Retour mis au rebut",
    ajustement: "Correction de stock",
    reception: "Réception",
    reception_annulation: "Réception annulée",
    transfert_depart: "Départ d’un transfert",
    transfert_arrivee: "Arrivée d’un transfert",
    transfert_annulation: "Transfert annulé",
    transfert_ecart: "Écart d’un transfert",
    comptage: "Correction d’inventaire",
    reservation: "Réservation",
    reapprovisionnement: "Réapprovisionnement",
    suppression: "Suppression",
    manuel: "Mouvement manuel",
    ouverture: "Stock d’ouverture",
};

const subjects = {
    vente: "Vente",
    ligne: "Ligne de vente",
    retour: "Retour",
    produit: "Produit",
    magasin: "Magasin",
    demande: "Demande",
    reception: "Réception",
    transfert: "Transfert",
    reservation: "Réservation",
    comptage: "Inventaire",
    seuil: "Seuil",
};

const events = {
    creation: "création",
    modification: "modification",
    suppression: "suppression",
    annulation: "annulation",
    archivage: "retrait",
    restauration: "remise en vente",
    approbation: "approbation",
    refus: "refus",
    rendue: "rendue",
    expiree: "expirée",
    reclamee: "vendue",
    ligne: "produit compté",
    code_ajout: "code ajouté",
    code_retrait: "code retiré",
    code_modification: "code modifié",
    vidage: "table vidée",
};

const known = (words, name) => Object.hasOwn(words, name);

function typeName(type) {
    const [subject, ...rest] = type.split("_");
    const event = rest.join("_");

    if (known(movements, type)) {
        return movements[type];
    }
    return known(subjects, subject) && known(events, event)
        ? `${subjects[subject]}, ${events[event]}`
        : type;
}

// The choice offers what is often looked for; an address may name the others.
const offeredByName = (type) => (type && typeName(type) !== type ? [type] : []);

const offered = [
    ...Object.keys(movements),
    "vente_creation",
    "produit_creation",
    "produit_modification",
    "produit_archivage",
    "produit_restauration",
    "demande_creation",
    "demande_approbation",
    "demande_refus",
];

class Journal {
    constructor({ body, actions, signal }) {
        this.region = new Region(signal);
        this.parameters = new URLSearchParams();
        this.pages = 1;

        this.store = storeField(["", "Tous"], (id) =>
            setParameters({ magasin: id }),
        );
        this.type = field({
            name: "type",
            label: "Événement",
            type: "select",
            options: [
                ["", "Tous"],
                ...offered.map((one) => [one, typeName(one)]),
            ],
            on: {
                change: () => setParameters({ type: this.type.control.value }),
            },
        });
        this.since = field({
            name: "depuis",
            label: "Depuis le",
            type: "date",
            ...dayLimits,
            on: { change: () => this.dated() },
        });

        fill(
            actions,
            exportButton(() => ({ path: this.path, name: "journal" }), signal),
            button("Actualiser", () => this.refresh()),
        );
        fill(
            body,
            filterBar(this.store.node, this.type.node, this.since.node),
            this.region.node,
        );
    }

    // A day is asked about when it is one: years are typed digit by digit.
    dated() {
        const { value, validity } = this.since.control;
        const fault = value || validity.badInput ? dayFault(value) : null;

        this.since.show(fault ? [fault] : null);
        if (fault === null) {
            setParameters({ depuis: value });
        }
    }

    refresh() {
        return this.region.run(async (stop) => {
            const rows = [];
            const day = dayOf(this.parameters, "depuis");
            const type = choiceOf(
                this.parameters,
                "type",
                [...offered, ...offeredByName(this.parameters.get("type"))],
                "L’événement",
            );
            idOf(this.parameters, "magasin", "Le magasin");
            idOf(this.parameters, "produit", "Le produit");
            const asked = readStores(stop);
            // What goes wrong is said where it is awaited.
            asked.catch(() => {});
            let next = `/journal/${query({
                ordering: "-id",
                magasin: this.parameters.get("magasin"),
                produit: this.parameters.get("produit"),
                type,
                // Midnight where the person is.
                depuis: day && new Date(`${day}T00:00`).toISOString(),
                limit: ROWS,
            })}`;

            this.path = next;
            for (let page = 0; page < this.pages && next; page += 1) {
                const read = await readPage(next, stop);
                rows.push(...read.results);
                next = read.next;
            }
            const [products, stores] = await Promise.all([
                readNames(
                    rows.map((row) => row.produit),
                    stop,
                ),
                asked,
            ]);

            this.store.offer(stores, this.parameters.get("magasin"));
            if (type && !offered.includes(type)) {
                offered.push(type);
                this.type.control.append(
                    element("option", { value: type }, typeName(type)),
                );
            }
            this.type.control.value = type ?? "";
            this.since.show(null);
            this.since.control.value = day ?? "";
            return this.view(rows, products, next);
        });
    }

    view(rows, products, next) {
        const product = this.parameters.get("produit");

        return [
            product
                ? element(
                      "p",
                      { class: "chips" },
                      button(
                          `Produit : ${products.get(Number(product)) ?? product} ×`,
                          () => setParameters({ produit: "" }),
                          { class: "chip", "data-focus": "produit" },
                      ),
                  )
                : null,
            rows.length === 0
                ? empty("Rien ne correspond dans le journal.")
                : table({
                      caption: "Journal des changements",
                      columns: [
                          { label: "Événement" },
                          { label: "Lieu", class: "wide" },
                          { label: "Produit" },
                          { label: "Mouvement", class: "number" },
                          { label: "Reste", class: "number wide" },
                          { label: "Par", class: "wide" },
                      ],
                      rows: rows.map((row) => line(row, products)),
                  }),
            more(next, () => {
                this.pages += 1;
                this.refresh();
            }),
        ];
    }

    update(now) {
        this.parameters = now;
        this.pages = 1;
        this.refresh();
    }
}

export const mount = (page) => new Journal(page);

// Whose stock a row is about; a change of a product is about none.
function place(row) {
    return row.magasin === null && row.delta === null
        ? ""
        : storeName(row.magasin);
}

function line(row, products) {
    const name = products.get(row.produit);

    return element(
        "tr",
        {},
        rowHeading(
            typeName(row.type),
            element(
                "span",
                { class: "muted block" },
                exactMoment(row.instant),
                row.reference ? ` · ${row.reference}` : "",
            ),
            row.motif
                ? element("span", { class: "block" }, `« ${row.motif} »`)
                : null,
            beside(place(row)),
            row.details ? details(row.details) : null,
        ),
        wide(place(row)),
        cell(
            row.produit === null
                ? ""
                : button(name, () => setParameters({ produit: row.produit }), {
                      class: "link",
                      "aria-label": `${name} : montrer ce produit seul`,
                      "data-focus": `ligne ${row.id}`,
                  }),
        ),
        element(
            "td",
            { class: `number delta ${row.delta < 0 ? "minus" : "plus"}` },
            row.delta === null ? "" : difference(row.delta),
        ),
        element(
            "td",
            { class: "number wide" },
            row.quantite === null ? "" : quantity(row.quantite),
        ),
        wide(row.acteur ?? "–"),
    );
}

function details(content) {
    return element(
        "details",
        {},
        element("summary", {}, "Détails"),
        element("pre", {}, JSON.stringify(content, null, 2)),
    );
}
