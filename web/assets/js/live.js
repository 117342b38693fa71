// What changes on the server is shown by itself.  One tab of the browser reads
// the stream of changes and passes it on to the others: HTTP/1.1 has six
// connections for all of them.  When that tab goes, another one reads on from
// the last change.  Where there is no stream, pages ask again from time to time.

import { keepFresh } from "./changes.js";
import { time } from "./format.js";
import { heard, onReach, silence, unheard } from "./reach.js";
import { listen, NoStream } from "./stream.js";
import { tell } from "./strip.js";
import { authorization } from "./token.js";

const LOCK = "magasin.direct";
const LONGEST_WAIT = 30000;
// Who was refused asks again after that, or with another token.
const REFUSED_WAIT = 300000;
// Who leaves a page for another one goes on reading.
const GRACE = 3000;
// The tab that reads says something every 15 s.
const SILENT = 45000;
const REMEMBERED = 2000;

const pages = new Set();
const seen = new Set();
const channel = open();

// What the tab that reads has said last.  store: undefined while nobody reads.
let state = { live: false, store: undefined };
let saidAt = Number.NEGATIVE_INFINITY;
let last = null;
let standing = null;

function open() {
    try {
        return navigator.locks ? new BroadcastChannel(LOCK) : null;
    } catch {
        return null;
    }
}

const pause = (milliseconds, signal) =>
    new Promise((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        const early = () => {
            clearTimeout(timer);
            resolve();
        };

        signal.addEventListener("abort", early, { once: true });
        window.addEventListener("online", early, { once: true, signal });
    });

const all = (message) => {
    channel.postMessage(message);
    receive(message);
};

// From the tab that reads, which may be this one
function receive(message) {
    if (message.hello) {
        if (reading) {
            channel.postMessage({ state, last });
        }
        return;
    }
    saidAt = performance.now();
    if (message.last !== undefined) {
        last = message.last;
    }
    if (message.event && !seen.has(message.last)) {
        remember(message.last);
        for (const page of pages) {
            page.learn(message.event);
        }
    }
    if (message.state) {
        enter(message);
    }
}

function remember(id) {
    seen.add(id);
    if (seen.size > REMEMBERED) {
        seen.delete(seen.values().next().value);
    }
}

// begun: the stream begins now, so that nobody knows what was before.
function enter({ state: next, begun = false, trouble = null }) {
    const back = next.live && !state.live && state.store !== undefined;

    state = next;
    if (trouble) {
        unheard("stream", trouble.kind, trouble.since);
    } else if (next.live) {
        heard("stream");
    }
    if (begun || back) {
        for (const page of pages) {
            page.learn(null);
        }
    }
}

channel?.addEventListener("message", ({ data }) => receive(data));

const isLive = (store) =>
    state.live &&
    performance.now() - saidAt < SILENT &&
    (state.store === null || (store !== null && state.store === store));

let reading = false;

// Reads for all tabs, for as long as that works or may work again.  Gives how
// long this one stays away from it when it may not.
async function read(signal) {
    const reader = new Reader(signal);

    reading = true;
    try {
        return await reader.run();
    } finally {
        reading = false;
    }
}

class Reader {
    #failures = 0;
    #retry = null;
    #asked = null;
    #fresh = true;
    #store = null;

    constructor(signal) {
        this.signal = signal;
    }

