// One test: phases one after another, thresholds, results.

import { join } from "node:path";
import { createMix } from "./mix.js";
import * as model from "./model.js";
import { watch } from "./processes.js";
import { Record } from "./record.js";
import { sentences, write } from "./report.js";
import { baseUrl, number, refuse, text } from "./settings.js";
import { connection } from "./target.js";

// What every test takes.  checked: the part of the bodies that is read.
export function parameters({ checked, ...own }) {
    return {
        checked: number("CHECK", checked, { max: 1 }),
        maxErrorRate: number("MAX_ERROR_RATE", 0, { max: 1 }),
        ...own,
    };
}

const scaled = (stages, scale) =>
    stages.map(([seconds, target]) => [seconds * scale, target]);

// met(result) of every threshold is asked when all is over.
export const threshold = (what, value, met) => ({ text: what, value, met });

export const servedAll = (phase, most) =>
    threshold(
        `${phase.name}: requests that were not served, at most ${most * 100} %`,
        `${Math.round(phase.error_rate * 1e5) / 1e3} %`,
        phase.requests > 0 && phase.error_rate <= most,
    );

const fastEnough = (phase, most) =>
    threshold(
        `${phase.name}: p95 under ${most} ms`,
        phase.served_ms ? `${phase.served_ms.p95} ms` : "nothing was served",
        phase.served_ms !== null && phase.served_ms.p95 < most,
    );

class Test {
    constructor(name, origin, mix) {
        this.name = name;
        this.origin = origin;
        this.mix = mix;
        this.phases = [];
    }

    async run(name, kind, unit, options) {
        const record = new Record();
        const used = watch(process.env.WATCH);
        const { load, ...told } = await kind({
            origin: this.origin,
            mix: this.mix,
            record,
            ...options,
        });
        const phase = { name, unit, ...told, ...record.summary(load) };
        phase.processors = used(phase.requests);
        this.phases.push(phase);
        console.log(sentences(phase).join("\n"));
        return phase;
    }

    users(name, options) {
        return this.run(name, model.users, "Users", options);
    }

    arrivals(name, options) {
        return this.run(name, model.arrivals, "Requests due", options);
    }
}

async function mixOf(origin) {
    const client = connection(origin);
    try {
        return await createMix(client, text("TOKEN", "token-430"));
    } catch (error) {
        return refuse(`${origin} does not answer as it should: ${error}`);
    } finally {
        await client.destroy();
    }
}

// body(test) runs phases and returns thresholds; a missed one is exit 1.
export async function main(name, used, body) {
    const target = baseUrl();
    const started = new Date().toISOString();
    const stamp = started.replace(/[-:]|\..*/g, "");
    const test = new Test(name, target, await mixOf(target));
    const thresholds = await body(test);
    const files = write(
        text("RESULTS_DIR", join("results", `${name}-${stamp}`)),
        {
            test: name,
            target,
            started,
            parameters: used,
            thresholds,
            phases: test.phases,
        },
    );
    for (const t of thresholds) {
        console.log(`${t.met ? "met" : "MISSED"}: ${t.text}: ${t.value}`);
    }
    console.log(files.join("\n"));
    process.exitCode = thresholds.every((t) => t.met) ? 0 : 1;
}

// Users who think between two requests; stages(most) says how many there are
// for how many seconds, "users" being the highest number by default.
export function people(name, users, stages) {
    const used = parameters({
        checked: 1,
        scale: number("DURATION_SCALE", 0.25, { min: 0.001 }),
        think: number("THINK", 1),
        users: number("USERS", users, { min: 1, max: 10_000 }),
        maxP95: number("MAX_P95_MS", 20),
    });

    return main(name, used, async (test) => {
        const phase = await test.users(name, {
            stages: scaled(stages(used.users), used.scale),
            begin: 0,
            ...used,
        });
        return [
            servedAll(phase, used.maxErrorRate),
            fastEnough(phase, used.maxP95),
        ];
    });
}
