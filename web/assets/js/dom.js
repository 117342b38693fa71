// Building the document.  Text reaches it as text nodes and attributes only:
// there is no way from here to markup, whatever a product is called.

const SVG = "http://www.w3.org/2000/svg";
const assets = new URL("..", import.meta.url).pathname;

export function element(tag, properties = {}, ...children) {
    const node = document.createElement(tag);

    for (const [name, value] of Object.entries(properties)) {
        if (value === undefined || value === null || value === false) {
            continue;
        }
        if (name === "on") {
            for (const [event, listener] of Object.entries(value)) {
                node.addEventListener(event, listener);
            }
        } else if (name === "value") {
            node.value = value;
        } else {
            node.setAttribute(name, value === true ? "" : value);
        }
    }
    node.append(...flat(children));

    return node;
}

// French has a space before some signs and inside of its quotation marks, where
// no line may end.
export const typeset = (text) =>
    text
        .replace(/ (?=[;!?](?:\s|$))/g, "\u202f")
        .replace(/ (?=:(?:\s|$)|»)/g, "\u00a0")
        .replace(/« /g, "«\u00a0");

function flat(children) {
    return children
        .flat(Infinity)
        .filter(
            (child) => child !== undefined && child !== null && child !== false,
        )
        .map((child) => (typeof child === "string" ? typeset(child) : child));
}

export function fill(node, ...children) {
    node.replaceChildren(...flat(children));
    return node;
}

export function icon(name) {
    const svg = document.createElementNS(SVG, "svg");
    const use = document.createElementNS(SVG, "use");

    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    use.setAttribute("href", `${assets}icons.svg#${name}`);
    svg.append(use);

    return svg;
}

export function button(label, click, properties = {}) {
    return element(
        "button",
        { type: "button", ...properties, on: { click } },
        label,
    );
}

let last = 0;

export function uniqueId(prefix) {
    last += 1;
    return `${prefix}-${last}`;
}

// Waits for a pause in the calls, such as those of a person who types.
export function afterPause(milliseconds, action) {
    let timer;

    const later = (...values) => {
        clearTimeout(timer);
        timer = setTimeout(() => action(...values), milliseconds);
    };
    later.cancel = () => clearTimeout(timer);

    return later;
}
