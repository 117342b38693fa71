#!/usr/bin/env node
// An ordinary day: up to 50 users who think between two requests.
//
// Five minutes with DURATION_SCALE=1; a quarter of that by default.  USERS is
// the highest number of users.  docs/performance.md has the other parameters.

import { people } from "./load/main.js";

await people("baseline", 50, (most) => [
    [30, most * 0.2],
    [60, most * 0.2],
    [60, most],
    [120, most],
    [30, 0],
]);
