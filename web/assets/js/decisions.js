// Many requests of stores, decided together.

import { change, readTagged, sender } from "./api.js";
import { announceChange } from "./changes.js";
import { openDialog } from "./dialog.js";
import { button, element } from "./dom.js";
import { plural, quantity } from "./format.js";
import { notify } from "./notices.js";
import { askWhy } from "./reason.js";
import { storeName } from "./stores.js";

const CHANGED = "Quelqu’un a changé cette demande entre-temps.";

// Grants each row's `granted` units of those that it asks for, with one reason;
// gives the results of the API.  The API approves many with a reason, and fewer
// units without one: so a request for more is changed to what is granted first,
// which its journal has with the reason.
export function granting() {
    const send = sender();

    return async (rows, reason) => {
        const wrong = [];
        const ids = [];

        for (const row of rows) {
            const fault =
                row.granted < row.quantite ? await reduce(row, reason) : null;

            if (fault) {
                wrong.push({ id: row.id, code: 409, detail: fault });
            } else {
                ids.push(row.id);
            }
        }
        if (ids.length === 0) {
            return wrong;
        }
        const { resultats } = await send("/replenishments/decisions/", {
            approuver: ids,
            ...reason,
        });

        return [...resultats, ...wrong];
    };
}

// Null when it asks for what is granted, else why not.  Once more is the same.
async function reduce({ id, quantite, granted }, reason) {
    const path = `/replenishments/${id}/`;

    try {
        const { data, etag } = await readTagged(path);

        if (data.quantite !== quantite && data.quantite !== granted) {
            return CHANGED;
        }
        // One that is decided is told by the decision.
        if (data.quantite !== granted && data.statut === "en_attente") {
            await change("PATCH", path, { quantite: granted, ...reason }, etag);
        }
        return null;
    } catch (error) {
        if (error.status === 412) {
            return CHANGED;
        }
        if (error.status === 404 || error.status === 409) {
            return error.message;
        }
        throw error;
    }
}

// nameOf(row): its product; unitsOf(row): how many are granted.  Resolves to
// whether they have been decided.
export async function decideMany(rows, { nameOf, unitsOf, approve }) {
    // As they are now: rows follow what changes.
    const list = rows.map((row) => ({
        ...row,
        granted: approve ? unitsOf(row) : row.quantite,
    }));
    const send = sender();
    const grant = granting();
    const verb = approve ? "Approuver" : "Refuser";
    const answer = await askWhy({
        title: `${verb} ${plural(list.length, "demande", "demandes")} ?`,
        text: approve
            ? "Les unités passent du stock central aux magasins. Une demande pour laquelle il n’y en a plus assez est refusée."
            : "Elles seront classées comme refusées ; rien ne bouge.",
        extra: summary(list, nameOf),
        submit: verb,
        danger: !approve,
        action: async (reason) =>
            approve
                ? grant(list, reason)
                : (
                      await send("/replenishments/decisions/", {
                          refuser: list.map((row) => row.id),
                          ...reason,
                      })
                  ).resultats,
    });

    if (!answer) {
        return false;
    }
    announceChange();
    tell(answer, approve);
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
                    `${quantity(row.granted)} × ${nameOf(row)}`,
                    row.granted < row.quantite
                        ? ` (sur ${quantity(row.quantite)})`
                        : null,
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
