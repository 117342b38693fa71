// What goes on paper in the place of the page: a receipt, labels.

import { element } from "./dom.js";

const root = document.documentElement;
let offered = () => null;
let asked = null;
let sheet = null;

// Paper of a roll is as long as what stands on it.  A rule of the style sheet
// gets the length: the policy forbids styles that are written here.
function roll(width, height, margin) {
    const rules = Array.from(document.styleSheets, (one) =>
        Array.from(one.cssRules),
    ).flat();
    const rule = rules.find(
        (one) => one instanceof CSSPageRule && one.selectorText === "rouleau",
    );

    rule?.style.setProperty("size", `${width}mm ${height}mm`);
    rule?.style.setProperty("margin", `${margin}mm`);
}

const millimetres = (pixels) => Math.ceil((pixels * 25.4) / 96) + 1;

function lay(content) {
    sheet = element(
        "div",
        { class: `sheet ${content.format}`, "aria-hidden": "true" },
        content.nodes,
    );
    root.dataset.paper = content.format;
    document.body.append(sheet);
    if (content.width) {
        sheet.style.width = `${content.width - 2 * content.margin}mm`;
        sheet.classList.add("measured");
        roll(
            content.width,
            content.height ??
                millimetres(sheet.offsetHeight) + 2 * content.margin,
            content.margin,
        );
        sheet.classList.remove("measured");
    }
}

function tidy() {
    sheet?.remove();
    sheet = null;
    delete root.dataset.paper;
}

window.addEventListener("beforeprint", () => {
    const content = asked ?? offered();

    tidy();
    if (content) {
        lay(content);
    }
});
window.addEventListener("afterprint", () => {
    asked = null;
    tidy();
});

// content() gives what is printed when somebody prints the page: {nodes,
// format, width, height, margin}, the latter three in millimetres and of a roll;
// null for the page itself.
export function offerPaper(content, signal) {
    offered = content;
    signal.addEventListener("abort", () => {
        if (offered === content) {
            offered = () => null;
        }
    });
}

// Something else than what is offered, once
export function printNow(content) {
    asked = content;
    window.print();
}
