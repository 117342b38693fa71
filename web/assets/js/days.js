// Days as a field of dates and an address have them: 2026-11-24.

const FIRST = "1970-01-01";
const LAST = "2199-12-31";

export const dayLimits = { min: FIRST, max: LAST };

// What is wrong with a day, in words; null when nothing is.
export function dayFault(text) {
    const match = /^(\d+)-(\d\d)-(\d\d)$/.exec(text);

    if (!match) {
        return "Entrez une date complète.";
    }
    if (match[1].length !== 4 || text < FIRST || text > LAST) {
        return "L’année doit être entre 1970 et 2199.";
    }
    // The 31st of February is a day of March.
    return new Date(`${text}T00:00Z`).toJSON()?.slice(0, 10) === text
        ? null
        : "Cette date n’existe pas.";
}
