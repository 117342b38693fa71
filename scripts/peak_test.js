// How many requests can be answered: USERS who never wait, for SECONDS.
//
//     k6 run scripts/peak_test.js

import { common, number, seconds, servedAll } from "./load/settings.js";
import { ask, catalogue } from "./load/shop.js";
import { summary } from "./load/summary.js";

const users = number("USERS", 64, 1, 10000);
const long = number("SECONDS", 10, 1);
const least = number("MIN_PER_SECOND", 1);
const checked = number("CHECK", 0.02, 0, 1);
const WARM_UP = 2;

/** @type {import("k6/options").Options} */
export const options = {
    scenarios: {
        warm_up: {
            executor: "constant-vus",
            vus: users,
            duration: seconds(WARM_UP),
            gracefulStop: "0s",
        },
        peak: {
            executor: "constant-vus",
            startTime: seconds(WARM_UP),
            vus: users,
            duration: seconds(long),
        },
    },
    ...common(["peak"], {
        ...servedAll("peak"),
        "http_reqs{scenario:peak,expected_response:true}": [
            `count>=${Math.ceil(least * long)}`,
        ],
    }),
};

export const setup = catalogue;

/** @param {import("./load/shop.js").Catalogue} shop */
export default async function (shop) {
    await ask(shop, checked);
}

export const handleSummary = summary("peak", { peak: long });
