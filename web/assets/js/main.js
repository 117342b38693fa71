import { icon } from "./dom.js";
import { watchNumbers } from "./numbers.js";
import { start } from "./router.js";
import { showToken } from "./token.js";

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

showToken();
watchNumbers();
start();
