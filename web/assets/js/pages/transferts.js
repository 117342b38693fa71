// Goods that move from place to place: sent, on their way, received.

import { choiceOf, idOf } from "../address.js";
import { read, sender } from "../api.js";
import { announceChange } from "../changes.js";
import { confirm } from "../dialog.js";
import { between, Documents, facts, unitsOf, when } from "../documents.js";
import { button, element, fill, icon } from "../dom.js";
import { filterBar, showAll } from "../filters.js";
import { field, formOf } from "../form.js";
import { moment, plural, quantity } from "../format.js";
import { Goods } from "../goods.js";
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
    path: "/transferts",
    title: "Transferts",
    all: "Tous les transferts",
    absent: (id) => `Le transfert « ${id} » n’existe pas.`,
};
const DRAFT = "magasin.transfert";
const states = {
    en_transit: { name: "attente", label: "En chemin" },
    recu: { name: "approuvee", label: "Reçu" },
    annule: { name: "refusee", label: "Annulé" },
};

class Transfers extends Documents {
    constructor(page) {
        super(page, words);
        this.state = field({
            name: "statut",
            label: "État",
            type: "select",
            options: [
                ["en_transit", "En chemin"],
                ["recu", "Reçus"],
                ["annule", "Annulés"],
                ["tous", "Tous"],
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
    }

    async list(stop) {
        const state =
            choiceOf(
                this.parameters,
                "statut",
                [...Object.keys(states), "tous"],
                "L’état",
            ) ?? "en_transit";

        idOf(this.parameters, "magasin", "Le magasin");
        const [stores, rights, { rows, more }] = await Promise.all([
            readStores(stop),
            readRights(stop),
            this.rows(
                `/transfers/?${new URLSearchParams({
                    magasin: this.parameters.get("magasin") ?? "",
                    statut: state === "tous" ? "" : state,
                })}`,
                stop,
            ),
        ]);
        const why = whyNever(rights);

        this.store.offer(stores, this.parameters.get("magasin"));
        this.state.control.value = state;
        fill(
            this.actions,
            this.export,
            why
                ? null
                : button(
                      [icon("plus"), "Nouvel envoi"],
                      () => navigate(`${words.path}?nouveau=oui`),
                      { class: "primary" },
                  ),
        );
        return [
            locked(why, "Vous ne pouvez rien envoyer :"),
            rows.length === 0
                ? this.nothing(state)
                : listOf(this, rows, rights),
            more,
        ];
    }

    nothing(state) {
        return state === "en_transit" && !this.parameters.get("magasin")
            ? empty(
                  "Rien n’est en chemin.",
                  button("Voir tous les transferts", () =>
                      setParameters({ statut: "tous" }),
                  ),
              )
            : empty(
                  "Aucun transfert ne correspond.",
                  showAll("statut", "magasin"),
              );
    }

    async one(id, stop) {
        const transfer = await read(`/transfers/${id}/`, stop);
        const [names, rights] = await Promise.all([
            readNames(
                transfer.lignes.map((line) => line.produit),
                stop,
            ),
            readRights(stop),
            readStores(stop),
        ]);
        const open = transfer.statut === "en_transit";
        const arrive = open ? whyNotMove(rights, transfer.vers) : null;
        const leave = open ? whyNotMove(rights, transfer.de) : null;

        this.heading.textContent = `Transfert n° ${transfer.id}`;
        fill(
            this.actions,
            this.back(),
            open && !leave
                ? button("Annuler l’envoi", () => this.cancel(transfer), {
                      class: "quiet",
                  })
                : null,
            open && !arrive
                ? [
                      button("Arrivé avec des écarts", () =>
                          navigate(`${this.address(transfer.id)}&recevoir=oui`),
                      ),
                      button(
                          "Tout est arrivé",
                          () => this.receiveAll(transfer),
                          {
                              class: "primary",
                          },
                      ),
                  ]
                : null,
        );
        return [
            locked(arrive, "Vous ne pouvez pas le recevoir :"),
            arrive === leave
                ? null
                : locked(leave, "Vous ne pouvez pas l’annuler :"),
            facts(
                ["État", badge(states[transfer.statut])],
                ["Trajet", between(transfer.de, transfer.vers)],
                ["Parti", when(transfer.date_depart, transfer.expedie_par)],
                transfer.date_cloture && [
                    transfer.statut === "recu" ? "Reçu" : "Annulé",
                    when(transfer.date_cloture, transfer.cloture_par),
                ],
            ),
            lines(transfer, names),
        ];
    }

    // The answer, or undefined where somebody else was faster.
    async close(transfer, verb, body) {
        try {
            return await this.send(`/transfers/${transfer.id}/${verb}/`, body);
        } catch (error) {
            if (error.status === 409 && error.body.statut) {
                notify(error.message);
                navigate(this.address(transfer.id));
                return { ...transfer, settled: true };
            }
            throw error;
        }
    }

    done(transfer, answer, text) {
        if (answer && !answer.settled) {
            announceChange();
            notify(text);
        }
        if (answer) {
            navigate(this.address(transfer.id));
        }
    }

    async receiveAll(transfer) {
        const units = unitsOf(transfer.lignes);

        this.send = sender();
        const answer = await confirm({
            title: "Tout est arrivé ?",
            text:
                `${plural(units, "unité entre", "unités entrent")} dans le stock : ` +
                `${storeName(transfer.vers)}. C’est définitif.`,
            submit: "Tout est arrivé",
            action: () => this.close(transfer, "receive"),
        });

        this.done(
            transfer,
            answer,
            `Transfert n° ${transfer.id} reçu : ${storeName(transfer.vers)}.`,
        );
    }

    async cancel(transfer) {
        this.send = sender();
        const answer = await askWhy({
            title: `Annuler le transfert n° ${transfer.id} ?`,
            text: `Tout revient d’où c’est parti : ${storeName(transfer.de)}.`,
            placeholder: "erreur d’envoi, camion en panne…",
            submit: "Annuler l’envoi",
            danger: true,
            action: (reason) => this.close(transfer, "cancel", reason),
        });

        this.done(
            transfer,
            answer,
            `Le transfert n° ${transfer.id} est annulé.`,
        );
    }

    // What came, line by line.  All is taken to have come, until somebody says
    // otherwise or counts from nothing.
    async receive(id, stop) {
        const transfer = await read(`/transfers/${id}/`, stop);
        const [names, rights] = await Promise.all([
            readNames(
                transfer.lignes.map((line) => line.produit),
                stop,
            ),
            readRights(stop),
            readStores(stop),
        ]);
        const why = whyNotMove(rights, transfer.vers);

        if (why || transfer.statut !== "en_transit") {
            return this.one(id, stop);
        }
        this.heading.textContent = `Recevoir le transfert n° ${id}`;
        fill(
            this.actions,
            element(
                "a",
                { href: this.address(id), class: "button" },
                "Retour au transfert",
            ),
        );
        return this.counting(transfer, names);
    }

    counting(transfer, names) {
        const goods = new Goods({ fixed: true, signal: this.signal });
        const given = (came) =>
            transfer.lignes.map((line) => ({
                id: line.produit,
                name: names.get(line.produit),
                sent: line.quantite,
                quantity: came ? String(line.quantite) : "0",
            }));
        const why = field({
            name: "motif",
            label: "Motif des écarts",
            maxlength: 200,
            placeholder: "casse, colis manquant…",
        });

        this.send = sender();
        goods.set(given(true));
        return element(
            "section",
            { class: "card document-form" },
            element(
                "div",
                { class: "form-intro" },
                element("p", {}, between(transfer.de, transfer.vers)),
                button("Compter en scannant, depuis zéro", () => {
                    goods.set(given(false));
                    goods.focus();
                }),
            ),
            formOf({
                fields: [why],
                extra: goods.node,
                submit: "Enregistrer ce qui est arrivé",
                cancel: () => navigate(this.address(transfer.id)),
                action: async (values, form) => {
                    const lignes =
                        (await goods.decided(form)) && (await goods.read());

                    if (lignes) {
                        const answer = await this.close(transfer, "receive", {
                            lignes,
                            ...(values.motif.trim()
                                ? { motif: values.motif.trim() }
                                : {}),
                        });
                        this.done(
                            transfer,
                            answer,
                            `Transfert n° ${transfer.id} reçu, ${gaps(answer)}.`,
                        );
                    }
                    return form;
                },
            }),
        );
    }

    async write(stop) {
        const [stores, rights] = await Promise.all([
            readStores(stop),
            readRights(stop),
        ]);
        const why = whyNever(rights);

        this.heading.textContent = "Nouvel envoi";
        fill(this.actions, this.back());
        if (why) {
            return locked(why, "Vous ne pouvez rien envoyer :");
        }
        const editor = this.editor(stores, rights);

        await this.begin(editor.goods, stop);
        return editor.node;
    }

    // A link may name what is to be sent.
    async begin(goods, stop) {
        const id = Number(idOf(this.parameters, "produit", "Le produit"));

        if (id && !goods.lines.some((line) => line.id === id)) {
            const names = await readNames([id], stop);
            goods.add({ id, nom: names.get(id) });
        }
    }

    editor(stores, rights) {
        const asked = (name) => this.parameters.get(name);
        const from = placeField({ name: "de", label: "De" }, () => look(goods));
        const to = placeField({ name: "vers", label: "Vers" });
        const there = new Availability(this.signal);
        const look = (goods) => there.show(goods, from.control.value);
        const goods = new Goods({
            key: DRAFT,
            signal: this.signal,
            changed: look,
        });
        const allowed = (place) => !whyNotMove(rights, place);
        const usual = chosenStore(new URLSearchParams(), stores);
        const send = sender();

        from.offer(
            stores,
            asked("de") ??
                (usual && allowed(usual.id) ? placeValue(usual.id) : ""),
            allowed,
        );
        to.offer(stores, asked("vers"));
        look(goods);
        requestAnimationFrame(() => goods.focus());
        return {
            goods,
            node: element(
                "section",
                { class: "card document-form two" },
                formOf({
                    fields: [from, to],
                    extra: goods.node,
                    submit: "Envoyer",
                    cancel: () => navigate(words.path),
                    action: (values, form) =>
                        this.save(values, form, goods, send),
                }),
            ),
        };
    }

    async save(values, form, goods, send) {
        if (!(await goods.decided(form))) {
            return;
        }
        const wrong = {
            ...(values.de ? {} : { de: ["Choisissez d’où cela part."] }),
            ...(values.vers ? {} : { vers: ["Choisissez où cela va."] }),
            ...(values.de && values.de === values.vers
                ? { vers: ["Choisissez un autre lieu que celui du départ."] }
                : {}),
        };

        if (Object.keys(wrong).length > 0) {
            form.show(wrong);
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
            const made = await send("/transfers/", {
                de: placeOf(values.de),
                vers: placeOf(values.vers),
                lignes,
            });
            goods.clear();
            announceChange();
            notify(`Transfert n° ${made.id} : ${between(made.de, made.vers)}.`);
            navigate(this.address(made.id));
        } catch (error) {
            goods.refuse(error, form);
        }
    }
}

export const mount = (page) => new Transfers(page);

// What there is of each product at the place that it leaves, read once.
class Availability {
    #known = new Map();

    constructor(signal) {
        this.signal = signal;
    }

    show(goods, from) {
        for (const line of goods.lines) {
            this.#read(line.id).then((product) => {
                const there = from && product ? at(product, from) : null;

                goods.note(
                    line.id,
                    there === null ? "" : `${quantity(there)} au départ`,
                    there !== null && there < Number(line.quantity),
                );
            });
        }
    }

    #read(id) {
        if (!this.#known.has(id)) {
            this.#known.set(
                id,
                // Not to know is no harm: the API has the last word.
                read(`/products/${id}/availability/`, this.signal).catch(
                    () => null,
                ),
            );
        }
        return this.#known.get(id);
    }
}

