// The pages of a large retailer: 100,000 products, 500 stores, 50,000 rows in one
// of them.  Not a part of the suite: make test-web SCALE=1.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { after, before, test } from "node:test";
import {
    api,
    openBrowser,
    openTab,
    paths,
    settled,
    sql,
    traffic,
    withToken,
} from "./browser.js";

const KILOBYTES = 300;
const ELEMENTS = 2000;
const MILLISECONDS = Number(process.env.MAX_FIRST_LOAD_MS ?? Infinity);
const IDLE = Number(process.env.IDLE_SECONDS ?? 60) * 1000;
const ROWS = 50000;

const large = `
    INSERT INTO magasin (id, nom, adresse)
    SELECT n, 'Magasin ' || n, n || ' rue du Nombre'
      FROM generate_series(1001, 1495) n;
    INSERT INTO produit (id, nom, categorie, prix)
    SELECT n, 'Masse ' || lpad(n::text, 6, '0'), 'Rayon ' || n % 40, 1 + n % 90
      FROM generate_series(200001, 300000) n;
    INSERT INTO stock_local (magasin_id, produit_id, quantite)
    SELECT 3, n, n % 20 FROM generate_series(200001, 250000) n;
    INSERT INTO stock_local (magasin_id, produit_id, quantite)
    SELECT m, 200000 + 20 * (m - 1000) + n, n
      FROM generate_series(1001, 1495) m, generate_series(1, 20) n;
    INSERT INTO stock_central (produit_id, quantite)
    SELECT n, 5 FROM generate_series(200001, 300000) n;
    ANALYZE;`;

let chromium;

before(async () => {
    chromium = await openBrowser();
    await sql(large);
});
after(() => chromium.close());

const load = () => `load ${loadavg()[0].toFixed(0)}`;
const places = paths.map((path) =>
    ["/stock", "/caisse", "/commander"].includes(path)
        ? `${path}?magasin=3`
        : path,
);

// What a page costs on whatever machine: the seconds of a processor that its main
// thread took until it was there, and how long the API let it wait, which the
// requests in series add up to.
async function costOf(tab, debug) {
    const { metrics } = await debug.send("Performance.getMetrics");
    const { value } = metrics.find(({ name }) => name === "TaskDuration");
    const facts = await tab.evaluate(() => {
        const spans = performance
            .getEntriesByType("resource")
            .filter((one) => one.name.includes("/api/"))
            .map((one) => [one.requestStart, one.responseEnd])
            .sort((a, b) => a[0] - b[0]);
        let waited = 0;
        let until = 0;

        // Requests at the same time are waited for at the same time.
        for (const [from, to] of spans) {
            waited += Math.max(0, to - Math.max(from, until));
            until = Math.max(until, to);
        }
        return { waited, nodes: document.querySelectorAll("*").length };
    });

    return { cpu: value * 1000, ...facts };
}

async function open(path) {
    const opened = await openTab(chromium.browser);
    const { tab } = opened;
    const debug = await tab.context().newCDPSession(tab);
    const seen = { bytes: 0, requests: 0 };
    const quiet = traffic(tab);

    // It is measured, also where the machine is busy.
    tab.setDefaultTimeout(60000);
    await withToken(tab);
    await debug.send("Network.enable");
    await debug.send("Performance.enable", { timeDomain: "threadTicks" });
    debug.on("Network.loadingFinished", (event) => {
        seen.bytes += event.encodedDataLength;
    });
    tab.on("request", (request) => {
        if (request.url().includes("/api/")) {
            seen.requests += 1;
        }
    });
    const start = performance.now();
    await tab.goto(path);
    await settled(tab);
    const time = performance.now() - start;

    return { ...opened, seen, quiet, time, cost: await costOf(tab, debug) };
}

