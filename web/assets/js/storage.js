// What the browser keeps for the tab and for the device.  It may be told to
// keep nothing: what is written then lasts as long as the document.

function keeper(place) {
    const memory = new Map();
    const attempt = (action, otherwise) => {
        try {
            return action(globalThis[place]);
        } catch {
            return otherwise();
        }
    };

    return {
        get: (key) =>
            attempt(
                (storage) => storage.getItem(key),
                () => memory.get(key) ?? null,
            ),
        set: (key, value) =>
            attempt(
                (storage) => storage.setItem(key, value),
                () => memory.set(key, String(value)),
            ),
        remove: (key) =>
            attempt(
                (storage) => storage.removeItem(key),
                () => memory.delete(key),
            ),
        works: () =>
            attempt(
                (storage) => typeof storage.length === "number",
                () => false,
            ),
    };
}

export const tab = keeper("sessionStorage");
export const device = keeper("localStorage");
