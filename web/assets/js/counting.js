// What is counted, as it is counted: each scan adds one at once, a number that
// is written replaces what was counted.  What is not sent yet is kept with its
// key, so that it is added once, also after a reload.

import { newKey, post } from "./api.js";
import { confirm } from "./dialog.js";
import { button, element, fill, uniqueId } from "./dom.js";
import { Entries } from "./entries.js";
import { explain } from "./errors.js";
import { findProducts } from "./find.js";
import { field } from "./form.js";
import { difference, moment, plural, quantity } from "./format.js";
import { say } from "./notices.js";
import { isUnlikely } from "./numbers.js";
import { isOld, markOf } from "./outbox.js";
import { watchScanner } from "./scan.js";
import { askForToken, authorization, rejectToken } from "./token.js";
import { Unsent } from "./unsent.js";

const AT_ONCE = 100;
const MOST = 2147483647;
const AGAIN = 5000;

const pause = (milliseconds) =>
    new Promise((resolve) => setTimeout(resolve, milliseconds));

export class Counting {
    #rows = new Map();
    #waiting = [];
    #running = false;
    #asked = null;
    #questions = 0;
    #watchers = [];
    #end = new AbortController();
    // Lists of tabs that are gone
    #others = [];

    // count: the stock-take; lines: what was counted before
    constructor(count, lines, signal) {
        this.path = `/counts/${count.id}/lines/`;
        this.blind = count.aveugle;
        this.signal = AbortSignal.any([signal, this.#end.signal]);
        this.unsent = new Unsent(count.id, this.signal);
        this.entry = field({
            name: "produit",
            label: "Scanner ou chercher un produit",
            type: "search",
            placeholder: "Code-barres, code ou nom",
            maxlength: 100,
            autocomplete: "off",
            enterkeyhint: "done",
            on: {
                keydown: (event) => {
                    const text = this.entry.control.value.trim();

                    if (event.key === "Enter") {
                        event.preventDefault();
                        this.entry.control.value = "";
                        if (text) {
                            this.entries.add(text);
                        }
                    }
                },
            },
        });
        this.entries = new Entries(
            {
                add: (product, units = 1) => this.add(product, units),
                choose: (...one) => this.#choose(...one),
                ready: () => Promise.resolve(),
                focus: () => this.focus(),
                find: findProducts,
            },
            this.signal,
        );
        this.choices = element("ul", {
            class: "suggestions",
            "aria-label": "Produits trouvés",
            hidden: true,
        });
        this.state = element("p", { class: "muted", role: "status" });
        this.problem = element("div", { class: "form-error", role: "alert" });
        this.offer = element("div", { class: "form-error", role: "alert" });
        this.body = element("tbody");
        this.none = element(
            "p",
            { class: "goods-none muted" },
            "Rien n’est encore compté. Scannez un article, ou cherchez-le par son nom.",
        );
        this.table = element(
            "div",
            { class: "goods-table" },
            element(
                "table",
                {},
                element("caption", { class: "hidden" }, "Ce qui est compté"),
                element("thead", {}, this.#head()),
                this.body,
            ),
        );
        this.node = element(
            "section",
            { class: "card goods" },
            element(
                "div",
                { class: "goods-entry" },
                this.entry.node,
                this.choices,
            ),
            this.entries.node,
            this.offer,
            this.problem,
            this.none,
            this.table,
            this.state,
        );
        for (const line of [...lines].reverse()) {
            this.#learn(line);
        }
        watchScanner(
            (code) => {
                this.#finish();
                this.entries.scanned(code, this.entry.control);
            },
            this.signal,
            () => this.node.isConnected,
        );
        this.ready = this.#restore();
        this.#tell();
    }

    // Another one is counted here.
    leave() {
        this.#end.abort();
    }

    #head() {
        return element(
            "tr",
            {},
            element("th", { scope: "col" }, "Produit"),
            element("th", { scope: "col", class: "number" }, "Compté"),
            this.blind
                ? null
                : element("th", { scope: "col", class: "number" }, "Écart"),
        );
    }

    focus() {
        if (matchMedia("(hover: hover)").matches) {
            this.entry.control.focus({ preventScroll: true });
        }
    }

    // Unless somebody types or chooses already: then it waits to be asked for.
    async #choose(text, alone, units = 1) {
        const busy = () =>
            alone &&
            (this.entry.control.value !== "" ||
                this.choices.contains(document.activeElement));

        if (busy()) {
            return;
        }
        const products = await findProducts(text, this.signal);

        if (busy()) {
            return;
        }
        this.choices.hidden = false;
        fill(
            this.choices,
            products.map((product) =>
                element(
                    "li",
                    {},
                    button(product.nom, () => {
                        this.choices.hidden = true;
                        this.entries.chosen(text);
                        this.add(product, units);
                        this.focus();
                    }),
                ),
            ),
        );
        if (!this.body.contains(document.activeElement)) {
            this.choices.querySelector("button")?.focus();
        }
    }

    add(product, units) {
        const row = this.#row(product.id, product.nom);

        this.#mark(row);
        this.#send({ produit: product.id, quantite: units, ajoute: true });
    }

    #send(line) {
        this.#waiting.push({ line, key: null, at: null, made: Date.now() });
        this.#keep();
        this.#run();
    }

