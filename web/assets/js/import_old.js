// What the rows of a file would change: each beside what is there now.  A few
// are asked for by their ids and codes; of many the list is read, as CSV, in one
// request.

import { query, read, readSome } from "./api.js";
import { eachMember } from "./csv_list.js";
import { folded, quantity } from "./format.js";
import { pieces } from "./pieces.js";

const BY_ID = 1000;
// One request for each of them
const ONE_BY_ONE = 200;
const AT_ONCE = 4;

const absent = "Ce produit n’existe pas, ou n’est plus en vente.";

async function some(list, action) {
    const waiting = [...list];
    const work = async () => {
        for (
            let one = waiting.shift();
            one !== undefined;
            one = waiting.shift()
        ) {
            await action(one);
        }
    };

    await Promise.all(Array.from({ length: AT_ONCE }, work));
}

// {products: Map by id, names: Set} of those that are sold; all of them where
// names matter, or where they are many.
async function readCatalogue(ids, whole, signal) {
    const products = new Map();
    const names = new Set();
    const learn = (product) => {
        products.set(String(product.id), product);
        names.add(folded(product.nom));
    };

    if (!whole && ids.length <= BY_ID) {
        const pages = await readSome(
            ids,
            (id) => `/products/${query({ id, limit: 100 })}`,
            signal,
        );
        pages.flatMap(({ results }) => results).forEach(learn);
    } else {
        const wanted = new Set(ids);
        await eachMember(
            "/products/",
            (product) => {
                names.add(folded(product.nom));
                if (wanted.has(product.id)) {
                    learn(product);
                }
            },
            signal,
        );
    }
    return { products, names };
}

// {codes: Map of a code to {id, archived}, whole: whether what is not in it is no
// product's}.  One code is one request; what is known of many is what the rows of
// a store say.
async function readCodes(codes, store, signal) {
    const found = new Map();
    const ask = async (code, archive) => {
        const { results } = await read(
            `/products/${query({ code, archive, limit: 1 })}`,
            signal,
        );
        return results[0];
    };

    if (codes.length > ONE_BY_ONE && store) {
        const wanted = new Set(codes);
        await eachMember(
            `/stores/${store}/items/`,
            ({ code, produit }) => {
                if (wanted.has(code)) {
                    found.set(code, { id: produit, archived: false });
                }
            },
            signal,
        );
    }
    const left = codes.filter((code) => !found.has(code));
    await some(left.slice(0, ONE_BY_ONE), async (code) => {
        const one = await ask(code, "false");
        const gone = one ? null : await ask(code, "true");

        if (one || gone) {
            found.set(code, {
                id: String((one ?? gone).id),
                archived: !one,
            });
        }
    });
    return { found, whole: left.length <= ONE_BY_ONE };
}

// Of rows that name one thing, by whatever name, the first one counts.
function once(rows, keyOf) {
    const seen = new Map();

    for (const row of rows) {
        const key = keyOf(row);
        const earlier = seen.get(key);

        if (earlier) {
            row.errors.ligne ??= `Donné aussi à la ligne ${quantity(earlier)}.`;
        } else if (key) {
            seen.set(key, row.number);
        }
    }
}

const isWrong = (row) => Object.keys(row.errors).length > 0;

function settle(row) {
    if (isWrong(row)) {
        row.kind = "wrong";
    } else if (row.kind === undefined) {
        row.kind = row.changes.length > 0 ? "change" : "same";
    }
}

// Products

const plainMembers = ["nom", "categorie", "prix", "description"];

// store: one whose rows tell of codes; pricesOnly: the token changes no more
export async function compareProducts(
    { rows, columns },
    { store, pricesOnly, signal },
) {
    const right = rows.filter((row) => !isWrong(row));
    const byCode = right.filter(({ members }) => !members.id && members.code);
    const codes = byCode.map(({ members }) => members.code);
    const { found, whole } = await readCodes(codes, store, signal);

    for (const row of byCode) {
        const known = found.get(row.members.code);

        row.product = known?.id;
        if (known?.archived) {
            row.errors.code = "Ce produit est archivé.";
        } else if (!known) {
            row.kind = whole ? "new" : "open";
        }
    }
    for (const row of right) {
        row.product ??= row.members.id;
        if (!row.product && !row.kind) {
            row.kind = "new";
        }
    }
    once(right, (row) => row.product);
    const { products, names } = await readCatalogue(
        [...new Set(right.map((row) => row.product).filter(Boolean))],
        right.some((row) => row.kind === "new"),
        signal,
    );
    const sheets = await readSheets(right, columns, signal);
    const turn = pieces(signal);

    for (const row of rows) {
        compareProduct(row, { products, names, sheets, pricesOnly });
        await turn();
    }
}

