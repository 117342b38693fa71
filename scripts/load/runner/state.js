// What the modules of k6 know without being told: which virtual user calls.

import { AsyncLocalStorage } from "node:async_hooks";

const current = new AsyncLocalStorage();

// The user whose code runs; null in the init context.
export const here = () => current.getStore() ?? null;

// run(user, code): the user is known in all that the code waits for.
export const run = (user, code) => current.run(user, code);

// A script that cannot be run as it is: a status of its own, as k6 has.
export class Refusal extends Error {
    constructor(message, status) {
        super(message);
        this.status = status;
    }
}

export const EXIT = {
    thresholds: 99,
    configuration: 104,
    exception: 107,
};
