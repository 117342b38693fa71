// Processor time from /proc: of a server with all its children, of the load
// generator that this process has started, and of the machine.

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

// Of children that have ended: cutime and cstime, in hundredths.
function ended() {
    const stat = read("/proc/self/stat");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[13]) + Number(fields[14])) / 100;
}

// text: "nginx=12+34,postgresql=56", names and pids of what to look at.  To be
// called before the generator works.  What it returns is called when that has
// ended, and says how many seconds each has used, and how many processors that
// kept busy.
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
        const seconds = { load_generator: ended() };
        for (const [name, pids] of Object.entries(groups)) {
            seconds[name] = pids.reduce((sum, pid) => sum + tree(pid, all), 0);
        }
        return { at: performance.now(), machine: machine(), seconds };
    };
    const first = look();

    return () => {
        const last = look();
        const wall = (last.at - first.at) / 1000;
        const used = {};
        const add = (name, seconds) => {
            used[name] = {
                seconds,
                processors: Math.round((seconds / wall) * 100) / 100,
            };
        };
        let known = 0;
        for (const [name, seconds] of Object.entries(last.seconds)) {
            known += seconds - first.seconds[name];
            add(name, seconds - first.seconds[name]);
        }
        add("others", Math.max(0, last.machine - first.machine - known));
        return used;
    };
}
