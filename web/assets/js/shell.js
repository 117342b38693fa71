// What goes on behind every page: the pages are kept for when there is no
// network, and sales that wait are sent.

import { element } from "./dom.js";
import { plural } from "./format.js";
import { onSales, stateOf, waiting, watchOutbox, works } from "./outbox.js";
import { registered } from "./service.js";
import { tell } from "./strip.js";

async function count() {
    const states = await Promise.all((await waiting()).map(stateOf));
    const stopped = states.filter((state) => state !== "attente").length;

    tell(
        "ventes",
        states.length === 0
            ? null
            : [
                  `${plural(states.length, "vente attend", "ventes attendent")} d’être envoyée${states.length > 1 ? "s" : ""}`,
                  stopped > 0
                      ? `, dont ${stopped} sur ${stopped > 1 ? "lesquelles" : "laquelle"} quelqu’un doit décider. `
                      : ". ",
                  element("a", { href: "/caisse" }, "Voir"),
              ],
    );
}

// For as long as the tab is
export async function keepPages() {
    await registered();
    if (await works()) {
        onSales(count);
        await count();
        await watchOutbox();
    }
}
