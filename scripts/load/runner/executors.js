// The executors of k6 that the scripts use: who begins an iteration, and when.

import {
    setImmediate as immediate,
    setTimeout as wait,
} from "node:timers/promises";
import { builtin, samples } from "./metrics.js";

const STEP = 20; // milliseconds between two looks at the clock
const BURST = 32; // iterations that are begun before answers are looked at

// The value of a stage's line at an instant; `begin` is that of the first.
export function level(stages, milliseconds, begin) {
    let from = begin;
    let start = 0;
    for (const { duration, target } of stages) {
        if (milliseconds < start + duration) {
            return from + (target - from) * ((milliseconds - start) / duration);
        }
        start += duration;
        from = target;
    }
    return from;
}

// Users come and go by whole ones, each when the line has reached it.
export function users(stages, milliseconds, begin) {
    const exact = level(stages, milliseconds, begin);
    const later = level(stages, milliseconds + 1, begin);
    return later < exact ? Math.ceil(exact) : Math.floor(exact);
}

const length = (stages) => stages.reduce((sum, s) => sum + s.duration, 0);

class Execution {
    constructor(scenario, pool, iterate) {
        this.scenario = scenario;
        this.pool = pool;
        this.iterate = iterate;
        this.active = new Set();
        this.tags = { scenario: scenario.name, ...scenario.tags };
        this.begun = performance.now();
    }

    elapsed() {
        return performance.now() - this.begun;
    }

    // A user who goes on while more() says so.
    async live(more) {
        const user = this.pool.take(this.tags);
        this.active.add(user);
        while (more() && !user.interrupted) {
            await this.iterate(user);
        }
        this.active.delete(user);
        this.pool.give(user);
    }

    // Those that are not done after the graceful time are interrupted.
    async end(all) {
        const over = new AbortController();
        const late = wait(this.scenario.gracefulStop, undefined, {
            signal: over.signal,
        }).then(
            () => Promise.all([...this.active].map((u) => u.interrupt())),
            () => {},
        );
        await Promise.all(all);
        over.abort();
        await late;
    }
}

async function ramping(execution, stages, begin) {
    const end = length(stages);
    const wanted = () => users(stages, execution.elapsed(), begin);
    const crowd = [];

    while (execution.elapsed() < end) {
        for (let n = 0; n < wanted(); n++) {
            crowd[n] ??= execution
                .live(() => execution.elapsed() < end && n < wanted())
                .then(() => {
                    crowd[n] = undefined;
                });
        }
        await wait(Math.min(STEP, Math.max(1, end - execution.elapsed())));
    }
    await execution.end(crowd);
}

async function arrivals(execution, perSecond, duration, most) {
    const { pool, active } = execution;
    const underWay = new Set();
    const begin = () => {
        if (active.size === most) {
            samples([[builtin.dropped, 1]], execution.tags);
            return;
        }
        let first = true;
        const one = execution.live(() => {
            const more = first;
            first = false;
            return more;
        });
        underWay.add(one);
        one.finally(() => underWay.delete(one)).catch(() => {});
    };
    const all = Math.floor((duration * perSecond) / 1000);
    let begun = 0;
    let longest = 0;
    let before = 0;

    pool.reserve(execution.scenario.preAllocatedVUs);
    // What was due when the time is over is begun as well.
    while (begun < all) {
        const now = Math.min(execution.elapsed(), duration);
        const due = Math.min(all, Math.ceil((now * perSecond) / 1000));
        for (let n = 0; n < BURST && begun < due; n++, begun++) {
            begin();
        }
        // Behind, it looks at what has come before it sends more.
        await (begun < due ? immediate() : wait(1));
        longest = Math.max(longest, execution.elapsed() - before);
        before = execution.elapsed();
    }
    if (longest > 100) {
        console.error(
            `${execution.scenario.name}: the generator itself paused for ` +
                `${Math.round(longest)} ms at most`,
        );
    }
    await execution.end([...underWay]);
}

async function counted(execution, count, iterations, longest) {
    const inTime = () => execution.elapsed() < longest;
    const all = Array.from({ length: count }, () => {
        let left = iterations;
        return execution.live(() => inTime() && left-- > 0);
    });
    const timer = new AbortController();
    await Promise.race([
        Promise.all(all),
        wait(longest, undefined, { signal: timer.signal }).catch(() => {}),
    ]);
    timer.abort();
    await execution.end(all);
}

const KINDS = {
    "ramping-vus": (e, s) => ramping(e, s.stages, s.startVUs),
    "constant-vus": (e, s) =>
        ramping(e, [{ duration: s.duration, target: s.vus }], s.vus),
    "constant-arrival-rate": (e, s) =>
        arrivals(e, (s.rate * 1000) / s.timeUnit, s.duration, s.maxVUs),
    "per-vu-iterations": (e, s) =>
        counted(e, s.vus, s.iterations, s.maxDuration),
};

export const known = (executor) => Object.hasOwn(KINDS, executor);

// iterate(user): one iteration of the scenario's function
export async function execute(scenario, pool, iterate) {
    await wait(scenario.startTime);
    await KINDS[scenario.executor](
        new Execution(scenario, pool, iterate),
        scenario,
    );
}
