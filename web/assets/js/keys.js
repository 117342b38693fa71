// Keys that do what a button does, wherever the focus is on the page.

import { openDialog } from "./dialog.js";
import { element } from "./dom.js";

const writes = (node) =>
    node instanceof HTMLInputElement ||
    node instanceof HTMLTextAreaElement ||
    node instanceof HTMLSelectElement;

// A sign is a key where nothing is written, and in a field that lets it be one
// as long as it is empty.
const takesSign = (node) =>
    !writes(node) || (node.hasAttribute("data-keys") && node.value === "");

const nameOf = (event) =>
    `${event.ctrlKey || event.metaKey ? "Ctrl+" : ""}${event.key}`;

// bindings: [{keys: [[name, shown], ...], label, run}]; one without run is told
// of and no more.
export function watchKeys(bindings, signal) {
    const known = new Map(
        bindings
            .filter((one) => one.run)
            .flatMap(({ keys, run }) => keys.map(([name]) => [name, run])),
    );

    document.addEventListener(
        "keydown",
        (event) => {
            const name = nameOf(event);
            const run = known.get(name);

            if (
                !run ||
                event.defaultPrevented ||
                event.isComposing ||
                event.altKey ||
                document.querySelector("dialog[open]") ||
                (name.length === 1 && !takesSign(document.activeElement))
            ) {
                return;
            }
            if (run(event) !== false) {
                event.preventDefault();
            }
        },
        { signal },
    );
}

export function showKeys(bindings) {
    return openDialog("Raccourcis du clavier", () =>
        element(
            "dl",
            { class: "keys" },
            bindings.map(({ keys, label }) => [
                element(
                    "dt",
                    {},
                    keys.map(([name, shown], index) => [
                        index > 0 ? " ou " : null,
                        element("kbd", {}, shown ?? name),
                    ]),
                ),
                element("dd", {}, label),
            ]),
        ),
    );
}
