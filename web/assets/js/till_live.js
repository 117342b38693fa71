// What reaches the till by itself: changes of what it shows, and what became of
// the sales that it has kept.

import { query, read } from "./api.js";
import { follow } from "./live.js";
import { isKept, onMade, works } from "./outbox.js";

// What waits to be sent is no ticket any more.  A browser that keeps no sales
// says so.
export async function keepSales(till) {
    const { ticket } = till;

    onMade((made) => became(till, made), till.signal);
    if (!(await works())) {
        till.alone.textContent =
            " Sans réseau, rien ne se vend ici : ce navigateur ne garde pas les ventes.";
    } else if (ticket.phase === "unknown" && (await isKept(ticket.key))) {
        ticket.clear();
        till.drawTicket();
        till.wake();
    }
}

function became(till, { n, sale, awaited }) {
    if (sale && !awaited) {
        if (till.receipt?.kept?.n === n) {
            till.receipt = { sale, lines: till.receipt.lines };
            till.drawTicket();
        }
        till.refresh();
    }
}

const shows = (till, id) =>
    [...till.products, ...till.ticket.lines].some((one) => one.id === id);

const ofProduct = ({ type }) => type.startsWith("produit_");

export function followTill(till, seconds) {
    follow({
        seconds,
        region: till.catalogue,
        signal: till.signal,
        store: () => till.ticket.store,
        wants: (event) =>
            ofProduct(event)
                ? shows(till, event.produit)
                : event.magasin === till.ticket.store &&
                  (/^(vente|retour)_creation$/.test(event.type) ||
                      shows(till, event.produit)),
        change: (events) => change(till, events),
        refresh: () => till.refresh(),
    });
}

// What is shown of them is read, and nothing else.
async function change(till, events) {
    const ids = (some) => [
        ...new Set(
            events
                .filter(some)
                .map(({ produit }) => produit)
                .filter((id) => shows(till, id)),
        ),
    ];
    const moved = ids((event) => !ofProduct(event));

    if (!(await rename(till, ids(ofProduct)))) {
        await till.refresh();
        return;
    }
    if (moved.length > 0) {
        await till.stock.read(moved, till.signal);
    }
    till.drawTicket();
    till.drawProducts();
    if (events.some(({ type }) => type.endsWith("_creation"))) {
        till.drawRecent();
    }
}

// false: one of them is not sold any more.  The ticket has the price that the
// customer was told.
async function rename(till, ids) {
    if (ids.length === 0) {
        return true;
    }
    const { results } = await read(
        `/products/${query({ id: ids.slice(0, 100), limit: 100 })}`,
        till.signal,
    );

    for (const product of results) {
        const shown = till.products.find(({ id }) => id === product.id);
        Object.assign(shown ?? {}, product);
    }
    return results.length === ids.length;
}
