// The products that can be sold, as buttons: what one costs, and how many the
// store has.

import { button, element } from "./dom.js";
import { amount, level, plural, quantity } from "./format.js";
import { held } from "./shop_stock.js";

const NAME = ".tile";

// What can be sold, and beside it what is there
function left(stock) {
    const { free } = stock;
    const note = held(stock);

    return element(
        "span",
        { class: `left ${level(free).name}` },
        note
            ? plural(free, "disponible", "disponibles")
            : free === 0
              ? "Rupture"
              : `${quantity(free)} en stock`,
        note ? element("span", { class: "block muted" }, note) : null,
    );
}

// stock: null while nobody knows
function tile(product, stock, pick) {
    return element(
        "li",
        { "data-key": product.id },
        button(
            [
                element("span", { class: "name" }, product.nom),
                element("span", { class: "price" }, amount(product.prix)),
                stock === null
                    ? element("span", { class: "left" }, "Stock inconnu")
                    : left(stock),
            ],
            () => pick(product),
            {
                class: stock?.free === 0 ? "tile none" : "tile",
                "data-focus": `produit ${product.id}`,
            },
        ),
    );
}

// The tile that an arrow leads to: the next one, or the next one in the column
function neighbour(all, from, key) {
    const at = all.indexOf(from);

    if (key === "ArrowRight" || key === "ArrowLeft") {
        return all[at + (key === "ArrowRight" ? 1 : -1)];
    }
    const column = (node) => node.getBoundingClientRect().left;
    const way = key === "ArrowDown" ? all.slice(at + 1) : all.slice(0, at);

    if (key === "ArrowUp") {
        way.reverse();
    }
    return way.find((node) => Math.abs(column(node) - column(from)) < 1);
}

// leftOf(id): what the store has, {there, free}, null while nobody knows; up():
// the arrow leads above the first row.
export function tilesOf(products, { leftOf, pick, up }) {
    return element(
        "ul",
        {
            class: "tiles",
            on: {
                keydown: (event) => {
                    const from = event.target.closest(NAME);

                    if (!from || !event.key.startsWith("Arrow")) {
                        return;
                    }
                    const all = Array.from(
                        event.currentTarget.querySelectorAll(NAME),
                    );
                    const to = neighbour(all, from, event.key);

                    event.preventDefault();
                    if (to) {
                        to.focus();
                    } else if (event.key === "ArrowUp") {
                        up();
                    }
                },
            },
        },
        products.map((product) => tile(product, leftOf(product.id), pick)),
    );
}
