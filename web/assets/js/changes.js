// Tells the other tabs, and the page that is open, that something was
// changed from here.

const channel = open();
const local = new EventTarget();

// A browser that keeps nothing may not let tabs speak with each other either.
function open() {
    try {
        return new BroadcastChannel("magasin");
    } catch {
        return null;
    }
}

export function announceChange() {
    channel?.postMessage("changement");
}

channel?.addEventListener("message", () =>
    local.dispatchEvent(new Event("change")),
);

// Runs the action every so many seconds while somebody can see the page, when
// it comes into sight again, and when another tab has changed something; not
// behind a dialog, which gives the focus back to what is there now.
export function keepFresh(seconds, action, signal) {
    const visible = () => {
        if (
            document.visibilityState === "visible" &&
            !document.querySelector("dialog[open]")
        ) {
            action();
        }
    };
    const timer = seconds > 0 ? setInterval(visible, seconds * 1000) : null;

    document.addEventListener("visibilitychange", visible, { signal });
    local.addEventListener("change", visible, { signal });
    signal.addEventListener("abort", () => clearInterval(timer));
}
