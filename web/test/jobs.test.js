// Each job of a shop, with its keys and clicks counted: those that docs/web.md has;
// and the most important ones in Firefox, too.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { jobs } from "./jobs.js";
import { browsers, openOne } from "./two.js";

const documented = await readFile(
    new URL("../../docs/web.md", import.meta.url),
    "utf8",
);

// {what: [now, seconds]} of the table
const efforts = new Map(
    documented
        .split("\n")
        .map((line) => line.split("|").map((cell) => cell.trim()))
        .filter((cells) => jobs.some(({ what }) => what === cells[2]))
        .map((cells) => [cells[2], cells.slice(-3, -1)]),
);

for (const name of Object.keys(browsers)) {
    let one;

    test(`${name}: it starts`, async () => {
        one = await openOne(name);
        console.log(`# ${one.version}`);
    });

    for (const job of jobs) {
        if (name !== "chromium" && !job.both) {
            continue;
        }
        test(`${name}: ${job.who}: ${job.what}`, async () => {
            const hand = await one.page();

            const given = await job.ready?.(hand);
            await hand.go(job.path);
            hand.begin();
            await job.run(hand, given);
            const { effort, seconds } = hand;
            console.log(`# ${effort || "none"}`);
            await job.check(hand, given);
            await hand.close();
            assert.deepEqual(efforts.get(job.what), [
                effort || "none",
                String(seconds),
            ]);
        });
    }

    test(`${name}: it ends`, () => one.close());
}
