// Numbers and instants as a French reader expects them.

import { cents, centsOfNumber, money } from "./money.js";

const whole = new Intl.NumberFormat("fr-FR");
const signed = new Intl.NumberFormat("fr-FR", { signDisplay: "exceptZero" });
const instant = new Intl.DateTimeFormat("fr-FR", {
    dateStyle: "short",
    timeStyle: "short",
});
const second = new Intl.DateTimeFormat("fr-FR", {
    dateStyle: "short",
    timeStyle: "medium",
});
const clock = new Intl.DateTimeFormat("fr-FR", { timeStyle: "medium" });
const collator = new Intl.Collator("fr", { numeric: true });

function shown(format, text) {
    const date = new Date(text ?? Number.NaN);

    return Number.isNaN(date.getTime()) ? "date inconnue" : format.format(date);
}

export const compare = (a, b) => collator.compare(a, b);

export const quantity = (number) => whole.format(number);
export const difference = (number) => signed.format(number);
export const moment = (text) => shown(instant, text);
export const exactMoment = (text) => shown(second, text);
export const time = (date) => clock.format(date);

const currency = () => document.querySelector('meta[name="devise"]').content;

// Of cents, or of what the API says: a text, or a number in the reports.
export function amount(value) {
    if (typeof value === "string") {
        value = cents(value);
    } else if (typeof value === "number") {
        value = centsOfNumber(value);
    }
    return money(value, currency());
}

export function plural(number, one, many) {
    // In French 0 and 1 are singular.
    return `${quantity(number)}\u00a0${number < 2 ? one : many}`;
}

// For a search that knows neither case nor accents, as the API's.
const letters = new Map([
    ["œ", "oe"],
    ["æ", "ae"],
    ["ß", "ss"],
    ["ø", "o"],
    ["ł", "l"],
    ["’", "'"],
    ["‘", "'"],
]);

export const folded = (text) =>
    text
        .normalize("NFD")
        .replace(/\p{M}/gu, "")
        .toLowerCase()
        .replace(/[œæßøł’‘]/g, (letter) => letters.get(letter));

// Has a name each of the words, in any order?
export function finder(text) {
    const words = folded(text).split(/\s+/).filter(Boolean);

    if (words.length === 0) {
        return () => true;
    }
    return (name) => {
        const whole = folded(name);
        return words.every((word) => whole.includes(word));
    };
}

// The day where the person is: that of UTC is another at night.
export const localDay = (date) =>
    [
        date.getFullYear(),
        String(date.getMonth() + 1).padStart(2, "0"),
        String(date.getDate()).padStart(2, "0"),
    ].join("-");

// A quantity from which on shop staff should think of asking for more, and
// the one over which the dashboard counts a surplus.
const LOW = 5;
const SURPLUS = 10;

export function level(number) {
    if (number === 0) {
        return { name: "rupture", label: "Rupture" };
    }
    if (number <= LOW) {
        return { name: "bas", label: "Stock bas" };
    }
    if (number > SURPLUS) {
        return { name: "surstock", label: "Surstock" };
    }
    return { name: "normal", label: "Normal" };
}
