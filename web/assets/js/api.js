// The way to the API: reads, and writes that are done once however often they
// are sent.

import { Refusal, Silence, Withdrawn } from "./errors.js";
import { heard, unheard } from "./reach.js";
import { askForToken, authorization, rejectToken } from "./token.js";

const BASE = "/api/v1";
const DEADLINE = 15000;
const TRIES = 3;
const QUIET = 60000;
// A machine that slept between two tries may wake up when the server knows the key
// no more (24 hours).
const KNOWN = 3600000;

// most: how many bytes are worth the wait; of what is more, nothing is read.  A
// compressed answer is short: longer ones are sent as they are.
async function bodyOf(response, most = Number.POSITIVE_INFINITY) {
    if (!response.headers.get("Content-Type")?.includes("json")) {
        return null;
    }
    if (most === Number.POSITIVE_INFINITY || compressed(response)) {
        return response.json();
    }
    const parts = [];
    const reader = response.body.getReader();
    let size = 0;

    for (;;) {
        const { done, value } = await reader.read();

        if (done) {
            return JSON.parse(await new Blob(parts).text());
        }
        parts.push(value);
        size += value.length;
        if (size > most) {
            await reader.cancel();
            return null;
        }
    }
}

const compressed = (response) => response.headers.has("Content-Encoding");

// patience: a signal in the place of the deadline; take(response) reads what was
// asked for in the place of JSON.
async function send(
    method,
    path,
    { headers = {}, body, signal, most, patience, take } = {},
) {
    const signals = [patience ?? AbortSignal.timeout(DEADLINE)];
    let response;
    let data;

    if (signal) {
        signals.push(signal);
    }

    try {
        response = await fetch(BASE + path, {
            method,
            headers: { Accept: "application/json", ...headers },
            body,
            signal: AbortSignal.any(signals),
        });
        data =
            take && response.ok
                ? await take(response)
                : method === "HEAD"
                  ? null
                  : await bodyOf(response, most);
        if (method === "POST" && !take && response.ok && !data) {
            throw new Error("no answer of the API");
        }
    } catch (error) {
        // Who left the page waits for nothing.
        signal?.throwIfAborted();
        unheard("api", "silence");
        throw new Silence(error);
    }

    if (response.status < 502) {
        heard("api");
    }
    if (!response.ok) {
        const wait = Number(response.headers.get("Retry-After"));
        throw new Refusal(response, data, wait > 0 ? wait : 5);
    }

    return { data, etag: strong(response.headers.get("ETag")) };
}

// nginx weakens the tag of an answer that it compresses, and a weak one
// matches nothing; what stands in it is the server's own tag all the same.
function strong(etag) {
    return etag?.replace(/^W\//, "");
}

export async function read(path, signal) {
    return (await readTagged(path, signal)).data;
}

// Is an answer so short that it is sent whole?  One that is sent in pieces has no
// entity tag.
export async function isWhole(path, signal) {
    const { etag } = await authorized("HEAD", path, { signal }, false);
    return Boolean(etag);
}

// null when the answer has more bytes than that.
export async function readWithin(most, path, signal) {
    return (await authorized("GET", path, { signal, most }, false)).data;
}

// A read needs no token, unless the server wants to know who reads.
export function readTagged(path, signal) {
    return authorized("GET", path, { signal }, false);
}

// What follows a page of a list.  Only the query of the link is of interest:
// its origin may be that of a machine behind a proxy.
export async function readPage(path, signal) {
    const { next, results } = await read(path, signal);
    const query = next ? new URL(next).search : null;

    return { results, next: query && path.split("?")[0] + query };
}

// Of some rows, by their ids, as many as one request may name at a time.
export async function readSome(ids, pathOf, signal) {
    const asked = [];

    for (let at = 0; at < ids.length; at += 100) {
        asked.push(read(pathOf(ids.slice(at, at + 100).join(",")), signal));
    }
    return Promise.all(asked);
}

export function query(parameters) {
    const filled = Object.entries(parameters).filter(
        ([, value]) => value !== "" && value !== null && value !== undefined,
    );
    return filled.length > 0 ? `?${new URLSearchParams(filled)}` : "";
}

// randomUUID is there in secure contexts only, and a shop's network may not
// be one.
export function newKey() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(
        "",
    );
}

const pause = (seconds) =>
    new Promise((resolve) => setTimeout(resolve, seconds * 1000));

export const running = (error) =>
    error.status === 409 && error.body.en_cours === true;

// A request with the token, which is asked for when there is none that is
// needed, or when it is not accepted.
async function authorized(method, path, options, needed = true) {
    let reason = null;
    let wanted = needed;

    for (;;) {
        if (wanted && !authorization() && !(await askForToken(reason))) {
            throw new Withdrawn();
        }
        const token = authorization();
        try {
            return await send(method, path, {
                ...options,
                headers: token
                    ? { ...options.headers, Authorization: token }
                    : options.headers,
            });
        } catch (error) {
            if (error.status !== 401) {
                throw error;
            }
            wanted = true;
            // Another request may have got a new one meanwhile.
            if (token && token === authorization()) {
                rejectToken();
                reason = "Ce jeton n’est pas accepté.";
            }
        }
    }
}

