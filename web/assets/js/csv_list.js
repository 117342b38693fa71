// Lists of the API as CSV: all rows by one request, read while they come.

import { readCsv } from "./api.js";
import { Cells } from "./cells.js";
import { pieces } from "./pieces.js";

// row(cells, heads) for each of them, in their order; head(heads) before.
export async function eachRow(path, row, { signal, head = () => {} } = {}) {
    const cells = new Cells(",");
    const turn = pieces(signal);
    let heads = null;
    const take = async (records) => {
        for (const record of records) {
            if (heads === null) {
                heads = record;
                head(heads);
            } else {
                row(record, heads);
            }
            await turn();
        }
    };

    await readCsv(path, (text) => take(cells.read(text)), signal);
    await take(cells.finish().rows);
}

// The same as objects, by the names of the members
export function eachMember(path, action, signal) {
    return eachRow(
        path,
        (cells, heads) =>
            action(
                Object.fromEntries(heads.map((name, at) => [name, cells[at]])),
            ),
        { signal },
    );
}
