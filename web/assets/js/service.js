// The service worker, which keeps the pages for when there is no network.

const SCRIPT = "/service.js";

let registering = null;

// The pages' policy takes scripts out of no text but this one.
function script() {
    return (
        globalThis.trustedTypes
            ?.createPolicy("service-worker", {
                createScriptURL: () => SCRIPT,
            })
            .createScriptURL("") ?? SCRIPT
    );
}

// Resolves to whether the browser keeps the pages.  It may not: in a private
// window, without HTTPS, or because somebody said so.
export function registered() {
    registering ??= (async () => {
        try {
            return Boolean(
                await navigator.serviceWorker.register(script(), {
                    updateViaCache: "none",
                }),
            );
        } catch {
            return false;
        }
    })();
    return registering;
}
