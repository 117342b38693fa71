// Long work in pieces, between which the page answers.

const MILLISECONDS = 12;

// Gives turn(): to be awaited often; it waits when the page has to have its own.
export function pieces(signal) {
    let since = performance.now();

    return async () => {
        if (performance.now() - since > MILLISECONDS) {
            await new Promise((resolve) => setTimeout(resolve));
            signal?.throwIfAborted();
            since = performance.now();
        }
    };
}
