// Every page in Firefox: accessible, as narrow as a telephone, and the till by keys
// alone.  The jobs of jobs.test.js are done there, too.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { paths, setStock, violations } from "./browser.js";
import { openOne } from "./two.js";

const widths = {
    wide: { width: 1280, height: 800 },
    narrow: { width: 360, height: 740 },
};
const calm = { "ui.prefersReducedMotion": 1 };
const schemes = {
    light: { ...calm, "layout.css.prefers-color-scheme.content-override": 1 },
    dark: { ...calm, "layout.css.prefers-color-scheme.content-override": 0 },
};

for (const [scheme, settings] of Object.entries(schemes)) {
    test(`axe, nothing sticks out: ${scheme}`, async () => {
        const one = await openOne("firefox", settings);

        try {
            for (const [name, viewport] of Object.entries(widths)) {
                const hand = await one.page(viewport);

                for (const path of paths) {
                    await hand.go(path);
                    assert.equal(
                        await hand.evaluate(
                            () =>
                                matchMedia("(prefers-color-scheme: dark)")
                                    .matches,
                        ),
                        scheme === "dark",
                    );
                    assert.deepEqual(
                        await violations(hand.page),
                        [],
                        `${path}, ${name}`,
                    );
                    assert.equal(
                        await hand.evaluate(
                            () =>
                                document.documentElement.scrollWidth -
                                document.documentElement.clientWidth,
                        ),
                        0,
                        `${path} is wider than its window: ${name}`,
                    );
                }
                await hand.close();
            }
        } finally {
            await one.close();
        }
    });
}

let firefox;

before(async () => {
    firefox = await openOne("firefox", schemes.light);
    for (const id of [2, 6]) {
        await setStock(1, id, 50);
    }
});
after(() => firefox.close());

const ticket = (hand, ...wanted) =>
    hand.until(
        `the ticket ${JSON.stringify(wanted)}`,
        (text) =>
            JSON.stringify(
                [...document.querySelectorAll(".ticket-lines li")].map(
                    (line) => [
                        line.querySelector(".name").textContent,
                        line.querySelector("input").value,
                    ],
                ),
            ) === text,
        JSON.stringify(wanted),
    );
const focusOn = (hand, selector) =>
    hand.until(
        `the focus on ${selector}`,
        (text) => document.activeElement?.matches(text),
        selector,
    );

test("a sale with keys alone", async () => {
    const hand = await firefox.page();
    const field = "input[type=search]";

    await hand.go("/caisse?magasin=1");
    await hand.key("F2");
    await focusOn(hand, field);
    await hand.enter("2*souris op");
    await hand.enter("sencha");
    await ticket(hand, ["Souris optique", "2"], ["Thé Vert Sencha", "1"]);
    // Of the last product
    await hand.key("+");
    await hand.key("+");
    await hand.key("-");
    await ticket(hand, ["Souris optique", "2"], ["Thé Vert Sencha", "2"]);
    // To its line, which 0 takes off
    await hand.key("ArrowUp");
    await hand.type("0");
    await hand.key("Enter");
    await ticket(hand, ["Souris optique", "2"]);
    await focusOn(hand, field);
    // To the products and back
    await hand.key("ArrowDown");
    await focusOn(hand, ".tile");
    await hand.key("ArrowRight");
    await focusOn(hand, "li:nth-child(2) > .tile");
    await hand.key("Escape");
    await focusOn(hand, field);
    // It waits, and is taken up again.
    await hand.key("F4");
    await ticket(hand);
    await hand.key("F4");
    await ticket(hand, ["Souris optique", "2"]);
    await hand.key("F9");
    await hand.see("enregistrée");
    // The next one begins with the next entry.
    await hand.enter("sencha");
    await ticket(hand, ["Thé Vert Sencha", "1"]);
    assert.equal(hand.clicks, 0);
    await hand.close();
});

test("the till by Tab: each stop is seen, and there is a way out of a dialog", async () => {
    const hand = await firefox.page();

    await hand.go("/caisse?magasin=1");
    const stops = new Set();
    for (let left = 25; left > 0; left -= 1) {
        await hand.key("Tab");
        const { name, seen } = await hand.evaluate(() => {
            const node = document.activeElement;
            const { outlineStyle, outlineWidth, boxShadow } =
                getComputedStyle(node);

            return {
                name: `${node.tagName} ${node.getAttribute("aria-label") ?? node.textContent}`,
                seen:
                    (outlineStyle !== "none" && outlineWidth !== "0px") ||
                    boxShadow !== "none",
            };
        });

        stops.add(name);
        assert.ok(seen, `nobody sees the focus on ${name}`);
    }
    assert.ok(stops.size > 15, [...stops].join("\n"));

    await hand.key("F2");
    await focusOn(hand, "input[type=search]");
    await hand.key("F8");
    await focusOn(hand, "dialog input");
    await hand.key("Escape");
    await hand.until("no dialog", () => !document.querySelector("dialog"));
    await focusOn(hand, "input[type=search]");
    assert.equal(hand.clicks, 0);
    await hand.close();
});
