// The database of this browser (IndexedDB): sales that are to be sent, and what
// the till has last seen of its products.

const NAME = "magasin";
const VERSION = 1;

let opening = null;

function open() {
    return new Promise((resolve, reject) => {
        const request = indexedDB.open(NAME, VERSION);

        request.onupgradeneeded = () => {
            const base = request.result;

            base.createObjectStore("ventes", {
                keyPath: "n",
                autoIncrement: true,
            }).createIndex("key", "key", { unique: true });
            base.createObjectStore("produits", { keyPath: "id" });
            base.createObjectStore("codes", { keyPath: "code" });
            base.createObjectStore("faits", { keyPath: "nom" });
        };
        request.onsuccess = () => {
            // A newer version of the pages has another one.
            request.result.onversionchange = () => {
                request.result.close();
                opening = null;
            };
            // Somebody has cleared the data of the site.
            request.result.onclose = () => {
                opening = null;
            };
            resolve(request.result);
        };
        request.onerror = () => reject(request.error);
        request.onblocked = () => reject(new Error("blocked"));
    });
}

// It may be forbidden to keep anything: then this throws.
export function base() {
    opening ??= open().catch((error) => {
        opening = null;
        throw error;
    });
    return opening;
}

// action(places) asks for what it wants in one transaction, and gives the
// request whose result is wanted, if any.  A write is on the disk when it ends.
async function run(mode, names, action) {
    const transaction = (await base()).transaction(
        names,
        mode,
        mode === "readwrite" ? { durability: "strict" } : {},
    );
    const places = names.map((name) => transaction.objectStore(name));

    return new Promise((resolve, reject) => {
        const request = action(...places);

        transaction.oncomplete = () => resolve(request?.result);
        // An error aborts, and is the transaction's only then.  That which the
        // browser aborts, because its data are cleared, has none.
        transaction.onabort = () =>
            reject(
                transaction.error ??
                    new DOMException("transaction aborted", "AbortError"),
            );
    });
}

export const all = (name) => run("readonly", [name], (place) => place.getAll());

export const get = (name, key) =>
    run("readonly", [name], (place) => place.get(key));

export const find = (name, index, key) =>
    run("readonly", [name], (place) => place.index(index).get(key));

// Gives the key.
export const add = (name, value) =>
    run("readwrite", [name], (place) => place.add(value));

export const put = (name, values) =>
    run("readwrite", [name], (place) => {
        for (const value of values) {
            place.put(value);
        }
    });

export const remove = (name, keys) =>
    run("readwrite", [name], (place) => {
        for (const key of keys) {
            place.delete(key);
        }
    });

// What is there becomes change(it), in one step; nothing when it is gone.
export const alter = (name, key, change) =>
    run("readwrite", [name], (place) => {
        const request = place.get(key);

        request.onsuccess = () => {
            if (request.result !== undefined) {
                place.put(change(request.result));
            }
        };
    });
