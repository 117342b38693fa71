// Products by what somebody types or scans: a code, or words of the name.

import { query, read, readPage } from "./api.js";
import { folded } from "./format.js";

const LONGEST_CODE = 64;
const LONGEST_NAME = 100;
const MOST_IDS = 100;

// A barcode of a product has digits only, and hardly a name has so many.
const BARCODE = /^\d{8,14}$/;
const PART_OF_CODE = /^(?=\S*\d)\S{3,64}$/;

const list = async (parameters, signal) =>
    (await read(`/products/${query(parameters)}`, signal)).results;

const byCode = (code, archive, signal) =>
    code.length > LONGEST_CODE
        ? Promise.resolve([])
        : list({ code, archive, limit: 1 }, signal);

async function byName(text, limit, signal) {
    const found = await list({ q: text.slice(0, LONGEST_NAME), limit }, signal);
    const same = found.filter((one) => folded(one.nom) === folded(text));

    return same.length === 1 ? same : found;
}

// The products that an entry may mean: {found}, or {found: [], gone} with the
// one that is not sold any more.
export async function findProducts(text, limit, signal) {
    const named = BARCODE.test(text) ? null : byName(text, limit, signal);
    // Nobody waits for the names when there is no code to ask about.
    named?.catch(() => {});

    const coded = await byCode(text, false, signal);
    if (coded.length > 0) {
        return { found: coded };
    }
    const found = await (named ?? byName(text, limit, signal));
    if (found.length > 0) {
        return { found };
    }
    return { found, gone: (await byCode(text, true, signal))[0] };
}

// A page of the products that a search shows, {results, next}: of part of a
// code, those that the store has.
export async function searchProducts(text, store, limit, signal) {
    if (text && PART_OF_CODE.test(text)) {
        const { results, next } = await read(
            `/stores/${store}/items/${query({
                q: text,
                limit: Math.min(limit, MOST_IDS),
            })}`,
            signal,
        );
        const id = results.map((one) => one.produit).join(",");

        if (id !== "") {
            return {
                results: await list({ id, limit: MOST_IDS }, signal),
                next: limit < MOST_IDS ? next : null,
            };
        }
    }
    return readPage(
        `/products/${query({ q: text?.slice(0, LONGEST_NAME), limit })}`,
        signal,
    );
}
