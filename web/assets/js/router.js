// From the URL to a page.  All that a page shows is in the URL: links can be
// sent, and the browser's back button goes back.

import { button, element, fill } from "./dom.js";
import { say } from "./notices.js";
import { tab } from "./storage.js";

const main = document.getElementById("page");
const started = "magasin.rechargement";
let pages = {};
let current = null;

// table: {path: [title, load]}, where load() imports the page's module; "/"
// stands in for a path that is not there.  main.js has it: pages import this
// module, which therefore imports none of them.
export function start(table) {
    pages = table;
    document.addEventListener("click", follow);
    window.addEventListener("popstate", () => show(false));
    return show(false);
}

export function navigate(path) {
    history.pushState(null, "", path);
    return show(true);
}

function follow(event) {
    const link = event.target.closest("a[href]");

    if (
        !link ||
        event.defaultPrevented ||
        event.button !== 0 ||
        event.ctrlKey ||
        event.metaKey ||
        event.shiftKey ||
        event.altKey ||
        link.hasAttribute("download") ||
        link.origin !== location.origin ||
        link.hash !== "" ||
        !Object.hasOwn(pages, link.pathname)
    ) {
        return;
    }
    event.preventDefault();
    navigate(link.pathname + link.search);
}

// Parameters that are empty are not in the URL.  While a person types, one
// entry of the history is enough.
export function setParameters(changes, { replace = false } = {}) {
    const parameters = new URLSearchParams(location.search);

    for (const [name, value] of Object.entries(changes)) {
        if (value === "" || value === null || value === undefined) {
            parameters.delete(name);
        } else {
            parameters.set(name, value);
        }
    }

    const search = parameters.size > 0 ? `?${parameters}` : "";
    if (search === location.search) {
        return;
    }
    history[replace ? "replaceState" : "pushState"](
        null,
        "",
        location.pathname + search,
    );
    if (current) {
        current.search = location.search;
        current.page.update(parameters);
    }
}

async function show(moved) {
    const path = location.pathname;
    const [title, load] = pages[path] ?? pages["/"];
    const parameters = new URLSearchParams(location.search);

    if (current?.path === path) {
        // A link to a place in the page changes nothing else.
        if (moved || current.search !== location.search) {
            current.search = location.search;
            current.page.update(parameters);
        }
        return;
    }

    current?.leaving.abort();
    current = null;
    mark(path);
    document.title = `${title} – Magasin`;
    document.body.dataset.page = path.slice(1) || "tableau";

    let module;
    try {
        module = await load();
        tab.remove(started);
    } catch (error) {
        await missing(title, path, error);
        return;
    }
    if (location.pathname !== path) {
        return;
    }

    const leaving = new AbortController();
    const heading = element("h1", { tabindex: "-1" }, title);
    const actions = element("div", { class: "page-actions" });
    const body = element("div", { class: "page-body" });

    fill(main, element("div", { class: "page-head" }, heading, actions), body);
    const page = module.mount({
        body,
        actions,
        heading,
        signal: leaving.signal,
    });
    current = { path, search: location.search, page, leaving };
    page.update(parameters);

    if (moved) {
        window.scrollTo(0, 0);
        heading.focus({ preventScroll: true });
        say(title);
    }
}

function mark(path) {
    for (const link of document.querySelectorAll("#navigation a")) {
        if (link.pathname === path) {
            link.setAttribute("aria-current", "page");
        } else {
            link.removeAttribute("aria-current");
        }
    }
}

// A newer version has been laid out since this tab was opened, and has taken
// the place of these modules; or there is no network, and to load again would
// leave the person with nothing.
async function missing(title, path, error) {
    const there = await reachable();

    if (location.pathname !== path) {
        return;
    }
    if (there && !tab.get(started)) {
        tab.set(started, "oui");
        location.reload();
        return;
    }
    if (there) {
        console.error(error);
    }
    const words = !navigator.onLine
        ? "Cet appareil n’est pas connecté au réseau."
        : there
          ? "Quelque chose d’inattendu s’est produit."
          : "Le serveur ne répond pas. Vérifiez le réseau.";

    fill(
        main,
        element("h1", { tabindex: "-1" }, title),
        element(
            "div",
            { class: "problem" },
            element("p", {}, `Cette page n’a pas pu être chargée. ${words}`),
            button("Réessayer", () => show(true), { class: "primary" }),
        ),
    );
    main.querySelector("h1").focus({ preventScroll: true });
    say(words);
}

async function reachable() {
    try {
        const answer = await fetch("/", {
            method: "HEAD",
            cache: "no-store",
            signal: AbortSignal.timeout(5000),
        });
        return answer.ok;
    } catch {
        return false;
    }
}
