// Many prices at once.  Each is changed from the price that the person saw;
// one that somebody else has changed meanwhile stays as it is, and is told.

import { change, readTagged } from "./api.js";
import { announceChange } from "./changes.js";
import { explain, Refusal, Withdrawn } from "./errors.js";
import { cents, plain } from "./money.js";
import { readRights } from "./rights.js";
import { device } from "./storage.js";

const AT_ONCE = 4;
const TRIES = 3;
const PLACE = "magasin.prix";

const pause = (seconds) =>
    new Promise((resolve) => setTimeout(resolve, seconds * 1000));

// changes: [{id, name, from, to}] of cents.  Gives {done: [{...change, same}], left:
// [{...change, why, lost}]}, same where somebody else had set that very price, lost
// where another try is in vain; tell(number) after each.  What ends
// all of it, such as a token that may not, is thrown where nothing has been done.
async function changePrices(changes, tell = () => {}) {
    const waiting = [...changes];
    const done = [];
    const left = [];
    let end = null;
    const work = async () => {
        for (let one = waiting.shift(); one; one = waiting.shift()) {
            try {
                const fault = await changeOne(one);

                if (fault === null || fault.same) {
                    done.push({ ...one, ...fault });
                } else {
                    left.push({ ...one, ...fault });
                }
            } catch (error) {
                end ??= error;
                left.push({ ...one, why: reasonOf(error) });
                left.push(
                    ...waiting
                        .splice(0)
                        .map((next) => ({ ...next, why: "Pas essayé." })),
                );
            }
            tell(done.length + left.length);
        }
    };

    await Promise.all(Array.from({ length: AT_ONCE }, work));
    if (done.length > 0) {
        announceChange();
    } else if (end) {
        throw end;
    }
    return { done, left };
}

const reasonOf = (error) =>
    error instanceof Withdrawn ? "Il n’y a pas de jeton." : explain(error);

const reversed = (changes) =>
    changes.map(({ id, name, from, to }) => ({ id, name, from: to, to: from }));

// Null when it is done, {same} when there was nothing to do, else {why, lost}
async function changeOne({ id, from, to }) {
    const path = `/products/${id}/`;
    let unsure = false;

    for (let attempt = 1; ; attempt += 1) {
        try {
            const { data, etag } = await readTagged(path);
            const now = cents(data.prix);

            // A change whose answer was lost has been made.
            if (now === to) {
                return unsure ? null : { same: true };
            }
            if (now !== from) {
                return {
                    why: `Le prix est devenu ${data.prix.replace(".", ",")} entre-temps.`,
                    lost: true,
                };
            }
            try {
                await change("PATCH", path, { prix: plain(to) }, etag);
            } catch (error) {
                unsure ||= Boolean(error.temporary);
                throw error;
            }
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
                return { why: explain(error), lost: error.status === 404 };
            }
            if (error.status !== 412) {
                await pause(Math.min(error.wait ?? 1, 2));
            }
        }
    }
}

// The last change is kept by the device until it is taken back, or another one
// takes its place: {when, who, changes}, null where there is none.
export function lastChange() {
    try {
        const { when, who, changes } = JSON.parse(device.get(PLACE));

        return {
            when,
            who,
            changes: changes.map(([id, name, from, to]) => ({
                id,
                name,
                from: BigInt(from),
                to: BigInt(to),
            })),
        };
    } catch {
        return null;
    }
}

function keep({ when, who, changes }) {
    device.set(
        PLACE,
        JSON.stringify({
            when,
            who,
            changes: changes.map(({ id, name, from, to }) => [
                id,
                name,
                String(from),
                String(to),
            ]),
        }),
    );
}

// The tab may be closed half-way, so all of it is kept before it begins: to take
// back what was never changed does nothing.  What somebody else had set is not
// for us to take back.  Gives {done, left, kept}.
export async function changeAndKeep(changes, tell) {
    const before = lastChange();
    const when = new Date().toISOString();
    const who = async () => (await readRights()).me?.nom ?? null;
    const restore = () => (before ? keep(before) : device.remove(PLACE));
    let kept = { when, who: await who(), changes };

    keep(kept);
    try {
        const { done, left } = await changePrices(changes, tell);
        const ours = done.filter(({ same }) => !same);

        if (ours.length === 0) {
            restore();
            return { done, left, kept: null };
        }
        // The token may have been given meanwhile.
        kept = { when, who: await who(), changes: ours };
        keep(kept);
        return { done, left, kept };
    } catch (error) {
        restore();
        throw error;
    }
}

// What somebody has changed since stays as it is.  What could not be tried is
// kept for another time.
export async function takeBack(kept) {
    const { done, left } = await changePrices(reversed(kept.changes));
    const again = left.filter((one) => !one.lost);

    // Another change may have taken its place.
    if (lastChange()?.when === kept.when) {
        if (again.length > 0) {
            keep({ ...kept, changes: reversed(again) });
        } else {
            device.remove(PLACE);
        }
    }
    return { done, left };
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
