// The numbers: revenue, returns and units over time, and by store, product or
// category, with the same number of days before.

import { choiceOf, dayOf, idOf } from "../address.js";
import { available, barChart } from "../charts.js";
import { csv, download } from "../csv.js";
import { dayFault, dayLimits } from "../days.js";
import { button, element, fill, icon } from "../dom.js";
import { filterBar } from "../filters.js";
import { field } from "../form.js";
import { amount, localDay, plural, quantity } from "../format.js";
import { plain } from "../money.js";
import { empty, Region } from "../region.js";
import { setParameters } from "../router.js";
import {
    before,
    byGroup,
    daysBetween,
    growth,
    MOST,
    nothing,
    overTime,
    plusDays,
    total,
} from "../sold.js";
import { readStores, storeField, storeName } from "../stores.js";
import { beside, number, rowHeading, table } from "../table.js";

const ROWS = 25;
const spans = {
    1: "Aujourd’hui",
    7: "7 jours",
    30: "30 jours",
    90: "90 jours",
    365: "365 jours",
};
const ways = { heure: "Heure", jour: "Jour", semaine: "Semaine", mois: "Mois" };
const longest = { heure: 31, jour: 366, semaine: 1100, mois: 3660 };
const kinds = {
    produit: "Produit",
    categorie: "Catégorie",
    magasin: "Magasin",
};

const signed = new Intl.NumberFormat("fr-FR", {
    signDisplay: "exceptZero",
    maximumFractionDigits: 1,
});
const dayName = new Intl.DateTimeFormat("fr-FR", {
    weekday: "short",
    day: "numeric",
    month: "short",
    timeZone: "UTC",
});
const monthName = new Intl.DateTimeFormat("fr-FR", {
    month: "long",
    year: "numeric",
    timeZone: "UTC",
});
const date = new Intl.DateTimeFormat("fr-FR", {
    dateStyle: "medium",
    timeZone: "UTC",
});

const at = (day) => new Date(`${day}T12:00Z`);

// The first of a month is its 1er.
const worded = (format, day) => format.format(at(day)).replace(/\b1 /, "1er ");

class Numbers {
    constructor({ body, actions, signal }) {
        this.region = new Region(signal);
        this.parameters = new URLSearchParams();
        this.many = ROWS;
        this.actions = actions;

        const choice = (name, label, options) => {
            const one = field({
                name,
                label,
                type: "select",
                options: Object.entries(options),
                on: {
                    change: () => setParameters({ [name]: one.control.value }),
                },
            });
            return one;
        };
        this.span = field({
            name: "periode",
            label: "Période",
            type: "select",
            options: [...Object.entries(spans), ["autre", "Du … au …"]],
            on: { change: () => this.chooseSpan() },
        });
        this.from = this.dayField("depuis", "Du");
        this.to = this.dayField("jusqu_a", "Au");
        this.way = choice("par", "Par", ways);
        this.kind = choice("groupe", "Détail par", kinds);
        this.store = storeField(["", "Tous les magasins"], (id) =>
            setParameters({ magasin: id }),
        );
        this.chart = available()
            ? barChart({
                  label: "Chiffre d’affaires au fil du temps, et avant",
                  format: (value) => quantity(Math.round(value)),
                  signal,
                  upright: true,
              })
            : null;

        fill(
            actions,
            button([icon("imprimer"), "Imprimer"], () => window.print()),
        );
        fill(
            body,
            filterBar(
                this.span.node,
                this.from.node,
                this.to.node,
                this.way.node,
                this.store.node,
                this.kind.node,
            ),
            this.region.node,
        );
    }

    dayField(name, label) {
        const one = field({
            name,
            label,
            type: "date",
            ...dayLimits,
            on: {
                change: () => {
                    const text = one.control.value;
                    const fault = text && dayFault(text);

                    one.show(fault ? [fault] : null);
                    if (!fault) {
                        setParameters({ [name]: text });
                    }
                },
            },
        });
        return one;
    }

