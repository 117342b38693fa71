// A part of a page that shows what was read: loading, empty, wrong, there.

import { Unusable } from "./address.js";
import { button, element, fill } from "./dom.js";
import { explain, Refusal, Silence } from "./errors.js";
import { say } from "./notices.js";
import { patch } from "./patch.js";

export class Region {
    #controller = null;
    #timer = null;
    #again = null;
    #late = null;
    #reading = null;

    // signal ends with the page.
    constructor(signal) {
        this.node = element("div", { class: "region", tabindex: "-1" });
        this.filled = false;
        signal.addEventListener("abort", () => this.stop());
        // What had to wait for a person to be done with it
        const catchUp = () => requestAnimationFrame(() => this.#catchUp());
        this.node.addEventListener("focusout", catchUp);
        document.addEventListener("selectionchange", catchUp, { signal });
    }

    // What has changed in what is shown, without disturbing anybody.  make()
    // gives all nodes; it may be asked again, when a person is done with what
    // could not be changed.
    patch(make) {
        const busy =
            this.node.hasAttribute("aria-busy") ||
            this.node.classList.contains("stale");

        // What is being read has it.
        if (this.filled && !busy) {
            this.#late = patch(this.node, [
                ...element("div", {}, make()).childNodes,
            ])
                ? make
                : null;
        }
    }

    #catchUp() {
        if (this.#late && !document.querySelector("dialog[open]")) {
            this.patch(this.#late);
        }
    }

    // Resolves when what is being read now is shown; null when nothing is.
    get reading() {
        return this.#reading;
    }

    // task(signal) reads and gives the nodes to show.  An older run that is
    // still under way counts no more.
    run(task) {
        const reading = this.#run(task).finally(() => {
            if (this.#reading === reading) {
                this.#reading = null;
            }
        });

        this.#reading = reading;
        return reading;
    }

    async #run(task) {
        this.stop();
        this.#late = null;
        const controller = new AbortController();
        const { signal } = controller;

        this.#controller = controller;
        this.#again = () => this.run(task);
        this.node.setAttribute("aria-busy", "true");
        const patience = setTimeout(() => {
            if (!this.filled) {
                fill(this.node, loading());
            }
        }, 120);

        try {
            const nodes = await task(signal);
            if (!signal.aborted) {
                this.#show(nodes);
                this.filled = true;
                this.node.classList.remove("stale");
            }
        } catch (error) {
            if (!signal.aborted) {
                this.#fail(error);
            }
        } finally {
            clearTimeout(patience);
            if (!signal.aborted) {
                this.node.removeAttribute("aria-busy");
            }
        }
    }

    stop() {
        this.#controller?.abort();
        clearInterval(this.#timer);
    }

    // What is the same stays, and a click that has begun on it is not lost.
    // What had the focus has it again, by the name in data-focus.
    #show(nodes) {
        const next = element("div", {}, nodes);

        if (same(this.node.childNodes, next.childNodes)) {
            return;
        }
        const active = document.activeElement;
        const name = this.node.contains(active) && active.dataset.focus;
        const inside = this.node.contains(active);

        this.node.replaceChildren(...next.childNodes);
        if (name) {
            const again = this.node.querySelector(
                `[data-focus="${CSS.escape(name)}"]:not(:disabled)`,
            );
            (again ?? this.node).focus({ preventScroll: true });
        } else if (inside) {
            this.node.focus({ preventScroll: true });
        }
    }

    // What was read before stays in sight: old numbers, said to be old, are
    // better than none.
    #fail(error) {
        if (error instanceof Unusable) {
            this.filled = false;
            this.node.classList.remove("stale");
            fill(this.node, empty(error.message, error.way));
            say(error.message);
            return;
        }
        const panel = this.#panel(error);

        if (!(error instanceof Refusal || error instanceof Silence)) {
            console.error(error);
        }
        if (this.filled && error.temporary) {
            this.node.querySelector(":scope > .problem")?.remove();
            this.node.classList.add("stale");
            this.node.prepend(panel);
        } else {
            this.filled = false;
            fill(this.node, panel);
        }
    }

    #panel(error) {
        const countdown = element("span", {});
        const retry = () => {
            clearInterval(this.#timer);
            this.#again();
        };

        if (error.temporary) {
            let left = Math.min(error.wait ?? 5, 60);
            const tick = () => {
                if (left <= 0) {
                    retry();
                    return;
                }
                countdown.textContent = ` Nouvel essai dans ${left} s.`;
                left -= 1;
            };
            tick();
            this.#timer = setInterval(tick, 1000);
        }
        say(explain(error));

        return element(
            "div",
            { class: "problem" },
            element("p", {}, explain(error), countdown),
            button("Réessayer", retry),
        );
    }
}

const same = (a, b) =>
    a.length === b.length &&
    Array.from(a).every((node, index) => node.isEqualNode(b[index]));

function loading() {
    return element(
        "div",
        { class: "loading" },
        element("p", {}, "Chargement…"),
        element("div", { class: "bone" }),
        element("div", { class: "bone" }),
        element("div", { class: "bone" }),
    );
}

export function empty(text, ...more) {
    return element("div", { class: "empty" }, element("p", {}, text), more);
}
