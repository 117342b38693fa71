// The module "k6".

import { builtin, samples } from "./metrics.js";
import { here } from "./state.js";

const section = (name, path) => ({
    name,
    path,
    groups: new Map(),
    checks: new Map(),
});
const root = section("", "");
let open = root;

export function check(value, sets, tags = {}) {
    let all = true;
    for (const [name, test] of Object.entries(sets)) {
        const passed = Boolean(typeof test === "function" ? test(value) : test);
        const path = `${open.path}::${name}`;
        if (!open.checks.has(name)) {
            open.checks.set(name, { name, path, passes: 0, fails: 0 });
        }
        if (!here()?.interrupted) {
            open.checks.get(name)[passed ? "passes" : "fails"]++;
        }
        samples([[builtin.checks, passed]], {
            ...tags,
            check: name,
            group: open.path,
        });
        all &&= passed;
    }
    return all;
}

// As in k6, what a group calls cannot wait.
export function group(name, code) {
    const outer = open;
    const begun = performance.now();
    const path = `${outer.path}::${name}`;
    if (code.constructor.name === "AsyncFunction") {
        throw new Error(`group "${name}": an async function is no group`);
    }
    if (!outer.groups.has(name)) {
        outer.groups.set(name, section(name, path));
    }
    open = outer.groups.get(name);
    try {
        return code();
    } finally {
        open = outer;
        samples([[builtin.groupDuration, performance.now() - begun]], {
            group: path,
        });
    }
}

// In k6 it returns when the time is over; here all users share a thread, so it
// is to be awaited, which k6 does not mind.
export function sleep(seconds) {
    const user = here();
    if (user === null) {
        throw new Error("sleep() needs a virtual user");
    }
    user.asleep++;
    return user.pause(seconds * 1000).finally(() => {
        user.asleep--;
    });
}

export function fail(message) {
    throw new Error(message ?? "");
}

// The tree of groups and checks, as handleSummary() is given it.
export function tree(of = root) {
    return {
        name: of.name,
        path: of.path,
        groups: [...of.groups.values()].map(tree),
        checks: [...of.checks.values()],
    };
}

export default { check, fail, group, sleep };
