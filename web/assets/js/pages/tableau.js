// The dashboard: what goes on in all the stores, kept fresh by itself.

import { query, read, readPage } from "../api.js";
import { keepFresh } from "../changes.js";
import { available, barChart } from "../charts.js";
import { element, fill } from "../dom.js";
import { amount, plural, quantity, time } from "../format.js";
import { cents } from "../money.js";
import { empty, Region } from "../region.js";
import { readStores } from "../stores.js";

const SECONDS = 20;

// As many as a person counts, and as many bars as one sees at once.
const PENDING = 100;
const BARS = 12;

class Dashboard {
    constructor({ body, actions, signal }) {
        this.region = new Region(signal);
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

        fill(actions, this.updated);
        fill(body, this.region.node);

        keepFresh(SECONDS, () => this.refresh(), signal);
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
            const rows = withStores(dashboard, stores);

            this.updated.textContent = `À jour à ${time(new Date())}`;
            if (rows.length === 0) {
                return empty("Il n’y a pas encore de magasin.");
            }
            if (this.charts) {
                // Once its canvas is in the document.
                requestAnimationFrame(() => draw(this.charts, rows));
            }
            return [
                totals(rows, pending.results.length),
                this.charts ? pictures(this.charts, rows) : null,
                element("h2", {}, "Magasin par magasin"),
                element("div", { class: "cards stores" }, rows.map(storeCard)),
            ];
        });
    }

    update() {
        return this.refresh();
    }
}

export const mount = (page) => new Dashboard(page);

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
    const revenue = rows.reduce(
        (sum, row) => sum + cents(row.chiffre_affaires),
        0n,
    );
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
            plural(rows.length, "magasin", "magasins"),
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
        { class: "card store" },
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
