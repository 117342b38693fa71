// The till: products on one side, the ticket on the other.

import { newKey } from "../api.js";
import {
    findProducts,
    KeptStock,
    learnShop,
    searchProducts,
    tillStores,
} from "../catalogue.js";
import { Checkout } from "../checkout.js";
import { confirm } from "../dialog.js";
import { afterPause, button, element, fill, icon } from "../dom.js";
import { Entries } from "../entries.js";
import { filterBar, more, searchField, showAll } from "../filters.js";
import { moment, plural, quantity } from "../format.js";
import { KeptSales, keptView } from "../kept_sales.js";
import { showKeys, watchKeys } from "../keys.js";
import { attempt, notify, say } from "../notices.js";
import { full, Parked, park } from "../parked.js";
import { offerPaper } from "../print.js";
import { numberOf, receiptPaper } from "../receipt.js";
import { empty, Region } from "../region.js";
import { takesScan } from "../returns.js";
import { setParameters } from "../router.js";
import { receiptView, recentSales, searchSales, showSale } from "../sales.js";
import { watchScanner } from "../scan.js";
import { held } from "../shop_stock.js";
import { device } from "../storage.js";
import { keepTillStore, storeField, storeName, tillStore } from "../stores.js";
import { Ticket } from "../ticket.js";
import { TicketPanel } from "../ticket_panel.js";
import { tilesOf } from "../tiles.js";
import { tillKeys } from "../till_keys.js";
import { followTill, keepSales } from "../till_live.js";

const SECONDS = 30;
const TILES = 24;
const MOST = 1000;
// So many products may be meant by one entry.
const FOUND = 20;

class Till {
    #wake = [];

    constructor({ body, actions, signal }) {
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
        this.stock = new KeptStock(signal);
        this.products = [];
        this.many = TILES;
        this.problem = null;
        this.receipt = null;
        // What several products have in their names, and how many are wanted
        this.chosen = null;
        this.paper = null;
        this.checkout = new Checkout(this);
        this.view = new TicketPanel({
            set: (id, quantity) => this.set(id, quantity),
            sell: () => this.checkout.sell(),
            clear: () => this.inTurn(() => this.clearTicket()),
            abandon: () => this.abandon(),
            show: () => this.panel.scrollIntoView({ block: "start" }),
            park: () => this.inTurn(() => this.park()),
            done: () => this.search.control.focus(),
        });
        this.parked = new Parked(
            (state) => this.resume(state),
            (action) => this.inTurn(action),
            signal,
        );
        this.outbox = new KeptSales(
            {
                settled: () => this.inTurn(() => {}),
                resume: (sale) => this.reopen(sale),
                done: () => this.focusSearch(),
            },
            signal,
        );
        this.entries = new Entries(
            {
                find: (text, stop) => findProducts(text, FOUND, stop),
                add: (product, count) => this.put(product, count),
                choose: (...one) => this.choose(...one),
                ready: () => this.ready(),
                focus: () => this.search.control.focus(),
                unknown: (text) => this.receiptScanned(text),
            },
            signal,
        );

        this.store = storeField(null, (id) => {
            setParameters({ magasin: id });
        });
        this.search = searchField({
            autocomplete: "off",
            placeholder: "Nom ou code",
            "data-keys": true,
            on: { keydown: (event) => this.typed(event) },
        });

        this.keys = tillKeys(this);
        fill(actions, this.head());
        fill(body, this.layout());
        this.drawTicket();
        if (!device.works()) {
            notify(
                "Ce navigateur ne garde rien : un ticket en cours et le " +
                    "magasin choisi seront perdus si la page est rechargée.",
            );
        }
        this.learnStock = afterPause(200, () => this.learn());
        followTill(this, SECONDS);
        keepSales(this);
        watchScanner(
            (code) =>
                takesScan(code) ||
                this.entries.scanned(code, this.search.control),
            signal,
        );
        watchKeys(this.keys, signal);
        offerPaper(() => this.paper?.() ?? null, signal);
    }

    head() {
        this.alone = element("span", {});
        return [
            element(
                "p",
                { class: "muted" },
                "Tient le stock et les ventes ; n’est pas une caisse certifiée.",
                this.alone,
            ),
            button([icon("clavier"), "Raccourcis"], () => showKeys(this.keys), {
                class: "quiet",
            }),
        ];
    }