    // What goes together has one key, and goes again as it is: scans, which add,
    // or one number that replaces.  What has a key already may be counted, and
    // goes with nothing else.  at: since when it has the key
    #batch() {
        const [first] = this.#waiting;

        if (first.key === null) {
            const key = newKey();
            const end = this.#waiting.findIndex(
                (one) => one.key !== null || !one.line.ajoute,
            );
            const most = Math.max(end === -1 ? AT_ONCE : end, 1);

            for (const one of this.#waiting.slice(0, Math.min(most, AT_ONCE))) {
                one.key = key;
                one.at = Date.now();
            }
        }
        return this.#waiting.filter((one) => one.key === first.key);
    }

    async #run() {
        if (this.#running) {
            return;
        }
        let reason = null;

        this.#running = true;
        await this.ready;
        while (this.#waiting.length > 0 && !this.signal.aborted) {
            const token = authorization();

            if (!token) {
                if (await askForToken(reason)) {
                    continue;
                }
                this.#withdrawn();
                break;
            }
            const fresh = this.#waiting[0].key === null;
            const batch = this.#batch();
            const mark = await markNow(batch[0].key);

            if (
                isOld(batch[0].at) ||
                (batch[0].mark && batch[0].mark !== mark)
            ) {
                this.#ask(batch);
                break;
            }
            this.#sign(batch, mark);
            this.#tell();
            try {
                const { lignes } = await post(
                    this.path,
                    { lignes: summed(batch) },
                    batch[0].key,
                    token,
                );
                this.#done(batch);
                for (const line of lignes) {
                    this.#learn(line);
                }
                fill(this.problem);
            } catch (error) {
                if (error.status === 401) {
                    this.#unauthorized(batch, fresh && !error.unknown, token);
                    reason = "Ce jeton n’est pas accepté.";
                } else if (!error.temporary && !error.unknown) {
                    this.#refused(batch, error);
                } else {
                    this.#settle(false);
                    fill(
                        this.problem,
                        `${explain(error)} Ce qui est compté est gardé et sera envoyé.`,
                    );
                    await pause(AGAIN);
                }
            }
        }
        this.#running = false;
        this.#settle(this.#waiting.length === 0);
        this.#tell();
    }

    // mark: that of the token that it is sent with
    #sign(batch, mark) {
        for (const one of batch) {
            one.mark = mark;
        }
        this.#keep();
    }

    // The server knows a key for a day, and for one token: what has one for as
    // long, or of another, may be counted already, and would be counted once more.
    #ask(batch) {
        const [{ key }] = batch;
        const goOn = () => {
            this.#asked = null;
            fill(this.problem);
            this.#tell();
            this.focus();
            this.#run();
        };

        if (this.#asked === key) {
            return;
        }
        this.#asked = key;
        fill(
            this.problem,
            `${plural(batch.length, "saisie attend", "saisies attendent")} ${isOld(batch[0].at) ? "depuis plus de 23 heures" : "avec un autre jeton"}, peut-être déjà comptées : regardez les quantités avant de décider. `,
            button("Compter", () => {
                for (const one of batch) {
                    one.at = Date.now();
                    one.mark = null;
                }
                this.#keep();
                goOn();
            }),
            " ",
            button("Jeter", () => {
                this.#done(batch);
                goOn();
            }),
        );
    }

    #done(batch) {
        this.#waiting = this.#waiting.filter((one) => !batch.includes(one));
        this.#keep();
    }

    // What may have been sent before keeps its key, and what token that was.
    // never: it can not have been counted
    #unauthorized(batch, never, token) {
        if (never) {
            for (const one of batch) {
                Object.assign(one, { key: null, at: null, mark: null });
            }
            this.#keep();
        }
        // Another request may have got a new one meanwhile.
        if (token === authorization()) {
            rejectToken();
        }
    }

    // Nobody has given a token.
    #withdrawn() {
        fill(
            this.problem,
            "Il faut un jeton pour enregistrer ce compte. ",
            button("S’identifier", () => this.#run()),
        );
    }

    // One that is wrong takes none with it: each goes alone then.
    #refused(batch, error) {
        this.#done(batch);
        if (batch.length > 1) {
            this.#waiting.unshift(
                ...batch.map((one) => ({
                    ...one,
                    key: newKey(),
                    at: Date.now(),
                    mark: null,
                })),
            );
            return;
        }
        const { produit } = batch[0].line;
        const row = this.#rows.get(produit);
        const words =
            error.body?.produits?.[0]?.comptage !== undefined
                ? `Déjà compté dans l’inventaire n° ${error.body.produits[0].comptage}.`
                : error.status === 400
                  ? "Ce produit n’est pas dans cet inventaire."
                  : explain(error);

        if (row) {
            fill(row.wrong, words);
            row.input.setAttribute("aria-invalid", "true");
        }
        say(words);
    }

    #row(id, name) {
        let row = this.#rows.get(id);

        if (!row) {
            row = this.#make(id, name);
            this.#rows.set(id, row);
        }
        return row;
    }

    #make(id, name) {
        const wrong = element("p", {
            class: "field-error",
            id: uniqueId("compte"),
        });
        const gap = element("td", { class: "number delta" });
        const written = () => this.#written(this.#rows.get(id));
        const input = element("input", {
            type: "text",
            inputmode: "numeric",
            "data-units": true,
            class: "number",
            maxlength: 10,
            autocomplete: "off",
            "aria-label": `Compté : ${name}`,
            "aria-describedby": wrong.id,
            on: {
                change: written,
                // What a scan has put back is no change to the browser.
                blur: written,
                restore: () => this.#refresh(this.#rows.get(id)),
                keydown: (event) => {
                    if (event.key === "Enter") {
                        event.preventDefault();
                        input.blur();
                        this.entry.control.focus();
                    }
                },
            },
        });
        const node = element(
            "tr",
            {},
            element(
                "th",
                { scope: "row" },
                element("span", { class: "title" }, name),
                wrong,
            ),
            element("td", { class: "number" }, input),
            this.blind ? null : gap,
        );

        return {
            id,
            name,
            node,
            input,
            gap,
            wrong,
            known: "",
            shown: "",
            expected: null,
        };
    }

    // A number that somebody has written and not ended came before the scan.
    #finish() {
        for (const row of this.#rows.values()) {
            if (row.input === document.activeElement) {
                this.#written(row);
            }
        }
    }

    // A number that replaces what was counted, if it is another one
    async #written(row) {
        const { id, input, wrong } = row;
        const text = input.value.trim();
        const units = Number(text);

        if (input.value === row.shown) {
            this.#refresh(row);
            return;
        }
        if (!/^\d{1,10}$/.test(text) || units > MOST) {
            fill(wrong, "Entrez un nombre entier, 0 ou plus.");
            input.setAttribute("aria-invalid", "true");
            return;
        }
        fill(wrong);
        input.removeAttribute("aria-invalid");
        row.shown = input.value;
        if (
            isUnlikely(units, row.expected) &&
            !(await this.#sure(row, units))
        ) {
            row.shown = input.value;
            this.#refresh(row);
            input.focus();
            return;
        }
        this.#send({ produit: id, quantite: units });
        this.#refresh(row);
    }

    // What nobody has written over is what the server has, or will have.
    #refresh(row) {
        if (row.input.value === row.shown) {
            this.#show(row);
        }
    }

    #show(row) {
        const numbers = this.#waiting.filter(
            ({ line }) => line.produit === row.id && !line.ajoute,
        );

        row.shown = String(numbers.at(-1)?.line.quantite ?? row.known);
        row.input.value = row.shown;
    }

    async #sure({ name, expected }, units) {
        this.#questions += 1;
        try {
            return await confirm({
                title: `Compter ${quantity(units)} × ${name} ?`,
                text: `${expected === null ? "" : `On en attendait ${quantity(expected)}. `}Un code-barres a peut-être été scanné dans ce champ.`,
                submit: "Enregistrer ce nombre",
                action: () => true,
            });
        } finally {
            this.#questions -= 1;
        }
    }

    // What the server has of it now
    #learn({ produit, nom, compte, ecart, present }) {
        const row = this.#row(produit, nom);
        const { input, shown } = row;
        const inHand = document.activeElement === input;

        row.known = String(compte);
        row.expected = present ?? (compte > 0 ? compte : null);
        if (!inHand || input.value === shown) {
            this.#show(row);
            if (inHand) {
                input.select();
            }
        }
        fill(row.wrong);
        row.input.removeAttribute("aria-invalid");
        if (!this.blind && ecart !== null) {
            row.gap.textContent = ecart === 0 ? "" : difference(ecart);
            row.gap.className = `number delta ${ecart < 0 ? "minus" : "plus"}`;
        }
        if (!row.node.isConnected) {
            this.body.prepend(row.node);
        }
    }

    // The one that was just scanned is the first.
    #mark(row) {
        for (const one of this.#rows.values()) {
            one.node.classList.remove("latest");
        }
        row.node.classList.add("latest");
        // One that is typed into stays where it is.
        if (!row.node.contains(document.activeElement)) {
            this.body.prepend(row.node);
        }
    }

    #tell() {
        const waiting = this.#waiting.length;

        this.none.hidden = this.#rows.size > 0;
        this.table.hidden = this.#rows.size === 0;
        this.state.textContent =
            waiting > 0
                ? `${plural(waiting, "saisie", "saisies")} à envoyer…`
                : `${plural(this.#rows.size, "produit", "produits")} ici, tout est enregistré.`;
    }

    // Resolves once all that was entered is decided and with the server, or to
    // what is in the way of that, in words.
    async settled() {
        await this.ready;
        for (;;) {
            await this.entries.settled();
            const [text] = this.entries.open;

            if (text !== undefined) {
                return `« ${text} » n’est pas compté : choisissez un produit, ou fermez le message.`;
            }
            const wrong = this.#wrong();

            if (wrong) {
                return `Le nombre de « ${wrong.name} » n’est pas valable : corrigez-le.`;
            }
            if (this.offer.hasChildNodes() || this.#questions > 0) {
                return "Des saisies attendent une décision.";
            }
            if (this.#waiting.length === 0) {
                return null;
            }
            if (!(await this.#sent())) {
                return "Tout n’est pas encore enregistré. Attendez un instant.";
            }
        }
    }

    // One with a number that is none.  What was refused is none of it: that was
    // told, and is nowhere any more.
    #wrong() {
        return [...this.#rows.values()].find(
            ({ input, shown }) =>
                input.getAttribute("aria-invalid") === "true" &&
                input.value !== shown,
        );
    }

    // Whether all of it could be sent
    #sent() {
        return this.#asked === null
            ? new Promise((resolve) => {
                  this.#watchers.push(resolve);
                  this.#run();
              })
            : Promise.resolve(false);
    }

    #settle(done) {
        for (const resolve of this.#watchers.splice(0)) {
            resolve(done);
        }
    }

    // The stock-take is given up, and what is not sent with it.
    async forget() {
        await this.ready;
        this.#waiting = [];
        this.#keep();
        for (const { drop } of this.#others) {
            drop();
        }
        this.leave();
    }

    #keep() {
        this.unsent.keep(this.#waiting);
    }

    async #restore() {
        this.#waiting = [...(await this.unsent.open()), ...this.#waiting];
        this.#keep();
        this.#others = await this.unsent.left();
        this.#offer();
        if (this.#waiting.length > 0) {
            this.#run();
        }
    }

    // What another tab of this device has left
    #offer() {
        const lines = this.#others.flatMap(({ list }) => list);
        const end = () => {
            for (const { drop } of this.#others) {
                drop();
            }
            this.#others = [];
            fill(this.offer);
            this.focus();
        };

        if (lines.length === 0) {
            return;
        }
        fill(
            this.offer,
            `${words(lines)} Envoyez ce qui manque, ou jetez-le. `,
            button("Envoyer", () => {
                this.#waiting.push(...lines);
                this.#keep();
                end();
                this.#run();
            }),
            " ",
            button("Jeter", end),
        );
    }
}

