// The dashboard: what goes on in all the stores, kept fresh by itself.

import { choiceOf } from "../address.js";
import { query, read, readPage } from "../api.js";
import { available, barChart } from "../charts.js";
import { element, fill } from "../dom.js";
import { exportButton } from "../export.js";
import { filterBar, more, searchField, showAll } from "../filters.js";
import { field } from "../form.js";
import { amount, compare, finder, plural, quantity, time } from "../format.js";
import { follow } from "../live.js";
import { cents } from "../money.js";
import { empty, Region } from "../region.js";
import { setParameters } from "../router.js";
import { readStores } from "../stores.js";

const SECONDS = 20;
// The dashboard is one answer: it is read again so many milliseconds after the
// last time, however much happens.
const EVERY = 2000;

// As many as a person counts, and as many bars as one sees at once.
const PENDING = 100;
const BARS = 12;
const FEW = 8;
// So many stores at first, and so many more each time.
const CARDS = 48;

const MEMBERS = 5;

const revenueOf = (row) => cents(row.chiffre_affaires);
const byRevenue = (a, b) =>
    revenueOf(a) < revenueOf(b) ? -1 : revenueOf(a) > revenueOf(b) ? 1 : 0;

// In the address, and what is said of it.  Of equal ones the order of their
// numbers.
const orders = {
    numero: ["Par numéro", (a, b) => a.id - b.id],
    nom: ["Par nom", (a, b) => compare(a.magasin, b.magasin)],
    ruptures: ["Le plus de ruptures", (a, b) => b.ruptures - a.ruptures],
    surstocks: ["Le plus de surstocks", (a, b) => b.surstock - a.surstock],
    ca: ["Le moins de chiffre d’affaires", byRevenue],
    "-ca": ["Le plus de chiffre d’affaires", (a, b) => byRevenue(b, a)],
};

class Dashboard {
    constructor({ body, actions, signal }) {
        this.region = new Region(signal);
        this.signal = signal;
        this.shown = null;
        this.parameters = new URLSearchParams();
        this.many = CARDS;
        this.search = searchField({ label: "Magasin" });
        this.order = field({
            name: "ordre",
            label: "Ordre",
            type: "select",
            options: Object.entries(orders).map(([name, [label]]) => [
                name,
                label,
            ]),
            on: {
                change: () =>
                    setParameters({ ordre: this.order.control.value }),
            },
        });
        this.filters = filterBar(this.search.node, this.order.node);
        this.filters.hidden = true;
        this.updated = element("span", { class: "muted" });
        this.charts = available()
            ? {
                  revenue: barChart({
                      label: "Chiffre d’affaires de chaque magasin",
                      format: (value) => quantity(Math.round(value)),
                      signal,
                  }),
                  stock: barChart({
                      label: "Ruptures et surstocks de chaque magasin",
                      format: quantity,
                      signal,
                  }),
              }
            : null;

        fill(
            actions,
            this.updated,
            exportButton(
                () => ({
                    path: this.shown && "/dashboard/?detail=true",
                    name: "tableau-de-bord",
                    arrange: (rows, heads) => this.arrange(rows, heads),
                    // Without the members of the answer in detail
                    rows: (cells) => [cells.slice(0, MEMBERS)],
                    headed: (heads) => heads.slice(0, MEMBERS),
                }),
                signal,
            ),
        );
        fill(body, this.filters, this.region.node);

        follow({
            seconds: SECONDS,
            every: EVERY,
            region: this.region,
            signal,
            wants: ({ type }) =>
                this.shown !== null && !/^(produit|seuil)_/.test(type),
            change: (events) => this.change(events),
            refresh: () => this.refresh(),
        });
    }

    refresh() {
        return this.region.run(async (stop) => {
            const [dashboard, stores, pending] = await Promise.all([
                read("/dashboard/?detail=true", stop),
                readStores(stop),
                readPage(
                    `/replenishments/?statut=en_attente&limit=${PENDING}`,
                    stop,
                ),
            ]);

            this.shown = {
                dashboard,
                stores,
                pending: new Set(pending.results.map((one) => one.id)),
            };
            return this.view();
        });
    }

