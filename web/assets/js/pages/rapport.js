// The consolidated report: what each store sold and has, product by product.

import { choiceOf, pageNumberOf } from "../address.js";
import { csv, download } from "../csv.js";
import { button, element, fill, icon } from "../dom.js";
import { exportButton } from "../export.js";
import { filterBar, more, searchField } from "../filters.js";
import { field } from "../form.js";
import { amount, compare, finder, localDay, quantity } from "../format.js";
import { LongReport, readReport } from "../long_report.js";
import { centsOfNumber } from "../money.js";
import { attempt, notify } from "../notices.js";
import { printNow } from "../print.js";
import { empty, Region } from "../region.js";
import { setParameters } from "../router.js";
import {
    beside,
    number,
    ordered,
    pageOf,
    pager,
    rowHeading,
    table,
    wide,
} from "../table.js";

const ROWS = 50;
// Of the totals of the stores, so many at first, and so many more each time
const STORES = 50;

class Report {
    constructor({ body, actions, signal }) {
        this.region = new Region(signal);
        this.report = null;
        // In its place when it is too long for a page
        this.long = null;
        this.many = STORES;
        this.parameters = new URLSearchParams();

        this.store = field({
            name: "magasin",
            label: "Magasin",
            type: "select",
            options: [["", "Tous les magasins"]],
            on: {
                change: () =>
                    setParameters({
                        magasin: this.store.control.value,
                        page: "",
                    }),
            },
        });
        this.search = searchField();
        this.files = element("span", { class: "pair" });
        this.export = exportButton(
            () => this.long.file(this.parameters),
            signal,
        );

        this.signal = signal;
        this.printing = null;
        this.printLabel = element("span", {}, "Imprimer");
        fill(
            actions,
            this.files,
            button([icon("imprimer"), this.printLabel], () => this.onPaper(), {
                "data-focus": "imprimer",
            }),
        );
        fill(
            body,
            filterBar(this.store.node, this.search.node),
            this.region.node,
        );
        window.addEventListener("beforeprint", () => this.redraw(true), {
            signal,
        });
        window.addEventListener("afterprint", () => this.redraw(false), {
            signal,
        });
    }

    async load(stop) {
        pageNumberOf(this.parameters);
        if (!this.report && !this.long) {
            this.report = await readReport(stop);
            this.long = this.report ? null : await LongReport.read(stop);
            fill(
                this.files,
                this.long
                    ? this.export
                    : button([icon("telecharger"), "Télécharger (CSV)"], () =>
                          this.save(),
                      ),
            );
            fill(
                this.store.control,
                element("option", { value: "" }, "Tous les magasins"),
                this.names.map((name) =>
                    element("option", { value: name }, name),
                ),
            );
        }
        this.store.control.value =
            choiceOf(this.parameters, "magasin", this.names, "Le magasin") ??
            "";
        return this.long
            ? this.long.view(this.parameters, () => this.refresh(), stop)
            : this.view();
    }

    view() {
        return view(this.report, this.parameters, ROWS, [
            this.many,
            () => {
                this.many += 2 * STORES;
                this.refresh();
            },
        ]);
    }

    get names() {
        return this.long
            ? this.long.names
            : this.report.map((one) => one.magasin);
    }

    // Paper has no pages to turn: all the rows, and the screen's again after.
    redraw(all) {
        if (this.report && this.region.filled) {
            fill(
                this.region.node,
                all
                    ? view(this.report, this.parameters, Infinity, [Infinity])
                    : this.view(),
            );
        }
    }

    // What is too long for a page is read before it is printed.  A second press
    // stops that.
    onPaper() {
        if (this.printing) {
            this.printing.abort();
            return undefined;
        }
        if (!this.long) {
            window.print();
            return undefined;
        }
        const mine = new AbortController();
        const stop = AbortSignal.any([mine.signal, this.signal]);

        this.printing = mine;
        this.printLabel.textContent = "Lecture…";
        return attempt(async () => {
            try {
                const { nodes, lines, all } = await this.long.paper(
                    this.parameters,
                    (number) => {
                        this.printLabel.textContent = `${quantity(number)} lignes…`;
                    },
                    stop,
                );

                stop.throwIfAborted();
                if (all !== lines) {
                    notify(
                        `Le papier a les ${quantity(lines)} premières lignes ; le fichier CSV a tout.`,
                    );
                }
                printNow({ format: "a4 report", nodes });
            } catch (error) {
                if (!stop.aborted) {
                    throw error;
                }
            } finally {
                this.printing = null;
                this.printLabel.textContent = "Imprimer";
            }
        });
    }

