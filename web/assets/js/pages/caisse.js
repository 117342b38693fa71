// The till: products on one side, the ticket on the other.

import { explain, post, query, read, readPage, Withdrawn } from "../api.js";
import { announceChange, keepFresh } from "../changes.js";
import { confirm } from "../dialog.js";
import { button, element, fill } from "../dom.js";
import { filterBar, more, searchField, showAll } from "../filters.js";
import { amount, level, plural, quantity } from "../format.js";
import { notify, say } from "../notices.js";
import { empty, Region } from "../region.js";
import { setParameters } from "../router.js";
import { receiptView, recentSales } from "../sales.js";
import { chosenStore, readStores, storeField } from "../stores.js";
import { Ticket } from "../ticket.js";
import { TicketPanel } from "../ticket_panel.js";
import { changeToken } from "../token.js";

const SECONDS = 30;
const TILES = 24;

class Till {
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
        this.bar = button(
            "",
            () => this.panel.scrollIntoView({ block: "start" }),
            {
                class: "ticket-bar",
            },
        );
        this.parameters = new URLSearchParams();
        this.stores = null;
        this.stock = null;
        this.products = [];
        this.many = TILES;
        this.problem = null;
        this.receipt = null;
        this.view = new TicketPanel({
            set: (id, quantity) => this.set(id, quantity),
            sell: () => this.sell(),
            clear: () => this.clearTicket(),
            abandon: () => this.abandon(),
        });

        this.store = storeField(null, (id) => {
            setParameters({ magasin: id });
        });
        this.search = searchField({
            on: {
                keydown: (event) => {
                    if (event.key === "Enter" && this.products.length === 1) {
                        this.add(this.products[0]);
                    }
                },
            },
        });

        fill(body, this.layout(), this.bar);
        this.hideBarBesideTicket();
        this.drawTicket();
        keepFresh(SECONDS, () => this.refresh(), signal);
    }

    // The bar leads to the ticket, and is in its way once it is in sight.
    hideBarBesideTicket() {
        const observer = new IntersectionObserver(([ticket]) =>
            this.bar.classList.toggle("away", ticket.isIntersecting),
        );

        observer.observe(this.panel);
        this.signal.addEventListener("abort", () => observer.disconnect());
    }

    layout() {
        return element(
            "div",
            { class: "till" },
            element(
                "div",
                { class: "till-products" },
                filterBar(this.store.node, this.search.node),
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

    available(id) {
        return this.stock?.get(id) ?? 0;
    }

    // Products, and how many of them this store has.
    async load(stop) {
        this.stores ??= await readStores(stop);
        const chosen = chosenStore(this.parameters, this.stores);

        if (!chosen) {
            return empty("Il n’y a pas encore de magasin.");
        }
        // A sale that may have been made stays with its store.
        if (this.ticket.phase === "open") {
            this.ticket.store = chosen.id;
            this.ticket.save();
        }
        this.store.offer(this.stores, this.ticket.store);

        const [page, rows] = await Promise.all([
            readPage(
                `/products/${query({
                    q: this.parameters.get("recherche"),
                    limit: this.many,
                })}`,
                stop,
            ),
            read(`/stores/${this.ticket.store}/stock/`, stop),
        ]);
        this.products = page.results;
        this.stock = new Map(rows.map((row) => [row.produit_id, row.quantite]));
        this.drawTicket();
        this.recent.run((stop) => recentSales(this.ticket.store, stop));

        return this.tiles(page.next);
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
            more(next && this.many < 1000, () => {
                this.many = Math.min(this.many + 2 * TILES, 1000);
                this.refresh();
            }),
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
                () => this.add(product),
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

    add(product) {
        if (this.ticket.phase !== "open") {
            this.panel.scrollIntoView({ block: "nearest" });
            return;
        }
        if (this.available(product.id) === 0) {
            notify(`${product.nom} est en rupture dans ce magasin.`);
            return;
        }
        this.receipt = null;
        this.problem = null;
        this.ticket.add(product);
        this.drawTicket();
        say(
            `${product.nom} : ${this.ticket.find(product.id).quantity} sur le ticket`,
        );
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
                (id) => (this.stock ? this.available(id) : null),
                this.problem,
            );
            if (!this.panel.contains(this.view.node)) {
                fill(this.panel, this.view.node);
            }
        }

        this.bar.hidden = this.ticket.lines.length === 0;
        fill(
            this.bar,
            element(
                "span",
                {},
                `Ticket : ${plural(this.ticket.units, "article", "articles")}`,
            ),
            element("strong", {}, amount(this.ticket.total)),
        );
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
            this.refresh();
        }
    }

    async sell() {
        if (this.ticket.phase === "sending" || this.ticket.lines.length === 0) {
            return;
        }
        const before = this.ticket.phase;

        this.ticket.enter("sending");
        this.problem = null;
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
        if (this.signal.aborted) {
            return;
        }
        this.drawTicket();
        if (this.receipt) {
            this.panel.querySelector("h2").focus();
            say(`Vente n° ${this.receipt.sale.id} enregistrée.`);
        } else if (this.problem) {
            this.panel.querySelector(".field-error button")?.focus();
            say(this.panel.querySelector(".form-error").textContent);
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
        this.search.control.focus();
    }

    update(now) {
        this.parameters = now;
        this.many = TILES;
        this.search.sync(now);
        this.refresh();
    }
}

export const mount = (page) => new Till(page);