// With the codes, of as many as can be asked for
async function readSheets(rows, columns, signal) {
    const sheets = new Map();
    const asked = rows.filter(
        ({ product, members }) =>
            product &&
            (members.codes_barres !== undefined ||
                (members.id && members.code !== undefined)),
    );

    if (
        (columns.includes("codes_barres") || columns.includes("code")) &&
        asked.length <= ONE_BY_ONE
    ) {
        await some(asked, async ({ product }) => {
            try {
                sheets.set(
                    product,
                    await read(`/products/${product}/sheet/`, signal),
                );
            } catch (error) {
                if (error.status !== 404) {
                    throw error;
                }
            }
        });
    }
    return sheets;
}

function compareProduct(row, { products, names, sheets, pricesOnly }) {
    const { members } = row;
    const old = products.get(row.product);

    row.changes = [];
    row.name = old?.nom ?? members.nom ?? members.code ?? "–";
    if (row.kind === "new") {
        for (const name of ["nom", "categorie", "prix"]) {
            if (members[name] === undefined && !isWrong(row)) {
                row.errors[name] = "Ce champ est obligatoire.";
            }
        }
        row.namesake = !isWrong(row) && names.has(folded(members.nom));
    } else if (row.product && !old && !isWrong(row)) {
        row.errors[members.id ? "id" : "code"] = absent;
    }
    if (old) {
        const sheet = sheets.get(row.product);

        for (const name of plainMembers) {
            if (
                members[name] !== undefined &&
                members[name] !== (old[name] ?? "")
            ) {
                row.changes.push([name, old[name] ?? "", members[name]]);
            }
        }
        if (members.codes_barres) {
            changed(
                row,
                "codes_barres",
                sheet?.codes_barres.join(" "),
                members.codes_barres.join(" "),
            );
        }
        if (members.id && members.code) {
            changed(
                row,
                "code",
                sheet ? (sheet.code ?? "") : undefined,
                members.code,
            );
        }
    }
    if (pricesOnly && (!old || row.changes.some(([name]) => name !== "prix"))) {
        row.errors.ligne ??= "Votre jeton ne change que des prix.";
    }
    row.body = old ? { id: row.product } : { ...members };
    for (const [name] of row.changes) {
        row.body[name] = members[name];
    }
    settle(row);
}

// from: undefined where nobody could be asked
function changed(row, name, from, to) {
    if (from !== to) {
        row.changes.push([name, from, to]);
    }
}

// Stock

// stores: all of them; chosen: the one of rows that name none
export async function compareStock({ rows }, { stores, chosen, why, signal }) {
    const byName = new Map(stores.map((one) => [folded(one.nom), one]));
    const byId = new Map(stores.map((one) => [String(one.id), one]));
    const parts = new Map();
    const turn = pieces(signal);

    for (const row of rows) {
        await turn();
        const text = row.members.magasin;
        const digits = /^\d+$/.test(text ?? "");
        const store = text
            ? (byId.get(text.replace(/^0+/, "")) ?? byName.get(folded(text)))
            : chosen;

        row.changes = [];
        row.store = store;
        if (store) {
            delete row.errors.magasin;
            const no = why(store.id);
            if (no) {
                row.errors.magasin = no;
            }
        } else if (text) {
            row.errors.magasin = `Le magasin « ${text} » n’existe pas${stores.more && digits ? ", ou n’est pas parmi les premiers" : ""}.`;
        }
        if (!isWrong(row)) {
            if (!parts.has(store.id)) {
                parts.set(store.id, []);
            }
            parts.get(store.id).push(row);
        }
    }
    const left = [];
    for (const [id, part] of parts) {
        left.push(...(await compareStore(id, part, signal)));
    }
    await compareLeft(left, signal);
    once(rows, (row) => row.product && `${row.store.id} ${row.product}`);

    for (const row of rows) {
        row.name ??=
            row.members.code ?? `Produit n° ${row.members.produit ?? "–"}`;
        settle(row);
        await turn();
    }
}

