// An ordinary day: up to 50 users who think between two requests.
//
//     k6 run scripts/load_test_baseline.js
//
// Five minutes with DURATION_SCALE=1; a quarter of that by default.  USERS is
// the highest number of users.  docs/performance.md has the other parameters.

import { length, number, people } from "./load/settings.js";
import { catalogue, visit } from "./load/shop.js";
import { summary } from "./load/summary.js";

const most = number("USERS", 50, 1, 10000);
const stages = [
    [30, most * 0.2],
    [60, most * 0.2],
    [60, most],
    [120, most],
    [30, 0],
];

/** @type {import("k6/options").Options} */
export const options = people(stages);

export const setup = catalogue;

/** @param {import("./load/shop.js").Catalogue} shop */
export default async function (shop) {
    await visit(shop);
}

export const handleSummary = summary("baseline", length(stages));
