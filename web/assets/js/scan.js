// A barcode scanner is a keyboard that is faster than anybody and ends with
// Enter.  What it has typed is an entry wherever the focus is: it answers no
// question, presses no button, and stays in no field.

// Milliseconds between two of its keys, where a person may type a text; where
// nobody does, in a number or on a button, it may be slower.
const GAP = 80;
const SLOW = 500;
const CODE = /^(?=.*\d)[\w\-./+$%]{6,64}$/;
const NUMBER = /^\d{8,64}$/;

const typesInto = (node) =>
    node instanceof HTMLTextAreaElement ||
    (node instanceof HTMLInputElement &&
        !["checkbox", "radio", "button", "submit"].includes(node.type));

const isNumber = (node) =>
    node instanceof HTMLInputElement && node.type === "number";

// What stands in the field that is typed into, and how to have it back
function remember(node) {
    if (!typesInto(node)) {
        return () => {};
    }
    const { value } = node;

    return () => {
        if (node.value !== value) {
            node.value = value;
            node.dispatchEvent(new Event("input", { bubbles: true }));
        }
        node.select();
    };
}

// A digit, by the place of its key where the layout has another sign there.
const digitOf = (event) =>
    /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1] ?? "x";

class Burst {
    constructor() {
        this.clear();
    }

    clear() {
        this.text = "";
        this.digits = "";
        this.last = Number.NEGATIVE_INFINITY;
        this.place = null;
        this.broken = false;
        this.undo = () => {};
    }

    #gap() {
        return typesInto(this.place) && !isNumber(this.place) ? GAP : SLOW;
    }

    key(event) {
        const { activeElement } = document;
        const gap = event.timeStamp - this.last;

        if (gap > SLOW || activeElement !== this.place) {
            this.clear();
            this.place = activeElement;
            this.undo = remember(activeElement);
        } else if (gap > this.#gap()) {
            this.broken = true;
        }
        this.last = event.timeStamp;
        this.text += event.key;
        this.digits += digitOf(event);
        // A choice would go to what is called like it.
        if (
            activeElement instanceof HTMLSelectElement &&
            /\d/.test(event.key)
        ) {
            event.preventDefault();
        }
    }

    // What was scanned, null when it was a person
    end(event) {
        const { text, digits, place } = this;

        if (this.broken || event.timeStamp - this.last > this.#gap()) {
            return null;
        }
        if (isNumber(place)) {
            return [text, digits].find((one) => NUMBER.test(one)) ?? null;
        }
        return CODE.test(text) ? text : NUMBER.test(digits) ? digits : null;
    }
}

// found(text) has the code, once the field that it came into is as before.
export function watchScanner(found, signal) {
    const burst = new Burst();

    document.addEventListener(
        "keydown",
        (event) => {
            if (event.key === "Shift") {
                return;
            }
            if (event.key === "Enter") {
                const code = burst.end(event);
                const { undo } = burst;

                burst.clear();
                if (code) {
                    event.preventDefault();
                    event.stopPropagation();
                    undo();
                    found(code);
                }
            } else if (
                event.key.length !== 1 ||
                event.key === " " ||
                event.isComposing ||
                event.ctrlKey ||
                event.metaKey
            ) {
                burst.clear();
            } else {
                burst.key(event);
            }
        },
        { capture: true, signal },
    );
}