test("each page: bytes, requests, milliseconds", async () => {
    for (const path of places) {
        let best = null;

        // The machine may be busy with something else: the best of three.
        for (let left = 3; left > 0; left -= 1) {
            const { seen, quiet, time, cost, nothingWrong, close } =
                await open(path);

            await quiet();
            nothingWrong();
            if (best === null || time < best.time) {
                best = { ...seen, ...cost, time };
            }
            await close();
            if (best.time < 1000) {
                break;
            }
        }
        const { bytes, requests, cpu, waited, nodes, time } = best;
        console.log(
            `# ${path}: ${Math.round(bytes / 1024)} kB, ${requests} requests, ` +
                `${nodes} elements, ${Math.round(cpu)} ms of a processor, ` +
                `${Math.round(waited)} ms of the API, ${Math.round(time)} ms, ${load()}`,
        );
        assert.ok(nodes < ELEMENTS, `${path}: ${nodes} elements`);
        assert.ok(bytes < KILOBYTES * 1024, `${path}: ${bytes} bytes`);
        assert.ok(time < MILLISECONDS, `${path}: ${time} ms`);
    }
});

test("each page, while nobody does anything: requests", async () => {
    const all = [];

    for (const path of places) {
        const one = await open(path);

        await one.quiet();
        all.push({ path, ...one });
    }
    // What changed before the stream of changes began is read once more.
    for (const one of all) {
        do {
            one.before = one.seen.requests;
            await new Promise((resolve) => setTimeout(resolve, 2000));
        } while (one.seen.requests > one.before);
    }
    await new Promise((resolve) => setTimeout(resolve, IDLE));
    for (const { path, before, seen, close } of all) {
        console.log(
            `# ${path}: ${seen.requests - before} requests in ${IDLE / 1000} s`,
        );
        await close();
        assert.equal(seen.requests, before, path);
    }
});

// The longest time in which the page answered to nobody
const watch = (tab) =>
    tab.evaluate(() => {
        globalThis.longest = 0;
        new PerformanceObserver((list) => {
            for (const { duration } of list.getEntries()) {
                globalThis.longest = Math.max(globalThis.longest, duration);
            }
        }).observe({ entryTypes: ["longtask"] });
    });

test("50,000 rows are exported, changed and imported", async () => {
    const { tab, nothingWrong, close } = await open("/stock?magasin=3");

    tab.setDefaultTimeout(240000);
    await watch(tab);
    let start = performance.now();
    const [download] = await Promise.all([
        tab.waitForEvent("download"),
        tab.getByRole("button", { name: "CSV : toute la liste" }).click(),
    ]);
    const text = await readFile(await download.path(), "utf8");
    console.log(
        `# exported: ${Math.round(performance.now() - start)} ms, longest task ${await tab.evaluate(() => globalThis.longest)} ms, ${load()}`,
    );
    const lines = text.trim().split("\r\n");
    assert.ok(lines.length > ROWS);

    const at = lines[0].split(";").indexOf("quantite");
    const changed = [
        lines[0],
        ...lines.slice(-ROWS).map((line) => {
            const cells = line.split(";");
            cells[at] = String(Number(cells[at]) + 1);
            return cells.join(";");
        }),
    ];
    await tab.goto("/importer?contenu=stock&magasin=3");
    await settled(tab);
    await watch(tab);
    start = performance.now();
    await tab.getByLabel(/^Fichier CSV/).setInputFiles({
        name: "stock.csv",
        mimeType: "text/csv",
        buffer: Buffer.from(`${changed.join("\r\n")}\r\n`),
    });
    const go = tab.getByRole("button", { name: /^Importer 50.000 lignes$/ });
    await go.waitFor();
    console.log(
        `# looked at: ${Math.round(performance.now() - start)} ms, longest task ${await tab.evaluate(() => globalThis.longest)} ms, ${load()}`,
    );
    const nodes = await tab.evaluate(
        () => document.querySelectorAll("*").length,
    );
    assert.ok(nodes < 2000, `${nodes} elements`);
    start = performance.now();
    await go.click();
    await tab
        .getByRole("heading", { name: /50.000.lignes importées/ })
        .waitFor();
    console.log(
        `# imported: ${Math.round(performance.now() - start)} ms, longest task ${await tab.evaluate(() => globalThis.longest)} ms, ${load()}`,
    );
    const one = changed.at(-1).split(";");
    assert.equal(
        (await api("GET", `/stores/3/stock/${one[0]}/`)).quantite,
        Number(one[at]),
    );
    nothingWrong();
    await close();
});
