// The start of the pages, and the only module that knows all of them: it tells
// the others what they cannot import themselves.

import { icon } from "./dom.js";
import { offerToken } from "./form.js";
import { watchNumbers } from "./numbers.js";
import { start } from "./router.js";
import { changeToken, showToken } from "./token.js";

const pages = {
    "/": ["Tableau de bord", () => import("./pages/tableau.js")],
    "/caisse": ["Caisse", () => import("./pages/caisse.js")],
    "/stock": ["Stock d’un magasin", () => import("./pages/stock.js")],
    "/produits": ["Produits", () => import("./pages/produits.js")],
    "/central": ["Stock central", () => import("./pages/central.js")],
    "/demandes": [
        "Demandes de réapprovisionnement",
        () => import("./pages/demandes.js"),
    ],
    "/rapport": ["Rapport consolidé", () => import("./pages/rapport.js")],
    "/journal": ["Journal", () => import("./pages/journal.js")],
};

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
