// Sales that are to be sent: kept by the browser before they are sent the first
// time, and for as long as nobody knows that they were made.  Each has its
// Idempotency-Key, so that it is made once.  One tab at a time sends them, in
// their order.

import { newKey, postOnce, running } from "./api.js";
import { announceChange } from "./changes.js";
import { add, all, alter, base, find, get, remove } from "./kept.js";
import { onReach, silence } from "./reach.js";
import { registered } from "./service.js";
import { authorization, rejectToken } from "./token.js";

const LOCK = "magasin.envoi";
const SALES = "ventes";
const LONGEST_WAIT = 30000;
const PATIENCE = 6000;
const HOUR = 3600000;
// The server knows a key for 24 hours.
const OLD = 23 * HOUR;
// A clock that was set back says nothing about what has passed.
const AHEAD = HOUR / 12;

const events = new EventTarget();
const channel = open();
const outcomes = new Map();
let failures = 0;
let timer = null;
let substitute = null;

function open() {
    try {
        return new BroadcastChannel("magasin.ventes");
    } catch {
        return null;
    }
}

let working = null;

// Resolves to whether this browser can keep sales, and send each from one tab.
export function works() {
    working ??= (async () => {
        try {
            return (
                Boolean(navigator.locks && channel && crypto.subtle) &&
                (await registered()) &&
                Boolean(await base())
            );
        } catch {
            return false;
        }
    })();
    return working;
}

export function onSales(action, signal) {
    events.addEventListener("change", action, { signal });
}

function changed() {
    events.dispatchEvent(new Event("change"));
    channel.postMessage("change");
}

channel?.addEventListener("message", ({ data }) => {
    if (data.sale) {
        outcome(data.n, data);
    }
    events.dispatchEvent(new Event("change"));
    standBy();
});

// The tab that tries may be closed: when it has said nothing for a while, this
// one does.
function standBy() {
    clearTimeout(substitute);
    substitute = setTimeout(send, LONGEST_WAIT * (1.5 + Math.random()));
}

export const waiting = () => all(SALES);

// Keys belong to a token.  What stays here says which one it was, and not what
// it is.
export async function markOf(key) {
    const bytes = new TextEncoder().encode(`${key} ${authorization()}`);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

    return Array.from(digest.slice(0, 8), (byte) =>
        byte.toString(16).padStart(2, "0"),
    ).join("");
}

// A sale of that time may be made once more under its key.
export function isOld(at) {
    const age = Date.now() - at;

    return age >= OLD || age < -AHEAD;
}

// Why a sale is asked about before it is sent: "age", "jeton", or null.
// mark: that of the token of now, of this sale
function doubt(sale, mark) {
    if (isOld(sale.agreed?.at ?? sale.at)) {
        return "age";
    }
    return mark === sale.mark || mark === sale.agreed?.mark ? null : "jeton";
}

// What there is to say about a sale: {state, sale}, where state is "refus",
// "age", "jeton", "droit", "identification" or "attente".
export async function stateOf(sale) {
    if (sale.refusal) {
        return "refus";
    }
    if (!authorization()) {
        return doubt(sale, sale.mark) ?? "identification";
    }
    const mark = await markOf(sale.key);

    return doubt(sale, mark) ?? (sale.forbidden === mark ? "droit" : "attente");
}

// Keeps a sale.  One that is kept already is the same.  sent: when it was sent
// the first time; unknown: it may have been made then.
async function keep({ key, body, lines, total, store, sent, unknown }) {
    const known = await find(SALES, "key", key);

    if (known) {
        return known;
    }
    const sale = {
        key,
        body,
        lines: lines.map(({ id, name, price, quantity }) => ({
            id,
            name,
            price,
            quantity,
        })),
        total,
        store,
        at: sent ?? Date.now(),
        mark: await markOf(key),
        agreed: null,
        unknown,
        refusal: null,
        forbidden: null,
    };

    sale.n = await add(SALES, sale);
    return sale;
}

// Keeps a sale and sends it: {sale}, as the server has made it, {error}, why it
// has not, or {kept}, which will be sent.  null: it can not be kept.
export async function deliver(ticket) {
    let kept;

    try {
        kept = await keep(ticket);
    } catch (error) {
        console.error(error);
        return null;
    }
    const decided = new Promise((resolve) => outcomes.set(kept.n, resolve));
    const patience = silence() || !navigator.onLine ? 0 : PATIENCE;

    changed();
    failures = 0;
    send();
    const result = await Promise.race([decided, after(patience)]);

    outcomes.delete(kept.n);
    if (result?.sale) {
        return result;
    }
    if (result?.error && !result.error.unknown) {
        await drop(kept.n);
        return result;
    }
    // A browser that is short of space takes it from those who have not asked.
    navigator.storage?.persist?.().catch(() => {});
    return { kept };
}

const after = (milliseconds) =>
    new Promise((resolve) => setTimeout(resolve, milliseconds));

function outcome(n, { sale, error }) {
    const resolve = outcomes.get(n);
    const event = new Event("outcome");

    // Who waits for it says what there is to say.
    resolve?.({ sale, error });
    events.dispatchEvent(
        Object.assign(event, { n, sale, error, awaited: Boolean(resolve) }),
    );
}

// action({n, sale, error, awaited}) once a sale is made or refused
export function onMade(action, signal) {
    events.addEventListener("outcome", action, { signal });
}

