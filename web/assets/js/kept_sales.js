// Sales that are to be sent, as a person sees them: those that wait, and those
// that somebody has to decide about, with why and what can be done.

import { confirm } from "./dialog.js";
import { button, element, fill } from "./dom.js";
import { amount, moment, plural } from "./format.js";
import { attempt, notify, say } from "./notices.js";
import {
    agree,
    onMade,
    onSales,
    renew,
    repeat,
    stateOf,
    waiting,
    withdraw,
    works,
} from "./outbox.js";
import { readRights } from "./rights.js";
import { storeName } from "./stores.js";
import { askForToken, authorization, changeToken } from "./token.js";

const words = {
    attente: () =>
        "Sera envoyée dès que le serveur répond. Rien n’est à faire.",
    identification: () => "Il faut un jeton pour l’envoyer.",
    droit: () => "Votre jeton n’autorise pas cette vente.",
    age: (sale) =>
        "Attend depuis plus de 23 heures. " +
        (sale.unknown
            ? "Elle a peut-être déjà été enregistrée : cherchez-la dans les ventes du magasin avant de l’envoyer."
            : "Vérifiez qu’elle n’a pas été refaite avant de l’envoyer."),
    jeton: (sale) =>
        "A été faite avec un autre jeton. " +
        (sale.unknown
            ? "Elle a peut-être déjà été enregistrée : identifiez-vous avec ce jeton, ou cherchez-la dans les ventes avant de l’envoyer."
            : "Elle serait enregistrée au nom du vôtre."),
    refus: ({ refusal, unknown }) =>
        unknown
            ? `${refusal.words} Elle a peut-être été enregistrée : renvoyée, elle ne le sera qu’une fois.`
            : refusal.words,
};

// What became of one that somebody gave up
const became = {
    done: "est abandonnée.",
    sent: "a été envoyée entre-temps : cherchez-la dans les dernières ventes.",
    changed: "a changé entre-temps : regardez-la avant de décider.",
};

const short = ({ refusal }) =>
    refusal?.body.produits?.some((one) => one.disponible !== undefined);
const dearer = ({ refusal }) => refusal?.body.total_attendu !== undefined;

export class KeptSales {
    // settled(): what was entered is on its ticket; resume(state): a ticket with
    // these lines is the till's; done(): nothing waits any more where somebody was
    constructor({ settled, resume, done }, signal) {
        this.settled = settled;
        this.resume = resume;
        this.done = done;
        this.list = element("ul", { class: "kept-sales" });
        this.title = element("h2", { id: "envoi-titre" }, "Ventes à envoyer");
        this.node = element(
            "section",
            {
                class: "card outbox",
                "aria-labelledby": "envoi-titre",
                hidden: true,
            },
            this.title,
            this.list,
        );
        this.signal = signal;
        onSales(() => this.draw(), signal);
        onMade((one) => this.tell(one), signal);
        this.draw();
    }

    async draw() {
        if (!(await works())) {
            return;
        }
        const rights = await readRights(this.signal).catch(() => null);
        const sales = await waiting();
        const rows = await Promise.all(
            sales.map(async (sale) =>
                this.#row(sale, await stateOf(sale), rights),
            ),
        );

        if (!this.signal.aborted) {
            this.node.hidden = sales.length === 0;
            fill(this.title, `Ventes à envoyer (${sales.length})`);
            this.#show(rows);
        }
    }

    // What is sent is gone, also when somebody has the focus there: then it goes
    // on with what is left.
    #show(rows) {
        const old = [...this.list.children];
        const same = old.map((node, at) => rows[at]?.isEqualNode(node));

        if (old.length === rows.length && same.every(Boolean)) {
            return;
        }
        const held = this.list.contains(document.activeElement)
            ? document.activeElement.getAttribute("aria-label")
            : null;

