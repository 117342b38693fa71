#!/usr/bin/env node
// How many requests can be answered: USERS who never wait, for SECONDS.

import { main, parameters, servedAll, threshold } from "./load/main.js";
import { number } from "./load/settings.js";

const used = parameters({
    checked: 0.02,
    users: number("USERS", 64, { min: 1, max: 10_000 }),
    seconds: number("SECONDS", 10, { min: 1 }),
    least: number("MIN_PER_SECOND", 1),
});

await main("peak", used, async (test) => {
    const flat = (seconds) => ({
        ...used,
        think: 0,
        begin: used.users,
        stages: [[seconds, used.users]],
    });

    await test.users("warm-up", flat(2));
    const peak = await test.users("peak", flat(used.seconds));
    return [
        servedAll(peak, used.maxErrorRate),
        threshold(
            `peak: served a second, at least ${used.least}`,
            peak.served_per_second,
            peak.served_per_second >= used.least,
        ),
    ];
});
