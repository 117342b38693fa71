// Barcodes, encoded by JsBarcode and drawn here: its own drawings need inline
// styles, which the policy forbids.

const SVG = "http://www.w3.org/2000/svg";
const source = new URL("../vendor/jsbarcode.js", import.meta.url).href;
let library = null;

export const available = () =>
    document.querySelector('meta[name="codes-barres"]').content === "yes";

// The file is a script of the old kind, which leaves its name behind.  Without a
// network it may not come: then it is asked for again the next time.
function load() {
    library ??= import(source).then(
        () => globalThis.JsBarcode,
        (error) => {
            library = null;
            throw error;
        },
    );
    return library;
}

// Bars that are longer, and groups of digits: from, to, where they stand and on
// what width, in modules, and whether they fill it
const shapes = {
    EAN13: {
        guards: [
            [0, 3],
            [45, 50],
            [92, 95],
        ],
        groups: [
            [0, 1, -7, 1],
            [1, 7, 3, 42, true],
            [7, 13, 50, 42, true],
        ],
    },
    EAN8: {
        guards: [
            [0, 3],
            [31, 36],
            [64, 67],
        ],
        groups: [
            [0, 4, 3, 28, true],
            [4, 8, 36, 28, true],
        ],
    },
};

// The kind of code, and its text: of 12 digits, a zero in front is none.
function kindOf(text) {
    if (/^\d{12,13}$/.test(text)) {
        return ["EAN13", text.padStart(13, "0")];
    }
    if (/^\d{8}$/.test(text)) {
        return ["EAN8", text];
    }
    return ["CODE128", text];
}

function drawing(tag, attributes, text) {
    const node = document.createElementNS(SVG, tag);

    for (const [name, value] of Object.entries(attributes)) {
        node.setAttribute(name, value);
    }
    if (text !== undefined) {
        node.textContent = text;
    }
    return node;
}

const BARS = 60;
const GUARD = 5;
const QUIET = 11;

// One path of the bits: a bar is as wide as the ones that follow each other.
function bars(bits, guards) {
    const long = (at) => guards.some(([from, to]) => at >= from && at < to);

    return Array.from(bits.matchAll(/1+/g), (run) => {
        const height = BARS + (long(run.index) ? GUARD : 0);
        return `M${run.index} 0h${run[0].length}v${height}h-${run[0].length}z`;
    }).join("");
}

function digits(text, groups) {
    return groups.map(([from, to, x, width, spread]) =>
        drawing(
            "text",
            {
                x: x + width / 2,
                y: BARS + 10.5,
                "font-size": 11,
                "text-anchor": "middle",
                ...(spread
                    ? { textLength: width - 5, lengthAdjust: "spacing" }
                    : {}),
            },
            text.slice(from, to),
        ),
    );
}

// An SVG element; null when the text has no barcode, or nothing draws one.
export async function barcode(value) {
    if (!available() || !value) {
        return null;
    }
    const JsBarcode = await load();
    const [format, text] = kindOf(value);
    const drawn = {};

    try {
        JsBarcode(drawn, text, { format, flat: true });
    } catch {
        return null;
    }
    const bits = drawn.encodings.map((one) => one.data).join("");
    const { guards, groups } = shapes[format] ?? {
        guards: [],
        groups: [[0, text.length, 0, bits.length]],
    };
    const svg = drawing("svg", {
        class: `barcode ${format.toLowerCase()}`,
        viewBox: `${-QUIET} 0 ${bits.length + 2 * QUIET} ${BARS + 13}`,
        role: "img",
        "aria-label": `Code-barres ${text}`,
        "shape-rendering": "crispEdges",
    });

    svg.append(
        drawing("path", { d: bars(bits, guards), fill: "#000" }),
        ...digits(text, groups),
    );
    return svg;
}
