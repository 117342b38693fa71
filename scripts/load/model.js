// Who asks: users, each with one request at a time (a closed model), or
// arrivals at a rate that no slow answer holds up (an open one).  Both follow
// stages [seconds, target], from one target to the next in a straight line.

import { connection, send } from "./target.js";

// The value at an instant, from 0 at the first one; `begin` for a flat start.
export function level(stages, seconds, begin = 0) {
    let from = begin;
    let start = 0;
    for (const [length, target] of stages) {
        if (seconds < start + length) {
            return from + (target - from) * ((seconds - start) / length);
        }
        start += length;
        from = target;
    }
    return from;
}

export const length = (stages) => stages.reduce((sum, [s]) => sum + s, 0);

const sleep = (ms) =>
    new Promise((resolve) => {
        setTimeout(resolve, ms);
    });

const immediate = () =>
    new Promise((resolve) => {
        setImmediate(resolve);
    });

// Requests that are sent before answers are looked at.
const BURST = 32;

// 503 with Retry-After is a server that sheds load, in the way it should.
function judge(request, status, headers, body, error) {
    if (status === 503 && headers["retry-after"] !== undefined) {
        return ["shed"];
    }
    if (status !== 200) {
        return [
            "failed",
            error
                ? `${error.code ?? error.name}`
                : `${request.name}: ${status}`,
        ];
    }
    if (body === null) {
        return ["served"];
    }
    let verdict;
    try {
        verdict = request.check(JSON.parse(body));
    } catch {
        verdict = "is not JSON";
    }
    return verdict === true
        ? ["served"]
        : ["failed", `the answer to ${request.name} ${verdict}`];
}

function ask(client, request, checked, record) {
    return new Promise((resolve) => {
        const begun = performance.now();
        send(client, request, checked, (status, headers, body, error) => {
            const took = performance.now() - begun;
            const [outcome, complaint] = judge(
                request,
                status,
                headers,
                body,
                error,
            );
            record.add(request.name, status, outcome, took, complaint);
            resolve();
        });
    });
}

// think: seconds that a user waits between an answer and the next request,
// half as long to half as long again; checked: the part of the bodies that is
// read, 0 to 1.
export async function users({
    origin,
    mix,
    record,
    stages,
    begin,
    think,
    checked,
}) {
    const end = length(stages);
    const elapsed = () => (performance.now() - record.started) / 1000;
    const wanted = () => Math.ceil(level(stages, elapsed(), begin));
    const crowd = [];

    async function live(number) {
        const client = connection(origin);
        while (elapsed() < end && number < wanted()) {
            await ask(client, mix(), Math.random() < checked, record);
            if (think > 0) {
                await sleep(think * 1000 * (0.5 + Math.random()));
            }
        }
        await client.close();
        crowd[number] = null;
    }

    while (elapsed() < end) {
        for (let number = 0; number < wanted(); number++) {
            crowd[number] ??= live(number);
        }
        await sleep(50);
    }
    await Promise.all(crowd);
    return { load: (second) => Math.ceil(level(stages, second + 0.5, begin)) };
}

// Opened before anything is counted: a thousand new connections at once hold the
// generator up, and would be taken for a slow server.
async function openConnections(origin, count) {
    const clients = Array.from({ length: count }, () => connection(origin));
    const greeting = { method: "GET", path: "/healthz" };
    for (let n = 0; n < count; n += 50) {
        await Promise.all(
            clients.slice(n, n + 50).map(
                (client) =>
                    new Promise((resolve) => {
                        send(client, greeting, false, resolve);
                    }),
            ),
        );
    }
    return clients;
}

// connections: as many requests may be unanswered; one more is not sent, and
// counted.
export async function arrivals({
    origin,
    mix,
    record,
    stages,
    begin,
    connections,
    checked,
}) {
    const end = length(stages);
    const idle = await openConnections(origin, connections);
    record.started = performance.now();
    const elapsed = () => (performance.now() - record.started) / 1000;
    let before = 0;
    let due = 0;
    let sent = 0;
    let unsent = 0;
    let late = 0;

    while (before < end) {
        // Behind, it looks at what has come before it sends more.
        await (sent + unsent < Math.floor(due) ? immediate() : sleep(1));
        const now = Math.min(elapsed(), end);
        late = Math.max(late, now - before);
        due += level(stages, (before + now) / 2, begin) * (now - before);
        before = now;
        for (let n = 0; n < BURST && sent + unsent < Math.floor(due); n++) {
            const client = idle.pop();
            if (client === undefined) {
                unsent++;
                continue;
            }
            sent++;
            ask(client, mix(), Math.random() < checked, record).then(() => {
                idle.push(client);
            });
        }
    }
    while (idle.length < connections) {
        await sleep(10);
    }
    await Promise.all(idle.map((client) => client.close()));
    return {
        load: (second) => level(stages, second + 0.5, begin),
        offered: Math.floor(due),
        unsent,
        longest_pause_ms: Math.round(late * 1000),
    };
}
