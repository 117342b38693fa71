// What was sold, by GET /reports/sales/: over days, and by store, product or
// category, with the same number of days before.

import { query, readPage } from "./api.js";
import { cents } from "./money.js";

const PAGE = 1000;
const PAGES = 5;
const DAY = 86400000;

// Days are calendar days, whatever clock changes there are: noon of UTC.
const noon = (day) => Date.parse(`${day}T12:00Z`);
const dayAt = (instant) => new Date(instant).toISOString().slice(0, 10);

export const plusDays = (day, number) => dayAt(noon(day) + number * DAY);
export const daysBetween = (from, to) =>
    Math.round((noon(to) - noon(from)) / DAY) + 1;

export function before({ from, to }) {
    const days = daysBetween(from, to);

    return { from: plusDays(from, -days), to: plusDays(to, -days) };
}

async function rowsOf(parameters, stop) {
    const rows = [];
    let next = `/reports/sales/${query({ ...parameters, limit: PAGE })}`;

    for (let page = 0; page < PAGES && next; page += 1) {
        const answer = await readPage(next, stop);
        rows.push(...answer.results);
        next = answer.next;
    }
    return { rows, whole: next === null };
}

// What was sold, what came back in the same time, and what is left of it.
export const nothing = () => ({
    units: 0,
    revenue: 0n,
    returned: 0,
    refunds: 0n,
    net: 0n,
});

function add(sum, row) {
    sum.units += row.unites;
    sum.revenue += cents(row.chiffre_affaires);
    sum.returned += row.unites_rendues;
    sum.refunds += cents(row.remboursements);
    sum.net += cents(row.net);
}

// The periods of a span, also those without sales, in their order: {key} and
// the sums.  Hours are those of the day, of all its days together.
export async function overTime({ by, store, span }, stop) {
    const { rows, whole } = await rowsOf(
        { par: by, magasin: store, depuis: span.from, jusqu_a: span.to },
        stop,
    );
    const periods = new Map(
        keys(by, span).map((key) => [key, { key, ...nothing() }]),
    );

    for (const row of rows) {
        const key = by === "heure" ? row.periode.slice(11, 13) : row.periode;
        const sum = periods.get(key) ?? { key, ...nothing() };

        add(sum, row);
        periods.set(key, sum);
    }
    return { periods: [...periods.values()], whole };
}

function keys(by, { from, to }) {
    if (by === "heure") {
        return Array.from({ length: 24 }, (_, hour) =>
            String(hour).padStart(2, "0"),
        );
    }
    const found = new Set();
    for (let day = from; day <= to; day = plusDays(day, 1)) {
        found.add(keyOf(by, day));
    }
    return [...found];
}

// As the API writes a period
function keyOf(by, day) {
    if (by === "mois") {
        return day.slice(0, 7);
    }
    return by === "semaine" ? week(day) : day;
}

// The week of ISO 8601 is that of its Thursday.
function week(day) {
    const weekday = (new Date(noon(day)).getUTCDay() + 6) % 7;
    const thursday = plusDays(day, 3 - weekday);
    const year = thursday.slice(0, 4);
    const number = Math.ceil(daysBetween(`${year}-01-01`, thursday) / 7);

    return `${year}-W${String(number).padStart(2, "0")}`;
}

// By store, product or category, those with the most first: {key, name} and the
// sums.  Of months there are the fewest rows.
export async function byGroup({ group, store, span }, stop) {
    const { rows, whole } = await rowsOf(
        {
            par: "mois",
            groupe: group,
            magasin: store,
            depuis: span.from,
            jusqu_a: span.to,
        },
        stop,
    );
    const groups = new Map();

    for (const row of rows) {
        const key = row[group];
        const sum = groups.get(key) ?? {
            key,
            name: group === "categorie" ? row.categorie : row.nom,
            ...nothing(),
        };

        add(sum, row);
        groups.set(key, sum);
    }
    return {
        groups: [...groups.values()].sort((a, b) =>
            a.revenue === b.revenue ? 0 : a.revenue < b.revenue ? 1 : -1,
        ),
        whole,
    };
}

export const total = (list) =>
    list.reduce(
        (sum, one) => ({
            units: sum.units + one.units,
            revenue: sum.revenue + one.revenue,
            returned: sum.returned + one.returned,
            refunds: sum.refunds + one.refunds,
            net: sum.net + one.net,
        }),
        nothing(),
    );

// In tenths of a percent, null where there was nothing before
export const growth = (now, then) =>
    then === 0n ? null : Number(((now - then) * 1000n) / then) / 10;
