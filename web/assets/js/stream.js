// The stream of changes (GET /journal/stream/), read with fetch(): EventSource
// sends no token.

import { Refusal, Silence } from "./errors.js";
import { EventBlocks } from "./sse.js";
import { authorization } from "./token.js";

// The first block comes at once, and a comment every 15 s after that.
const FIRST = 10000;
const QUIET = 40000;

// The server has no such stream, or something between here and there has
// answered in its place.
export class NoStream extends Error {}

async function open(store, after, signal) {
    const token = authorization();
    let response;

    try {
        response = await fetch(
            `/api/v1/journal/stream/${store === null ? "" : `?magasin=${store}`}`,
            {
                cache: "no-store",
                headers: {
                    Accept: "text/event-stream",
                    ...(token ? { Authorization: token } : {}),
                    ...(after === null ? {} : { "Last-Event-ID": after }),
                },
                signal,
            },
        );
    } catch (error) {
        throw new Silence(error);
    }
    if (!response.ok) {
        const wait = Number(response.headers.get("Retry-After"));
        throw new Refusal(response, null, wait > 0 ? wait : null);
    }
    if (
        !response.headers.get("Content-Type")?.startsWith("text/event-stream")
    ) {
        throw new NoStream("no stream of events");
    }
    return response.body.pipeThrough(new TextDecoderStream()).getReader();
}

// Reads until the stream ends, and gives each block to take() as it comes.
// store: null for all of them; after: the last id that was heard, or null.  A
// stream that says nothing for too long is broken (Silence).
export async function listen({ store, after, signal, take }) {
    const broken = new AbortController();
    const either = AbortSignal.any([signal, broken.signal]);
    let timer = setTimeout(() => broken.abort(), FIRST);

    try {
        const reader = await open(store, after, either);
        const blocks = new EventBlocks();

        for (;;) {
            const { done, value } = await reader.read();

            if (done) {
                return;
            }
            clearTimeout(timer);
            timer = setTimeout(() => broken.abort(), QUIET);
            for (const block of blocks.feed(value)) {
                take(block);
            }
        }
    } catch (error) {
        if (error instanceof Refusal || error instanceof NoStream) {
            throw error;
        }
        throw error instanceof Silence ? error : new Silence(error);
    } finally {
        clearTimeout(timer);
        broken.abort();
    }
}
