// The till: products on one side, the ticket on the other.

import { explain, post, query, readPage, readSome, Withdrawn } from "../api.js";
import { announceChange, keepFresh } from "../changes.js";
import { confirm } from "../dialog.js";
import { afterPause, button, element, fill } from "../dom.js";
import { Entries } from "../entries.js";
import { filterBar, more, searchField, showAll } from "../filters.js";
import { amount, level, plural, quantity } from "../format.js";
import { notify, say } from "../notices.js";
import { agreeOnPrices } from "../prices.js";
import { empty, Region } from "../region.js";
import { setParameters } from "../router.js";
import { receiptView, recentSales } from "../sales.js";
import { device } from "../storage.js";
import {
    keepTillStore,
    readStores,
    storeField,
    storeName,
    tillStore,
} from "../stores.js";
import { Ticket } from "../ticket.js";
import { TicketPanel } from "../ticket_panel.js";
import { changeToken } from "../token.js";

const SECONDS = 30;
const TILES = 24;
const MOST = 1000;

class Till {
    #wake = [];

    constructor({ body, signal }) {
        this.signal = signal;
        this.catalogue = new Region(signal);
        this.recent = new Region(signal);
        this.ticket = new Ticket();
        this.panel = element("section", {
            class: "card ticket",
            id: "ticket",
            "aria-labelledby": "ticket-titre",
            tabindex: "-1",
        });
        this.parameters = new URLSearchParams();
        this.stores = null;
        this.stock = new Map();
        this.products = [];
        this.many = TILES;
        this.problem = null;
        this.receipt = null;
        this.selling = false;
        this.view = new TicketPanel({
            set: (id, quantity) => this.set(id, quantity),
            sell: () => this.sell(),
            clear: () => this.clearTicket(),
            abandon: () => this.abandon(),
            show: () => this.panel.scrollIntoView({ block: "start" }),
        });
        this.entries = new Entries(
            {
                add: (product) => this.put(product),
                choose: (text, alone) => this.choose(text, alone),
                ready: () => this.ready(),
                focus: () => this.search.control.focus(),
            },
            signal,
        );

        this.store = storeField(null, (id) => {
            setParameters({ magasin: id });
        });
        this.search = searchField({
            autocomplete: "off",
            on: { keydown: (event) => this.typed(event) },
        });

        fill(body, this.layout());
        this.drawTicket();
        if (!device.works()) {
            notify(
                "Ce navigateur ne garde rien : un ticket en cours et le " +
                    "magasin choisi seront perdus si la page est rechargée.",
            );
        }
        this.learnStock = afterPause(200, () => this.learn());
        keepFresh(SECONDS, () => this.refresh(), signal);
    }

    // Enter ends an entry; what is typed after it is the next one.
    typed(event) {
        if (event.key === "ArrowDown") {
            event.preventDefault();
            this.catalogue.node.querySelector(".tile")?.focus();
        }
        if (event.key !== "Enter" || event.isComposing) {
            return;
        }
        event.preventDefault();
        const text = this.search.take();

        if (text !== "") {
            setParameters({ recherche: "" }, { replace: true });
            this.entries.add(text);
        }
    }

    // What several products have in their names is shown, unless somebody
    // types already: then it waits to be asked for.
    choose(text, alone = false) {
        const { control } = this.search;

        if (alone && control.value !== "") {
            return;
        }
        control.value = text;
        control.focus();
        control.select();
        setParameters({ recherche: text }, { replace: true });
    }