function json(body, headers = {}) {
    return body === undefined
        ? { headers }
        : {
              headers: { ...headers, "Content-Type": "application/json" },
              body: JSON.stringify(body),
          };
}

// A POST is sent again with the same key when nobody knows whether it was
// done: the server does it once.  What is still unknown after that is thrown
// with "unknown" set, and the key stays good for another try.  token: the only
// one that it is sent with, since the key is another one's; nobody is asked then.
export async function post(path, body, key, token = null) {
    const options = json(body, {
        "Idempotency-Key": key,
        ...(token ? { Authorization: token } : {}),
    });
    const ask = token ? send : authorized;
    const begun = Date.now();

    for (let attempt = 1; ; attempt += 1) {
        try {
            return (await ask("POST", path, options)).data;
        } catch (error) {
            if (!error.temporary && !running(error)) {
                // It may have gone wrong after it was done, or been done before
                // the token was withdrawn.
                error.unknown =
                    error.status >= 500 ||
                    (error.status === 401 && attempt > 1);
                throw error;
            }
            if (attempt === TRIES) {
                error.unknown = true;
                throw error;
            }
            await pause(Math.min(error.wait ?? 1, 2));
            if (Date.now() - begun > KNOWN) {
                error.unknown = true;
                throw error;
            }
        }
    }
}

// The same once, with this token: nobody is asked for one.
export async function postOnce(path, body, key, token) {
    const { headers, body: text } = json(body, {
        "Idempotency-Key": key,
        Authorization: token,
    });

    return (await send("POST", path, { headers, body: text })).data;
}

// What a dialog sends: the same text again is the same request as long as
// its outcome is unknown.  A refusal is kept under its key, so that what
// comes after one has another.
export function sender() {
    let key = null;
    let last = null;

    return async (path, body) => {
        const text = JSON.stringify([path, body]);

        if (key === null || text !== last) {
            key = newKey();
            last = text;
        }
        try {
            return await post(path, body, key);
        } catch (error) {
            if (!error.unknown) {
                key = null;
            }
            throw error;
        }
    };
}

// An answer that is read while it comes, however long it is.  piece(text) has
// the parts; a server that says nothing for a minute is silent.
async function streamed(method, path, options, needed, piece) {
    const quiet = new AbortController();
    let timer;
    const heard = () => {
        clearTimeout(timer);
        timer = setTimeout(() => quiet.abort(), QUIET);
    };
    const take = async (response) => {
        const reader = response.body
            .pipeThrough(new TextDecoderStream())
            .getReader();

        for (;;) {
            const { done, value } = await reader.read();

            heard();
            if (done) {
                return;
            }
            await piece(value);
        }
    };

    heard();
    try {
        await authorized(
            method,
            path,
            { ...options, patience: quiet.signal, take },
            needed,
        );
    } finally {
        clearTimeout(timer);
    }
}

// A list as a file, all of it: parts of its text
export const readCsv = (path, piece, signal) =>
    streamed(
        "GET",
        path,
        { headers: { Accept: "text/csv" }, signal },
        false,
        piece,
    );

// Rows for a batch, each a line of JSON; line(object) for each line of the answer.
// Gives its last one.  An answer that ends without having decided is as none:
// the same key tells what became of it.
export async function postLines(path, body, key, line) {
    const options = {
        headers: {
            "Content-Type": "application/x-ndjson",
            "Idempotency-Key": key,
        },
        body,
    };

    for (let attempt = 1, asked = 0; ; attempt += 1) {
        try {
            return await decision(path, options, line);
        } catch (error) {
            // The first one is at work: it is waited for.
            if (running(error) && asked < QUIET / 1000) {
                asked += 1;
                attempt -= 1;
            } else if (!error.temporary && !running(error)) {
                throw error;
            } else if (attempt === TRIES) {
                error.unknown = true;
                throw error;
            }
            await pause(Math.min(error.wait ?? 1, 2));
        }
    }
}

async function decision(path, options, line) {
    let rest = "";
    let last = null;

    await streamed("POST", path, options, true, (text) => {
        const lines = (rest + text).split("\n");

        rest = lines.pop();
        for (const one of lines.filter(Boolean)) {
            last = JSON.parse(one);
            line(last);
        }
    });
    if (last?.ecrites === undefined) {
        throw new Silence(new Error(last?.detail ?? "no decision"));
    }
    return last;
}

// PUT and PATCH name the state that they start from, and are not sent again:
// the page looks at what became of it.
export function change(method, path, body, etag) {
    return authorized(
        method,
        path,
        json(body, etag ? { "If-Match": etag } : {}),
    );
}
