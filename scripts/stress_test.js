#!/usr/bin/env node
// More and more users, up to 200, until they leave again.
//
// Eight minutes with DURATION_SCALE=1; a quarter of that by default.  USERS is
// the highest number of users.  With THINK=0 nobody waits between requests,
// which asks how many the server can answer and not how fast.
// docs/performance.md has the other parameters.

import {
    fastEnough,
    main,
    parameters,
    scaled,
    servedAll,
} from "./load/main.js";
import { number } from "./load/settings.js";

const used = parameters({
    checked: 1,
    scale: number("DURATION_SCALE", 0.25, { min: 0.001 }),
    think: number("THINK", 1),
    users: number("USERS", 200, { min: 1, max: 10_000 }),
    maxP95: number("MAX_P95_MS", 20),
});
const most = used.users;

const stages = [
    [30, most * 0.25],
    [60, most * 0.25],
    [30, most * 0.5],
    [60, most * 0.5],
    [30, most * 0.75],
    [60, most * 0.75],
    [30, most],
    [120, most],
    [60, 0],
];

await main("stress", used, async (test) => {
    const phase = await test.users("stress", {
        stages: scaled(stages, used.scale),
        begin: 0,
        ...used,
    });
    return [
        servedAll(phase, used.maxErrorRate),
        fastEnough(phase, used.maxP95),
    ];
});
