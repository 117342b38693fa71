// The token: entered once per tab, kept as long as the tab is.

import { openDialog } from "./dialog.js";
import { button, element, fill, icon } from "./dom.js";
import { field, formOf } from "./form.js";
import { tab } from "./storage.js";

const KEY = "magasin.jeton";
const place = document.getElementById("token");

export function authorization() {
    const token = tab.get(KEY);
    return token ? `Token ${token}` : null;
}

export function rejectToken() {
    tab.remove(KEY);
    showToken();
}

let asking = null;

// Resolves to whether there is one now.  Two writes ask once.
export function askForToken(reason = null) {
    asking ??= ask(reason).finally(() => {
        asking = null;
    });
    return asking;
}

async function ask(reason) {
    const input = field({
        name: "jeton",
        label: "Jeton d’accès",
        type: "password",
        autocomplete: "off",
        hint: "Demandé une fois par onglet, oublié à sa fermeture.",
    });
    const given = await openDialog("S’identifier", (close) =>
        formOf({
            intro: "Il faut un jeton pour continuer.",
            fields: [input],
            submit: "Continuer",
            cancel: () => close(),
            error: reason,
            action: ({ jeton }, form) => {
                // A header holds visible ASCII.
                if (/^[\x21-\x7e]+$/.test(jeton.trim())) {
                    close(jeton.trim());
                } else {
                    form.show({ jeton: ["Ce n’est pas un jeton."] });
                }
            },
        }),
    );

    if (given) {
        tab.set(KEY, given);
        showToken();
    }
    return given !== undefined;
}

export function showToken() {
    const [name, action] = authorization()
        ? ["Oublier le jeton", rejectToken]
        : ["S’identifier", () => askForToken()];

    // Narrow screens have room for the icon only; the name stays.
    fill(
        place,
        button([icon("clef"), element("span", {}, name)], action, {
            class: "quiet",
            "aria-label": name,
        }),
    );
    // What may be done with another one is looked at by pages, unless somebody
    // has begun something with this one.
    if (!document.querySelector("dialog[open]")) {
        document.dispatchEvent(new Event("jeton"));
    }
}

export function changeToken() {
    rejectToken();
    return askForToken();
}