function at(product, from) {
    const place = placeOf(from);
    const store = product.magasins.find((one) => one.magasin === place);

    return place === null
        ? product.central
        : (store?.disponible ?? store?.quantite ?? 0);
}

// Why nothing can be sent from anywhere, null when something can.
function whyNever(rights) {
    return rights.why("stock") && whyNotMove(rights, null)
        ? rights.why("stock")
        : null;
}

function gaps({ lignes }) {
    const some = lignes.filter((line) => line.ecart).length;

    return some === 0
        ? "sans écart"
        : `avec ${plural(some, "écart", "écarts")}`;
}

function listOf(page, rows, rights) {
    return table({
        caption: "Transferts",
        class: "with-actions",
        columns: [
            { label: "Transfert" },
            { label: "Parti le", class: "wide" },
            { label: "État", class: "wide" },
            { label: element("span", { class: "hidden" }, "Actions") },
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
                        between(row.de, row.vers),
                    ),
                    beside(moment(row.date_depart)),
                    beside(badge(states[row.statut])),
                ),
                element("td", { class: "wide date" }, moment(row.date_depart)),
                wide(badge(states[row.statut])),
                cell(
                    row.statut === "en_transit" && !whyNotMove(rights, row.vers)
                        ? element(
                              "div",
                              { class: "row-actions" },
                              element(
                                  "a",
                                  {
                                      class: "button",
                                      href: page.address(row.id),
                                      "aria-label": `Recevoir le transfert n° ${row.id}`,
                                  },
                                  "Recevoir",
                              ),
                          )
                        : null,
                ),
            ),
        ),
    });
}

function lines({ statut, lignes }, names) {
    const received = statut === "recu";
    const gap = (line) =>
        element(
            "td",
            {
                class: `number delta ${line.ecart > 0 ? "minus" : "plus"}`,
            },
            line.ecart ? quantity(-line.ecart) : "–",
        );

    return table({
        caption: "Produits du transfert",
        columns: [
            { label: "Produit" },
            { label: "Envoyé", class: "number" },
            ...(received
                ? [
                      { label: "Reçu", class: "number" },
                      { label: "Écart", class: "number" },
                  ]
                : []),
        ],
        rows: lignes.map((line) =>
            element(
                "tr",
                {},
                rowHeading(names.get(line.produit)),
                number(quantity(line.quantite)),
                received ? [number(quantity(line.recu)), gap(line)] : null,
            ),
        ),
    });
}
