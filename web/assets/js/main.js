// The start of the pages, and the only module that knows all of them: it tells
// the others what they cannot import themselves.

import { element, icon } from "./dom.js";
import { offerToken } from "./form.js";
import { watchNumbers } from "./numbers.js";
import { start } from "./router.js";
import { changeToken, showToken } from "./token.js";

const pages = {
    "/": ["Tableau de bord", () => import("./pages/tableau.js")],
    "/caisse": ["Vente", () => import("./pages/caisse.js")],
    "/etiquettes": ["Étiquettes", () => import("./pages/etiquettes.js")],
    "/stock": ["Stock d’un magasin", () => import("./pages/stock.js")],
    "/produits": ["Produits", () => import("./pages/produits.js")],
    "/central": ["Stock central", () => import("./pages/central.js")],
    "/demandes": [
        "Demandes de réapprovisionnement",
        () => import("./pages/demandes.js"),
    ],
    "/receptions": ["Réceptions", () => import("./pages/receptions.js")],
    "/transferts": ["Transferts", () => import("./pages/transferts.js")],
    "/inventaire": ["Inventaires", () => import("./pages/inventaire.js")],
    "/commander": ["À commander", () => import("./pages/commander.js")],
    "/prix": ["Grille de prix", () => import("./pages/prix.js")],
    "/importer": ["Importer", () => import("./pages/importer.js")],
    "/magasins": ["Magasins", () => import("./pages/magasins.js")],
    "/chiffres": ["Chiffres", () => import("./pages/chiffres.js")],
    "/rapport": ["Rapport consolidé", () => import("./pages/rapport.js")],
    "/journal": ["Journal", () => import("./pages/journal.js")],
};

// What a page imports, and what that imports, is asked for together with it.
const needed = new Map(
    document
        .querySelector('meta[name="modules"]')
        .content.split(" ")
        .map((one) => one.split("=")),
);

function announce(path) {
    const page = path.slice(1) || "tableau";
    const names = needed.get(page)?.split(",").filter(Boolean) ?? [];

    needed.delete(page);
    document.head.append(
        ...[`pages/${page}`, ...names].map((name) =>
            element("link", {
                rel: "modulepreload",
                href: new URL(`${name}.js`, import.meta.url).pathname,
            }),
        ),
    );
}

for (const [path, page] of Object.entries(pages)) {
    const load = page[1];

    page[1] = () => {
        announce(path);
        return load();
    };
}

const menu = document.getElementById("menu");
const navigation = document.getElementById("navigation");

for (const link of navigation.querySelectorAll("a")) {
    link.prepend(icon(link.dataset.icon));
}

function openMenu(open) {
    menu.setAttribute("aria-expanded", String(open));
    navigation.classList.toggle("open", open);
}

menu.addEventListener("click", () =>
    openMenu(menu.getAttribute("aria-expanded") !== "true"),
);
navigation.addEventListener("click", () => openMenu(false));
document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && navigation.classList.contains("open")) {
        openMenu(false);
        menu.focus();
    }
});

// What is gone to is not under the bar, which has notices in it at times.
new ResizeObserver(([{ target }]) =>
    document.documentElement.style.setProperty(
        "--bar",
        `${target.offsetHeight}px`,
    ),
).observe(document.querySelector(".bar"));

offerToken(changeToken);
showToken();
watchNumbers();
start(pages);

// Once the page is there: nothing of it waits for this.
addEventListener("load", async () => {
    try {
        const { keepPages } = await import("./shell.js");
        await keepPages();
    } catch {
        // Without it there are the pages, as long as there is a network.
    }
});