        fill(
            this.list,
            rows.map((row, at) => (same[at] ? old[at] : row)),
        );
        if (held !== null) {
            const again = this.list.querySelector(
                `[aria-label="${CSS.escape(held)}"]`,
            );
            (again ?? this.list.querySelector("button"))?.focus({
                preventScroll: true,
            });
            if (rows.length === 0) {
                this.done();
            }
        }
    }

    tell({ n, sale, error, awaited }) {
        if (awaited) {
            return;
        }
        if (sale) {
            say(`La vente en attente n° ${n} est enregistrée : n° ${sale.id}.`);
        } else if (error) {
            say(`La vente en attente n° ${n} est refusée.`);
        }
    }

    #row(sale, state, rights) {
        return element(
            "li",
            {
                class: state === "attente" ? "" : "ask",
                "data-key": sale.n,
            },
            element(
                "p",
                { class: "kept-sale" },
                element("strong", {}, `Attente n° ${sale.n}`),
                element(
                    "span",
                    { class: "muted" },
                    `${moment(sale.at)} · ${storeName(sale.store)} · ${plural(
                        sale.lines.reduce((sum, one) => sum + one.quantity, 0),
                        "article",
                        "articles",
                    )}`,
                ),
                element("span", { class: "number" }, amount(sale.total)),
            ),
            element("p", { class: "why" }, words[state](sale)),
            element(
                "div",
                { class: "form-actions" },
                this.#actions(sale, state, rights),
            ),
        );
    }

    #actions(sale, state, rights) {
        const one = (label, run, properties = {}) =>
            button(label, () => attempt(run), {
                "aria-label": `${label} : attente n° ${sale.n}`,
                ...properties,
            });
        const primary = { class: "primary" };
        const may = (scope) => rights && !rights.why(scope, sale.store);

        return [
            one("Abandonner", () => this.#abandon(sale), { class: "quiet" }),
            state === "refus" && !sale.unknown
                ? one("Modifier", () => this.#modify(sale))
                : null,
            state === "refus" && sale.unknown
                ? one("Renvoyer", () => repeat(sale), primary)
                : null,
            state === "refus" && short(sale) && may("inventaire")
                ? one("Vendre quand même", () => this.#force(sale), primary)
                : null,
            state === "refus" && dearer(sale) && may("prix")
                ? one(
                      "Garder les prix payés",
                      () => this.#asPaid(sale),
                      primary,
                  )
                : null,
            state === "age" || state === "jeton"
                ? one("Envoyer", () => this.#send(sale, state), primary)
                : null,
            state === "identification"
                ? one("S’identifier", () => askForToken(), primary)
                : null,
            state === "droit" || state === "jeton"
                ? one("Changer de jeton", () => changeToken())
                : null,
        ];
    }

    async #abandon(sale) {
        const sure = await confirm({
            title: `Abandonner la vente en attente n° ${sale.n} ?`,
            text: sale.unknown
                ? "Elle a peut-être déjà été enregistrée. Sinon elle ne le sera jamais : le stock et les chiffres seront sans elle."
                : "Elle ne sera jamais enregistrée : le stock et les chiffres seront sans elle.",
            submit: "Abandonner la vente",
            danger: true,
            action: () => true,
        });

        if (sure) {
            notify(
                `La vente en attente n° ${sale.n} ${became[await withdraw(sale)]}`,
            );
        }
    }

    async #send(sale, state) {
        if (!authorization() && !(await askForToken())) {
            return;
        }
        const sure = await confirm({
            title: `Envoyer la vente en attente n° ${sale.n} ?`,
            text: words[state](sale),
            submit: "Envoyer",
            action: () => true,
        });

        if (sure) {
            await agree(sale);
        }
    }

    // The lines are a ticket again.  The refused sale goes once they are.
    async #modify(sale) {
        await this.settled();
        const end = await withdraw(sale, () => this.resume(sale));

        if (end === "sent" || end === "changed") {
            notify(`La vente en attente n° ${sale.n} ${became[end]}`);
        }
    }

    async #force(sale) {
        const sure = await confirm({
            title: "Vendre quand même ?",
            text:
                "Le client a emporté ces articles. Le stock sera corrigé de " +
                "ce qui manque, avec le motif « écart de caisse ».",
            submit: "Vendre quand même",
            action: () => true,
        });

        if (sure) {
            await renew(sale, (body) => ({ ...body, forcer: true }));
        }
    }

    // What was paid is what was on the ticket.
    async #asPaid(sale) {
        const sure = await confirm({
            title: "Garder les prix payés ?",
            text: `Des prix ont changé depuis. La vente serait enregistrée à ${amount(sale.total)}, comme le client l’a payée.`,
            submit: `Enregistrer ${amount(sale.total)}`,
            action: () => true,
        });

        if (sure) {
            await renew(sale, (body) => ({
                ...body,
                lignes: body.lignes.map((line, at) => ({
                    ...line,
                    prix_unitaire: sale.lines[at].price,
                })),
            }));
        }
    }
}

// A sale that waits, in the place of its receipt
export function keptView({ kept, lines }, next) {
    return element(
        "div",
        { class: "receipt" },
        element(
            "h2",
            { id: "ticket-titre", tabindex: "-1" },
            `Vente en attente n° ${kept.n}`,
        ),
        element(
            "p",
            {},
            "Le serveur ne l’a pas encore confirmée. Elle est gardée sur cet " +
                "appareil et sera envoyée une seule fois, dès qu’il répond ; elle " +
                "aura l’heure de son envoi.",
        ),
        element(
            "ul",
            { class: "receipt-lines" },
            lines.map(({ name, quantity }) =>
                element(
                    "li",
                    {},
                    element("span", {}, name),
                    element("span", { class: "number" }, `× ${quantity}`),
                ),
            ),
        ),
        element(
            "p",
            { class: "ticket-total" },
            element("span", { class: "word" }, "Total"),
            element("strong", {}, amount(kept.total)),
        ),
        button("Nouvelle vente", next, {
            class: "primary large",
            "data-focus": "nouvelle",
        }),
    );
}
