// What the columns of a file are called, and what their cells may be.  The
// rules and the words are those of the API, which has the last one.

import { folded } from "./format.js";

const MOST = 2147483647;
const required = "Ce champ est obligatoire.";

// As people head the columns, and as the API calls them
const names = {
    produits: {
        id: ["id", "n°", "numero"],
        nom: ["nom", "produit", "designation", "libelle", "article"],
        categorie: ["categorie", "famille", "rayon"],
        prix: ["prix", "prix ttc", "prix de vente", "tarif"],
        description: ["description"],
        code: ["code", "reference", "ref", "code article"],
        codes_barres: [
            "codes_barres",
            "code_barres",
            "code-barres",
            "codes-barres",
            "codes barres",
            "code barres",
            "ean",
            "ean13",
            "gtin",
        ],
    },
    stock: {
        magasin: ["magasin", "magasin_id", "boutique"],
        produit: ["produit", "produit_id", "id", "n°"],
        code: ["code", "reference", "ref", "code article", "ean", "ean13"],
        quantite: ["quantite", "stock", "qte"],
        attendu: ["attendu"],
        delta: ["delta", "mouvement", "ecart", "variation"],
        minimum: ["minimum", "min", "seuil"],
        maximum: ["maximum", "max"],
        motif: ["motif", "raison"],
    },
};

export const columnNames = (kind) => Object.keys(names[kind]);

// heads: the first record.  {columns: the name of each or null, unknown: heads
// that say nothing, twice: names that are there twice}
export function columnsOf(kind, heads) {
    const columns = heads.map((head) => {
        const text = folded(head.trim());
        return (
            columnNames(kind).find((name) =>
                names[kind][name].includes(text),
            ) ?? null
        );
    });

    return {
        columns,
        unknown: heads.filter((head, at) => !columns[at] && head.trim()),
        twice: columnNames(kind).filter(
            (name) => columns.filter((one) => one === name).length > 1,
        ),
    };
}

// A text that would be a formula was given an apostrophe by who wrote the file.
const unguarded = (text) =>
    /^'+[=+\-@\t\r\n]/.test(text) ? text.slice(1) : text;

const bare = (text) => text.replace(/[\s\u00a0\u202f]/g, "");
const tooLong = (most) =>
    `Assurez-vous que ce champ comporte au plus ${most} caractères.`;

const fault = (text) => ({ fault: text });
const value = (text) => ({ value: text });

function text(most) {
    return (cell) =>
        [...cell].length > most ? fault(tooLong(most)) : value(cell);
}

function id(cell) {
    const digits = bare(cell);

    return /^0*[1-9]\d{0,17}$/.test(digits)
        ? value(digits.replace(/^0+/, ""))
        : fault("Un nombre entier valide est requis.");
}

function integer(least) {
    return (cell) => {
        const digits = bare(cell).replace(/[.,]0+$/, "");
        const number = Number(digits);

        if (!/^[+-]?\d{1,18}$/.test(digits)) {
            return fault("Un nombre entier valide est requis.");
        }
        if (number < least) {
            return fault(
                `Assurez-vous que cette valeur est supérieure ou égale à ${least}.`,
            );
        }
        return number > MOST
            ? fault(
                  `Assurez-vous que cette valeur est inférieure ou égale à ${MOST}.`,
              )
            : value(number);
    };
}

function delta(cell) {
    const one = integer(-MOST)(cell);

    return one.value === 0 ? fault("Cette valeur ne peut être 0.") : one;
}

// With a comma or a point, and perhaps a sign of the currency
function price(cell) {
    const digits = bare(cell)
        .replace(/[€$£]|EUR$/g, "")
        .replace(",", ".");

    if (!/^[+-]?\d{1,30}([.]\d{0,30})?$/.test(digits)) {
        return fault("Un nombre valide est requis.");
    }
    const [whole, part = ""] = digits.replace(/^[+-]/, "").split(".");
    if (part.length > 2) {
        return fault(
            "Assurez-vous qu'il n'y a pas plus de 2 chiffres après la virgule.",
        );
    }
    if (whole.replace(/^0+/, "").length > 8) {
        return fault(
            "Assurez-vous qu'il n'y a pas plus de 8 chiffres avant la virgule.",
        );
    }
    const amount = `${whole.replace(/^0+(?=\d)/, "")}.${part.padEnd(2, "0")}`;

    return digits.startsWith("-") && /[1-9]/.test(amount)
        ? fault("Assurez-vous que cette valeur est supérieure ou égale à 0.")
        : value(amount);
}

// A calculator that takes a barcode for a number has lost its digits.
const damaged = (cell) => /^\d([.,]\d+)?E[+]\d+$/i.test(cell);

function code(cell) {
    if (damaged(cell)) {
        return fault(
            `Un tableur a pris ce code pour un nombre : « ${cell} ». Mettez la colonne au format texte.`,
        );
    }
    return [...cell].length > 64
        ? fault("Un code a 64 caractères au plus.")
        : value(cell.normalize("NFC"));
}

// The last digit of a GTIN is made of the others.
function isGtin(digits) {
    const sum = Array.from(digits)
        .reverse()
        .reduce(
            (all, digit, at) => all + Number(digit) * (at % 2 === 1 ? 3 : 1),
            0,
        );
    return sum % 10 === 0;
}

function barcodes(cell) {
    const codes = cell.split(/[;\s]+/).filter(Boolean);

    for (const one of codes) {
        const { fault: wrong } = code(one);

        if (wrong) {
            return fault(wrong);
        }
        if (/^(\d{8}|\d{12,14})$/.test(one) && !isGtin(one)) {
            return fault(`Le chiffre de contrôle de « ${one} » est faux.`);
        }
    }
    if (codes.length > 50) {
        return fault("Un produit a 50 codes-barres au plus.");
    }
    return new Set(codes).size < codes.length
        ? fault("Un code est donné deux fois.")
        : value(codes);
}

const rules = {
    id,
    nom: text(100),
    categorie: text(100),
    prix: price,
    description: text(10000),
    code,
    codes_barres: barcodes,
    magasin: value,
    produit: id,
    quantite: integer(0),
    attendu: integer(0),
    delta,
    minimum: integer(0),
    maximum: integer(0),
    motif: text(200),
};

// One record: {members, errors}, both by the name of the column.  An empty cell
// is a member that is not given.
export function judge(columns, cells) {
    const members = {};
    const errors = {};

    columns.forEach((name, at) => {
        const cell = name ? unguarded(cells[at] ?? "").trim() : "";

        if (cell !== "") {
            const { fault: wrong, value: right } = rules[name](cell);

            if (wrong) {
                errors[name] = wrong;
            } else {
                members[name] = right;
            }
        }
    });
    return { members, errors };
}

// What is wrong with the members of a row together
export const together = {
    produits: ({ members, errors }) => {
        if (members.id || members.code || errors.id || errors.code) {
            return;
        }
        for (const name of ["nom", "categorie", "prix"]) {
            if (members[name] === undefined) {
                errors[name] ??= required;
            }
        }
    },
    stock: ({ members, errors }) => {
        const given = (name) => name in members || name in errors;

        if (!given("magasin")) {
            errors.magasin = required;
        }
        if (!given("produit") && !given("code")) {
            errors.produit = required;
        }
        if (given("delta") && (given("quantite") || given("attendu"))) {
            errors.delta = "Ce champ exclut « quantite » et « attendu ».";
        }
        if (given("attendu") && !given("quantite")) {
            errors.quantite = required;
        }
    },
};
