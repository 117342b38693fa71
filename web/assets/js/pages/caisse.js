// The till: products on one side, the ticket on the other.

import { query, readPage } from "../api.js";
import { keepFresh } from "../changes.js";
import { Checkout } from "../checkout.js";
import { confirm } from "../dialog.js";
import { afterPause, button, element, fill } from "../dom.js";
import { Entries } from "../entries.js";
import { filterBar, more, searchField, showAll } from "../filters.js";
import { amount, level, plural, quantity } from "../format.js";
import { notify, say } from "../notices.js";
import { empty, Region } from "../region.js";
import { setParameters } from "../router.js";
import { receiptView, recentSales } from "../sales.js";
import { ShopStock } from "../shop_stock.js";
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
        this.stock = new ShopStock(signal);
        this.products = [];
        this.many = TILES;
        this.problem = null;
        this.receipt = null;
        this.checkout = new Checkout(this);
        this.view = new TicketPanel({
            set: (id, quantity) => this.set(id, quantity),
            sell: () => this.checkout.sell(),
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
        return this.ticket.phase === "open" && !this.checkout.busy
            ? Promise.resolve()
            : new Promise((resolve) => this.#wake.push(resolve));
    }

    wake() {
        if (this.ticket.phase === "open" && !this.checkout.busy) {
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
        await this.stock.read(
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
        this.stock.enter(to);
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
        const left = this.stock.of(product.id);
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
        if (this.ticket.phase !== "open" || this.checkout.busy) {
            this.panel.scrollIntoView({ block: "nearest" });
            return;
        }
        if (this.stock.of(product.id) === 0) {
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
        if (this.stock.of(product.id) === null) {
            this.learnStock();
        }
    }

    // Of what was entered without being shown.  Not to know is no harm: the sale
    // is refused when there are too few.
    async learn() {
        try {
            await this.stock.learn(this.ticket.lines.map((line) => line.id));
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
                (id) => this.stock.of(id),
                this.problem,
                this.checkout.busy,
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