    view() {
        const { dashboard, stores, pending } = this.shown;
        const rows = withStores(dashboard, stores);
        const order = this.orderOf(rows);

        this.updated.textContent = `À jour à ${time(new Date())}`;
        if (rows.length === 0) {
            return empty("Il n’y a pas encore de magasin.");
        }
        this.filters.hidden = rows.length <= BARS && this.parameters.size === 0;
        this.order.control.value = order;
        if (this.charts) {
            // Once its canvas is in the document.
            requestAnimationFrame(() => draw(this.charts, rows));
        }
        return [
            totals(rows, pending.size),
            this.charts ? pictures(this.charts, rows) : null,
            element("h2", {}, "Magasin par magasin"),
            this.cards(rows, order),
        ];
    }

    // Of many stores somebody looks for those that need a hand.
    orderOf(rows) {
        return (
            choiceOf(
                this.parameters,
                "ordre",
                Object.keys(orders),
                "L’ordre",
            ) || (rows.length > BARS ? "ruptures" : "numero")
        );
    }

    // Those that are looked for, in their order
    found(rows, order) {
        const by = orders[order][1];
        const has = finder(this.parameters.get("recherche") ?? "");

        return rows
            .filter((row) => has(row.magasin))
            .sort((a, b) => by(a, b) || a.id - b.id);
    }

    // The file has the stores that are shown, as they are now.
    arrange(lines, heads) {
        const at = heads.indexOf("magasin_id");
        const byId = new Map(lines.map((line) => [Number(line[at]), line]));
        const rows = withStores(this.shown.dashboard, this.shown.stores);

        return this.found(rows, this.orderOf(rows))
            .map((row) => byId.get(row.id))
            .filter(Boolean);
    }

    // Of all the stores, those that are looked for, a page of them
    cards(rows, order) {
        const text = this.parameters.get("recherche");
        const found = this.found(rows, order);

        if (found.length === 0) {
            return empty("Aucun magasin ne correspond.", showAll("recherche"));
        }
        return [
            text
                ? element(
                      "p",
                      { class: "muted" },
                      `${plural(found.length, "magasin trouvé", "magasins trouvés")} sur ${quantity(rows.length)}`,
                  )
                : null,
            element(
                "div",
                { class: "cards stores" },
                found.slice(0, this.many).map(storeCard),
            ),
            more(found.length > this.many, () => {
                this.many += 2 * CARDS;
                this.draw();
            }),
        ];
    }

    // What has been read is shown in another way.  What is being read is asked for
    // again after that.
    async draw() {
        const reading = this.region.reading !== null;

        if (this.shown) {
            await this.region.run(async () => this.view());
        }
        if (!this.shown || reading) {
            await this.refresh();
        }
    }

    async change(events) {
        const { shown } = this;
        const requests = events.filter(({ type }) =>
            type.startsWith("demande_"),
        );

        const unsure = followPending(shown.pending, requests);

        if (
            events.some(({ type }) => type.startsWith("magasin_")) ||
            unsure === null
        ) {
            await this.refresh();
            return;
        }
        for (const id of unsure) {
            const { statut } = await read(
                `/replenishments/${id}/`,
                this.signal,
            );
            setPending(shown.pending, id, statut === "en_attente");
        }
        if (requests.length < events.length) {
            shown.dashboard = await read(
                "/dashboard/?detail=true",
                this.signal,
            );
        }
        if (shown === this.shown) {
            this.region.patch(() => this.view());
        }
    }

    update(now) {
        this.parameters = now;
        this.many = CARDS;
        this.search.sync(now);
        return this.draw();
    }
}

export const mount = (page) => new Dashboard(page);

// Which requests wait, by what the events say; gives those that they do not say it
// of, or null when there are too many to know.
function followPending(pending, events) {
    const unsure = new Set();

    if (pending.size >= PENDING && events.length > 0) {
        return null;
    }
    for (const { type, reference } of events) {
        const id = Number(/^demande\/(\d+)$/.exec(reference)?.[1]);

        if (Number.isNaN(id)) {
            return null;
        }
        if (type === "demande_modification") {
            unsure.add(id);
        } else {
            setPending(pending, id, type === "demande_creation");
        }
    }
    return unsure.size > FEW ? null : unsure;
}

function setPending(pending, id, waits) {
    if (waits) {
        pending.add(id);
    } else {
        pending.delete(id);
    }
}

function withStores(dashboard, stores) {
    const closed = new Set(
        stores.filter((store) => !store.ouvert).map((store) => store.id),
    );

    return dashboard.map((row) => ({
        ...row,
        id: row.magasin_id,
        closed: closed.has(row.magasin_id),
        trends: row.meilleures_ventes,
    }));
}

