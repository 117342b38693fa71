// Many prices at once.  Each is changed from the price that the person saw;
// one that somebody else has changed meanwhile stays as it is, and is told.

import { change, readTagged } from "./api.js";
import { announceChange } from "./changes.js";
import { explain, Refusal, Withdrawn } from "./errors.js";
import { cents, plain } from "./money.js";

const AT_ONCE = 4;
const TRIES = 3;

const pause = (seconds) =>
    new Promise((resolve) => setTimeout(resolve, seconds * 1000));

// changes: [{id, name, from, to}] of cents.  Gives {done, left: [{...change,
// why}]}; tell(number) after each.
export async function changePrices(changes, tell = () => {}) {
    const waiting = [...changes];
    const done = [];
    const left = [];
    const work = async () => {
        for (let one = waiting.shift(); one; one = waiting.shift()) {
            const why = await changeOne(one);

            if (why === null) {
                done.push(one);
            } else {
                left.push({ ...one, why });
            }
            tell(done.length + left.length);
        }
    };

    try {
        await Promise.all(Array.from({ length: AT_ONCE }, work));
    } finally {
        waiting.length = 0;
        if (done.length > 0) {
            announceChange();
        }
    }
    return { done, left };
}

export const reversed = (changes) =>
    changes.map((one) => ({ ...one, from: one.to, to: one.from }));

// Null when it is done, else why not
async function changeOne({ id, from, to }) {
    const path = `/products/${id}/`;

    for (let attempt = 1; ; attempt += 1) {
        try {
            const { data, etag } = await readTagged(path);
            const now = cents(data.prix);

            // A change whose answer was lost has been made.
            if (now === to) {
                return null;
            }
            if (now !== from) {
                return `Le prix est devenu ${data.prix.replace(".", ",")} entre-temps.`;
            }
            await change("PATCH", path, { prix: plain(to) }, etag);
            return null;
        } catch (error) {
            if (error instanceof Withdrawn || error.status === 403) {
                throw error;
            }
            if (!error.temporary && !(error instanceof Refusal)) {
                throw error;
            }
            if (
                error.status !== 412 &&
                (!error.temporary || attempt === TRIES)
            ) {
                return explain(error);
            }
            if (error.status !== 412) {
                await pause(Math.min(error.wait ?? 1, 2));
            }
        }
    }
}

// How a price is rounded, in cents
const roundings = {
    "": (value) => value,
    5: (value) => nearest(value, 5n),
    10: (value) => nearest(value, 10n),
    100: (value) => nearest(value, 100n),
    99: (value) => {
        const up = nearest(value + 1n, 100n);
        return up > 0n ? up - 1n : 0n;
    },
};

const nearest = (value, step) => ((value + step / 2n) / step) * step;

// way: "plus", "moins" of a percentage, "somme" of an amount; by: hundredths
// of it, as cents() reads them
export function proposed(price, way, by, rounding) {
    const raw =
        way === "somme"
            ? price + by
            : (price * (10000n + (way === "moins" ? -by : by)) + 5000n) /
              10000n;
    const rounded = roundings[rounding](raw > 0n ? raw : 0n);

    return rounded > 0n ? rounded : 0n;
}

// In tenths of a percent, null from nothing
export const percent = (from, to) =>
    from === 0n ? null : Number(((to - from) * 1000n) / from) / 10;
