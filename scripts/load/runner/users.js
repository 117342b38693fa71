// Virtual users: each has its connections and runs one iteration at a time.

import { setTimeout as wait } from "node:timers/promises";
import { builtin, samples } from "./metrics.js";
import { EXIT, Refusal, run } from "./state.js";

const INTERRUPTED = Symbol("interrupted");

export const NEVER = new Promise(() => {});

export class User {
    constructor(id, told) {
        this.id = id;
        this.told = told;
        this.iteration = 0;
        this.clients = new Map();
        this.tags = {};
        this.asleep = 0;
        this.interrupted = false;
        this.stop = new AbortController();
        this.stopped = new Promise((resolve) => {
            this.stop.signal.addEventListener("abort", () => {
                resolve(INTERRUPTED);
            });
        });
    }

    // What is interrupted does not go on.
    pause(milliseconds) {
        return wait(milliseconds, undefined, {
            signal: this.stop.signal,
        }).catch(() => NEVER);
    }

    // Resolves with false if it was interrupted.
    async iterate(code, data, complain) {
        const begun = performance.now();
        const work = run(this, async () => {
            try {
                await code(data);
            } catch (error) {
                if (!this.interrupted) {
                    complain(error);
                }
            }
            if (this.asleep > 0 && !this.interrupted) {
                throw new Refusal("await sleep()", EXIT.exception);
            }
        });
        if ((await Promise.race([work, this.stopped])) === INTERRUPTED) {
            return false;
        }
        run(this, () => {
            samples([
                [builtin.iterations, 1],
                [builtin.iterationDuration, performance.now() - begun],
            ]);
        });
        this.iteration++;
        return true;
    }

    // What it has not finished is not counted.
    interrupt() {
        this.interrupted = true;
        this.stop.abort();
        return this.close();
    }

    close() {
        return Promise.all(
            [...this.clients.values()].map((client) => client.destroy()),
        );
    }
}

// Users are used again by the next scenario, with their connections.
export class Pool {
    constructor(told) {
        this.told = told;
        this.idle = [];
        this.all = [];
        this.busy = 0;
    }

    // As many of them as a scenario will need.
    reserve(count) {
        while (this.idle.length < count) {
            this.all.push(new User(this.all.length + 1, this.told));
            this.idle.push(this.all.at(-1));
        }
        this.count();
    }

    take(tags) {
        if (this.idle.length === 0) {
            this.reserve(1);
        }
        const user = this.idle.shift();
        user.tags = tags;
        this.busy++;
        this.count();
        return user;
    }

    give(user) {
        this.busy--;
        if (!user.interrupted) {
            this.idle.push(user);
        }
        this.count();
    }

    count() {
        builtin.users.sink.add(this.busy);
        builtin.usersMax.sink.add(this.all.length);
    }

    close() {
        return Promise.all(this.all.map((user) => user.close()));
    }
}
