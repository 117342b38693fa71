// Amounts are whole cents in a BigInt: a double cannot hold them exactly.

const text = /^(-?)(\d+)(?:[.,](\d{1,2}))?$/;

// The API's "12.99", or what a person typed, as cents; null when it is none.
export function cents(amount) {
    const match = text.exec(String(amount).replace(/[\s\u00a0\u202f]/g, ""));

    if (!match) {
        return null;
    }
    const value =
        BigInt(match[2]) * 100n + BigInt((match[3] ?? "").padEnd(2, "0"));
    return match[1] ? -value : value;
}

// A total of the reports is a JSON number.  Up to 15 digits, which is ten
// thousand times the largest total of a sale, its cents are the right ones.
export function centsOfNumber(number) {
    return cents(number.toFixed(2));
}

const whole = new Intl.NumberFormat("fr-FR");

// Kept together by no-break spaces.
export function money(value, currency) {
    const positive = value < 0n ? -value : value;
    const rest = String(positive % 100n).padStart(2, "0");

    return (
        (value < 0n ? "-" : "") +
        whole.format(positive / 100n) +
        "," +
        rest +
        (currency ? `\u00a0${currency}` : "")
    );
}

// As the API and a table calculator want it: 1234.50, 1234,50
export function plain(value, point = ".") {
    const positive = value < 0n ? -value : value;
    const rest = String(positive % 100n).padStart(2, "0");

    return (value < 0n ? "-" : "") + positive / 100n + point + rest;
}
