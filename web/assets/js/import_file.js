// A file of rows, read in the browser: what is in it, and what is wrong with it
// before anybody else is asked.

import { Cells, decoded, separatorOf } from "./cells.js";
import { plural, quantity } from "./format.js";
import { columnNames, columnsOf, judge, together } from "./import_cells.js";
import { pieces } from "./pieces.js";

// Of a batch of the API
export const MOST_ROWS = 50000;
const MOST_BYTES = 32 * 1024 * 1024;
const PIECE = 65536;

// What a row is about, and what it may say of it
const keys = { produits: ["id", "code", "nom"], stock: ["produit", "code"] };
const contents = {
    produits: ["nom", "categorie", "prix", "description", "codes_barres"],
    stock: ["quantite", "delta", "minimum", "maximum"],
};

// What is wrong with the file as a whole, in words
export class Unreadable extends Error {}

async function recordsOf(text, signal) {
    const cells = new Cells(separatorOf(text));
    const turn = pieces(signal);
    const records = [];

    for (let at = 0; at < text.length; at += PIECE) {
        for (const record of cells.read(text.slice(at, at + PIECE))) {
            records.push(record);
        }
        if (records.length > 2 * MOST_ROWS) {
            break;
        }
        await turn();
    }
    const { rows, whole } = cells.finish();
    if (!whole) {
        throw new Unreadable(
            `Des guillemets sont ouverts à la ligne ${quantity(records.length + 1)} et jamais fermés.`,
        );
    }
    return records.concat(rows);
}

// A file that is no table may have one cell, of megabytes.
const shortly = (heads) => {
    const text = heads.slice(0, 30).join(", ");
    return text.length > 300 ? `${text.slice(0, 299)}…` : text;
};

function check(kind, { columns, twice }, heads) {
    const has = (list) => list.some((name) => columns.includes(name));

    if (twice.length > 0) {
        throw new Unreadable(
            `La colonne « ${twice[0]} » est là deux fois : ${shortly(heads)}.`,
        );
    }
    if (!has(keys[kind]) || !has(contents[kind])) {
        throw new Unreadable(
            `Ces colonnes ne vont pas : ${shortly(heads) || "aucune"}. ` +
                `La première ligne nomme des colonnes parmi ${columnNames(kind).join(", ")}.`,
        );
    }
}

const blank = (record) => record.every((cell) => cell.trim() === "");

// {columns, unknown, rows: [{number, members, errors}]}; number is that of the
// row in a table calculator.
export async function readRows(file, kind, signal) {
    if (file.size > MOST_BYTES) {
        throw new Unreadable("Ce fichier a plus de 32 Mo.");
    }
    const records = await recordsOf(
        decoded(new Uint8Array(await file.arrayBuffer())),
        signal,
    );
    const first = records.findIndex((record) => !blank(record));

    if (first < 0) {
        throw new Unreadable("Ce fichier est vide.");
    }
    const head = columnsOf(kind, records[first]);
    check(kind, head, records[first]);

    const turn = pieces(signal);
    const rows = [];
    for (let at = first + 1; at < records.length; at += 1) {
        if (!blank(records[at])) {
            const row = { number: at + 1, ...judge(head.columns, records[at]) };

            if (records[at].slice(head.columns.length).some(Boolean)) {
                row.errors.ligne =
                    "Cette ligne a plus de cellules que de colonnes.";
            }
            rows.push(row);
        }
        await turn();
    }
    if (rows.length === 0) {
        throw new Unreadable("Ce fichier n’a que des en-têtes.");
    }
    if (rows.length > MOST_ROWS) {
        throw new Unreadable(
            `Ce fichier a ${plural(rows.length, "ligne", "lignes")} ; ${quantity(MOST_ROWS)} au plus vont en une fois.`,
        );
    }
    return { kind, columns: head.columns, unknown: head.unknown, rows };
}

// After what every row says: what they say together, and twice.
export async function judgeTogether({ kind, rows }, signal) {
    const turn = pieces(signal);
    const seen = new Map();

    for (const row of rows) {
        together[kind](row);
        for (const key of keysOf(kind, row.members)) {
            const earlier = seen.get(key);

            if (earlier) {
                row.errors.ligne ??= `Donné aussi à la ligne ${quantity(earlier)}.`;
            } else {
                seen.set(key, row.number);
            }
        }
        await turn();
    }
}

function keysOf(kind, { id, code, magasin, produit }) {
    if (kind === "stock") {
        return produit || code
            ? [`${magasin} ${produit ? `n° ${produit}` : code}`]
            : [];
    }
    return [id && `n° ${id}`, code && `code ${code}`].filter(Boolean);
}
