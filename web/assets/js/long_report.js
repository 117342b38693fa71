// A report that is too long for a page: what each store took, and the rows of the
// one that is chosen, a page at a time.

import { isWhole, query, read, readPage, readWithin } from "./api.js";
import { guarded } from "./csv.js";
import { eachRow } from "./csv_list.js";
import { element } from "./dom.js";
import { more, showAll } from "./filters.js";
import { amount, compare, finder, moment, quantity } from "./format.js";
import { cents } from "./money.js";
import { empty } from "./region.js";
import { setParameters } from "./router.js";
import { beside, number, ordered, rowHeading, table, wide } from "./table.js";

const ROWS = 50;

// Paper has so many lines at most: some hundred pages.
export const LINES = 5000;
const PAGE = 1000;

const MOST_ROWS = 4000;
const MOST_BYTES = 200000;

// By the rows of the first store: not to be asked for in vain
async function few(stop) {
    const { results } = await readPage("/stores/?limit=1000", stop);

    if (results.length === 0) {
        return true;
    }
    const { count } = await read(`/stores/${results[0].id}/stock/list/`, stop);
    return count * results.length <= MOST_ROWS;
}

// null when it is too long for a page
export async function readReport(stop) {
    return (await isWhole("/reports/", stop)) || (await few(stop))
        ? readWithin(MOST_BYTES, "/reports/", stop)
        : null;
}

// In the address, and as the API says it
const orders = { produit: "nom", stock: "quantite" };

function itemsOf(store, parameters, limit = ROWS) {
    const order = parameters.get("ordre") ?? "produit";
    const by = orders[order.replace(/^-/, "")] ?? "nom";

    return `/stores/${store.magasin_id}/items/${query({
        q: parameters.get("recherche"),
        ordering: (order.startsWith("-") ? "-" : "") + by,
        limit,
    })}`;
}

// One store of the report: [name, sold, in stock] of each product
function productsOf([, , sold, stock], found) {
    const units = new Map(Object.entries(JSON.parse(sold)));
    const there = new Map(Object.entries(JSON.parse(stock)));
    const names = new Set([...there.keys(), ...units.keys()]);

    return [...names]
        .filter(found)
        .map((name) => [name, units.get(name) ?? 0, there.get(name)]);
}

// As lines of the file
const linesOf = (cells, found) =>
    productsOf(cells, found).map(([name, sold, stock]) => [
        cells[0],
        guarded(name),
        String(sold),
        String(stock ?? ""),
    ]);

// What the server has guarded for table calculators, as it is
const bare = (text) => text.replace(/^'(?=['=+\-@\t\r\n])/, "");

const paperTable = (heads, rows) =>
    element(
        "table",
        {},
        element(
            "thead",
            {},
            element(
                "tr",
                {},
                heads.map((head) => element("th", {}, head)),
            ),
        ),
        element(
            "tbody",
            {},
            rows.map((cells) =>
                element(
                    "tr",
                    {},
                    cells.map((cell) => element("td", {}, cell)),
                ),
            ),
        ),
    );

const headOf = (store, revenue) =>
    element(
        "h2",
        {},
        store,
        revenue === undefined ? null : ` : ${amount(revenue)} de ventes`,
    );

export class LongReport {
    constructor(stores) {
        this.stores = stores;
        this.pages = 1;
    }

    static async read(stop) {
        return new LongReport(await read("/dashboard/?detail=true", stop));
    }

    get names() {
        return this.stores.map((one) => one.magasin);
    }

    // What is shown of the chosen store, else all of the report
    file(parameters) {
        const name = parameters.get("magasin");
        const chosen = this.stores.find((one) => one.magasin === name);
        const found = finder(parameters.get("recherche") ?? "");

        return chosen
            ? {
                  path: itemsOf(chosen, parameters),
                  name: `rapport-${chosen.magasin_id}`,
              }
            : {
                  path: "/reports/",
                  name: "rapport",
                  headed: () => ["magasin", "produit", "vendus", "en_stock"],
                  rows: (cells) => linesOf(cells, found),
              };
    }

    // again() when more is asked for
    async view(parameters, again, stop) {
        const name = parameters.get("magasin");
        const chosen = this.stores.find((one) => one.magasin === name);

        return [
            this.#totals(chosen ? [chosen] : this.stores, parameters),
            element("h2", {}, "Par produit"),
            chosen
                ? await this.#rows(chosen, parameters, again, stop)
                : empty(
                      "Ce rapport est trop long pour une page. Choisissez un " +
                          "magasin pour en voir les produits ; « Imprimer » " +
                          `en a ${quantity(LINES)} lignes au plus, et le ` +
                          "fichier CSV a tout.",
                  ),
            element(
                "p",
                { class: "paper-only" },
                "Ceci n’est que ce qui était à l’écran : le bouton « Imprimer » imprime le rapport.",
            ),
        ];
    }

