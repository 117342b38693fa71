// A sale was refused since it costs something else by now: does the customer
// agree?

import { confirm } from "./dialog.js";
import { element } from "./dom.js";
import { amount } from "./format.js";

const changeOf = (line, now) =>
    element(
        "li",
        {},
        element("span", {}, line.name),
        element(
            "span",
            { class: "number" },
            element("del", {}, amount(line.price)),
            " → ",
            element("ins", {}, amount(now)),
        ),
    );

// body: that of the refusal, which has the prices of now.  Resolves to whether
// the sale may go on, with these prices on the ticket.
export async function agreeOnPrices(ticket, { lignes }) {
    const prices = new Map(
        lignes.map((line) => [line.produit, line.prix_unitaire]),
    );
    const total = ticket.totalAt(prices);
    const changed = ticket.lines.filter(
        ({ id, price }) => prices.get(id) !== price,
    );
    const agreed = await confirm({
        title: "Des prix ont changé",
        text: `Le total passe de ${amount(ticket.total)} à ${amount(total)}.`,
        extra: element(
            "ul",
            { class: "receipt-lines" },
            changed.map((line) => changeOf(line, prices.get(line.id))),
        ),
        submit: `Encaisser ${amount(total)}`,
        action: () => true,
    });

    if (agreed) {
        ticket.setPrices(prices);
    }
    return agreed === true;
}