    chooseSpan() {
        const chosen = this.span.control.value;
        const { from, to } = this.shown ?? this.read().span;

        setParameters(
            chosen === "autre"
                ? { periode: "", depuis: from, jusqu_a: to }
                : { periode: chosen, depuis: "", jusqu_a: "" },
        );
    }

    // What the address asks for
    read() {
        const today = localDay(new Date());
        const given = dayOf(this.parameters, "depuis");
        const to = dayOf(this.parameters, "jusqu_a") ?? today;
        const periode =
            choiceOf(
                this.parameters,
                "periode",
                Object.keys(spans),
                "La période",
            ) ?? "30";
        const from = given ?? plusDays(to, 1 - Number(periode));
        const span = { from, to };
        const days = daysBetween(from, to);

        return {
            today,
            span,
            days,
            own: Boolean(given || this.parameters.get("jusqu_a")),
            periode,
            by:
                choiceOf(this.parameters, "par", Object.keys(ways), "Le pas") ??
                usual(days),
            group:
                choiceOf(
                    this.parameters,
                    "groupe",
                    Object.keys(kinds),
                    "Le détail",
                ) ?? "produit",
            store: idOf(this.parameters, "magasin", "Le magasin"),
        };
    }

    refresh() {
        return this.region.run(async (stop) => {
            const asked = this.read();

            this.shown = asked.span;
            this.sync(asked);
            if (asked.days < 1) {
                return empty("La fin de la période est avant son début.");
            }
            if (asked.days > longest[asked.by]) {
                return this.tooLong(asked);
            }
            const earlier = before(asked.span);
            const [stores, now, then, groups, groupsThen] = await Promise.all([
                readStores(stop),
                overTime(asked, stop),
                overTime({ ...asked, span: earlier }, stop),
                byGroup(asked, stop),
                byGroup({ ...asked, span: earlier }, stop),
            ]);

            this.store.offer(stores, asked.store);
            return this.view(asked, {
                now,
                then,
                groups,
                groupsThen,
                earlier,
            });
        });
    }

    sync({ periode, own, span, by, group, store }) {
        this.span.control.value = own ? "autre" : periode;
        for (const [one, day] of [
            [this.from, span.from],
            [this.to, span.to],
        ]) {
            one.node.hidden = !own;
            if (document.activeElement !== one.control) {
                one.control.value = day;
                one.show(null);
            }
        }
        this.way.control.value = by;
        this.kind.control.value = group;
        this.store.control.value = store ?? "";
    }

    tooLong({ by, days }) {
        return empty(
            `Par ${ways[by].toLowerCase()}, une période a ${quantity(longest[by])} jours au plus ; celle-ci en a ${quantity(days)}.`,
            button("Par mois", () => setParameters({ par: "mois" })),
        );
    }

    view(asked, { now, then, groups, groupsThen, earlier }) {
        const rows = periodRows(asked.by, now, then);
        const sum = total(now);
        const sumThen = total(then);

        if (this.chart) {
            // Once its canvas is in the document.
            requestAnimationFrame(() => draw(this.chart, rows));
        }
        return [
            element(
                "p",
                { class: "muted span-words" },
                `Du ${worded(date, asked.span.from)} au ${worded(date, asked.span.to)}`,
                ` (${plural(asked.days, "jour", "jours")})`,
                asked.store ? `, ${storeName(Number(asked.store))}` : null,
                `, à côté de la période d’avant : du ${worded(date, earlier.from)} au ${worded(date, earlier.to)}.`,
                asked.span.to >= asked.today
                    ? " Aujourd’hui n’est pas fini."
                    : null,
            ),
            figures(asked, sum, sumThen, now),
            this.chart
                ? element(
                      "section",
                      { class: "card chart-card" },
                      element("h2", {}, "Chiffre d’affaires"),
                      this.chart.node,
                  )
                : null,
            this.head(`Par ${ways[asked.by].toLowerCase()}`, () =>
                saveTimes(asked, rows),
            ),
            timeTable(asked, rows, sum, sumThen),
            groups.whole && groupsThen.whole
                ? this.parts(asked, groups.groups, groupsThen.groups)
                : tooMany(asked),
        ];
    }