    save() {
        download(
            `rapport-${localDay(new Date())}.csv`,
            csv([
                ["Magasin", "Produit", "Vendus", "En stock"],
                ...selected(this.report, this.parameters).map((row) => [
                    row.store,
                    row.product,
                    row.sold,
                    row.stock ?? "",
                ]),
            ]),
        );
    }

    refresh() {
        return this.region.run((stop) => this.load(stop));
    }

    update(now) {
        this.parameters = now;
        this.many = STORES;
        this.search.sync(now);
        if (this.long) {
            this.long.pages = 1;
        }
        this.refresh();
    }
}

export const mount = (page) => new Report(page);

// A product may be called as what every object has.
const own = (object, name) =>
    Object.hasOwn(object, name) ? object[name] : null;

// Rows of the table, filtered and in order.  What a store sold and has no
// row for any more is there too.
function selected(report, parameters) {
    const store = parameters.get("magasin");
    const found = finder(parameters.get("recherche") ?? "");
    const rows = [];

    for (const one of report) {
        if (store && one.magasin !== store) {
            continue;
        }
        const names = new Set([
            ...Object.keys(one.stock_local),
            ...Object.keys(one.produits_vendus),
        ]);
        for (const product of names) {
            if (found(product)) {
                rows.push({
                    store: one.magasin,
                    product,
                    sold: own(one.produits_vendus, product) ?? 0,
                    stock: own(one.stock_local, product),
                });
            }
        }
    }

    return ordered(rows, orders, parameters.get("ordre"));
}

const orders = {
    magasin: (a, b) => compare(a.store, b.store),
    produit: (a, b) => compare(a.product, b.product),
    vendus: (a, b) => a.sold - b.sold,
    stock: (a, b) => (a.stock ?? -1) - (b.stock ?? -1),
};

// most: rows of a page; stores: [how many of their totals, what shows more]
function view(report, parameters, most, stores) {
    const store = parameters.get("magasin");
    const shown = report.filter((one) => !store || one.magasin === store);
    const rows = selected(report, parameters);
    const size = Math.min(most, Math.max(rows.length, 1));
    const { page, pages } = pageOf(pageNumberOf(parameters), rows.length, size);

    if (report.length === 0) {
        return empty("Il n’y a pas encore de magasin.");
    }

    return [
        totals(shown, ...stores),
        element("h2", {}, "Par produit"),
        rows.length === 0
            ? empty("Aucun produit ne correspond à ce filtre.")
            : [
                  table({
                      caption: "Ventes et stock par magasin et produit",
                      columns: [
                          { label: "Produit", sort: "produit" },
                          { label: "Magasin", sort: "magasin", class: "wide" },
                          { label: "Vendus", sort: "vendus", class: "number" },
                          { label: "En stock", sort: "stock", class: "number" },
                      ],
                      order: parameters.get("ordre"),
                      sort: (order) =>
                          setParameters({ ordre: order, page: "" }),
                      rows: rows
                          .slice((page - 1) * size, page * size)
                          .map((row) =>
                              element(
                                  "tr",
                                  {},
                                  rowHeading(row.product, beside(row.store)),
                                  wide(row.store),
                                  number(quantity(row.sold)),
                                  number(
                                      row.stock === null
                                          ? "–"
                                          : quantity(row.stock),
                                  ),
                              ),
                          ),
                  }),
                  pager({
                      page,
                      pages,
                      count: rows.length,
                      words: ["ligne", "lignes"],
                      go: (target) => setParameters({ page: target }),
                  }),
              ],
    ];
}

function totals(shown, many, grow) {
    const units = (list, name) =>
        quantity(
            list
                .flatMap((one) => Object.values(one[name]))
                .reduce((sum, value) => sum + value, 0),
        );
    const row = (title, list, kind) => {
        const sold = units(list, "produits_vendus");
        const stock = units(list, "stock_local");
        const total = list.reduce(
            (sum, one) => sum + centsOfNumber(one.total),
            0n,
        );

        return element(
            "tr",
            { class: kind },
            rowHeading(title, beside(`${sold} vendus, ${stock} en stock`)),
            element("td", { class: "number wide" }, sold),
            element("td", { class: "number wide" }, stock),
            number(amount(total)),
        );
    };

    const all = table({
        caption: "Total de chaque magasin",
        columns: [
            { label: "Magasin" },
            { label: "Vendus", class: "number wide" },
            { label: "En stock", class: "number wide" },
            { label: "Total des ventes", class: "number" },
        ],
        rows: [
            ...shown.slice(0, many).map((one) => row(one.magasin, [one])),
            ...(shown.length > 1 ? [row("Ensemble", shown, "total")] : []),
        ],
    });

    return [all, more(shown.length > many, grow)];
}
