// Many requests of stores, decided together.

import { sender } from "./api.js";
import { announceChange } from "./changes.js";
import { openDialog } from "./dialog.js";
import { button, element } from "./dom.js";
import { plural, quantity } from "./format.js";
import { notify } from "./notices.js";
import { askWhy } from "./reason.js";
import { storeName } from "./stores.js";

// nameOf(row): its product.  Resolves to whether they have been decided.
export async function decideMany(rows, nameOf, approve) {
    const ids = rows.map((row) => row.id);
    const send = sender();
    const verb = approve ? "Approuver" : "Refuser";
    const answer = await askWhy({
        title: `${verb} ${plural(ids.length, "demande", "demandes")} ?`,
        text: approve
            ? "Les unités passent du stock central aux magasins. Une demande pour laquelle il n’y en a plus assez est refusée."
            : "Elles seront classées comme refusées ; rien ne bouge.",
        extra: summary(rows, nameOf),
        submit: verb,
        danger: !approve,
        action: (reason) =>
            send("/replenishments/decisions/", {
                [approve ? "approuver" : "refuser"]: ids,
                ...reason,
            }),
    });

    if (!answer) {
        return false;
    }
    announceChange();
    tell(answer.resultats, approve);
    return true;
}

function summary(rows, nameOf) {
    return element(
        "ul",
        { class: "summary", tabindex: "0", "aria-label": "Demandes" },
        rows.map((row) =>
            element(
                "li",
                {},
                element(
                    "span",
                    {},
                    `${quantity(row.quantite)} × ${nameOf(row)}`,
                ),
                element("span", { class: "muted" }, storeName(row.magasin)),
            ),
        ),
    );
}

// What did not go as decided is said one by one.
function tell(results, approve) {
    const wrong = results.filter((one) => one.code !== 200);
    const done = results.length - wrong.length;
    const verb = `${approve ? "approuvée" : "refusée"}${done > 1 ? "s" : ""}`;

    notify(
        `${plural(done, "demande", "demandes")} ${verb}` +
            `${wrong.length > 0 ? `, ${quantity(wrong.length)} autrement.` : "."}`,
    );
    if (wrong.length > 0) {
        openDialog("Ce qui n’a pas pu se faire", (close) =>
            element(
                "div",
                { class: "form" },
                element(
                    "ul",
                    { class: "summary" },
                    wrong.map((one) =>
                        element(
                            "li",
                            {},
                            element("span", {}, `n° ${one.id}`),
                            element("span", {}, one.detail),
                        ),
                    ),
                ),
                element(
                    "div",
                    { class: "form-actions" },
                    button("Fermer", () => close(), { class: "primary" }),
                ),
            ),
        );
    }
}