    parts(asked, groups, groupsThen) {
        return [
            this.head(`Par ${kinds[asked.group].toLowerCase()}`, () =>
                saveGroups(asked, groups, groupsThen),
            ),
            groupTable(asked, groups, groupsThen, this.many),
            groups.length > this.many
                ? button(
                      "Montrer la suite",
                      () => {
                          this.many += 2 * ROWS;
                          this.refresh();
                      },
                      { class: "more", "data-focus": "suite" },
                  )
                : null,
        ];
    }

    head(title, save) {
        return element(
            "div",
            { class: "section-head" },
            element("h2", {}, title),
            button([icon("telecharger"), "CSV"], save, {
                "aria-label": `CSV : ${title.toLowerCase()}`,
                "data-focus": `csv ${title}`,
            }),
        );
    }

    update(now) {
        this.parameters = now;
        this.many = ROWS;
        this.refresh();
    }
}

export const mount = (page) => new Numbers(page);

// Few days by hour, many by month
function usual(days) {
    if (days <= 2) {
        return "heure";
    }
    return days <= 92 ? "jour" : "mois";
}

// Of some of the rows the order would be wrong.
const tooMany = ({ group }) => [
    element("h2", {}, `Par ${kinds[group].toLowerCase()}`),
    empty(
        `Il y a plus de ${quantity(MOST)} lignes : trop pour les additionner ici. Choisissez un magasin ou une période plus courte.`,
        group === "produit"
            ? button("Par catégorie", () =>
                  setParameters({ groupe: "categorie" }),
              )
            : null,
    ),
];

function labelOf(by, key) {
    if (by === "heure") {
        return `${Number(key)} h`;
    }
    if (by === "semaine") {
        return `Semaine ${Number(key.slice(6))}, ${key.slice(0, 4)}`;
    }
    return by === "mois"
        ? monthName.format(at(`${key}-15`))
        : worded(dayName, key);
}

// The first beside the first, and so on
const periodRows = (by, now, then) =>
    now.map((one, index) => ({
        ...one,
        label: labelOf(by, one.key),
        earlier: then[index] ?? nothing(),
    }));

function draw(chart, rows) {
    // A picture does not show the cents that a double could lose.
    const euros = (value) => Number(value) / 100;

    chart.draw({
        labels: rows.map((row) => row.label),
        series: [
            {
                label: "Période",
                colour: "series-1",
                values: rows.map((row) => euros(row.revenue)),
            },
            {
                label: "Période d’avant",
                colour: "series-4",
                values: rows.map((row) => euros(row.earlier.revenue)),
            },
        ],
    });
}

function change(now, then) {
    const part = growth(now, then);

    if (part === null) {
        return element("span", { class: "delta" }, "–");
    }
    return element(
        "span",
        { class: `delta ${part < 0 ? "minus" : "plus"}` },
        `${signed.format(part)}\u00a0%`,
    );
}

function figures({ days, by }, sum, sumThen, periods) {
    const card = (label, value, ...note) =>
        element(
            "div",
            { class: "card figure" },
            element("p", { class: "label" }, label),
            element(
                "p",
                { class: value.length > 12 ? "value long" : "value" },
                value,
            ),
            element("p", { class: "muted" }, note),
        );
    const best = periods.reduce(
        (most, one) =>
            most === null || one.revenue > most.revenue ? one : most,
        null,
    );

    return element(
        "div",
        { class: "cards figures" },
        card(
            "Chiffre d’affaires",
            amount(sum.revenue),
            change(sum.revenue, sumThen.revenue),
            ` ; avant ${amount(sumThen.revenue)}`,
        ),
        card(
            "Net des retours",
            amount(sum.net),
            sum.returned === 0
                ? "rien n’est revenu"
                : `${back(sum)} remboursés`,
        ),
        card(
            "Unités vendues",
            quantity(sum.units),
            change(BigInt(sum.units), BigInt(sumThen.units)),
            ` ; avant ${quantity(sumThen.units)}`,
        ),
        card("Par jour", amount(sum.revenue / BigInt(days)), "en moyenne"),
        card(
            by === "heure" ? "Meilleure heure" : "Meilleure période",
            best && best.revenue > 0n ? labelOf(by, best.key) : "–",
            best && best.revenue > 0n ? amount(best.revenue) : "aucune vente",
        ),
    );
}

