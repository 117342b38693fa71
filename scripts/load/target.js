// The server under test: requests that answer with what is to be counted.

import { Client } from "undici";

const OPTIONS = {
    pipelining: 1,
    keepAliveTimeout: 60_000,
    headersTimeout: 30_000,
    bodyTimeout: 30_000,
};

// One connection, opened when it is used.
export const connection = (origin) => new Client(origin, OPTIONS);

// done(status, headers, body, error): status is 0 where there was no answer;
// body is gathered only if it is wanted.
export function send(client, request, wanted, done) {
    let status = 0;
    let headers;
    const chunks = wanted ? [] : null;
    client.dispatch(
        {
            method: request.method,
            path: request.path,
            headers: request.headers,
            body: request.body,
        },
        {
            onRequestStart() {},
            onResponseStart(_, code, fields) {
                status = code;
                headers = fields;
            },
            onResponseData(_, chunk) {
                chunks?.push(chunk);
            },
            onResponseEnd() {
                done(status, headers, chunks && Buffer.concat(chunks));
            },
            onResponseError(_, error) {
                done(0, {}, null, error);
            },
        },
    );
}

// An answer that a test needs before it can begin.
export function fetchJson(client, path) {
    return new Promise((resolve, reject) => {
        send(
            client,
            { method: "GET", path },
            true,
            (status, _headers, body, error) => {
                if (status !== 200) {
                    reject(error ?? new Error(`GET ${path}: ${status}`));
                    return;
                }
                resolve(JSON.parse(body));
            },
        );
    });
}