    // What was entered before belongs to this ticket.  While that is on its way,
    // entries are the next one's: nothing waits for them.
    inTurn(action) {
        return this.ticket.phase === "open" && !this.checkout.busy
            ? this.entries.inTurn(action)
            : action();
    }

    // All that was entered is on the ticket; else somebody has to choose, and is
    // told so.
    decided() {
        const [text] = this.entries.open;

        if (text) {
            this.problem = [
                `« ${text} » n’est pas sur le ticket : choisissez un produit, ` +
                    "ou fermez le message.",
            ];
        }
        return text === undefined;
    }

    // A refused sale is a ticket again.
    reopen({ lines, store }) {
        return this.resume({ lines, store, phase: "open", key: newKey() });
    }

    // How many of the product that was added last
    step(by) {
        const { ticket } = this;
        const line = ticket.find(ticket.last) ?? ticket.lines.at(-1);

        if (line && ticket.phase === "open" && !this.checkout.busy) {
            this.set(line.id, line.quantity + by);
            say(`${line.name} : ${line.quantity} sur le ticket`);
        }
    }

    searchSales() {
        attempt(() => searchSales(this.ticket.store));
    }

    // What is no product may be the number on a receipt.
    receiptScanned(text) {
        const id = numberOf(text);

        if (id) {
            attempt(() => showSale(id, () => this.refresh()));
        }
        return id !== null;
    }

    // The ticket waits, and the next customer has one.
    park() {
        const { ticket } = this;

        if (ticket.lines.length === 0 || ticket.phase === "sending") {
            return;
        }
        if (this.checkout.busy || full()) {
            notify(
                full()
                    ? "Trop de tickets attendent déjà sur cet appareil."
                    : "Une vente est en cours.",
            );
            return;
        }
        if (ticket.phase === "open" && !this.decided()) {
            this.drawTicket();
            say(this.view.problem.textContent);
            return;
        }
        park(ticket.state);
        ticket.clear();
        this.changed();
        say("Le ticket est en attente.");
        this.focusSearch();
    }

    resume(state) {
        this.park();
        if (this.ticket.lines.length > 0 || !this.decided()) {
            this.drawTicket();
            if (full()) {
                return false;
            }
            park(state);
            this.parked.draw();
            return true;
        }
        this.receipt = null;
        this.ticket.resume(state);
        this.changed();
        this.learnStock();
        say(
            `Le ticket est repris : ${plural(this.ticket.units, "article", "articles")}.`,
        );
        setParameters({ magasin: state.store });
        this.focusSearch();
        return true;
    }

    swap() {
        if (this.ticket.lines.length > 0) {
            this.park();
        } else {
            this.parked.first();
        }
    }

    changed() {
        this.problem = null;
        this.parked.draw(this.ticket.store);
        this.drawTicket();
        this.wake();
    }

    takeText() {
        setParameters({ recherche: "" }, { replace: true });
        return this.search.take();
    }

    // Enter ends an entry; what is typed after it is the next one.
    typed(event) {
        if (event.key === "ArrowDown") {
            event.preventDefault();
            this.catalogue.node.querySelector(".tile")?.focus();
        }
        if (event.key === "ArrowUp") {
            event.preventDefault();
            Array.from(this.panel.querySelectorAll(".stepper input"))
                .at(-1)
                ?.focus();
        }
        if (event.key !== "Enter" || event.isComposing || event.ctrlKey) {
            return;
        }
        event.preventDefault();
        const text = this.takeText();

        if (text !== "") {
            this.entries.add(text);
        }
    }

