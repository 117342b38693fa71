// The module "k6/http", of which it has asyncRequest(): all users share a
// thread, so that no request can be waited for without await.

import { Client } from "undici";
import { builtin, samples } from "./metrics.js";
import { here } from "./state.js";
import { NEVER } from "./users.js";

const OPTIONS = {
    pipelining: 1,
    keepAliveTimeout: 60_000,
    headersTimeout: 60_000,
    bodyTimeout: 60_000,
};

export function expectedStatuses(...statuses) {
    return (status) =>
        statuses.some((s) =>
            typeof s === "number"
                ? s === status
                : s.min <= status && status <= s.max,
        );
}

let expected = expectedStatuses({ min: 200, max: 399 });

export function setResponseCallback(callback) {
    expected = callback;
}

// Names of headers are in the form in which k6 has them.
const named = (headers) =>
    Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [
            name.replace(/(^|-)[a-z]/g, (letters) => letters.toUpperCase()),
            [value].flat().join(", "),
        ]),
    );

// Resolves with what came; an error is a part of that.
function exchange(client, request, wanted) {
    const came = { status: 0, headers: {}, bytes: 0, error: null };
    const chunks = wanted ? [] : null;
    const begun = performance.now();
    came.sent = begun;
    return new Promise((resolve) => {
        const over = (error) => {
            came.ended = performance.now();
            came.first ??= came.ended;
            came.error = error;
            came.body = chunks && Buffer.concat(chunks).toString("utf8");
            came.blocked = came.sent - begun;
            resolve(came);
        };
        client.dispatch(request, {
            onRequestStart() {
                came.sent = performance.now();
            },
            onResponseStart(_, status, headers) {
                came.first = performance.now();
                came.status = status;
                came.headers = headers;
            },
            onResponseData(_, chunk) {
                came.bytes += chunk.length;
                chunks?.push(chunk);
            },
            onResponseEnd: () => over(null),
            onResponseError(_, error) {
                came.status = 0;
                over(error);
            },
        });
    });
}

export async function asyncRequest(method, url, body, params) {
    const user = here();
    if (user === null) {
        throw new Error("a request needs a virtual user");
    }
    if (user.interrupted) {
        return NEVER;
    }
    const { origin, pathname, search } = new URL(url);
    let client = user.clients.get(origin);
    if (client === undefined) {
        client = new Client(origin, OPTIONS);
        user.clients.set(origin, client);
    }
    const came = await exchange(
        client,
        { method, path: pathname + search, headers: params?.headers, body },
        params?.responseType !== "none",
    );
    if (user.interrupted) {
        return NEVER;
    }
    const right = (params?.responseCallback ?? expected)(came.status);
    const tags = {
        method,
        name: url,
        status: came.status,
        expected_response: right,
        ...params?.tags,
    };
    const duration = came.ended - came.sent;
    samples(
        [
            [builtin.requests, 1],
            [builtin.failed, !right],
            [builtin.duration, duration],
            [builtin.waiting, came.first - came.sent],
            [builtin.blocked, came.blocked],
            [builtin.dataReceived, came.bytes],
        ],
        tags,
    );
    user.told?.(user, duration, came.status, right);
    return {
        url,
        status: came.status,
        // Most are not looked at.
        get headers() {
            return named(came.headers);
        },
        body: came.body,
        error: came.error ? String(came.error.code ?? came.error.message) : "",
        error_code: came.error ? 1000 : 0,
        timings: {
            blocked: came.blocked,
            duration,
            waiting: came.first - came.sent,
        },
        json: () => JSON.parse(came.body),
    };
}

const blocking = () => {
    throw new Error("the runner has asyncRequest() alone: take k6 itself");
};

export default {
    asyncRequest,
    batch: blocking,
    del: blocking,
    expectedStatuses,
    get: blocking,
    head: blocking,
    options: blocking,
    patch: blocking,
    post: blocking,
    put: blocking,
    request: blocking,
    setResponseCallback,
};
