// The options of a script, as scenarios with all their values.

import { known } from "./executors.js";
import { EXIT, Refusal } from "./state.js";

const OPTIONS = [
    "duration",
    "scenarios",
    "stages",
    "summaryTrendStats",
    "thresholds",
    "vus",
];

const DURATIONS = [
    "duration",
    "gracefulStop",
    "maxDuration",
    "startTime",
    "timeUnit",
];

const DEFAULTS = {
    exec: "default",
    gracefulStop: "30s",
    iterations: 1,
    maxDuration: "10m",
    startTime: 0,
    startVUs: 1,
    tags: {},
    timeUnit: "1s",
    vus: 1,
};

const KNOWN = new Set([
    ...Object.keys(DEFAULTS),
    "duration",
    "executor",
    "maxVUs",
    "preAllocatedVUs",
    "rate",
    "stages",
]);

const UNITS = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

const refuse = (message) => {
    throw new Refusal(`options: ${message}`, EXIT.configuration);
};

// "1m30s", or milliseconds
export function milliseconds(text) {
    if (typeof text === "number") {
        return text;
    }
    const parts = [...String(text).matchAll(/([\d.]+)(ms|h|m|s)/g)];
    if (parts.length === 0 || parts.map(([all]) => all).join("") !== text) {
        refuse(`"${text}" is no duration`);
    }
    const sum = parts.reduce((all, [, n, unit]) => all + n * UNITS[unit], 0);
    // "1.2.3s" has the form of a duration, and no number in it.
    if (!Number.isFinite(sum)) {
        refuse(`"${text}" is no duration`);
    }
    return sum;
}

function scenario(name, given) {
    const unknown = Object.keys(given).filter((key) => !KNOWN.has(key));
    if (unknown.length > 0 || !known(given.executor)) {
        refuse(
            `${name}: the runner has no ${unknown[0] ?? given.executor}: ` +
                "take k6 itself",
        );
    }
    const made = { name, ...DEFAULTS, ...given };
    made.maxVUs ??= made.preAllocatedVUs;
    for (const key of DURATIONS) {
        made[key] = made[key] === undefined ? 0 : milliseconds(made[key]);
    }
    made.stages = (made.stages ?? []).map(({ duration, target }) => ({
        duration: milliseconds(duration),
        target,
    }));
    return made;
}

// The scenarios of options; with none, one user asks once.
export function scenarios(options) {
    const unknown = Object.keys(options).filter((k) => !OPTIONS.includes(k));
    if (unknown.length > 0) {
        refuse(`the runner has no ${unknown[0]}: take k6 itself`);
    }
    const { stages, duration, vus } = options;
    const given = options.scenarios ?? {
        default: stages
            ? { executor: "ramping-vus", stages, startVUs: vus ?? 1 }
            : duration
              ? { executor: "constant-vus", duration, vus: vus ?? 1 }
              : { executor: "per-vu-iterations", vus: vus ?? 1 },
    };
    return Object.entries(given).map(([name, s]) => scenario(name, s));
}
