// Where goods are: a store, or the central stock, which is null in the API and
// has a word of its own in forms.

import { element } from "./dom.js";
import { field } from "./form.js";

const CENTRE = "centre";

export const placeValue = (place) => (place === null ? CENTRE : String(place));
export const placeOf = (value) => (value === CENTRE ? null : Number(value));

// allowed(place): whether the person may choose it
export function placeField(properties, change = () => {}) {
    const one = field({
        type: "select",
        ...properties,
        on: { change: () => change(one.control.value) },
    });

    one.offer = (stores, chosen, allowed = () => true) => {
        const places = [
            { value: CENTRE, text: "Stock central", place: null },
            ...stores.map((store) => ({
                value: String(store.id),
                text: store.ouvert ? store.nom : `${store.nom} (fermé)`,
                place: store.id,
            })),
        ];

        one.control.replaceChildren(
            element("option", { value: "" }, "Choisir…"),
            ...places
                .filter(({ place }) => allowed(place))
                .map(({ value, text }) => element("option", { value }, text)),
        );
        one.control.value = chosen ?? "";
        if (one.control.value !== (chosen ?? "")) {
            one.control.value = "";
        }
    };

    return one;
}