    // While a sale is on its way nothing is added: what is entered meanwhile
    // is the next ticket's, or this one's when it is refused.
    ready() {
        return this.ticket.phase === "open" && !this.selling
            ? Promise.resolve()
            : new Promise((resolve) => this.#wake.push(resolve));
    }

    wake() {
        if (this.ticket.phase === "open" && !this.selling) {
            for (const resolve of this.#wake.splice(0)) {
                resolve();
            }
        }
    }

    layout() {
        return element(
            "div",
            { class: "till" },
            element(
                "div",
                { class: "till-products" },
                filterBar(this.store.node, this.search.node),
                this.entries.node,
                this.catalogue.node,
            ),
            element(
                "div",
                { class: "till-side" },
                this.panel,
                element(
                    "section",
                    {
                        class: "card recent",
                        "aria-labelledby": "recentes-titre",
                    },
                    element("h2", { id: "recentes-titre" }, "Dernières ventes"),
                    this.recent.node,
                ),
            ),
        );
    }

    // null while nobody knows
    available(id) {
        return this.stock.get(id) ?? null;
    }

    // The products that are shown, and how many of them and of the ticket's
    // this store has.
    async load(stop) {
        this.stores ??= await readStores(stop);
        const chosen = tillStore(
            this.parameters,
            this.stores,
            this.ticket.lines.length > 0 ? this.ticket.store : null,
        );

        if (!chosen) {
            return empty("Il n’y a pas encore de magasin.");
        }
        if (!(await this.moveTo(chosen, stop))) {
            return null;
        }

        const page = await readPage(
            `/products/${query({
                q: this.parameters.get("recherche"),
                limit: this.many,
            })}`,
            stop,
        );
        this.products = page.results;
        await this.readStock(
            [...this.products, ...this.ticket.lines].map((one) => one.id),
            stop,
        );
        this.drawTicket();
        this.recent.run((stop) => recentSales(this.ticket.store, stop));

        return this.tiles(page.next);
    }

    // A sale that may have been made stays with its store, and a ticket goes
    // to another one only when somebody says so.
    async moveTo(chosen, stop) {
        const { ticket } = this;
        const from = ticket.store ?? chosen.id;
        let to = chosen.id;

        if (to !== from && ticket.lines.length > 0) {
            to =
                ticket.phase === "open" && (await this.mayMove(from, chosen))
                    ? to
                    : from;
            stop.throwIfAborted();
        }
        if (to !== from) {
            this.stock = new Map();
        }
        ticket.store = to;
        ticket.save();
        keepTillStore(to);
        this.store.offer(this.stores, to);
        if (to !== chosen.id) {
            setParameters({ magasin: to }, { replace: true });
            return false;
        }
        return true;
    }

    mayMove(from, to) {
        return confirm({
            title: "Changer de magasin ?",
            text:
                `Le ticket (${plural(this.ticket.units, "article", "articles")}) ` +
                `est commencé à ${storeName(from)}. Il serait vendu à ${to.nom}.`,
            submit: `Vendre à ${to.nom}`,
            action: () => true,
        });
    }

    async readStock(ids, stop) {
        const unique = [...new Set(ids)];
        const store = this.ticket.store;
        const rows = (
            await readSome(
                unique,
                (some) => `/stores/${store}/stock/?produits=${some}`,
                stop,
            )
        ).flat();
        const there = new Map(
            rows.map((row) => [row.produit_id, row.quantite]),
        );

        if (store === this.ticket.store) {
            for (const id of unique) {
                this.stock.set(id, there.get(id) ?? 0);
            }
        }
    }

    tiles(next) {
        if (this.products.length === 0) {
            return empty("Aucun produit ne correspond.", showAll("recherche"));
        }

        return [
            element(
                "ul",
                { class: "tiles" },
                this.products.map((product) => this.tile(product)),
            ),
            more(next && this.many < MOST, () => {
                this.many = Math.min(this.many + 2 * TILES, MOST);
                this.refresh();
            }),
            next && this.many >= MOST
                ? element(
                      "p",
                      { class: "muted" },
                      `Les ${quantity(MOST)} premiers produits. Cherchez les autres par leur nom.`,
                  )
                : null,
        ];
    }

    tile(product) {
        const left = this.available(product.id);
        const state = level(left);

        return element(
            "li",
            {},
            button(
                [
                    element("span", { class: "name" }, product.nom),
                    element("span", { class: "price" }, amount(product.prix)),
                    element(
                        "span",
                        { class: `left ${state.name}` },
                        left === 0 ? "Rupture" : `${quantity(left)} en stock`,
                    ),
                ],
                () => this.pick(product),
                {
                    class: left === 0 ? "tile none" : "tile",
                    "data-focus": `produit ${product.id}`,
                },
            ),
        );
    }

    refresh() {
        return this.catalogue.run((stop) => this.load(stop));
    }

    // A tile was pressed.  The search that led to it has done its work.
    pick(product) {
        if (this.ticket.phase !== "open" || this.selling) {
            this.panel.scrollIntoView({ block: "nearest" });
            return;
        }
        if (this.available(product.id) === 0) {
            notify(`${product.nom} est en rupture dans ce magasin.`);
            return;
        }
        this.put(product);
        const text = this.parameters.get("recherche");

        if (text) {
            this.entries.chosen(text);
            this.search.take();
            this.focusSearch();
            setParameters({ recherche: "" }, { replace: true });
        }
    }

    put(product) {
        this.receipt = null;
        this.problem = null;
        this.ticket.add(product);
        this.drawTicket();
        say(
            `${product.nom} : ${this.ticket.find(product.id).quantity} sur le ticket`,
        );
        if (this.available(product.id) === null) {
            this.learnStock();
        }
    }

    // How many there are of what was entered without being shown.  Not to know
    // is no harm: the sale is refused when there are too few.
    async learn() {
        const unknown = this.ticket.lines
            .map((line) => line.id)
            .filter((id) => this.available(id) === null);

        try {
            await this.readStock(unknown, this.signal);
            this.drawTicket();
        } catch (error) {
            if (!error.status && !error.temporary && !this.signal.aborted) {
                console.error(error);
            }
        }
    }

    // Where there is a keyboard.  One that comes up on the screen would hide
    // what is there.
    focusSearch() {
        if (matchMedia("(hover: hover)").matches) {
            this.search.control.focus({ preventScroll: true });
        }
    }

    drawTicket() {
        if (this.receipt) {
            fill(
                this.panel,
                receiptView(this.receipt, () => this.next()),
            );
        } else {
            this.view.update(
                this.ticket,
                (id) => this.available(id),
                this.problem,
                this.selling,
            );
            if (!this.panel.contains(this.view.node)) {
                fill(this.panel, this.view.node);
            }
        }
    }

    // Who took the last one of a line off has nothing under the focus.
    set(id, quantity) {
        const inside = this.panel.contains(document.activeElement);

        this.problem = null;
        this.ticket.set(id, quantity);
        this.drawTicket();
        if (inside && !this.panel.contains(document.activeElement)) {
            this.panel.focus({ preventScroll: true });
        }
    }

    clearTicket() {
        const { lines } = this.ticket;

        this.ticket.clear();
        this.problem = null;
        this.drawTicket();
        this.panel.focus({ preventScroll: true });
        notify("Le ticket est vidé.", {
            label: "Annuler",
            run: () => {
                if (
                    this.ticket.phase === "open" &&
                    this.ticket.lines.length === 0
                ) {
                    this.ticket.lines = lines;
                    this.ticket.save();
                    this.drawTicket();
                }
            },
        });
    }

    async abandon() {
        const sure = await confirm({
            title: "Abandonner ce ticket ?",
            text:
                "La vente a peut-être été enregistrée. Regardez les dernières " +
                "ventes avant de la refaire.",
            submit: "Abandonner",
            danger: true,
            action: () => true,
        });

        if (sure) {
            this.ticket.clear();
            this.problem = null;
            this.drawTicket();
            this.wake();
            this.refresh();
        }
    }

    async sell() {
        if (
            this.selling ||
            this.ticket.phase === "sending" ||
            this.ticket.lines.length === 0
        ) {
            return;
        }
        const held = document.activeElement;

        this.problem = null;
        await this.entries.settled();
        this.selling = true;
        this.drawTicket();
        try {
            if (this.ticket.phase !== "open" || (await this.mayBeSold())) {
                await this.send();
            }
        } catch (error) {
            if (!this.signal.aborted) {
                this.problem = this.reason(error);
            }
        } finally {
            this.selling = false;
        }
        if (this.signal.aborted) {
            return;
        }
        this.drawTicket();
        this.wake();
        this.afterSale(held);
    }

    // The person is asked what nobody else can know.
    async mayBeSold() {
        const [text] = this.entries.open;

        if (text) {
            this.problem = [
                `« ${text} » n’est pas sur le ticket : choisissez un produit, ` +
                    "ou fermez le message.",
            ];
            return false;
        }
        return agreeOnPrices(this.ticket, this.signal);
    }

    async send() {
        const before = this.ticket.phase;

        this.ticket.enter("sending");
        this.drawTicket();
        try {
            const sale = await post(
                "/sales/",
                this.ticket.body,
                this.ticket.key,
            );
            this.receipt = { sale, lines: this.ticket.lines };
            this.ticket.clear();
            announceChange();
        } catch (error) {
            this.problem = this.reason(error);
            this.settle(error, before);
        }
    }

    // The focus stays where it was, or goes where the next entry is typed.
    afterSale(held) {
        if (this.receipt) {
            this.focusSearch();
            if (document.activeElement !== this.search.control) {
                this.panel.querySelector("h2").focus();
            }
            say(`Vente n° ${this.receipt.sale.id} enregistrée.`);
        } else {
            if (!document.activeElement?.closest("main")) {
                (held.isConnected && !held.disabled
                    ? held
                    : this.search.control
                ).focus({ preventScroll: true });
            }
            if (this.problem) {
                say(this.view.problem.textContent);
            }
        }
        this.refresh();
    }

    // A refusal is an answer, but for that of a token: a person who has none,
    // or not the right one, has sent nothing more than before.
    settle(error, before) {
        if (error.unknown) {
            this.ticket.enter("unknown");
        } else if (error instanceof Withdrawn || error.status === 403) {
            this.ticket.enter(before);
        } else {
            this.ticket.reopen();
        }
    }

    reason(error) {
        if (error instanceof Withdrawn) {
            return null;
        }
        if (error.status === 403) {
            return [
                explain(error),
                " ",
                button("Changer de jeton", () => changeToken(), {
                    class: "link",
                }),
            ];
        }
        if (error.status === 409 || error.status === 400) {
            return this.ticket.refuse(error) ?? explain(error);
        }
        if (!error.status && !error.temporary) {
            console.error(error);
        }
        return explain(error);
    }

    next() {
        this.receipt = null;
        this.drawTicket();
        this.focusSearch();
    }

    update(now) {
        this.parameters = now;
        this.many = TILES;
        this.search.sync(now);
        this.refresh();
    }
}

export const mount = (page) => new Till(page);
