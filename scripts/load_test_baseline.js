#!/usr/bin/env node
// An ordinary day: up to 50 users who think between two requests.
//
// Five minutes with DURATION_SCALE=1; a quarter of that by default.  USERS is
// the highest number of users.  docs/performance.md has the other parameters.

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
    users: number("USERS", 50, { min: 1, max: 10_000 }),
    maxP95: number("MAX_P95_MS", 20),
});
const most = used.users;

const stages = [
    [30, most * 0.2],
    [60, most * 0.2],
    [60, most],
    [120, most],
    [30, 0],
];

await main("baseline", used, async (test) => {
    const phase = await test.users("baseline", {
        stages: scaled(stages, used.scale),
        begin: 0,
        ...used,
    });
    return [
        servedAll(phase, used.maxErrorRate),
        fastEnough(phase, used.maxP95),
    ];
});
