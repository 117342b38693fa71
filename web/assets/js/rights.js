// What the token of this tab may do.  What it may not do is not offered, and
// the page says why.  Without a token all is offered: it is asked for then.

import { read } from "./api.js";
import { element, icon } from "./dom.js";
import { Withdrawn } from "./errors.js";
import { storeName } from "./stores.js";
import { authorization } from "./token.js";

const names = {
    produits: "produits",
    prix: "prix",
    ventes: "ventes",
    stock: "stock",
    reapprovisionnement: "réapprovisionnement",
    magasins: "magasins",
    retours: "retours",
    inventaire: "inventaire",
    lecture: "lecture",
    admin: "administration",
};

export const scopeName = (scope) =>
    Object.hasOwn(names, scope) ? names[scope] : scope;

const anybody = { me: null, why: () => null };
let known = { token: null, rights: anybody };

export async function readRights(signal) {
    const token = authorization();

    if (token === null) {
        return anybody;
    }
    if (known.token !== token) {
        try {
            const rights = of(await read("/me/", signal));
            known = { token: authorization(), rights };
        } catch (error) {
            // Who cannot be asked decides by refusing.
            const unknown =
                error.temporary ||
                error.status === 404 ||
                error instanceof Withdrawn;

            if (signal?.aborted || !unknown) {
                throw error;
            }
            return anybody;
        }
    }
    return known.rights;
}

// why(scope, place): null where it may, else in words why not.  place is a
// store's id; null is the central stock, and all the stores together; without
// it any store will do.
function of(me) {
    const own = me.magasins;
    const token = `Votre jeton « ${me.nom} »`;

    return {
        me,
        why: (scope, place) => {
            if (!me.scopes.includes(scope)) {
                return `${token} n’a pas le droit « ${scopeName(scope)} ».`;
            }
            if (own === null || place === undefined || own.includes(place)) {
                return null;
            }
            return `${token} ne vaut que pour ${own.map(storeName).join(", ")}.`;
        },
    };
}

// Of goods that come to a place, or leave it
export const whyNotMove = (rights, place) =>
    place === null
        ? rights.why("reapprovisionnement", null)
        : rights.why("stock", place);

export const locked = (why, what) =>
    why
        ? element(
              "p",
              { class: "locked" },
              icon("cadenas"),
              element("span", {}, `${what} ${why}`),
          )
        : null;
