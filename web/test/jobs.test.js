// Each job of a shop in both browsers, with its keys and clicks counted: those that
// docs/web.md has.

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
        .map((cells) => [cells[2], cells.slice(4, 6)]),
);

for (const name of Object.keys(browsers)) {
    let one;

    test(`${name}: it starts`, async () => {
        one = await openOne(name);
        console.log(`# ${one.version}`);
    });

    for (const job of jobs) {
        test(`${name}: ${job.who}: ${job.what}`, async () => {
            const hand = await one.page();

            const given = await job.ready?.(hand);
            await hand.go(job.path);
            hand.begin();
            await job.run(hand, given);
            const { effort, seconds } = hand;
            await job.check(hand, given);
            console.log(
                `# ${effort || "none"}, the page ${(hand.waited / 1000).toFixed(1)} s`,
            );
            await hand.close(job.expected);
            assert.deepEqual(efforts.get(job.what), [
                effort || "none",
                String(seconds),
            ]);
        });
    }

    test(`${name}: it ends`, () => one.close());
}
