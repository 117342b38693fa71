// What needs no browser: amounts, names, files for table calculators.

import assert from "node:assert/strict";
import { test } from "node:test";
import { csv } from "../assets/js/csv.js";
import { folded, level, trends } from "../assets/js/format.js";
import { cents, centsOfNumber, money, plain } from "../assets/js/money.js";

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

test("trends are read from their sentence, brackets in names too", () => {
    assert.deepEqual(trends(""), []);
    assert.deepEqual(trends("Thé (vert) (12), Café, moulu (3)"), [
        { name: "Thé (vert)", quantity: 12 },
        { name: "Café, moulu", quantity: 3 },
    ]);
});

test("levels of stock", () => {
    assert.deepEqual(
        [0, 1, 5, 6, 10, 11].map((number) => level(number).name),
        ["rupture", "bas", "bas", "normal", "normal", "surstock"],
    );
});

test("a search knows neither case nor accents", () => {
    assert.equal(folded("Écouteurs ÇA"), "ecouteurs ca");
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
