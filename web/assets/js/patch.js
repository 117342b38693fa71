// New nodes in the place of older ones, so that a person is not disturbed: what
// is the same stays, and rows in which somebody is keep what is in hand.

// Whose insides are compared, not the whole.
const FRAMES = new Set(["DIV", "TABLE", "THEAD", "TBODY", "UL", "SECTION"]);
// What a person types in, or chooses from
const FIELDS = new Set(["INPUT", "SELECT", "TEXTAREA"]);

// The focus is in it, or a selection.
export function inHand(node) {
    const selection = getSelection();

    return (
        (node.contains(document.activeElement) &&
            document.activeElement !== document.body) ||
        (!selection.isCollapsed &&
            selection.rangeCount > 0 &&
            selection.getRangeAt(0).intersectsNode(node))
    );
}

function attributes(old, next) {
    for (const { name } of [...old.attributes]) {
        if (!next.hasAttribute(name)) {
            old.removeAttribute(name);
        }
    }
    for (const { name, value } of next.attributes) {
        if (old.getAttribute(name) !== value) {
            // The policy lets no style come in by an attribute.
            if (name === "style") {
                old.style.cssText = value;
            } else {
                old.setAttribute(name, value);
            }
        }
    }
}

// What a node is of: rows of one thing follow each other however they move.
const keyOf = (node) => node.dataset?.key ?? null;

// Gives whether something had to stay as it was, since it is in hand.
function one(old, next) {
    if (old.isEqualNode(next)) {
        return false;
    }
    if (
        old.nodeType !== Node.ELEMENT_NODE ||
        old.tagName !== next.tagName ||
        keyOf(old) !== keyOf(next)
    ) {
        if (inHand(old)) {
            return true;
        }
        old.replaceWith(next);
        return false;
    }
    const held = inHand(old);

    if (held && FIELDS.has(old.tagName)) {
        return true;
    }
    if (held || FRAMES.has(old.tagName)) {
        attributes(old, next);
        return patch(old, [...next.childNodes]);
    }
    old.replaceWith(next);
    return false;
}

// The children of a node become these.  Gives whether something had to stay.
export function patch(parent, nodes) {
    const keyed = new Map(
        [...parent.childNodes]
            .filter((node) => keyOf(node) !== null)
            .map((node) => [keyOf(node), node]),
    );
    let stayed = false;
    let at = parent.firstChild;

    for (const next of nodes) {
        const known = keyOf(next) === null ? null : keyed.get(keyOf(next));

        // Rows that are there no more, before the one that is wanted.
        while (at && known && at !== known && !wanted(at, nodes)) {
            const gone = at;
            at = at.nextSibling;
            stayed = !remove(gone) || stayed;
        }
        if (known && known === at) {
            at = at.nextSibling;
            stayed = one(known, next) || stayed;
        } else if (known && !inHand(known)) {
            parent.insertBefore(next, at);
            remove(known);
        } else if (known) {
            stayed = true;
        } else if (at && keyOf(at) === null && keyOf(next) === null) {
            const old = at;
            at = at.nextSibling;
            stayed = one(old, next) || stayed;
        } else {
            parent.insertBefore(next, at);
        }
    }
    while (at) {
        const gone = at;
        at = at.nextSibling;
        stayed = !remove(gone) || stayed;
    }
    return stayed;
}

const wanted = (node, nodes) =>
    keyOf(node) === null || nodes.some((next) => keyOf(next) === keyOf(node));

function remove(node) {
    if (inHand(node)) {
        return false;
    }
    node.remove();
    return true;
}
