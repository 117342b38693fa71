// Many requests of stores, decided together.

import { change, read, readTagged, sender } from "./api.js";
import { announceChange } from "./changes.js";
import { openDialog } from "./dialog.js";
import { button, element } from "./dom.js";
import { plural, quantity } from "./format.js";
import { notify } from "./notices.js";
import { askWhy } from "./reason.js";
import { storeName } from "./stores.js";

const AT_ONCE = 8;
const CHANGED = "Quelqu’un a changé cette demande entre-temps.";

// Grants each row's `granted` units of those that it asks for, with one reason;
// gives the results of the API.  The API approves many with a reason, and fewer
// units without one: so a request for more is changed to what is granted first,
// which its journal has with the reason.  left() is for who leaves without an
// answer: it says what asks for fewer units by then, and gives whether there is any.
export function granting() {
    const send = sender();
    // {id: {quantite, granted, sure}} of those that have been changed
    const fewer = new Map();
    const faultOf = async (row, reason) =>
        row.granted < row.quantite || fewer.has(row.id)
            ? reduce(row, reason, fewer)
            : null;

    return {
        grant: async (rows, reason) => {
            const faults = new Map();

            for (const row of rows) {
                faults.set(row.id, await faultOf(row, reason));
            }
            for (let at = 0; at < rows.length; at += AT_ONCE) {
                await Promise.all(
                    rows.slice(at, at + AT_ONCE).map(async (row) => {
                        const fault = faults.get(row.id);

                        faults.set(row.id, fault ?? (await look(row, fewer)));
                    }),
                );
            }
            const wrong = [...faults].filter(([, detail]) => detail);
            const approuver = rows
                .map(({ id }) => id)
                .filter((id) => !faults.get(id));
            const { resultats } =
                approuver.length > 0
                    ? await send("/replenishments/decisions/", {
                          approuver,
                          ...reason,
                      })
                    : { resultats: [] };

            return [
                ...resultats,
                ...wrong.map(([id, detail]) => ({ id, code: 409, detail })),
            ].map((one) => withUnits(one, fewer.get(one.id)));
        },
        left: () => {
            const words = [...fewer].map(
                ([id, one]) => `n° ${id}, ${instead(one)}`,
            );

            if (words.length > 0) {
                announceChange();
                notify(
                    `La décision n’est pas confirmée, mais des demandes ont changé : ${words.join(" ; ")}.`,
                );
            }
            return words.length > 0;
        },
    };
}

const instead = ({ quantite, granted, sure }) =>
    `${sure ? "" : "peut-être "}${plural(granted, "unité", "unités")} au lieu de ${quantity(quantite)}`;

// What was not approved has been changed all the same.
const withUnits = (one, changed) =>
    changed && one.code !== 200
        ? {
              ...one,
              detail: `${one.detail} Elle demande maintenant ${instead(changed)}.`,
          }
        : one;

// Null when it asks for what is granted, else why not.  Once more is the same.
async function reduce({ id, quantite, granted }, reason, fewer) {
    const path = `/replenishments/${id}/`;
    const ours = [quantite, granted, fewer.get(id)?.granted];

    try {
        const { data, etag } = await readTagged(path);

        if (!ours.includes(data.quantite)) {
            fewer.delete(id);
            return CHANGED;
        }
        // One that is decided is told by the decision.
        if (data.quantite !== granted && data.statut === "en_attente") {
            const body = { quantite: granted, ...reason };

            await change("PATCH", path, body, etag).catch((error) => {
                // Nobody knows whether it was done.
                if (error.temporary) {
                    fewer.set(id, { quantite, granted, sure: false });
                }
                throw error;
            });
            fewer.set(id, { quantite, granted, sure: true });
        } else if (fewer.has(id)) {
            fewer.get(id).sure = true;
        }
        return null;
    } catch (error) {
        if (error.status === 412) {
            return CHANGED;
        }
        return gone(error);
    }
}

// Null when it asks for what is granted still, or has been decided, else why not.
async function look({ id, granted }, fewer) {
    try {
        const { quantite, statut } = await read(`/replenishments/${id}/`);

        if (statut !== "en_attente" || quantite === granted) {
            return null;
        }
        fewer.delete(id);
        return CHANGED;
    } catch (error) {
        return gone(error);
    }
}

function gone(error) {
    if (error.status === 404 || error.status === 409) {
        return error.message;
    }
    throw error;
}

// nameOf(row): its product; unitsOf(row): how many are granted.  Resolves to
// whether they have been decided; changed() when some have been changed instead.
export async function decideMany(rows, { nameOf, unitsOf, approve, changed }) {
    // As they are now: rows follow what changes.
    const list = rows.map((row) => ({
        ...row,
        granted: approve ? unitsOf(row) : row.quantite,
    }));
    const send = sender();
    const { grant, left } = granting();
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
        if (left()) {
            changed();
        }
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
