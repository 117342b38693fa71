// What the browser keeps for the tab and for the device.  It may be told to
// keep nothing, or have no room: what is written then lasts as long as the
// document, in the place of what was written before.

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
            memory.get(key) ??
            attempt(
                (storage) => storage.getItem(key),
                () => null,
            ),
        set: (key, value) =>
            attempt(
                (storage) => {
                    storage.setItem(key, value);
                    memory.delete(key);
                },
                () => memory.set(key, String(value)),
            ),
        remove: (key) => {
            memory.delete(key);
            attempt(
                (storage) => storage.removeItem(key),
                () => {},
            );
        },
        // The names of what is kept that begin so
        keys: (start) =>
            attempt(
                (storage) => [...memory.keys(), ...Object.keys(storage)],
                () => [...memory.keys()],
            ).filter((key) => key.startsWith(start)),
        works: () =>
            attempt(
                (storage) => typeof storage.length === "number",
                () => false,
            ),
    };
}

export const tab = keeper("sessionStorage");
export const device = keeper("localStorage");
