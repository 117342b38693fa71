// Fields of numbers, wherever they are: what is typed takes the place of what
// is there, and a wheel that turns over one changes nothing.

// Fewer are nothing to ask about; a barcode is more.
const MANY = 1000;

// Whether so many units are hardly meant: more than ten times what is expected.
// expected: null where nobody knows
export const isUnlikely = (units, expected) =>
    units >= MANY && units > 10 * (expected ?? MANY);

const guarded = new WeakSet();
let fresh = null;

const isNumber = (node) =>
    node instanceof HTMLInputElement &&
    (node.type === "number" || ["numeric", "decimal"].includes(node.inputMode));

function still(event) {
    if (document.activeElement === event.currentTarget) {
        event.preventDefault();
    }
}

export function watchNumbers() {
    document.addEventListener("focusin", ({ target }) => {
        if (!isNumber(target)) {
            return;
        }
        if (!guarded.has(target)) {
            guarded.add(target);
            target.addEventListener("wheel", still, { passive: false });
        }
        fresh = target;
        target.select();
    });
    // The click that gave the focus has put the caret somewhere.
    document.addEventListener("mouseup", (event) => {
        if (fresh !== null && event.target === fresh) {
            event.preventDefault();
            fresh.select();
        }
        fresh = null;
    });
    document.addEventListener("keydown", () => {
        fresh = null;
    });
}
