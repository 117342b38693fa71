// A list as a file for table calculators: all its rows, as the page filters and
// orders them.

import { cellsLine, download } from "./csv.js";
import { eachRow } from "./csv_list.js";
import { button, element, icon } from "./dom.js";
import { localDay, plural, quantity } from "./format.js";
import { attempt, notify } from "./notices.js";

// Amounts have a comma where these machines are.
const amounts = new Set([
    "prix",
    "total",
    "chiffre_affaires",
    "remboursements",
    "net",
    "cout_unitaire",
    "prix_unitaire",
]);
const PIECE = 1 << 20;

// What is ready is the browser's to keep, on its disk when it is much.
class File {
    #parts = [new Blob(["\ufeff"])];
    #text = "";

    add(line) {
        this.#text += line;
        if (this.#text.length > PIECE) {
            this.#flush();
        }
    }

    #flush() {
        this.#parts.push(new Blob([this.#text]));
        this.#text = "";
    }

    get blob() {
        this.#flush();
        return new Blob(this.#parts, { type: "text/csv;charset=utf-8" });
    }
}

// What the page itself makes of the list: rows(cells, heads) gives the lines for
// one of the API, headed(heads) their heads.  arrange(list, heads) gets all rows
// of a list that is never long, and gives those that are saved, in their order.
async function save(
    {
        path,
        name,
        rows: linesOf = (cells) => [cells],
        headed = (heads) => heads,
        arrange = null,
    },
    tell,
    signal,
) {
    const file = new File();
    const kept = [];
    let names;
    let money = [];
    let rows = 0;
    const add = (cells, heads) => {
        for (const at of money) {
            cells[at] = cells[at].replace(".", ",");
        }
        for (const line of linesOf(cells, heads)) {
            file.add(cellsLine(line));
            rows += 1;
            if (rows % 1000 === 0) {
                tell(rows);
            }
        }
    };

    await eachRow(path, arrange ? (cells) => kept.push(cells) : add, {
        signal,
        head: (heads) => {
            names = heads;
            money = heads.flatMap((one, at) => (amounts.has(one) ? [at] : []));
            file.add(cellsLine(headed(heads)));
        },
    });
    for (const cells of arrange?.(kept, names) ?? []) {
        add(cells, names);
    }
    const title = `${name}-${localDay(new Date())}.csv`;

    download(title, file.blob);
    notify(`${title} : ${plural(rows, "ligne", "lignes")}.`);
}

// list(): {path, name} of what is shown when it is pressed.  A second press
// stops it.
export function exportButton(list, signal) {
    const label = element("span", {}, "CSV");
    let running = null;
    const show = (text, title) => {
        label.textContent = text;
        node.setAttribute("aria-label", title);
    };
    const rest = () => show("CSV", "CSV : toute la liste");
    const run = () =>
        attempt(async () => {
            const mine = new AbortController();
            const what = list();

            // Nothing is shown yet.
            if (!what?.path) {
                return;
            }
            running = mine;
            show("…", "Arrêter l’enregistrement");
            try {
                await save(
                    what,
                    (rows) =>
                        show(
                            `${quantity(rows)} lignes…`,
                            "Arrêter l’enregistrement",
                        ),
                    signal
                        ? AbortSignal.any([mine.signal, signal])
                        : mine.signal,
                );
            } catch (error) {
                if (!mine.signal.aborted && !signal?.aborted) {
                    throw error;
                }
            } finally {
                running = null;
                rest();
            }
        });
    const node = button(
        [icon("telecharger"), label],
        () => {
            if (running) {
                running.abort();
            } else {
                run();
            }
        },
        { class: "export", "data-focus": "csv" },
    );

    rest();
    return node;
}
