// The way to the API: reads, and writes that are done once however often they
// are sent.

import { Refusal, Silence, Withdrawn } from "./errors.js";
import { askForToken, authorization, rejectToken } from "./token.js";

const BASE = "/api/v1";
const DEADLINE = 15000;
const TRIES = 3;

async function bodyOf(response) {
    if (!response.headers.get("Content-Type")?.includes("json")) {
        return null;
    }
    return response.json();
}

async function send(method, path, { headers = {}, body, signal } = {}) {
    const signals = [AbortSignal.timeout(DEADLINE)];
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
        data = await bodyOf(response);
    } catch (error) {
        // Who left the page waits for nothing.
        signal?.throwIfAborted();
        throw new Silence(error);
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

const running = (error) => error.status === 409 && error.body.en_cours === true;

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
// with "unknown" set, and the key stays good for another try.
export async function post(path, body, key) {
    const options = json(body, { "Idempotency-Key": key });

    for (let attempt = 1; ; attempt += 1) {
        try {
            return (await authorized("POST", path, options)).data;
        } catch (error) {
            if (!error.temporary && !running(error)) {
                throw error;
            }
            if (attempt === TRIES) {
                error.unknown = true;
                throw error;
            }
            await pause(Math.min(error.wait ?? 1, 2));
        }
    }
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

// PUT and PATCH name the state that they start from, and are not sent again:
// the page looks at what became of it.
export function change(method, path, body, etag) {
    return authorized(
        method,
        path,
        json(body, etag ? { "If-Match": etag } : {}),
    );
}
