// Keys that do what a button does, wherever the focus is on the page.

import { openDialog } from "./dialog.js";
import { element } from "./dom.js";
import { GAP } from "./scan.js";

const writes = (node) =>
    node instanceof HTMLInputElement ||
    node instanceof HTMLTextAreaElement ||
    node instanceof HTMLSelectElement;

// A sign is a key where nothing is written, and in a field that lets it be one
// as long as it is empty.
const takesSign = (node) =>
    !writes(node) || (node.hasAttribute("data-keys") && node.value === "");

const MODIFIERS = ["Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock"];

// A sign that stands alone is a person's.  One that something else follows at
// once is the first of a scanner's, and does nothing.
class Signs {
    #held = [];
    #timer = null;

    constructor(signal) {
        signal.addEventListener("abort", () => clearTimeout(this.#timer));
    }

    hold(event, run) {
        if (event.repeat) {
            run(event);
            return;
        }
        this.#held.push({ event, run });
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#run(), GAP);
    }

    #run() {
        for (const { event, run } of this.#held.splice(0)) {
            run(event);
        }
    }

    // Another key was pressed after those that are held.
    before(event, isSign) {
        const last = this.#held.at(-1);

        if (!last || MODIFIERS.includes(event.key)) {
            return;
        }
        if (
            event.key.length > 1 ||
            event.repeat ||
            event.timeStamp - last.event.timeStamp > GAP
        ) {
            this.#run();
        } else if (!isSign) {
            this.#giveBack(document.activeElement);
        }
    }

    // They begin the text that goes on now.
    #giveBack(node) {
        const text = this.#held.splice(0).map(({ event }) => event.key);

        if (node.hasAttribute("data-keys") && node.value === "") {
            node.value = text.join("");
        }
    }
}

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

    const signs = new Signs(signal);

    document.addEventListener(
        "keydown",
        (event) => {
            const name = nameOf(event);
            const run = known.get(name);
            const sign = name.length === 1;

            signs.before(event, run && sign);
            if (
                !run ||
                event.defaultPrevented ||
                event.isComposing ||
                event.altKey ||
                document.querySelector("dialog[open]") ||
                (sign && !takesSign(document.activeElement))
            ) {
                return;
            }
            if (sign) {
                event.preventDefault();
                signs.hold(event, run);
            } else if (run(event) !== false) {
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
