// Before a sale: does each product still cost what the ticket says?

import { query, readSome } from "./api.js";
import { confirm } from "./dialog.js";
import { element } from "./dom.js";
import { amount } from "./format.js";
import { cents } from "./money.js";

// {id: price} of what costs something else by now.  Who cannot be asked has
// changed nothing: the sale has the last word, and its receipt says so.
async function moved(lines, signal) {
    const answers = await readSome(
        lines.map((line) => line.id),
        (id) => `/products/${query({ id, limit: 100 })}`,
        signal,
    );
    const now = new Map(
        answers
            .flatMap(({ results }) => results)
            .map(({ id, prix }) => [id, prix]),
    );

    return lines
        .filter(
            ({ id, price }) =>
                now.has(id) && cents(now.get(id)) !== cents(price),
        )
        .map((line) => ({ ...line, now: now.get(line.id) }));
}

// Resolves to whether the sale may go on, with the ticket's prices as they
// are now.
export async function agreeOnPrices(ticket, signal) {
    let changed;

    try {
        changed = await moved(ticket.lines, signal);
    } catch (error) {
        if (signal.aborted || !(error.temporary || error.status)) {
            throw error;
        }
        return true;
    }
    if (changed.length === 0) {
        return true;
    }

    const prices = new Map(changed.map((line) => [line.id, line.now]));
    const total = ticket.totalAt(prices);
    const agreed = await confirm({
        title: "Des prix ont changé",
        text: `Le total passe de ${amount(ticket.total)} à ${amount(total)}.`,
        extra: element(
            "ul",
            { class: "receipt-lines" },
            changed.map((line) =>
                element(
                    "li",
                    {},
                    element("span", {}, line.name),
                    element(
                        "span",
                        { class: "number" },
                        element("del", {}, amount(line.price)),
                        " → ",
                        element("ins", {}, amount(line.now)),
                    ),
                ),
            ),
        ),
        submit: `Encaisser ${amount(total)}`,
        action: () => true,
    });

    if (agreed) {
        ticket.setPrices(prices);
    }
    return agreed === true;
}
