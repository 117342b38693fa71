// What was sold, by GET /reports/sales/: over days, and by store, product or
// category, with the same number of days before.

import { query, readPage } from "./api.js";
import { cents } from "./money.js";

const PAGE = 1000;
// So many rows are added up at most.
export const MOST = 100000;
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

// take(row) for each row of a report; gives whether that were all of them.  For
// each page the server adds up the days that are asked for: where there are many
// pages the months are asked for one by one.
async function eachRow({ span, ...parameters }, take, stop) {
    const path = ({ from, to }) =>
        `/reports/sales/${query({ ...parameters, depuis: from, jusqu_a: to, limit: PAGE })}`;
    const first = await readPage(path(span), stop);
    let rows = 0;

    if (first.next === null) {
        first.results.forEach(take);
        return true;
    }
    for (const month of monthsOf(span)) {
        let next = path(month);

        while (next) {
            if (rows >= MOST) {
                return false;
            }
            const page = await readPage(next, stop);

            page.results.forEach(take);
            rows += page.results.length;
            next = page.next;
        }
    }
    return true;
}

// The parts of a span that are in one month each
function monthsOf({ from, to }) {
    const months = [];

    for (let day = from; day <= to; ) {
        const next = dayAt(
            Date.UTC(Number(day.slice(0, 4)), Number(day.slice(5, 7)), 1, 12),
        );
        const last = plusDays(next, -1);

        months.push({ from: day, to: [last, to].sort()[0] });
        day = next;
    }
    return months;
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
    const periods = new Map(
        keys(by, span).map((key) => [key, { key, ...nothing() }]),
    );

    await eachRow(
        { par: by, magasin: store, span },
        (row) => {
            const key =
                by === "heure" ? row.periode.slice(11, 13) : row.periode;
            const sum = periods.get(key) ?? { key, ...nothing() };

            add(sum, row);
            periods.set(key, sum);
        },
        stop,
    );
    return [...periods.values()];
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
// sums, of all the span where it is whole.  Of months there are the fewest rows.
export async function byGroup({ group, store, span }, stop) {
    const groups = new Map();
    const whole = await eachRow(
        { par: "mois", groupe: group, magasin: store, span },
        (row) => {
            const key = row[group];
            const sum = groups.get(key) ?? {
                key,
                name: group === "categorie" ? row.categorie : row.nom,
                ...nothing(),
            };

            add(sum, row);
            groups.set(key, sum);
        },
        stop,
    );

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
