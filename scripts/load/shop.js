// What clients ask for: a third stock of a store, a third reports, a third new
// prices of products.

import { check, group, sleep } from "k6";
import http from "k6/http";
import { baseUrl, number } from "./settings.js";

/**
 * @typedef {{stores: number[], products: number[]}} Catalogue
 * @typedef {import("k6/http").RefinedResponse<"text" | "none">} Answer
 * @typedef {object} Request
 * @property {string} kind
 * @property {string} method
 * @property {string} path
 * @property {string} name   the path without its ids
 * @property {string} [body]
 * @property {{[name: string]: string}} [headers]
 * @property {(content: any) => boolean} right
 */

const base = baseUrl();
const token = __ENV.TOKEN || "token-430";

http.setResponseCallback(http.expectedStatuses(200));

/**
 * @template T
 * @param {T[]} list
 */
const pick = (list) => list[Math.floor(Math.random() * list.length)];

/** @param {string} path */
async function ids(path) {
    const answer = await http.asyncRequest("GET", base + path);
    if (answer.status !== 200) {
        throw new Error(`GET ${path}: ${answer.status} ${answer.error}`);
    }
    const content = /** @type {{results: {id: number}[]}} */ (
        /** @type {unknown} */ (answer.json())
    );
    if (content.results.length === 0) {
        throw new Error(`GET ${path}: there is nothing to ask for.`);
    }
    return content.results.map((row) => row.id);
}

// Stores and products as the server has them: whatever data it has will do.
export async function catalogue() {
    return {
        stores: await ids("/api/v1/stores/?limit=1000"),
        products: await ids("/api/v1/products/?limit=1000"),
    };
}

// In cents, so that a price never has the digits of a binary fraction.
function price() {
    const cents = 100 + Math.floor(Math.random() * 99900);
    return `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, "0")}`;
}

/** @type {((shop: Catalogue) => Request)[]} */
const KINDS = [
    ({ stores }) => ({
        kind: "stock",
        method: "GET",
        path: `/api/v1/stores/${pick(stores)}/stock/`,
        name: "/api/v1/stores/{id}/stock/",
        right: Array.isArray,
    }),
    () => ({
        kind: "reports",
        method: "GET",
        path: "/api/v1/reports/",
        name: "/api/v1/reports/",
        right: (content) => Array.isArray(content) && content.length > 0,
    }),
    ({ products }) => {
        const prix = price();
        return {
            kind: "product_update",
            method: "PUT",
            path: `/api/v1/products/${pick(products)}/`,
            name: "/api/v1/products/{id}/",
            headers: {
                "Content-Type": "application/json",
                Authorization: `Token ${token}`,
            },
            body: JSON.stringify({ prix }),
            right: (content) => content.prix === prix,
        };
    },
];

/**
 * @param {Request} request
 * @param {Answer} answer
 */
function contentIsRight(request, answer) {
    try {
        return request.right(JSON.parse(String(answer.body)));
    } catch {
        return false;
    }
}

/**
 * Whether the answer is what it should be.  A group cannot wait, so it has the
 * checks and not the request.
 * @param {Request} request
 * @param {Answer} answer
 * @param {boolean} read  the body was kept
 * @param {boolean} mayRefuse  503 with Retry-After is right, too
 */
function judge(request, answer, read, mayRefuse) {
    const tags = { kind: request.kind };
    group(request.kind, () => {
        if (mayRefuse && answer.status === 503) {
            check(
                answer,
                { "503 has Retry-After": (a) => "Retry-After" in a.headers },
                tags,
            );
            return;
        }
        const served = check(
            answer,
            {
                "is answered": (a) => a.status !== 0,
                "is 200": (a) => a.status === 200,
            },
            tags,
        );
        if (served && read) {
            check(
                answer,
                { "is what was asked": (a) => contentIsRight(request, a) },
                tags,
            );
        }
    });
}

/**
 * One request.
 * @param {Catalogue} shop
 * @param {number} checked  the part of the bodies that is read, 0 to 1
 * @param {boolean} [mayRefuse]
 */
export async function ask(shop, checked, mayRefuse = false) {
    const request = pick(KINDS)(shop);
    const read = Math.random() < checked;
    const answer = await http.asyncRequest(
        request.method,
        base + request.path,
        request.body ?? null,
        {
            headers: request.headers,
            responseType: read ? "text" : "none",
            tags: { kind: request.kind, name: request.name },
        },
    );
    judge(request, answer, read, mayRefuse);
}

// A request that only opens the connection of its user.
export async function connect() {
    await http.asyncRequest("GET", `${base}/healthz`, null, {
        responseType: "none",
    });
}

const think = number("THINK", 1);
const checked = number("CHECK", 1, 0, 1);

/**
 * A request, and the time in which somebody looks at the answer.
 * @param {Catalogue} shop
 */
export async function visit(shop) {
    await ask(shop, checked);
    if (think > 0) {
        // k6 returns nothing from sleep(), and awaits that at once.
        await sleep(think * (0.5 + Math.random()));
    }
}
