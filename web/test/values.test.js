// What needs no browser: amounts, names, files for table calculators.

import assert from "node:assert/strict";
import { test } from "node:test";
import { csv } from "../assets/js/csv.js";
import { dayFault } from "../assets/js/days.js";
import { finder, folded, level, localDay } from "../assets/js/format.js";
import { cents, centsOfNumber, money, plain } from "../assets/js/money.js";
import { EventBlocks } from "../assets/js/sse.js";
import { device } from "../assets/js/storage.js";

test("amounts are exact cents", () => {
    assert.equal(cents("12.99"), 1299n);
    assert.equal(cents("12,9"), 1290n);
    assert.equal(cents("1 234\u202f567,05"), 123456705n);
    assert.equal(cents("999999999999.99"), 99999999999999n);
    assert.equal(cents("9007199254740993.01"), 900719925474099301n);
    assert.equal(cents("-0.05"), -5n);
    for (const text of ["", "1.234", "12.", ".5", "1e3", "abc", "NaN"]) {
        assert.equal(cents(text), null, text);
    }
});

test("totals of the reports keep their cents", () => {
    assert.equal(centsOfNumber(0), 0n);
    assert.equal(centsOfNumber(3024.4), 302440n);
    assert.equal(centsOfNumber(1.005), 100n);
    assert.equal(centsOfNumber(9999999999999.99), 999999999999999n);
});

test("amounts as a French reader expects them", () => {
    const spaces = (text) => text.replace(/[\u00a0\u202f]/g, " ");

    assert.equal(spaces(money(123456705n, "€")), "1 234 567,05 €");
    assert.equal(money(5n), "0,05");
    assert.equal(money(-5n), "-0,05");
    assert.equal(plain(123405n), "1234.05");
    assert.equal(plain(-5n, ","), "-0,05");
});

test("levels of stock", () => {
    assert.deepEqual(
        [0, 1, 5, 6, 10, 11].map((number) => level(number).name),
        ["rupture", "bas", "bas", "normal", "normal", "surstock"],
    );
});

test("a search knows neither case nor accents", () => {
    assert.equal(folded("Écouteurs ÇA"), "ecouteurs ca");
    assert.equal(folded("Œufs Ægir Straße l’été"), "oeufs aegir strasse l'ete");
});

test("a search finds words in any order", () => {
    assert.ok(finder("bio oeufs")("Œufs bio"));
    assert.ok(finder("  ")("Œufs bio"));
    assert.ok(!finder("bio oeuf dur")("Œufs bio"));
});

test("a day is that of the person, not of Greenwich", () => {
    // Local by the way that it is made, wherever this runs.
    assert.equal(localDay(new Date(2026, 0, 5, 23, 59)), "2026-01-05");
    assert.equal(localDay(new Date(2026, 0, 5, 0, 1)), "2026-01-05");
});

test("days that cannot be asked about", () => {
    assert.equal(dayFault("2026-11-24"), null);
    assert.equal(dayFault("1970-01-01"), null);
    for (const day of [
        "",
        "hier",
        "202666-01-01",
        "0002-01-01",
        "2026-02-30",
        "2026-13-01",
        "2026-1-1",
    ]) {
        assert.notEqual(dayFault(day), null, day);
    }
});

test("CSV quotes what it must, and is no formula", () => {
    assert.equal(
        csv([
            ["Nom", "Quantité"],
            ['Thé; "vert"', 3],
            ["=1+1", -3],
        ]),
        '\ufeffNom;Quantité\r\n"Thé; ""vert""";3\r\n\'=1+1;-3\r\n',
    );
});

test("events of a stream are the same wherever it is cut", () => {
    const lines = [
        "retry: 1752",
        "id: yKPc2Dc1Mh8yMTY0",
        "",
        ": nothing happens",
        "id: a:b",
        "",
        "event: vente",
        "id: c",
        'data: {"id":1,',
        'data:"nom":"Thé : vert"}',
        "",
        "data",
        "",
        "",
        "id: open",
    ];
    const none = { id: null, type: null, data: null, retry: null };
    const wanted = [
        { ...none, id: "yKPc2Dc1Mh8yMTY0", retry: 1752 },
        { ...none, id: "a:b" },
        {
            ...none,
            id: "c",
            type: "vente",
            data: '{"id":1,\n"nom":"Thé : vert"}',
        },
        { ...none, data: "" },
    ];

    for (const end of ["\n", "\r\n", "\r"]) {
        const text = lines.join(end);

        for (let at = 0; at <= text.length; at += 1) {
            const blocks = new EventBlocks();
            assert.deepEqual(
                [
                    ...blocks.feed(text.slice(0, at)),
                    ...blocks.feed(text.slice(at)),
                ],
                wanted,
                `${JSON.stringify(end)} at ${at}`,
            );
        }
    }
});

// As the browser has it: its places may be full, or forbidden.
test("what finds no room is there all the same, and not what was before", () => {
    const place = new Map();
    let room = true;

    globalThis.localStorage = {
        getItem: (key) => place.get(key) ?? null,
        setItem: (key, value) => {
            if (!room) {
                throw new DOMException("full", "QuotaExceededError");
            }
            place.set(key, String(value));
        },
        removeItem: (key) => place.delete(key),
        length: 0,
    };
    try {
        device.set("tickets", "one");
        room = false;
        device.set("tickets", "one and two");
        assert.equal(device.get("tickets"), "one and two");
        room = true;
        device.set("tickets", "two");
        assert.equal(device.get("tickets"), "two");
        assert.equal(place.get("tickets"), "two");
        room = false;
        device.set("tickets", "three");
        device.remove("tickets");
        assert.equal(device.get("tickets"), null);
        assert.equal(place.size, 0);
    } finally {
        delete globalThis.localStorage;
    }
    device.set("tickets", "four");
    assert.equal(device.get("tickets"), "four");
    device.remove("tickets");
    assert.equal(device.get("tickets"), null);
});
