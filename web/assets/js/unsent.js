// What is counted and not sent yet.  The device keeps it, so that a browser that
// is closed takes none along: a list for each stock-take and tab, which is the
// tab's as long as that has its lock.  A list that no tab has is offered to who
// opens the stock-take.

import { newKey } from "./api.js";
import { device, tab } from "./storage.js";

const NAME = "magasin.comptage";
// A tab that is loaded again gets its lock back.
const PATIENCE = 2000;

function read(place, key) {
    try {
        const list = JSON.parse(place.get(key));
        return Array.isArray(list) ? list : [];
    } catch {
        return [];
    }
}

// Resolves to whether this page has the list, which then lasts until the signal.
// Where there are no locks, each tab has what is its own and nothing else.
function claim(key, options, signal, otherwise) {
    if (!navigator.locks) {
        return Promise.resolve(otherwise);
    }
    return new Promise((resolve) => {
        navigator.locks
            .request(key, options, (lock) => {
                resolve(lock !== null);
                return lock && !signal.aborted
                    ? new Promise((end) =>
                          signal.addEventListener("abort", end),
                      )
                    : null;
            })
            .catch(() => resolve(false));
    });
}

// The name of this tab.  One that is a copy of another has its name, too.
function tabName() {
    const name = tab.get(NAME) ?? newKey();

    tab.set(NAME, name);
    return name;
}

export class Unsent {
    #key = null;
    #signal;

    // id: that of the stock-take
    constructor(id, signal) {
        this.start = `${NAME}.${id}.`;
        // Before, the tab alone had kept it.
        this.before = `${NAME}.${id}`;
        this.#signal = signal;
    }

    // The list of this tab
    async open() {
        const waits = () => ({ signal: AbortSignal.timeout(PATIENCE) });
        let key = this.start + tabName();

        if (!(await claim(key, waits(), this.#signal, true))) {
            tab.remove(NAME);
            key = this.start + tabName();
            await claim(key, waits(), this.#signal, true);
        }
        this.#key = key;
        return [...read(tab, this.before), ...read(device, key)];
    }

    keep(list) {
        // Somebody else may have it by now.
        if (this.#key === null || this.#signal.aborted) {
            return;
        }
        tab.remove(this.before);
        if (list.length > 0) {
            device.set(this.#key, JSON.stringify(list));
        } else {
            device.remove(this.#key);
        }
    }

    // Lists of tabs that are gone: {list, drop()}
    async left() {
        const found = [];

        for (const key of device.keys(this.start)) {
            if (
                key !== this.#key &&
                (await claim(key, { ifAvailable: true }, this.#signal, false))
            ) {
                const list = read(device, key);

                if (list.length > 0) {
                    found.push({ list, drop: () => device.remove(key) });
                }
            }
        }
        return found;
    }
}