    async run() {
        while (!this.signal.aborted) {
            this.#fresh = last === null;
            this.#asked = null;
            try {
                await listen({
                    store: this.#store,
                    after: last,
                    signal: this.signal,
                    take: (block) => this.#take(block),
                });
            } catch (error) {
                if (this.signal.aborted) {
                    return 0;
                }
                if (!(await this.#goesOn(error))) {
                    all({ state: { live: false, store: undefined } });
                    return REFUSED_WAIT;
                }
            }
            await pause(this.#wait(), this.signal);
        }
        return 0;
    }

    #take({ id, data, retry }) {
        const place = id ?? last;

        this.#failures = 0;
        this.#retry = retry ?? this.#retry;
        if (!state.live || state.store !== this.#store || this.#fresh) {
            all({
                state: { live: true, store: this.#store },
                last: place,
                begun: this.#fresh,
            });
            this.#fresh = false;
        }
        heard("stream");
        all(
            data === null
                ? { last: place }
                : { last: place, event: eventOf(data) },
        );
    }

    // false: who asks has not the right to, or there is no stream.
    async #goesOn(error) {
        if (error instanceof NoStream) {
            return false;
        }
        if (error.status === 410 || (error.status === 400 && last !== null)) {
            // The database has lost what came before.
            last = null;
            return true;
        }
        if (error.status === 403 && this.#store === null) {
            // A token of some stores names one.
            this.#store = await this.#storeShown();
            last = null;
            return this.#store !== null;
        }
        if (error.status && !error.temporary && error.status < 500) {
            return false;
        }
        this.#failures += 1;
        // A connection may break: that is no trouble if the next one works.  Nor
        // is it one that too many listen already (429).
        if (this.#failures > 1 && error.status !== 429) {
            unheard("stream", error.status ? "trouble" : "silence");
            all({
                state: { live: false, store: this.#store },
                trouble: silence(),
            });
        }
        this.#asked = error.wait && error.status ? error.wait * 1000 : null;
        return true;
    }

    // The store of a page, which may not be known yet
    async #storeShown() {
        for (let left = 20; left > 0 && !this.signal.aborted; left -= 1) {
            const store = [...pages].map((page) => page.store()).find(Boolean);

            if (store) {
                return store;
            }
            await pause(500, this.signal);
        }
        return null;
    }

    #wait() {
        if (this.#failures === 0) {
            return this.#retry ?? 1000 * Math.random();
        }
        const longer = Math.min(500 * 2 ** this.#failures, LONGEST_WAIT);

        return Math.max(longer, this.#asked ?? 0) * (0.75 + Math.random() / 2);
    }
}

// What pages have to know to read what has changed, and no more.
function eventOf(text) {
    const { type, magasin, produit, reference } = JSON.parse(text);

    return { type, magasin, produit, reference };
}

// In the row of those who would read the stream.  Another token may have other
// rights: with it this tab goes to the end of the row.
async function stand(signal) {
    while (!signal.aborted) {
        const token = changedToken(signal);
        const either = AbortSignal.any([signal, token]);
        let away = 0;

        try {
            away = await navigator.locks.request(LOCK, { signal: either }, () =>
                read(either),
            );
        } catch (error) {
            if (!either.aborted) {
                throw error;
            }
        }
        await pause(either.aborted ? 0 : away, either);
    }
}

function changedToken(signal) {
    const changed = new AbortController();
    const before = authorization();

    document.addEventListener(
        "jeton",
        () => {
            if (authorization() !== before) {
                changed.abort();
            }
        },
        { signal: AbortSignal.any([signal, changed.signal]) },
    );
    return changed.signal;
}

function join(page) {
    pages.add(page);
    if (channel && !standing) {
        standing = new AbortController();
        if (performance.now() - saidAt > SILENT) {
            last = null;
        }
        channel.postMessage({ hello: true });
        stand(standing.signal);
    }
}

function leave(page) {
    pages.delete(page);
    setTimeout(() => {
        if (pages.size === 0 && standing) {
            standing.abort();
            standing = null;
            state = { live: false, store: undefined };
            last = null;
            showReach();
        }
    }, GRACE);
}

// Words for what is shown and old
function showReach() {
    const down = pages.size > 0 ? silence() : null;
    const since = down && time(down.since).slice(0, 5);

    tell(
        "reseau",
        down === null
            ? null
            : down.kind === "trouble"
              ? `Le service ne répond pas comme il faut depuis ${since} : ce qui est affiché date d’alors.`
              : `Hors connexion depuis ${since} : ce qui est affiché date d’alors.`,
    );
}

onReach(showReach);

class Page {
    #waiting = [];
    #whole = false;
    #timer = null;
    #running = false;
    #lastRun = Number.NEGATIVE_INFINITY;

    constructor(options) {
        Object.assign(this, { store: () => null, every: 1000, ...options });
    }

    // null: everything may have changed.  What is being read may have been read
    // before the change; what it is about is known once it is shown.
    learn(event) {
        const { reading } = this.region;

        if (event !== null && reading) {
            reading.then(() => this.learn(event));
            return;
        }
        if (event === null) {
            this.#whole = true;
        } else if (this.wants(event)) {
            this.#waiting.push(event);
            if (this.#waiting.length > 500) {
                this.#whole = true;
            }
        } else {
            return;
        }
        this.wake();
    }

    wake() {
        const { signal, every } = this;
        const due = this.#lastRun + every - performance.now();

        if (!signal.aborted && this.#timer === null) {
            this.#timer = setTimeout(
                () => {
                    this.#timer = null;
                    this.#run();
                },
                Math.max(due, this.#whole ? every : 200),
            );
        }
    }

    // Nobody looks, or a dialog gives the focus back to what is there: then it
    // waits for wake().
    async #run() {
        if (
            this.#running ||
            this.signal.aborted ||
            document.visibilityState !== "visible" ||
            document.querySelector("dialog[open]") ||
            (!this.#whole && this.#waiting.length === 0)
        ) {
            return;
        }
        const events = this.#waiting;
        const whole = this.#whole;

        this.#running = true;
        this.#waiting = [];
        this.#whole = false;
        this.#lastRun = performance.now();
        try {
            await (whole ? this.refresh() : this.change(events));
        } catch (error) {
            if (!this.signal.aborted) {
                // The page says by itself what is wrong with it.
                await this.refresh();
                if (!error.status && !error.temporary) {
                    console.error(error);
                }
            }
        } finally {
            this.#running = false;
            if (this.#whole || this.#waiting.length > 0) {
                this.wake();
            }
        }
    }
}

// For a page with what is read in a region: change(events) reads what wants(event) has asked for, a second
// after the last time at the earliest; refresh() reads all that is shown.
// store(): the one that is shown, null for all.  Without the stream, refresh()
// runs every so many seconds.
export function follow({ seconds, signal, ...options }) {
    const page = new Page({ signal, ...options });

    keepFresh(
        seconds,
        () => {
            if (isLive(page.store())) {
                page.wake();
            } else {
                page.refresh();
            }
        },
        signal,
    );
    document.addEventListener("close", () => page.wake(), {
        capture: true,
        signal,
    });
    join(page);
    signal.addEventListener("abort", () => leave(page));
    showReach();
}

// For tests of who reads
export const followed = () => ({ ...state, reading, last });