const back = ({ returned, refunds }) =>
    `${plural(returned, "unité rendue", "unités rendues")}, ${amount(refunds)}`;

const headings = (first) => [
    { label: first },
    { label: "Unités", class: "number wide" },
    { label: "Chiffre d’affaires", class: "number" },
    { label: "Remboursé", class: "number wide" },
    { label: "Net", class: "number wide" },
    { label: "Avant", class: "number wide" },
    { label: "Évolution", class: "number" },
];

function line(title, one, then, kind, ...more) {
    return element(
        "tr",
        { class: kind },
        rowHeading(
            title,
            more,
            beside(
                `${plural(one.units, "unité", "unités")} ; avant ${amount(then.revenue)}`,
            ),
            one.returned > 0
                ? beside(`${back(one)} remboursés ; net ${amount(one.net)}`)
                : null,
        ),
        element("td", { class: "number wide" }, quantity(one.units)),
        number(amount(one.revenue)),
        element(
            "td",
            { class: "number wide" },
            one.returned > 0 ? amount(-one.refunds) : "–",
        ),
        element("td", { class: "number wide" }, amount(one.net)),
        element("td", { class: "number wide" }, amount(then.revenue)),
        number(change(one.revenue, then.revenue)),
    );
}

function timeTable({ by }, rows, sum, sumThen) {
    return table({
        caption: "Ventes au fil du temps",
        class: "times",
        columns: headings(ways[by]),
        rows: [
            ...rows.map((row) => line(row.label, row, row.earlier)),
            line("Ensemble", sum, sumThen, "total"),
        ],
    });
}

function groupTable({ group }, groups, groupsThen, many) {
    const then = new Map(groupsThen.map((one) => [one.key, one]));
    const most = groups[0]?.revenue ?? 0n;

    if (groups.length === 0) {
        return empty("Aucune vente dans cette période.");
    }
    return table({
        caption: `Ventes par ${kinds[group].toLowerCase()}`,
        class: "groups",
        columns: headings(kinds[group]),
        rows: groups.slice(0, many).map((one) => {
            const bar = element("span", {
                class: "bar-part",
                "aria-hidden": "true",
            });
            const part =
                most > 0n ? Number((one.revenue * 1000n) / most) / 10 : 0;

            bar.style.setProperty("--part", `${Math.max(part, 0)}%`);
            return line(
                one.name ?? "–",
                one,
                then.get(one.key) ?? nothing(),
                null,
                bar,
            );
        }),
    });
}

const cell = (value) => plain(value, ",");
const part = (now, then) => {
    const value = growth(now, then);
    return value === null ? "" : String(value).replace(".", ",");
};
const row = (title, one, then) => [
    title,
    one.units,
    cell(one.revenue),
    one.returned,
    cell(one.refunds),
    cell(one.net),
    then.units,
    cell(then.revenue),
    part(one.revenue, then.revenue),
];
const columns = (first) => [
    first,
    "Unités",
    "Chiffre d’affaires",
    "Unités rendues",
    "Remboursements",
    "Net",
    "Unités avant",
    "Chiffre d’affaires avant",
    "Évolution en %",
];

function saveTimes({ by, span }, rows) {
    download(
        `chiffres-par-${by}-${span.from}-${span.to}.csv`,
        csv([
            columns(ways[by]),
            ...rows.map((one) => row(one.key, one, one.earlier)),
        ]),
    );
}

function saveGroups({ group, span }, groups, groupsThen) {
    const then = new Map(groupsThen.map((one) => [one.key, one]));

    download(
        `chiffres-par-${group}-${span.from}-${span.to}.csv`,
        csv([
            columns(kinds[group]),
            ...groups.map((one) =>
                row(one.name ?? "", one, then.get(one.key) ?? nothing()),
            ),
        ]),
    );
}
