// A line below the bar that is there for as long as it is true.

import { element, fill } from "./dom.js";

const place = document.getElementById("network");
const lines = new Map();

// content: nodes and texts; null takes the line away.
export function tell(name, content) {
    if (content === null) {
        lines.get(name)?.remove();
        lines.delete(name);
        return;
    }
    const line = lines.get(name) ?? element("p", {});
    const next = element("p", {}, content);

    // Who reads the screen aloud hears what is new only.
    if (!line.isEqualNode(next)) {
        fill(line, content);
    }
    if (!line.isConnected) {
        lines.set(name, line);
        place.append(line);
    }
}
