// CSV that table calculators of French machines open as it is: semicolons,
// a byte order mark, and no text that would be taken for a formula.

export const guarded = (text) =>
    /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;

const csvCell = (value) =>
    quoted(typeof value === "string" ? guarded(value) : String(value));

function quoted(text) {
    return /[";\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function csv(rows) {
    return `\ufeff${rows.map((row) => `${row.map(csvCell).join(";")}\r\n`).join("")}`;
}

// Of cells that the API has written: what would be a formula is none already.
export const cellsLine = (cells) => `${cells.map(quoted).join(";")}\r\n`;

// content: a text or a Blob
export function download(name, content) {
    const url = URL.createObjectURL(
        new Blob([content], { type: "text/csv;charset=utf-8" }),
    );
    const link = document.createElement("a");

    link.href = url;
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
}
