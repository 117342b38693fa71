// The stores: opened, renamed, closed and opened again; and what the token of
// this tab may do.

import { change, readTagged, sender } from "../api.js";
import { announceChange, keepFresh } from "../changes.js";
import { confirm, openDialog } from "../dialog.js";
import { button, element, fill, icon } from "../dom.js";
import { exportButton } from "../export.js";
import { filterBar, more, searchField, showAll } from "../filters.js";
import { field, formOf } from "../form.js";
import { finder, plural } from "../format.js";
import { attempt, notify } from "../notices.js";
import { empty, Region } from "../region.js";
import { locked, readRights, scopeName } from "../rights.js";
import { readStores, storeName } from "../stores.js";
import { badge, beside, cell, rowHeading, table, wide } from "../table.js";

const SCOPE = "magasins";
const USUAL = "Europe/Paris";
// So many at first, and so many more each time.
const ROWS = 100;

class Stores {
    constructor({ body, actions, signal }) {
        this.region = new Region(signal);
        this.actions = actions;
        this.parameters = new URLSearchParams();
        this.many = ROWS;
        this.search = searchField({
            label: "Magasin",
            placeholder: "Nom ou adresse",
        });

        this.export = exportButton(() => this.file(), signal);
        fill(body, filterBar(this.search.node), this.region.node);

        keepFresh(0, () => this.refresh(), signal);
        document.addEventListener("jeton", () => this.refresh(), { signal });
    }

    refresh() {
        return this.region.run(async (stop) => {
            const [stores, rights] = await Promise.all([
                readStores(stop),
                readRights(stop),
            ]);
            const why = rights.why(SCOPE, null);
            const found = finder(this.parameters.get("recherche") ?? "");

            fill(
                this.actions,
                this.export,
                why
                    ? null
                    : button(
                          [icon("plus"), "Nouveau magasin"],
                          () => this.create(),
                          { class: "primary" },
                      ),
            );
            return [
                locked(why, "Vous ne pouvez pas changer les magasins :"),
                this.view(
                    stores.filter((one) => found(`${one.nom} ${one.adresse}`)),
                    stores,
                    why,
                ),
                rights.me ? rightsOf(rights.me) : null,
            ];
        });
    }

    // The search is the page's own.
    file() {
        const found = finder(this.parameters.get("recherche") ?? "");

        return {
            path: "/stores/",
            name: "magasins",
            rows: (cells, heads) =>
                found(
                    `${cells[heads.indexOf("nom")]} ${cells[heads.indexOf("adresse")]}`,
                )
                    ? [cells]
                    : [],
        };
    }

    view(rows, all, why) {
        if (rows.length === 0) {
            return all.length > 0
                ? empty("Aucun magasin ne correspond.", showAll("recherche"))
                : empty("Il n’y a pas encore de magasin.");
        }
        return [
            table({
                caption: "Magasins",
                class: "with-actions",
                columns: [
                    { label: "Magasin" },
                    { label: "Fuseau horaire", class: "wide" },
                    { label: "État", class: "wide" },
                    { label: element("span", { class: "hidden" }, "Actions") },
                ],
                rows: rows
                    .slice(0, this.many)
                    .map((row) => this.line(row, why)),
            }),
            more(rows.length > this.many, () => {
                this.many += 2 * ROWS;
                this.refresh();
            }),
            element(
                "p",
                { class: "muted count" },
                plural(rows.length, "magasin", "magasins"),
                all.more ? ", les premiers" : null,
            ),
        ];
    }

    line(row, why) {
        const mark = badge(
            row.ouvert
                ? { name: "approuvee", label: "Ouvert" }
                : { name: "refusee", label: "Fermé" },
        );

        return element(
            "tr",
            {},
            rowHeading(
                row.nom,
                element("span", { class: "muted block" }, row.adresse),
                element(
                    "span",
                    { class: "links" },
                    place("/stock", "Stock", row),
                    place("/commander", "À commander", row),
                    place("/chiffres", "Chiffres", row),
                ),
                beside(row.fuseau),
                row.ouvert ? null : beside(mark.cloneNode(true)),
            ),
            wide(row.fuseau),
            wide(mark),
            cell(
                why
                    ? null
                    : element(
                          "div",
                          { class: "row-actions" },
                          this.toggle(row),
                          button(
                              "Modifier",
                              () => attempt(() => this.edit(row)),
                              {
                                  "aria-label": `Modifier ${row.nom}`,
                                  "data-focus": `modifier ${row.id}`,
                              },
                          ),
                      ),
            ),
        );
    }

    toggle(row) {
        const properties = {
            class: "quiet",
            "data-focus": `ouvrir ${row.id}`,
        };

        return row.ouvert
            ? button("Fermer", () => this.close(row), {
                  ...properties,
                  "aria-label": `Fermer ${row.nom}`,
              })
            : button("Rouvrir", () => attempt(() => this.open(row, true)), {
                  ...properties,
                  "aria-label": `Rouvrir ${row.nom}`,
              });
    }