function totals(rows, pending) {
    const revenue = rows.reduce((sum, row) => sum + revenueOf(row), 0n);
    const sum = (name) => rows.reduce((total, row) => total + row[name], 0);
    const figure = (label, value, note, name) =>
        element(
            "div",
            { class: `card figure ${name ?? ""}` },
            element("p", { class: "label" }, label),
            element(
                "p",
                { class: value.length > 12 ? "value long" : "value" },
                value,
            ),
            element("p", { class: "muted" }, note),
        );

    return element(
        "div",
        { class: "cards figures" },
        figure(
            "Chiffre d’affaires",
            amount(revenue),
            `${plural(rows.length, "magasin", "magasins")}, depuis le début, retours déduits`,
        ),
        figure(
            "Ruptures",
            quantity(sum("ruptures")),
            "produits à 0 en magasin",
            sum("ruptures") > 0 ? "alarm" : null,
        ),
        figure(
            "Surstocks",
            quantity(sum("surstock")),
            "produits à plus de 10 en magasin",
        ),
        figure(
            "Demandes en attente",
            pending < PENDING ? quantity(pending) : `${PENDING} et plus`,
            element("a", { href: "/demandes" }, "Décider"),
            pending > 0 ? "attention" : null,
        ),
    );
}

function pictures(charts, rows) {
    const some = rows.length > BARS;
    const card = (title, which, chart) =>
        element(
            "section",
            { class: "card" },
            element("h2", {}, title),
            some ? element("p", { class: "muted" }, which) : null,
            chart.node,
        );

    return element(
        "div",
        { class: "cards charts" },
        card(
            "Chiffre d’affaires",
            `Les ${BARS} magasins qui vendent le plus`,
            charts.revenue,
        ),
        card(
            "Ruptures et surstocks",
            `Les ${BARS} magasins qui ont le plus de ruptures`,
            charts.stock,
        ),
    );
}

// All the stores in their order; of many, those with the most.
function foremost(rows, value) {
    return rows.length <= BARS
        ? rows
        : [...rows].sort((a, b) => value(b) - value(a)).slice(0, BARS);
}

const shortName = (row) => row.magasin.replace(/^Magasin /, "");

function draw(charts, rows) {
    // A picture does not show the cents that a double could lose.
    const revenue = foremost(rows, (row) => Number(row.chiffre_affaires));
    const stock = foremost(rows, (row) => row.ruptures);

    charts.revenue.draw({
        labels: revenue.map(shortName),
        series: [
            {
                label: "Chiffre d’affaires",
                colour: "series-1",
                values: revenue.map((row) => Number(row.chiffre_affaires)),
            },
        ],
    });
    charts.stock.draw({
        labels: stock.map(shortName),
        series: [
            {
                label: "Ruptures",
                colour: "series-2",
                values: stock.map((row) => row.ruptures),
            },
            {
                label: "Surstocks",
                colour: "series-3",
                values: stock.map((row) => row.surstock),
            },
        ],
    });
}

function storeCard(row) {
    const most = row.trends[0]?.quantite ?? 1;
    const stock = (order) =>
        `/stock${query({ magasin: row.id, ordre: order })}`;

    return element(
        "section",
        { class: "card store", "data-key": row.id },
        element(
            "div",
            { class: "card-head" },
            element("h3", {}, row.magasin),
            row.closed ? element("span", { class: "badge" }, "Fermé") : null,
        ),
        element("p", { class: "value" }, amount(row.chiffre_affaires)),
        element(
            "p",
            { class: "store-stock" },
            element(
                "a",
                {
                    href: stock("quantite"),
                    class: row.ruptures > 0 ? "alarm" : "",
                },
                plural(row.ruptures, "rupture", "ruptures"),
            ),
            element(
                "a",
                { href: stock("-quantite") },
                plural(row.surstock, "surstock", "surstocks"),
            ),
        ),
        element("h4", {}, "Tendances de la semaine"),
        row.trends.length === 0
            ? element("p", { class: "muted" }, "Rien de vendu depuis 7 jours.")
            : element(
                  "ol",
                  { class: "trends" },
                  row.trends.map((trend) => {
                      const bar = element("span", {
                          class: "bar-part",
                          "aria-hidden": "true",
                      });
                      bar.style.setProperty(
                          "--part",
                          `${(100 * trend.quantite) / most}%`,
                      );
                      return element(
                          "li",
                          {},
                          element("span", { class: "name" }, trend.nom),
                          element(
                              "span",
                              { class: "number" },
                              quantity(trend.quantite),
                          ),
                          bar,
                      );
                  }),
              ),
    );
}
