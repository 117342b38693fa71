// Whether the server is heard, and since when not: by answers of the API, and
// by the stream of changes.

const events = new EventTarget();
let heardAt = new Date();
let down = null;
// The stream is broken, but the API answers: that is no silence.
let alone = false;

function set(next) {
    const changed = down?.kind !== next?.kind;

    down = next;
    if (changed) {
        events.dispatchEvent(new Event("change"));
    }
}

// by: "api", "stream"
export function heard(by) {
    heardAt = new Date();
    alone = by === "api" && (alone || down !== null);
    set(null);
}

// kind: "silence", no answer comes; "trouble", an answer that says to wait
export function unheard(by, kind, since = heardAt) {
    if (by === "api" || !alone) {
        set({ since: down?.since ?? since, kind });
    }
}

// null, or {since, kind}
export const silence = () => down;

export function onReach(action, signal) {
    events.addEventListener("change", action, { signal });
}
