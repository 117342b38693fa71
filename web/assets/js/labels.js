// Price labels: which there are, and what stands on one.

import { read } from "./api.js";
import { barcode } from "./barcode.js";
import { element } from "./dom.js";
import { amount } from "./format.js";

// Millimetres: those of the sheets that are sold for printers, and of a roll.
export const formats = {
    grandes: {
        label: "A4, 24 de 70 × 37 mm",
        columns: 3,
        rows: 8,
    },
    petites: {
        label: "A4, 40 de 52,5 × 29,7 mm",
        columns: 4,
        rows: 10,
    },
    rouleau: {
        label: "Rouleau 57 × 32 mm",
        columns: 1,
        rows: 1,
        width: 57,
        height: 32,
        margin: 0,
    },
};

// A barcode that tills of others know goes before the shop's own code.
export function codeOf({ code, codes_barres: barcodes }) {
    return (
        barcodes.find((one) => /^\d{8,14}$/.test(one)) ?? barcodes[0] ?? code
    );
}

// {sheet, bars}: the product as it is now, and its barcode, if it has one.
export async function readLabel(id, signal) {
    const sheet = await read(`/products/${id}/sheet/`, signal);
    return { sheet, bars: await barcode(codeOf(sheet)) };
}

export function labelView({ sheet, bars }) {
    return element(
        "div",
        { class: "price-label" },
        element("p", { class: "name" }, sheet.nom),
        element("p", { class: "price" }, amount(sheet.prix)),
        bars?.cloneNode(true) ??
            element("p", { class: "small" }, codeOf(sheet) ?? ""),
        bars && sheet.code && sheet.code !== codeOf(sheet)
            ? element("p", { class: "small" }, sheet.code)
            : null,
    );
}

// The paper of labels, for print.js; skip: how many places of the first sheet
// are taken already.
export function labelPaper(name, labels, skip) {
    const format = formats[name];
    const all = [
        ...Array.from({ length: skip }, () =>
            element("div", { class: "price-label" }),
        ),
        ...labels.map(labelView),
    ];
    const pages = [];

    for (let at = 0; at < all.length; at += format.columns * format.rows) {
        pages.push(
            element(
                "div",
                { class: "price-label-page" },
                all.slice(at, at + format.columns * format.rows),
            ),
        );
    }
    return { ...format, format: `etiquettes ${name}`, nodes: pages };
}
