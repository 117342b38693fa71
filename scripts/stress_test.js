#!/usr/bin/env node
// More and more users, up to 200, until they leave again.
//
// Eight minutes with DURATION_SCALE=1; a quarter of that by default.  USERS is
// the highest number of users.  With THINK=0 nobody waits between requests,
// which asks how many the server can answer and not how fast.
// docs/performance.md has the other parameters.

import { people } from "./load/main.js";

await people("stress", 200, (most) => [
    [30, most * 0.25],
    [60, most * 0.25],
    [30, most * 0.5],
    [60, most * 0.5],
    [30, most * 0.75],
    [60, most * 0.75],
    [30, most],
    [120, most],
    [60, 0],
]);
