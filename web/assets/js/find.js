// The products that a text may mean: the one that has it as its code or as a
// barcode, else those whose names have its words.

import { query, readPage } from "./api.js";

const MANY = 20;
const LONGEST = 64;

export async function findProducts(text, signal, limit = MANY) {
    const [coded, named] = await Promise.all([
        text.length <= LONGEST
            ? readPage(`/products/${query({ code: text })}`, signal)
            : { results: [] },
        readPage(
            `/products/${query({ q: text.slice(0, 100), limit })}`,
            signal,
        ),
    ]);

    return coded.results.length > 0 ? coded.results : named.results;
}
