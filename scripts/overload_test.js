// Three times as much as the server can do: it goes on doing what it can, and
// refuses the rest at once.
//
//     k6 run -e PEAK=2500 scripts/overload_test.js
//
// PEAK is the number of requests a second that peak_test.js has seen answered;
// scripts/run_tests.sh runs the two.  Requests come at FACTOR times that rate
// whether or not the others are answered, then at half of it.
// OVERLOAD_SECONDS and RECOVERY_SECONDS say how long.

import { common, number, seconds, servedAll } from "./load/settings.js";
import { ask, catalogue, connect } from "./load/shop.js";
import { summary } from "./load/summary.js";

const peak = number("PEAK", 0, 1);
const factor = number("FACTOR", 3, 1, 20);
const connections = number("CONNECTIONS", 1500, 1, 10000);
const overloadSeconds = number("OVERLOAD_SECONDS", 10, 2);
const recoverySeconds = number("RECOVERY_SECONDS", 5, 2);
const leastOffered = number("MIN_OFFERED", 0.95, 0, 1);
const share = number("MIN_SHARE", 0.9, 0, 1);
const checked = number("CHECK", 0.02, 0, 1);

if (peak === 0) {
    throw new Error("PEAK is not given: peak_test.js says what it is.");
}

// A thousand new connections at once would be taken for a slow server.  They
// are made before, and their users serve the other scenarios as well.
const CONNECTING = 5;
const PAUSE = 1;
const arrivals = {
    timeUnit: "1s",
    preAllocatedVUs: connections,
    maxVUs: connections,
    gracefulStop: seconds(PAUSE),
};
const offered = factor * peak * overloadSeconds;

/** @type {import("k6/options").Options} */
export const options = {
    scenarios: {
        connections: {
            executor: "per-vu-iterations",
            exec: "openConnections",
            vus: connections,
            iterations: 1,
            maxDuration: seconds(CONNECTING),
            gracefulStop: "0s",
        },
        overload: {
            executor: "constant-arrival-rate",
            ...arrivals,
            exec: "overload",
            startTime: seconds(CONNECTING),
            rate: Math.round(factor * peak),
            duration: seconds(overloadSeconds),
        },
        recovery: {
            executor: "constant-arrival-rate",
            ...arrivals,
            startTime: seconds(CONNECTING + overloadSeconds + PAUSE),
            rate: Math.max(1, Math.round(peak / 2)),
            duration: seconds(recoverySeconds),
        },
    },
    ...common(["overload", "recovery"], {
        "http_reqs{scenario:overload}": [
            `count>=${Math.floor(leastOffered * offered)}`,
        ],
        "http_reqs{scenario:overload,expected_response:true}": [
            `count>=${share * peak * overloadSeconds}`,
        ],
        // All else is 503 with Retry-After.
        "checks{scenario:overload}": ["rate==1"],
        "http_req_duration{scenario:overload,status:503}": [
            `p(99)<${number("MAX_SHED_MS", 50, 1)}`,
        ],
        ...servedAll("recovery"),
        "http_req_duration{scenario:recovery,expected_response:true}": [
            `p(95)<${number("MAX_P95_MS", 50)}`,
        ],
    }),
};

export const setup = catalogue;

export const openConnections = connect;

/** @param {import("./load/shop.js").Catalogue} shop */
export async function overload(shop) {
    await ask(shop, checked, true);
}

/** @param {import("./load/shop.js").Catalogue} shop */
export default async function (shop) {
    await ask(shop, checked);
}

export const handleSummary = summary("overload", {
    overload: overloadSeconds,
    recovery: recoverySeconds,
});
