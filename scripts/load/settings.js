// What the load tests take from the environment, and their common options.

/**
 * A number of the environment.
 * @param {string} name
 * @param {number} otherwise
 * @param {number} [least]
 * @param {number} [most]
 */
export function number(name, otherwise, least = 0, most = Infinity) {
    const text = __ENV[name];
    if (text === undefined || text === "") {
        return otherwise;
    }
    const value = Number(text);
    if (!Number.isFinite(value) || value < least || value > most) {
        throw new Error(
            `${name}=${text} is not a number from ${least} to ${most}.`,
        );
    }
    return value;
}

// A test writes prices and takes all the server has, so it goes to this
// machine unless somebody who may says otherwise.
export function baseUrl() {
    const given = __ENV.BASE_URL || "http://127.0.0.1:8080";
    const [, host] = /^https?:\/\/(\[[^\]]*\]|[^/:@]+)(:\d+)?\/?$/.exec(
        given,
    ) ?? ["", ""];
    if (host === "") {
        throw new Error(`BASE_URL=${given} is no http://HOST:PORT.`);
    }
    const here = /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(host);
    if (!here && __ENV.ALLOW_REMOTE !== "yes") {
        throw new Error(
            `${host} is another machine: load it with ALLOW_REMOTE=yes, ` +
                "and only if it is yours to load.",
        );
    }
    return given.replace(/\/$/, "");
}

export const maxErrorRate = number("MAX_ERROR_RATE", 0, 0, 1);

/** @param {number} value in seconds */
export const seconds = (value) => `${Math.round(value * 1000)}ms`;

// The summary has of each scenario, and of each kind of request, what a
// threshold names: this one names it and is always met.
const SEEN = ["count>=0"];
const TIMES = ["max>=0"];

/** @param {string} tag as in scenario:peak */
const seen = (tag) => ({
    [`http_reqs{${tag}}`]: SEEN,
    [`http_reqs{${tag},expected_response:true}`]: SEEN,
    [`http_req_duration{${tag},expected_response:true}`]: TIMES,
    [`http_reqs{${tag},status:503}`]: SEEN,
});

/**
 * Thresholds of a scenario: all that it asked for was served.
 * @param {string} scenario
 */
export const servedAll = (scenario) => ({
    [`http_req_failed{scenario:${scenario}}`]: [`rate<=${maxErrorRate}`],
    [`checks{scenario:${scenario}}`]: [`rate>=${1 - maxErrorRate}`],
    [`http_reqs{scenario:${scenario}}`]: ["count>0"],
});

/**
 * @param {string[]} scenarios
 * @param {{[metric: string]: string[]}} thresholds
 */
export const common = (scenarios, thresholds) => ({
    summaryTrendStats: ["avg", "med", "p(90)", "p(95)", "p(99)", "max"],
    thresholds: {
        ...Object.assign(
            {},
            ...scenarios.map((name) => seen(`scenario:${name}`)),
            ...["stock", "reports", "product_update"].map((kind) =>
                seen(`kind:${kind}`),
            ),
        ),
        dropped_iterations: SEEN,
        ...thresholds,
    },
});

const scale = number("DURATION_SCALE", 0.25, 0.001, 1000);

/**
 * Users who come and go in steps of [seconds, users].
 * @param {number[][]} stages
 */
export const people = (stages) => ({
    stages: stages.map(([length, target]) => ({
        duration: seconds(length * scale),
        target: Math.round(target),
    })),
    ...common(["default"], {
        ...servedAll("default"),
        "http_req_duration{scenario:default,expected_response:true}": [
            `p(95)<${number("MAX_P95_MS", 20)}`,
        ],
    }),
});

/**
 * How long they are there, for the summary.
 * @param {number[][]} stages
 */
export const length = (stages) => ({
    default: stages.reduce((sum, [s]) => sum + s * scale, 0),
});
