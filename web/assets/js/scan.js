// A barcode scanner is a keyboard that is faster than anybody and ends with
// Enter.  What it has typed is an entry wherever the focus is: it answers no
// question, presses no button, chooses nothing, and stays in no field.

// Milliseconds between two of its keys, where a person may type a text; where
// nobody does, in a number or on a button, it may be slower.
export const GAP = 80;
const SLOW = 500;
const CODE = /^(?=.*\d)[\w\-./+$% ]{6,64}$/;
const NUMBER = /^\d{8,64}$/;
// No number of a person has one.
const LETTER = /[a-z]/i;
const AMOUNT = /^[\d.,]+$/;
// So many keys at that speed are nobody's, where nothing is written.
const SHORTEST = 3;

const typesInto = (node) =>
    node instanceof HTMLTextAreaElement ||
    (node instanceof HTMLInputElement &&
        !["checkbox", "radio", "button", "submit"].includes(node.type));

const isChoice = (node) => node instanceof HTMLSelectElement;
const writes = (node) => typesInto(node) || isChoice(node);

// Also a text that is always a number of units
const isNumber = (node) =>
    node instanceof HTMLInputElement &&
    (node.type === "number" || node.hasAttribute("data-units"));

const hear = (node, type) =>
    node.dispatchEvent(new Event(type, { bubbles: true }));

// What stands in the field that has the focus, and how to have it back.  Who has
// heard of what was typed meanwhile hears of that; who has not has "restore", since
// the number may be another one by now.
function remember(node) {
    if (!writes(node)) {
        return () => {};
    }
    const { value } = node;

    return (heard) => {
        const changed = node.value !== value;

        // A number has no value while it is none, and shows it.
        node.value = value;
        if (isChoice(node)) {
            return;
        }
        if (!heard) {
            hear(node, "restore");
        } else if (changed) {
            hear(node, "input");
        }
        node.select();
    };
}

// A digit, by the place of its key where the layout has another sign there.
const digitOf = (event) =>
    /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1] ?? "x";

class Burst {
    // What a field says that a scanner may be typing into
    #held = new Set();
    #timer = null;

    constructor() {
        this.clear();
    }

    clear() {
        this.tell();
        this.text = "";
        this.digits = "";
        this.last = Number.NEGATIVE_INFINITY;
        this.place = null;
        this.broken = false;
        this.quick = true;
        this.heard = false;
        this.undo = () => {};
    }

    #gap() {
        return typesInto(this.place) && !isNumber(this.place) ? GAP : SLOW;
    }

    // Something was typed before, at the speed of a scanner, where a person types
    // no words.
    goesOn(event) {
        return (
            /\w/.test(this.text) &&
            event.timeStamp - this.last <= GAP &&
            (isNumber(this.place) || !typesInto(this.place))
        );
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
        if (this.text !== "" && gap > GAP) {
            this.quick = false;
        }
        this.#keepFrom(event);
        this.last = event.timeStamp;
        this.text += event.key;
        this.digits += digitOf(event);
    }

    // A key means something by itself where nothing is typed into.  One that
    // follows others is none of those.
    #keepFrom(event) {
        if (this.#held.size > 0) {
            this.#tellLater();
        }
        if (isChoice(this.place)) {
            // A choice would go to what is called like it.
            if (/\d/.test(event.key)) {
                event.preventDefault();
            }
        } else if (/\w/.test(this.text) && !typesInto(this.place)) {
            event.preventDefault();
        }
    }

    // A number that is typed, or a choice that letters lead to what begins with
    // them: nobody hears of it before it is known that it was a person.
    says(event) {
        const { place } = this;

        if (!event.isTrusted || event.target !== place) {
            return;
        }
        if (event.timeStamp - this.last > this.#patience()) {
            return;
        }
        if (isChoice(place) || (isNumber(place) && event.type === "input")) {
            event.stopPropagation();
            this.#held.add(event.type);
            this.#tellLater();
        } else {
            this.tell();
        }
    }

    #patience() {
        return isChoice(this.place) ? SLOW : GAP;
    }

    #tellLater() {
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.tell(), this.#patience());
    }

    tell() {
        const types = [...this.#held];

        clearTimeout(this.#timer);
        this.#held.clear();
        if (this.place?.isConnected) {
            for (const type of types) {
                this.heard = true;
                hear(this.place, type);
            }
        }
    }

    // What was scanned, null when it was a person
    end(event) {
        const { text, digits, place } = this;
        const gap = event.timeStamp - this.last;

        if (this.broken || gap > this.#gap()) {
            return null;
        }
        const quick = this.quick && gap <= GAP;
        const isCode =
            CODE.test(text) &&
            (!isNumber(place) ||
                LETTER.test(text) ||
                (quick && !AMOUNT.test(text)));

        if (isCode) {
            return text;
        }
        return (
            [text, digits].find((one) => NUMBER.test(one)) ??
            (quick && text.length >= SHORTEST && !writes(place) ? text : null)
        );
    }

    // It was a scanner: all is as it was.
    takeBack() {
        this.#held.clear();
        this.undo(this.heard || !isNumber(this.place));
        this.clear();
    }
}

// found(text) has the code, once the field that it came into is as before.
// here(): whether scans are for it now
export function watchScanner(found, signal, here = () => true) {
    const burst = new Burst();
    const options = { capture: true, signal };
    // Of a key that was nobody's
    let space = false;

    document.addEventListener(
        "keydown",
        (event) => {
            if (event.key === "Shift" || !here()) {
                return;
            }
            if (event.key === "Enter") {
                const code = burst.end(event);

                if (code) {
                    event.preventDefault();
                    event.stopPropagation();
                    burst.takeBack();
                    found(code);
                } else {
                    burst.clear();
                }
            } else if (
                event.key.length !== 1 ||
                (event.key === " " && !burst.goesOn(event)) ||
                event.isComposing ||
                event.repeat ||
                event.ctrlKey ||
                event.metaKey
            ) {
                burst.clear();
            } else {
                burst.key(event);
                space = event.key === " " && event.defaultPrevented;
            }
        },
        options,
    );
    // A button is pressed when that comes up again.
    document.addEventListener(
        "keyup",
        (event) => {
            if (event.key === " " && space) {
                event.preventDefault();
                space = false;
            }
        },
        options,
    );
    for (const type of ["input", "change"]) {
        document.addEventListener(type, (event) => burst.says(event), options);
    }
}
