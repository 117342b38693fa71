// Metrics, the parts of them that thresholds name, and the thresholds.
//
// A percentile is between the two samples nearest to it, as in k6; so samples
// are kept, eight bytes each.

import { EXIT, here, Refusal } from "./state.js";

class CounterSink {
    count = 0;

    add(value) {
        this.count += value;
    }

    values(seconds) {
        return { count: this.count, rate: this.count / seconds };
    }
}

class GaugeSink {
    value = 0;
    min = 0;
    max = 0;
    empty = true;

    add(value) {
        this.value = value;
        this.min = this.empty ? value : Math.min(this.min, value);
        this.max = this.empty ? value : Math.max(this.max, value);
        this.empty = false;
    }

    values() {
        return { value: this.value, min: this.min, max: this.max };
    }
}

class RateSink {
    passes = 0;
    fails = 0;

    add(value) {
        if (value) {
            this.passes++;
        } else {
            this.fails++;
        }
    }

    values() {
        const { passes, fails } = this;
        return { rate: passes / (passes + fails) || 0, passes, fails };
    }
}

class TrendSink {
    samples = new Float64Array(64);
    count = 0;
    sum = 0;

    add(value) {
        if (this.count === this.samples.length) {
            const more = new Float64Array(2 * this.count);
            more.set(this.samples);
            this.samples = more;
        }
        this.samples[this.count++] = value;
        this.sum += value;
    }

    percentile(share) {
        if (this.count === 0) {
            return 0;
        }
        const place = share * (this.count - 1);
        const below = this.sorted[Math.floor(place)];
        const above = this.sorted[Math.ceil(place)];
        return below + (above - below) * (place - Math.floor(place));
    }

    values(_seconds, names) {
        this.sorted = this.samples.slice(0, this.count).sort();
        const of = {
            avg: this.sum / this.count || 0,
            count: this.count,
            max: this.percentile(1),
            med: this.percentile(0.5),
            min: this.percentile(0),
        };
        return Object.fromEntries(
            names.map((name) => [
                name,
                of[name] ??
                    this.percentile(/^p\((.*)\)$/.exec(name)?.[1] / 100),
            ]),
        );
    }
}

const SINKS = {
    counter: CounterSink,
    gauge: GaugeSink,
    rate: RateSink,
    trend: TrendSink,
};

// What the expression of a threshold may name.
const NAMED = {
    counter: /^(count|rate)$/,
    gauge: /^value$/,
    rate: /^rate$/,
    trend: /^(avg|max|med|min|p\(\d+(\.\d+)?\))$/,
};

const COMPARE = {
    "<": (a, b) => a < b,
    "<=": (a, b) => a <= b,
    ">": (a, b) => a > b,
    ">=": (a, b) => a >= b,
    "==": (a, b) => a === b,
    "===": (a, b) => a === b,
    "!=": (a, b) => a !== b,
};

const metrics = new Map();

// The tags that parts are told by, and the parts for each set of their values:
// finding them for every sample would take longer than all the rest.
const told = new Set();
const known = new Map();

function route(tags) {
    let key = "";
    for (const name of told) {
        key += `${tags[name]}\n`;
    }
    let parts = known.get(key);
    if (parts === undefined) {
        parts = new Map();
        known.set(key, parts);
    }
    return parts;
}

class Metric {
    constructor(name, type, contains) {
        this.name = name;
        this.type = type;
        this.contains = contains;
        this.sink = new SINKS[type]();
        this.parts = [];
        this.thresholds = [];
    }

    // Which parts a sample with these tags belongs to.
    of(tags) {
        return this.parts.filter((part) =>
            part.tags.every(([key, value]) => String(tags[key]) === value),
        );
    }

