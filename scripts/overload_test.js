#!/usr/bin/env node
// Three times as much as the server can do: it goes on doing what it can, and
// refuses the rest at once.
//
// First as many requests as USERS can get answered (the peak), then arrivals
// at FACTOR times that rate whether or not they are answered, then at half of
// it.  PEAK_SECONDS, OVERLOAD_SECONDS and RECOVERY_SECONDS say how long.

import { main, parameters, servedAll, threshold } from "./load/main.js";
import { number } from "./load/settings.js";

const used = parameters({
    checked: 0.02,
    users: number("USERS", 64, { min: 1, max: 10_000 }),
    factor: number("FACTOR", 3, { min: 1, max: 20 }),
    connections: number("CONNECTIONS", 1500, { min: 1, max: 10_000 }),
    peakSeconds: number("PEAK_SECONDS", 8, { min: 1 }),
    overloadSeconds: number("OVERLOAD_SECONDS", 10, { min: 2 }),
    recoverySeconds: number("RECOVERY_SECONDS", 5, { min: 2 }),
    maxShed: number("MAX_SHED_MS", 50, { min: 1 }),
    maxP95: number("MAX_P95_MS", 50),
    share: number("MIN_SHARE", 0.9, { max: 1 }),
});

await main("overload", used, async (test) => {
    const steady = (seconds, target) => ({
        stages: [[seconds, target]],
        begin: target,
    });
    const open = { connections: used.connections, checked: used.checked };

    await test.users("warm-up", {
        ...used,
        think: 0,
        ...steady(2, used.users),
    });
    const peak = await test.users("peak", {
        ...used,
        think: 0,
        ...steady(used.peakSeconds, used.users),
    });
    const rate = peak.served_per_second;
    const overload = await test.arrivals("overload", {
        ...open,
        ...steady(used.overloadSeconds, used.factor * rate),
    });
    const recovery = await test.arrivals("recovery", {
        ...open,
        ...steady(used.recoverySeconds, rate / 2),
    });

    const offered = overload.requests / used.overloadSeconds / rate;
    const share = overload.served_per_second / rate;
    return [
        servedAll(peak, used.maxErrorRate),
        threshold(
            `overload: requests were sent at ${used.factor} times ` +
                "the peak",
            `${offered.toFixed(2)} times, ${overload.unsent} ` +
                `not sent for want of ${used.connections} connections`,
            offered > used.factor * 0.95,
        ),
        threshold(
            `overload: served, of the peak, at least ${used.share}`,
            share.toFixed(2),
            share >= used.share,
        ),
        threshold(
            "overload: all else is 503 with Retry-After",
            `${overload.failed} are not`,
            overload.failed === 0,
        ),
        threshold(
            `overload: p99 of the refusals under ${used.maxShed} ms`,
            overload.shed_ms
                ? `${overload.shed_ms.p99} ms (the generator itself paused ` +
                      `for ${overload.longest_pause_ms} ms at most)`
                : "none",
            overload.shed_ms === null || overload.shed_ms.p99 < used.maxShed,
        ),
        servedAll(recovery, used.maxErrorRate),
        threshold(
            `recovery: p95 under ${used.maxP95} ms`,
            `${recovery.served_ms?.p95} ms`,
            recovery.served_ms?.p95 < used.maxP95,
        ),
    ];
});