// Gives the rows that are none of the store's by their id or the shop's code.
async function compareStore(store, rows, signal) {
    const byProduct = new Map();
    const byCode = new Map();
    const items = new Map();

    for (const row of rows) {
        const { produit, code } = row.members;
        (produit ? byProduct : byCode).set(produit ?? code, row);
    }
    const left = new Set(rows);
    await eachMember(
        `/stores/${store}/items/`,
        (item) => {
            const named = [byProduct.get(item.produit), byCode.get(item.code)];

            for (const row of named.filter(Boolean)) {
                compareItem(row, item);
                left.delete(row);
            }
            if (byCode.size > 0) {
                // A barcode may still lead to it.
                items.set(item.produit, item);
            }
        },
        signal,
    );
    for (const row of left) {
        row.items = items;
    }
    return left;
}

const nothing = { quantite: "0", minimum: "", maximum: "" };

// By barcodes; and what the store never had, which is 0 of a product that has to
// be there.
async function compareLeft(rows, signal) {
    const coded = rows.filter((row) => !row.members.produit);
    const { found } = await readCodes(
        [...new Set(coded.map((row) => row.members.code))],
        null,
        signal,
    );

    for (const row of coded) {
        row.product = found.get(row.members.code)?.id;
        if (!row.product) {
            row.errors.code = "Aucun produit n'a ce code.";
        }
    }
    const idOf = (row) => row.product ?? row.members.produit;
    const { products } = await readCatalogue(
        [...new Set(rows.map(idOf).filter(Boolean))],
        false,
        signal,
    );

    for (const row of rows) {
        const id = idOf(row);
        const item =
            row.items.get(id) ??
            (products.has(id)
                ? { ...nothing, produit: id, nom: products.get(id).nom }
                : null);

        delete row.items;
        if (item) {
            compareItem(row, item);
        } else if (id) {
            row.errors.produit = absent;
        }
    }
}

function compareItem(row, item) {
    const { members } = row;
    const old = Number(item.quantite);
    const quantity =
        members.quantite ??
        (members.delta === undefined ? undefined : old + members.delta);

    row.name = item.nom;
    row.product = item.produit;
    if (members.attendu !== undefined && members.attendu !== old) {
        row.errors.attendu = `Le stock a changé : ${members.attendu} attendus, ${old} présents.`;
    }
    if (quantity < 0) {
        row.errors.delta = `Il n’y en a que ${old}.`;
    }
    if (quantity !== undefined && quantity !== old) {
        row.changes.push(["quantite", old, quantity]);
    }
    for (const name of ["minimum", "maximum"]) {
        const from = item[name] === "" ? null : Number(item[name]);

        if (members[name] !== undefined && members[name] !== from) {
            row.changes.push([name, from, members[name]]);
        }
    }
    const limit = (name) =>
        members[name] ?? (item[name] === "" ? null : Number(item[name]));
    const limits = { minimum: limit("minimum"), maximum: limit("maximum") };
    const limited = row.changes.some(([name]) => name !== "quantite");

    if (
        limited &&
        limits.minimum !== null &&
        limits.maximum !== null &&
        limits.maximum < limits.minimum
    ) {
        row.errors.maximum = "Le maximum ne peut être inférieur au minimum.";
    }
    // One that is written alone would take the other's default away.
    row.body = { ...bodyOf(row, old), ...(limited ? limits : {}) };
}

// A quantity that changes, and nothing else.  A count is written over what the preview has
// shown, or not at all.
function bodyOf({ store, product, members, changes }, old) {
    const { delta, motif } = members;
    const body = { magasin: store.id, produit: product };

    for (const [name, , to] of changes) {
        if (name === "quantite") {
            Object.assign(
                body,
                delta === undefined
                    ? { quantite: to, attendu: old }
                    : { delta },
            );
        }
    }
    return motif === undefined ? body : { ...body, motif };
}
