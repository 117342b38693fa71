// Processor time from /proc: of a server with all its children, of this
// process, and of the machine.

import { readdirSync, readFileSync } from "node:fs";

const read = (path) => {
    try {
        return readFileSync(path, "latin1");
    } catch {
        return null; // it has ended
    }
};

function children() {
    const found = new Map();
    for (const name of readdirSync("/proc")) {
        const stat = /^\d+$/.test(name) && read(`/proc/${name}/stat`);
        if (stat) {
            // The name in parentheses may hold anything.
            const parent = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1];
            found.set(parent, [...(found.get(parent) ?? []), name]);
        }
    }
    return found;
}

// The first number of schedstat: nanoseconds on a processor.
function own(pid) {
    let sum = 0;
    let threads = [];
    try {
        threads = readdirSync(`/proc/${pid}/task`);
    } catch {
        // it has ended
    }
    for (const thread of threads) {
        sum += Number(
            read(`/proc/${pid}/task/${thread}/schedstat`)?.split(" ")[0] ?? 0,
        );
    }
    return sum / 1e9;
}

function tree(pid, all) {
    return (all.get(pid) ?? []).reduce(
        (sum, child) => sum + tree(child, all),
        own(pid),
    );
}

// The machine's: seconds that its processors worked, since it was started.
function machine() {
    const fields = read("/proc/stat")
        .split("\n")[0]
        .split(/\s+/)
        .slice(1)
        .map(Number);
    const [user, nice, system, , , irq, softirq] = fields;
    return (user + nice + system + irq + softirq) / 100;
}

// "nginx=12+34,postgres=56": names and pids of what to look at
export function watch(text) {
    const groups = Object.fromEntries(
        (text ?? "")
            .split(",")
            .filter(Boolean)
            .map((entry) => {
                const [name, pids] = entry.split("=");
                return [name, pids.split("+")];
            }),
    );
    const look = () => {
        const all = children();
        const seconds = { load_generator: process.cpuUsage() };
        const { user, system } = seconds.load_generator;
        seconds.load_generator = (user + system) / 1e6;
        for (const [name, pids] of Object.entries(groups)) {
            seconds[name] = pids.reduce((sum, pid) => sum + tree(pid, all), 0);
        }
        return { at: performance.now(), machine: machine(), seconds };
    };
    const first = look();

    // Microseconds a request, and how many processors were busy with it.
    return (requests) => {
        const last = look();
        const wall = (last.at - first.at) / 1000;
        const used = {};
        let known = 0;
        for (const [name, seconds] of Object.entries(last.seconds)) {
            const spent = seconds - first.seconds[name];
            known += spent;
            used[name] = {
                microseconds_per_request: requests
                    ? Math.round((spent / requests) * 1e7) / 10
                    : null,
                processors: Math.round((spent / wall) * 100) / 100,
            };
        }
        const others = last.machine - first.machine - known;
        used.others = {
            processors: Math.max(0, Math.round((others / wall) * 100) / 100),
        };
        return used;
    };
}