    changed(text, action) {
        announceChange();
        notify(text, action);
        this.refresh();
    }

    async open(row, ouvert) {
        await change("PATCH", `/stores/${row.id}/`, { ouvert });
        this.changed(
            ouvert
                ? `${row.nom} est ouvert.`
                : `${row.nom} est fermé : il ne vend plus et n’est plus approvisionné.`,
            ouvert
                ? null
                : {
                      label: "Rouvrir",
                      run: () => attempt(() => this.open(row, true)),
                  },
        );
    }

    async close(row) {
        const closed = await confirm({
            title: `Fermer ${row.nom} ?`,
            text: "Un magasin fermé ne vend plus et n’est plus approvisionné. Son stock reste compté. Il peut rouvrir.",
            submit: "Fermer le magasin",
            danger: true,
            action: async () => {
                await change("PATCH", `/stores/${row.id}/`, { ouvert: false });
                return true;
            },
        });

        if (closed) {
            this.changed(
                `${row.nom} est fermé : il ne vend plus et n’est plus approvisionné.`,
                {
                    label: "Rouvrir",
                    run: () => attempt(() => this.open(row, true)),
                },
            );
        }
    }

    async create() {
        const send = sender();
        const made = await openDialog("Nouveau magasin", (close) =>
            formOf({
                fields: storeFields({ fuseau: USUAL }),
                extra: zones(),
                submit: "Créer le magasin",
                cancel: () => close(),
                action: async (values) =>
                    close(await send("/stores/", bodyOf(values))),
            }),
        );

        if (made) {
            this.changed(`${made.nom} est créé.`);
        }
    }

    async edit(row) {
        const path = `/stores/${row.id}/`;
        let { data, etag } = await readTagged(path);
        const saved = await openDialog(`Modifier : ${data.nom}`, (close) =>
            formOf({
                fields: storeFields(data),
                extra: zones(),
                submit: "Enregistrer",
                cancel: () => close(),
                action: async (values, form) => {
                    try {
                        const answer = await change(
                            "PATCH",
                            path,
                            bodyOf(values),
                            etag,
                        );
                        close(answer.data);
                    } catch (error) {
                        if (error.status !== 412) {
                            throw error;
                        }
                        ({ data, etag } = await readTagged(path));
                        form.fail(
                            `Quelqu’un d’autre l’a modifié entre-temps : ${data.nom}, ${data.adresse}, ${data.fuseau}. `,
                            "Enregistrez de nouveau pour garder vos valeurs.",
                        );
                    }
                },
            }),
        );

        if (saved) {
            this.changed(`${saved.nom} est enregistré.`);
        }
    }

    update(now) {
        this.parameters = now;
        this.many = ROWS;
        this.search.sync(now);
        this.refresh();
    }
}

export const mount = (page) => new Stores(page);

const place = (path, label, { id, nom }) =>
    element(
        "a",
        {
            href: `${path}?magasin=${id}`,
            "aria-label": `${label} : ${nom}`,
        },
        label,
    );

const bodyOf = (values) => ({
    nom: values.nom.trim(),
    adresse: values.adresse.trim(),
    fuseau: values.fuseau.trim(),
});

const storeFields = (store) => [
    field({
        name: "nom",
        label: "Nom",
        value: store.nom ?? "",
        maxlength: 100,
    }),
    field({
        name: "adresse",
        label: "Adresse",
        value: store.adresse ?? "",
        maxlength: 200,
    }),
    field({
        name: "fuseau",
        label: "Fuseau horaire",
        value: store.fuseau ?? "",
        list: "fuseaux",
        autocomplete: "off",
        hint: "Celui de ses journées dans les chiffres.",
    }),
];

const zones = () =>
    element(
        "datalist",
        { id: "fuseaux" },
        Intl.supportedValuesOf("timeZone").map((value) =>
            element("option", { value }),
        ),
    );

function rightsOf(me) {
    const fact = (name, ...value) =>
        element("div", {}, element("dt", {}, name), element("dd", {}, value));

    return [
        element("h2", {}, "Vos droits"),
        element(
            "dl",
            { class: "card facts" },
            fact("Jeton", me.nom),
            fact(
                "Magasins",
                me.magasins === null
                    ? "Tous, et le stock central"
                    : me.magasins.map(storeName).join(", "),
            ),
            fact("Droits", me.scopes.map(scopeName).join(", ")),
            fact(
                "Dernier jour",
                me.expire_le === null
                    ? "Aucun"
                    : new Date(`${me.expire_le}T12:00Z`).toLocaleDateString(
                          "fr-FR",
                      ),
            ),
        ),
        element(
            "p",
            { class: "muted" },
            "Les jetons des autres sont dans un fichier du serveur, qu’aucune page ne lit : son administrateur les fait et les retire.",
        ),
    ];
}