async function drop(n) {
    await remove(SALES, [n]);
    changed();
}

// A sale is given up, while no tab sends it: "done", or "sent", it is not here
// any more, or "changed", it is not as this person has seen it.  ready(): whether
// there is a place for what it was; if not, it stays ("stays").
export function withdraw({ n, key, unknown }, ready = () => true) {
    return navigator.locks.request(LOCK, async () => {
        const now = await get(SALES, n);

        if (now === undefined) {
            return "sent";
        }
        if (now.key !== key || now.unknown !== unknown) {
            return "changed";
        }
        if (!ready()) {
            return "stays";
        }
        await drop(n);
        return "done";
    });
}

// A person has said that it may be sent, though it is old or was made with
// another token.
export async function agree({ n, key }) {
    const mark = await markOf(key);

    await alter(SALES, n, (sale) => ({
        ...sale,
        agreed: { at: Date.now(), mark },
    }));
    changed();
    await send();
}

// A refused sale in another form.  The refusal is kept under its key: it has a
// new one.  Another tab may have done that already.
export async function renew({ n, key: refused }, change) {
    const key = newKey();
    const mark = await markOf(key);

    await alter(SALES, n, (sale) =>
        sale.key === refused && sale.refusal
            ? {
                  ...sale,
                  key,
                  mark,
                  at: Date.now(),
                  agreed: null,
                  unknown: false,
                  refusal: null,
                  forbidden: null,
                  body: change(sale.body),
              }
            : sale,
    );
    changed();
    await send();
}

// One that went wrong, though it may have been made, goes again as it was.
export async function repeat({ n, key }) {
    await alter(SALES, n, (sale) =>
        sale.key === key ? { ...sale, refusal: null } : sale,
    );
    changed();
    await send();
}

let sending = null;
let wanted = false;

// Sends what may be sent.  What is asked for while this tab does is done after
// that.
export function send() {
    clearTimeout(timer);
    wanted = true;
    sending ??= run();
    return sending;
}

async function run() {
    try {
        while (wanted) {
            wanted = false;
            await sendAll();
        }
    } catch (error) {
        // What is kept can not be read now.
        console.error(error);
        again({});
    } finally {
        sending = null;
        // What is not decided now waits.
        for (const resolve of outcomes.values()) {
            resolve(null);
        }
    }
}

async function sendAll() {
    let more = await works();

    while (more && authorization()) {
        more = await navigator.locks.request(LOCK, sendFirst);
    }
    // One may have become old meanwhile.
    events.dispatchEvent(new Event("change"));
}

// The oldest one that may be sent.  Gives whether to go on.
async function sendFirst() {
    const token = authorization();

    for (const sale of await all(SALES)) {
        if ((await stateOf(sale)) === "attente") {
            return sendOne(sale, token);
        }
    }
    return false;
}

// It is written down that it may have been made before it can have been.
// token: that of which was asked whether it may be sent with it
async function sendOne(sale, token) {
    const { n, key } = sale;
    const note = (what) => alter(SALES, n, (now) => ({ ...now, ...what }));

    if (!sale.unknown) {
        // Without space for that it goes all the same.
        await note({ unknown: true }).catch(console.error);
    }
    try {
        const made = await postOnce("/sales/", sale.body, key, token);
        await remove(SALES, [n]);
        failures = 0;
        outcome(n, { sale: made });
        channel.postMessage({ n, sale: made });
        announceChange();
    } catch (error) {
        if (!isDecision(error)) {
            if (!error.temporary && !error.status) {
                console.error(error);
            }
            again(error);
            changed();
            return false;
        }
        await refused(sale, error, note, token);
    }
    changed();
    return Boolean(authorization());
}

// What is no answer, says to wait, or is not of the API, decides nothing.
const isDecision = (error) =>
    Boolean(error.status) &&
    !error.temporary &&
    !running(error) &&
    Object.keys(error.body).length > 0;

// There may be another token by now.
async function refused(sale, error, note, token) {
    const { n, key } = sale;

    if (error.status === 401) {
        await note({ unknown: sale.unknown });
        if (token === authorization()) {
            rejectToken();
        }
    } else if (error.status === 403) {
        await note({ unknown: sale.unknown, forbidden: await markOf(key) });
    } else {
        // What goes wrong in the server may do so after the sale.
        error.unknown = error.status >= 500;
        await note({
            unknown: error.unknown,
            refusal: {
                status: error.status,
                words: error.message,
                body: error.body,
            },
        });
    }
    outcome(n, { error });
}

function again({ wait, status }) {
    failures += 1;
    const longer = Math.min(500 * 2 ** failures, LONGEST_WAIT);
    const asked = status ? (wait ?? 0) * 1000 : 0;

    clearTimeout(timer);
    timer = setTimeout(
        send,
        Math.max(longer, asked) * (0.75 + Math.random() / 2),
    );
}

// For as long as the tab is: what waits goes when it can.
export async function watchOutbox() {
    if (!(await works())) {
        return;
    }
    for (const [target, name] of [
        [window, "online"],
        [document, "jeton"],
    ]) {
        target.addEventListener(name, () => {
            failures = 0;
            send();
        });
    }
    onReach(() => {
        if (silence() === null) {
            send();
        }
    });
    document.addEventListener("jeton", changed);
    await send();
}

export const isKept = async (key) =>
    (await find(SALES, "key", key)) !== undefined;
