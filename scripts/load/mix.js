// What clients ask for: a third stock of a store, a third reports, a third new
// prices of products.

import { refuse } from "./settings.js";
import { fetchJson } from "./target.js";

const pick = (list) => list[Math.floor(Math.random() * list.length)];

// In cents, so that a price never has the digits of a binary fraction.
export function price() {
    const cents = 100 + Math.floor(Math.random() * 99_900);
    return `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, "0")}`;
}

// Stores and products as the server has them: whatever data it has will do.
export async function createMix(client, token) {
    const ids = async (path) =>
        (await fetchJson(client, path)).results.map((row) => row.id);
    const stores = await ids("/api/v1/stores/?limit=1000");
    const products = await ids("/api/v1/products/?limit=1000");
    if (stores.length === 0 || products.length === 0) {
        refuse("there is no store or no product to ask for.");
    }

    const list = (answer) => Array.isArray(answer) || "is not a list";
    const kinds = [
        () => ({
            name: "stock",
            method: "GET",
            path: `/api/v1/stores/${pick(stores)}/stock/`,
            check: list,
        }),
        () => ({
            name: "reports",
            method: "GET",
            path: "/api/v1/reports/",
            check: (answer) =>
                list(answer) === true && (answer.length > 0 || "is empty"),
        }),
        () => {
            const prix = price();
            return {
                name: "product_update",
                method: "PUT",
                path: `/api/v1/products/${pick(products)}/`,
                headers: {
                    "Content-Type": "application/json",
                    Authorization: `Token ${token}`,
                },
                body: JSON.stringify({ prix }),
                check: (answer) =>
                    answer.prix === prix || `has ${answer.prix} for ${prix}`,
            };
        },
    ];
    return () => pick(kinds)();
}
