// A scanner at the till, in both browsers: each scan is its product, whatever the
// network does.
//
// environment:
//   SCANS  how many of them (default 40)

import assert from "node:assert/strict";
import { test } from "node:test";
import { api } from "./browser.js";
import { openOne } from "./two.js";

const SCANS = Number(process.env.SCANS ?? 40);
const KEY = 20;
const PRODUCTS = 30;
// So many go to the browser at a time, which keeps the time itself.
const TOGETHER = 8;
// Where the focus is then, in turn: in the field, on a product, on a button, on
// nothing, in the number of a line.
const PLACES = [
    "input[type=search]",
    ".tile",
    ".ticket-foot button.primary",
    null,
    ".stepper input",
];

// What has the check digit that it should
function ean(number) {
    const digits = String(number).padStart(12, "0");
    const sum = [...digits].reduce(
        (all, digit, at) => all + Number(digit) * (at % 2 ? 3 : 1),
        0,
    );

    return digits + ((10 - (sum % 10)) % 10);
}

// One after the other, so that a digit that is lost or doubled is another product
// or none.
async function products(family) {
    const made = [];

    for (let n = 0; n < PRODUCTS; n += 1) {
        const code = ean(family * 100000 + n * 11);
        const { id } = await api("POST", "/products/", {
            nom: `Essai ${family} ${String(n).padStart(2, "0")}`,
            categorie: "Essai",
            prix: "1.00",
            codes_barres: [code],
            code: `B${family % 10}-${n}-${n * 7}`,
        });
        // Every other one by the code of the shop, which has letters and signs
        made.push({
            id,
            code: n % 2 ? code : `B${family % 10}-${n}-${n * 7}`,
        });
    }
    return made;
}

for (const [name, family] of [
    ["chromium", 2000001],
    ["firefox", 2000002],
]) {
    test(`${name}: ${SCANS} scans at ${KEY} ms a key, answers after 0 to 2 s`, async () => {
        const known = await products(family);
        const one = await openOne(name);

        try {
            const hand = await one.page();
            const wanted = {};

            // Each answer of the API comes when it likes.
            await hand.page.evaluateOnNewDocument(() => {
                const { fetch } = globalThis;

                globalThis.fetch = async (what, ...more) => {
                    const answer = await fetch(what, ...more);

                    if (String(what).includes("/products/?")) {
                        await new Promise((resolve) =>
                            setTimeout(resolve, Math.random() * 2000),
                        );
                    }
                    return answer;
                };
            });
            await hand.go("/caisse?magasin=1");
            const started = performance.now();
            for (let left = SCANS; left > 0; left -= TOGETHER) {
                const place =
                    PLACES[((SCANS - left) / TOGETHER) % PLACES.length];
                let keys = "";

                // On a machine that is too busy to press keys as fast as a scanner, the
                // field has them all the same.
                await hand.evaluate((selector) => {
                    document.activeElement.blur();
                    if (selector) {
                        document.querySelector(selector).focus();
                    }
                }, place);

                for (let scan = Math.min(left, TOGETHER); scan > 0; scan -= 1) {
                    const { id, code } =
                        known[Math.floor(Math.random() * known.length)];

                    wanted[id] = (wanted[id] ?? 0) + 1;
                    keys += `${code}\n`;
                }
                await hand.page.keyboard.type(keys, { delay: KEY });
            }
            const typed = performance.now() - started;
            await hand.until(
                "all entries",
                () =>
                    !document
                        .querySelector(".entry-state")
                        .textContent.includes("en cours"),
            );
            // Nothing is left in the field, and nothing was said of an entry.
            assert.deepEqual(
                await hand.evaluate(() => [
                    [...document.querySelectorAll(".entries li")].map(
                        (one) => one.textContent,
                    ),
                    document.querySelector("input[type=search]").value,
                ]),
                [[], ""],
            );
            const ticket = await hand.evaluate(() =>
                Object.fromEntries(
                    JSON.parse(
                        sessionStorage.getItem("magasin.ticket"),
                    ).lines.map((line) => [line.id, line.quantity]),
                ),
            );

            assert.deepEqual(ticket, wanted);
            console.log(
                `# ${await one.version}: ${SCANS} scans of ` +
                    `${Object.keys(wanted).length} products: typed in ` +
                    `${(typed / 1000).toFixed(1)} s, 0 wrong, 0 lost, 0 joined`,
            );
            await hand.close();
        } finally {
            await one.close();
            for (const { id } of known) {
                await api("DELETE", `/products/${id}/`);
            }
        }
    });
}
