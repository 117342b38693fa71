// What stands above a table.

import { afterPause, button, element } from "./dom.js";
import { field } from "./form.js";
import { setParameters } from "./router.js";

// A search that goes on while a person types.  It is "recherche" in the URL,
// and starts at the first page.
export function searchField(properties = {}) {
    const one = field({
        name: "recherche",
        label: "Produit",
        type: "search",
        placeholder: "Chercher par nom",
        maxlength: 100,
        ...properties,
        on: { ...properties.on, input: () => search() },
    });
    const search = afterPause(200, () => {
        if (one.control.isConnected) {
            setParameters(
                { recherche: one.control.value.trim(), page: "" },
                { replace: true },
            );
        }
    });

    // The text under somebody's hands stays.
    one.sync = (parameters) => {
        if (document.activeElement !== one.control) {
            one.control.value = parameters.get("recherche") ?? "";
        }
    };

    // Takes what was typed away, before anybody searched for it.
    one.take = () => {
        const text = one.control.value.trim();

        search.cancel();
        one.control.value = "";
        return text;
    };

    return one;
}

export const showAll = (...names) =>
    button("Tout montrer", () =>
        setParameters(Object.fromEntries(names.map((name) => [name, ""]))),
    );

// Only when there is more.
export const more = (next, action) =>
    next
        ? button("Montrer la suite", action, {
              class: "more",
              "data-focus": "suite",
          })
        : null;

export const filterBar = (...nodes) =>
    element("div", { class: "filters" }, nodes);