    // What several products have in their names is shown, unless somebody
    // types already: then it waits to be asked for.
    choose(text, alone = false, count = 1) {
        const { control } = this.search;

        if (alone && control.value !== "") {
            return;
        }
        this.chosen = { text, count };
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
                this.outbox.node,
                this.parked.node,
                this.panel,
                element(
                    "section",
                    {
                        class: "card recent",
                        "aria-labelledby": "recentes-titre",
                    },
                    element(
                        "div",
                        { class: "card-head" },
                        element(
                            "h2",
                            { id: "recentes-titre" },
                            "Dernières ventes",
                        ),
                        button("Chercher", () => this.searchSales(), {
                            class: "quiet",
                            title: "Chercher une vente (F8)",
                        }),
                    ),
                    this.recent.node,
                ),
            ),
        );
    }

    // The products that are shown, and how many of them and of the ticket's
    // this store has.
    async load(stop) {
        const [stores, ahead] = await Promise.all([
            this.stores ?? tillStores(stop),
            this.ahead(stop),
        ]);

        this.stores = stores;
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

        const page =
            ahead ??
            (await searchProducts(
                this.parameters.get("recherche"),
                this.ticket.store,
                this.many,
                stop,
            ));
        this.products = page.results;
        this.nextPage = page.next;
        this.old = page.old ?? null;
        this.drawRecent();
        await this.stock.read(
            [...this.products, ...this.ticket.lines].map((one) => one.id),
            stop,
        );
        this.drawTicket();
        this.parked.draw(this.ticket.store);
        if (this.old === null) {
            learnShop(this.ticket.store, this.signal);
        } else {
            // Nothing is known of what may be there by now.
            this.stores = null;
        }
        return this.tiles();
    }

    // The first products, which are the same in each store, while the stores are
    // read
    ahead(stop) {
        return this.stores || this.parameters.get("recherche")
            ? null
            : searchProducts(null, null, this.many, stop);
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

    // What is shown is not of now.
    age() {
        const words =
            this.old !== null
                ? `Hors connexion : produits et prix vus le ${moment(this.old)}, quantités d’alors.`
                : this.stock.old !== null
                  ? `Quantités vues le ${moment(this.stock.old)} : elles n’ont pas pu être relues.`
                  : null;

        return words && element("p", { class: "old" }, words);
    }

    tiles() {
        const next = this.nextPage;

        if (this.products.length === 0) {
            return empty("Aucun produit ne correspond.", showAll("recherche"));
        }

        return [
            this.age(),
            tilesOf(this.products, {
                leftOf: (id) => this.stock.of(id),
                pick: (product) => this.pick(product),
                up: () => this.search.control.focus(),
            }),
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

    refresh() {
        return this.catalogue.run((stop) => this.load(stop));
    }

    // A tile was pressed.  The search that led to it has done its work.
    pick(product) {
        if (this.ticket.phase !== "open" || this.checkout.busy) {
            this.panel.scrollIntoView({ block: "nearest" });
            return;
        }
        const stock = this.stock.of(product.id);
        if (stock?.free === 0) {
            const note = held(stock);

            notify(
                note
                    ? `${product.nom} : tout est retenu (${note}).`
                    : `${product.nom} est en rupture dans ce magasin.`,
            );
            return;
        }
        const text = this.parameters.get("recherche");
        const { count = 1 } = this.chosen?.text === text ? this.chosen : {};

        this.entries.take(product, count);
        if (text) {
            this.entries.chosen(text);
            this.search.take();
            this.focusSearch();
            setParameters({ recherche: "" }, { replace: true });
        }
    }

    put(product, count = 1) {
        this.receipt = null;
        this.problem = null;
        this.ticket.add(product, count);
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

    // The paper of the sale that is shown, once it is ready
    async preparePaper() {
        const shown = this.receipt;

        if (!shown.sale) {
            return;
        }
        try {
            const paper = await receiptPaper(
                shown.sale,
                (id) => shown.lines.find((line) => line.id === id).name,
            );
            if (this.receipt === shown) {
                this.paper = paper;
            }
        } catch (error) {
            console.error(error);
        }
    }

    drawTicket() {
        if (!this.receipt) {
            this.paper = null;
        } else if (!this.paper) {
            this.preparePaper();
        }
        if (this.receipt) {
            const view = this.receipt.sale ? receiptView : keptView;

            fill(
                this.panel,
                view(this.receipt, () => this.next()),
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

        if (this.ticket.phase !== "open" || this.checkout.busy) {
            return;
        }
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

    drawProducts() {
        this.catalogue.patch(() => this.tiles());
    }

    drawRecent() {
        this.recent.run((stop) => recentSales(this.ticket.store, stop));
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