const markNow = async (key) =>
    authorization() && crypto.subtle ? markOf(key) : null;

function words(lines) {
    const since = Math.min(
        ...lines.map((one) => one.made ?? one.at ?? Date.now()),
    );
    const some = plural(
        lines.length,
        "saisie n’a pas été envoyée",
        "saisies n’ont pas été envoyées",
    );

    return `${some} de cet appareil, depuis ${moment(since)}.`;
}

// What was never sent of a stock-take that is over: nothing can be done with it
// but to know.
export async function leftOver(id, signal) {
    const unsent = new Unsent(id, signal);
    const own = await unsent.open();
    const others = await unsent.left();
    const lines = [...own, ...others.flatMap(({ list }) => list)];
    const node = element(
        "div",
        { class: "form-error", role: "alert" },
        `${words(lines)} L’inventaire s’est fini sans. `,
        button("Jeter", () => {
            unsent.keep([]);
            for (const { drop } of others) {
                drop();
            }
            node.remove();
        }),
    );

    return lines.length > 0 ? node : null;
}

// Scans of one product in a batch are one line.
function summed(batch) {
    const lines = new Map();

    for (const { line } of batch) {
        const known = lines.get(line.produit);

        lines.set(
            line.produit,
            known
                ? { ...known, quantite: known.quantite + line.quantite }
                : line,
        );
    }
    return [...lines.values()];
}
