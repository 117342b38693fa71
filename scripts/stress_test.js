// More and more users, up to 200, until they leave again.
//
//     k6 run scripts/stress_test.js
//
// Eight minutes with DURATION_SCALE=1; a quarter of that by default.  USERS is
// the highest number of users.  With THINK=0 nobody waits between requests,
// which asks how many the server can answer and not how fast.
// docs/performance.md has the other parameters.

import { length, number, people } from "./load/settings.js";
import { catalogue, visit } from "./load/shop.js";
import { summary } from "./load/summary.js";

const most = number("USERS", 200, 1, 10000);
const stages = [
    [30, most * 0.25],
    [60, most * 0.25],
    [30, most * 0.5],
    [60, most * 0.5],
    [30, most * 0.75],
    [60, most * 0.75],
    [30, most],
    [120, most],
    [60, 0],
];

/** @type {import("k6/options").Options} */
export const options = people(stages);

export const setup = catalogue;

/** @param {import("./load/shop.js").Catalogue} shop */
export default async function (shop) {
    await visit(shop);
}

export const handleSummary = summary("stress", length(stages));