    // name{tag:value,...}
    part(name, text) {
        const part = new Metric(name, this.type, this.contains);
        part.tags = text.split(",").map((pair) => {
            const colon = pair.indexOf(":");
            if (colon < 1) {
                refuse(`${name}: "${pair}" is not tag:value`);
            }
            const key = pair.slice(0, colon).trim();
            const value = pair.slice(colon + 1).trim();
            told.add(key);
            return [key, value.replace(/^(["'])(.*)\1$/, "$2")];
        });
        this.parts.push(part);
        return part;
    }

    threshold(text) {
        const [, what, comparison, limit] =
            /^\s*([a-z]+(?:\([\d.]+\))?)\s*([<>]=?|!=|={2,3})\s*(-?[\d.]+)\s*$/.exec(
                text,
            ) ?? [];
        if (!NAMED[this.type].test(what) || !Number.isFinite(Number(limit))) {
            refuse(`${this.name}: "${text}" is no threshold of a ${this.type}`);
        }
        this.thresholds.push({ text, what, comparison, limit: Number(limit) });
    }

    // As handleSummary() is given it.
    summary(seconds, names) {
        const wanted = this.thresholds.map(({ what }) => what);
        const every = this.sink.values(seconds, [...names, ...wanted]);
        const content = {
            type: this.type,
            contains: this.contains,
            values: Object.fromEntries(
                Object.entries(every).filter(
                    ([name]) => this.type !== "trend" || names.includes(name),
                ),
            ),
        };
        if (this.thresholds.length > 0) {
            content.thresholds = Object.fromEntries(
                this.thresholds.map(({ text, what, comparison, limit }) => [
                    text,
                    { ok: COMPARE[comparison](every[what], limit) },
                ]),
            );
        }
        return content;
    }
}

function refuse(message) {
    throw new Refusal(`thresholds: ${message}`, EXIT.configuration);
}

function made(name, type, contains) {
    const before = metrics.get(name);
    if (before && before.type !== type) {
        throw new Error(`metric ${name} is a ${before.type} already`);
    }
    const metric = before ?? new Metric(name, type, contains);
    metrics.set(name, metric);
    return metric;
}

const own = (type) =>
    class {
        constructor(name, isTime = false) {
            if (here() !== null) {
                throw new Error("metrics are made in the init context");
            }
            this.name = name;
            this.metric = made(name, type, isTime ? "time" : "default");
        }

        add(value, tags = {}) {
            samples([[this.metric, Number(value)]], tags);
            return true;
        }
    };

export const Counter = own("counter");
export const Gauge = own("gauge");
export const Rate = own("rate");
export const Trend = own("trend");

export const builtin = {
    checks: made("checks", "rate", "default"),
    dataReceived: made("data_received", "counter", "data"),
    dropped: made("dropped_iterations", "counter", "default"),
    blocked: made("http_req_blocked", "trend", "time"),
    duration: made("http_req_duration", "trend", "time"),
    failed: made("http_req_failed", "rate", "default"),
    waiting: made("http_req_waiting", "trend", "time"),
    requests: made("http_reqs", "counter", "default"),
    groupDuration: made("group_duration", "trend", "time"),
    iterationDuration: made("iteration_duration", "trend", "time"),
    iterations: made("iterations", "counter", "default"),
    users: made("vus", "gauge", "default"),
    usersMax: made("vus_max", "gauge", "default"),
};

// Adds samples [metric, value] with the tags of whoever calls, and others.
// What was interrupted is not counted.
export function samples(list, tags = {}) {
    const user = here();
    if (user?.interrupted) {
        return;
    }
    const all = user ? { ...user.tags, ...tags } : tags;
    const parts = route(all);
    for (const [metric, value] of list) {
        metric.sink.add(value);
        let own = parts.get(metric);
        if (own === undefined) {
            own = metric.of(all);
            parts.set(metric, own);
        }
        for (const part of own) {
            part.sink.add(value);
        }
    }
}

// thresholds: those of the options, by metric or metric{tag:value,...}
export function demand(thresholds) {
    for (const [name, list] of Object.entries(thresholds ?? {})) {
        const [, base, tags] = /^([^{]+?)\s*(?:\{(.*)\})?$/.exec(name) ?? [];
        const metric = metrics.get(base);
        if (metric === undefined) {
            refuse(`there is no metric ${name}`);
        }
        const target = tags === undefined ? metric : metric.part(name, tags);
        for (const entry of [list].flat()) {
            if (entry.abortOnFail) {
                refuse("the runner has no abortOnFail: take k6 itself");
            }
            target.threshold(entry.threshold ?? entry);
        }
    }
}

// All that was measured, as handleSummary() is given it.
export function summary(seconds, names) {
    const used = [...metrics.values()]
        .flatMap((metric) => [metric, ...metric.parts])
        .filter(
            ({ thresholds, sink, type }) =>
                thresholds.length > 0 ||
                type === "gauge" ||
                Object.values(sink.values(seconds, ["count"])).some(Boolean),
        );
    return Object.fromEntries(
        used.map((metric) => [metric.name, metric.summary(seconds, names)]),
    );
}