    // All of it, or of the chosen store, for paper: {nodes, lines, all}, where
    // all is how many lines there are, null when nobody knows; tell(number) on
    // the way.
    async paper(parameters, tell, stop) {
        const name = parameters.get("magasin");
        const chosen = this.stores.find((one) => one.magasin === name);
        const { nodes, lines, all } = chosen
            ? await this.#itemsOnPaper(chosen, parameters, tell, stop)
            : await this.#allOnPaper(parameters, tell, stop);
        const text = parameters.get("recherche");

        return {
            lines,
            all,
            nodes: [
                element("p", { class: "shop" }, "Rapport consolidé"),
                element(
                    "p",
                    {},
                    moment(new Date().toISOString()),
                    text ? `, produits : « ${text} »` : null,
                ),
                all === lines
                    ? null
                    : element(
                          "p",
                          {},
                          `Les ${quantity(lines)} premières lignes${all === null ? "" : ` sur ${quantity(all)}`} ; le fichier CSV a tout.`,
                      ),
                nodes,
            ],
        };
    }

    async #itemsOnPaper(store, parameters, tell, stop) {
        const rows = [];
        let next = itemsOf(store, parameters, PAGE);

        while (next && rows.length < LINES) {
            const read = await readPage(next, stop);

            rows.push(...read.results);
            next = read.next;
            tell(rows.length);
        }
        return {
            lines: rows.length,
            all: next ? null : rows.length,
            nodes: [
                headOf(store.magasin, store.chiffre_affaires),
                paperTable(
                    ["Produit", "Code", "En stock", "En route"],
                    rows.map((row) => [
                        row.nom,
                        row.code ?? "",
                        quantity(row.quantite),
                        quantity(row.en_transit),
                    ]),
                ),
            ],
        };
    }

    async #allOnPaper(parameters, tell, stop) {
        const found = finder(parameters.get("recherche") ?? "");
        const revenue = new Map(
            this.stores.map((one) => [one.magasin, one.chiffre_affaires]),
        );
        const nodes = [];
        let lines = 0;
        let all = 0;

        await eachRow(
            "/reports/",
            (cells) => {
                const products = productsOf(cells, found);
                const some = products
                    .sort((a, b) => compare(a[0], b[0]))
                    .slice(0, LINES - lines);

                all += products.length;
                lines += some.length;
                tell(lines);
                if (some.length > 0) {
                    nodes.push(
                        headOf(bare(cells[0]), revenue.get(bare(cells[0]))),
                        paperTable(
                            ["Produit", "Vendus", "En stock"],
                            some.map(([name, sold, stock]) => [
                                name,
                                quantity(sold),
                                stock === undefined ? "–" : quantity(stock),
                            ]),
                        ),
                    );
                }
            },
            { signal: stop },
        );
        return { nodes, lines, all };
    }

    #totals(shown, parameters) {
        const sum = (list) =>
            list.reduce((all, one) => all + cents(one.chiffre_affaires), 0n);
        const rows = ordered(
            [...shown],
            {
                magasin: (a, b) => compare(a.magasin, b.magasin),
                total: (a, b) => (sum([a]) < sum([b]) ? -1 : 1),
            },
            parameters.get("magasins"),
        );
        const row = (title, list, kind) =>
            element(
                "tr",
                { class: kind },
                rowHeading(title),
                number(amount(sum(list))),
            );

        return table({
            caption: "Total de chaque magasin",
            columns: [
                { label: "Magasin", sort: "magasin" },
                { label: "Total des ventes", sort: "total", class: "number" },
            ],
            order: parameters.get("magasins"),
            sort: (order) => setParameters({ magasins: order }),
            rows: [
                ...rows.map((one) => row(one.magasin, [one])),
                ...(rows.length > 1 ? [row("Ensemble", rows, "total")] : []),
            ],
        });
    }

    async #rows(store, parameters, again, stop) {
        const rows = [];
        const order = parameters.get("ordre") ?? "produit";
        let next = itemsOf(store, parameters);

        for (let page = 0; page < this.pages && next; page += 1) {
            const read = await readPage(next, stop);
            rows.push(...read.results);
            next = read.next;
        }
        if (rows.length === 0) {
            return empty("Aucun produit ne correspond.", showAll("recherche"));
        }
        return [
            table({
                caption: `Stock de ${store.magasin}`,
                columns: [
                    { label: "Produit", sort: "produit" },
                    { label: "Code", class: "wide" },
                    { label: "En stock", sort: "stock", class: "number" },
                    { label: "En route", class: "number wide" },
                ],
                order,
                sort: (name) => setParameters({ ordre: name }),
                rows: rows.map((row) =>
                    element(
                        "tr",
                        {},
                        rowHeading(row.nom, beside(row.code)),
                        wide(row.code ?? ""),
                        number(quantity(row.quantite)),
                        element(
                            "td",
                            { class: "number wide" },
                            quantity(row.en_transit),
                        ),
                    ),
                ),
            }),
            more(next, () => {
                this.pages += 1;
                again();
            }),
        ];
    }
}
