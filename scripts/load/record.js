// What is counted: requests, answers, and how long they took, in all, by kind
// and by second.  Node's own histograms are HDR histograms.

import { createHistogram } from "node:perf_hooks";

const MINUTE = 60_000_000; // in microseconds

const histogram = () =>
    createHistogram({ lowest: 1, highest: MINUTE, figures: 3 });

const rounded = (value) => Math.round(value * 1000) / 1000;

export function times(recorded) {
    const at = (percent) => rounded(recorded.percentile(percent) / 1000);
    return recorded.count === 0
        ? null
        : {
              average: rounded(recorded.mean / 1000),
              p50: at(50),
              p90: at(90),
              p95: at(95),
              p99: at(99),
              max: rounded(recorded.max / 1000),
          };
}

class Count {
    constructor() {
        this.served = histogram();
        this.shed = histogram();
        this.failed = 0;
        this.statuses = {};
    }

    add(status, outcome, microseconds) {
        this.statuses[status] = (this.statuses[status] ?? 0) + 1;
        if (outcome === "failed") {
            this.failed++;
            return;
        }
        this[outcome].record(Math.min(Math.max(1, microseconds), MINUTE));
    }

    summary(seconds) {
        const served = this.served.count;
        const shed = this.shed.count;
        const requests = served + shed + this.failed;
        return {
            requests,
            served,
            shed,
            failed: this.failed,
            requests_per_second: rounded(requests / seconds),
            served_per_second: rounded(served / seconds),
            error_rate: requests ? (requests - served) / requests : 0,
            statuses: this.statuses,
            served_ms: times(this.served),
            shed_ms: times(this.shed),
        };
    }
}

export class Record {
    constructor() {
        this.all = new Count();
        this.kinds = {};
        this.seconds = [];
        this.complaints = {};
        this.started = performance.now();
    }

    // outcome: served, shed (503 with Retry-After) or failed
    add(kind, status, outcome, milliseconds, complaint) {
        const microseconds = Math.round(milliseconds * 1000);
        const second = Math.floor((performance.now() - this.started) / 1000);

        this.kinds[kind] ??= new Count();
        this.seconds[second] ??= new Count();
        for (const count of [
            this.all,
            this.kinds[kind],
            this.seconds[second],
        ]) {
            count.add(status, outcome, microseconds);
        }
        if (complaint) {
            this.complaints[complaint] = (this.complaints[complaint] ?? 0) + 1;
        }
    }

    // users(second): how many there were, or how many requests were due
    summary(load) {
        const seconds = (performance.now() - this.started) / 1000;
        const series = [];
        for (let n = 0; n < Math.max(1, Math.floor(seconds)); n++) {
            series.push({
                second: n,
                load: load(n),
                ...(this.seconds[n] ?? new Count()).summary(1),
            });
        }
        return {
            seconds: rounded(seconds),
            highest_per_second: Math.max(...series.map((s) => s.served)),
            ...this.all.summary(seconds),
            kinds: Object.fromEntries(
                Object.entries(this.kinds).map(([name, count]) => [
                    name,
                    count.summary(seconds),
                ]),
            ),
            complaints: this.complaints,
            series,
        };
    }
}
