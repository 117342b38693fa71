// What a second of a scenario was like, for seconds.csv.

const at = (sorted, share) =>
    sorted.length && sorted[Math.floor(share * (sorted.length - 1))];

const shown = (value) => Math.round(value * 1000) / 1000;

export class Seconds {
    rows = new Map();
    users = [];

    begin(users) {
        this.begun = performance.now();
        this.timer = setInterval(() => {
            this.users[this.now()] = users();
        }, 250);
    }

    end() {
        clearInterval(this.timer);
    }

    now() {
        return Math.floor((performance.now() - this.begun) / 1000);
    }

    add({ tags: { scenario } }, duration, status, right) {
        if (scenario === undefined) {
            return;
        }
        const second = this.now();
        const key = `${scenario},${second}`;
        let row = this.rows.get(key);
        if (row === undefined) {
            row = { second, refused: 0, failed: 0, served: [] };
            this.rows.set(key, row);
        }
        if (right) {
            row.served.push(duration);
        } else {
            row[status === 503 ? "refused" : "failed"]++;
        }
    }

    csv() {
        const lines = [
            "scenario,second,users,served,refused,failed," +
                "average_ms,p95_ms,p99_ms,max_ms",
        ];
        for (const [key, row] of this.rows) {
            const served = row.served.sort((a, b) => a - b);
            const sum = served.reduce((a, b) => a + b, 0);
            lines.push(
                [
                    key,
                    this.users[row.second] ?? 0,
                    served.length,
                    row.refused,
                    row.failed,
                    shown(sum / served.length || 0),
                    shown(at(served, 0.95)),
                    shown(at(served, 0.99)),
                    shown(served.at(-1) ?? 0),
                ].join(","),
            );
        }
        return `${lines.join("\n")}\n`;
    }
}
