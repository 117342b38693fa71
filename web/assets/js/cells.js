// Files of table calculators, read as they are: in any of the usual encodings
// and separators, a piece at a time.

const QUOTE = 34;
const LF = 10;
const CR = 13;

// UTF-8 with a mark or without, UTF-16 with one; what is none of these was
// saved by a calculator of Windows.
export function decoded(bytes) {
    const [first, second] = bytes;

    if (first === 0xff && second === 0xfe) {
        return new TextDecoder("utf-16le").decode(bytes);
    }
    if (first === 0xfe && second === 0xff) {
        return new TextDecoder("utf-16be").decode(bytes);
    }
    try {
        return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
        return new TextDecoder("windows-1252").decode(bytes);
    }
}

// The separator that the first record has most of, outside of quotes
export function separatorOf(text) {
    const counts = new Map([
        [";", 0],
        [",", 0],
        ["\t", 0],
    ]);
    let quoted = false;

    for (const sign of text.slice(0, 20000)) {
        if (sign === '"') {
            quoted = !quoted;
        } else if (!quoted && (sign === "\n" || sign === "\r")) {
            break;
        } else if (!quoted && counts.has(sign)) {
            counts.set(sign, counts.get(sign) + 1);
        }
    }
    return [...counts].reduce((most, one) =>
        one[1] > most[1] ? one : most,
    )[0];
}

// The cells of a text that comes in pieces.
export class Cells {
    #separator;
    #row = [];
    #cell = "";
    // Inside of quotes; just behind the quote that ended them; behind a CR
    #quoted = false;
    #closed = false;
    #return = false;

    constructor(separator) {
        this.#separator = separator.charCodeAt(0);
    }

    // The records that end in this piece
    read(text) {
        const rows = [];
        let from = 0;

        for (let at = 0; at < text.length; at += 1) {
            const code = text.charCodeAt(at);

            if (this.#return) {
                this.#return = false;
                if (code === LF) {
                    from = at + 1;
                    continue;
                }
            }
            if (this.#quoted) {
                if (code === QUOTE) {
                    this.#cell += text.slice(from, at);
                    from = at + 1;
                    this.#quoted = false;
                    this.#closed = true;
                }
            } else if (
                code === QUOTE &&
                (this.#closed || this.#begins(from, at))
            ) {
                this.#cell += this.#closed ? '"' : "";
                this.#quoted = true;
                this.#closed = false;
                from = at + 1;
            } else if (code === this.#separator || code === LF || code === CR) {
                this.#cell += text.slice(from, at);
                from = at + 1;
                this.#end();
                if (code !== this.#separator) {
                    this.#return = code === CR;
                    rows.push(this.#row);
                    this.#row = [];
                }
            } else {
                this.#closed = false;
            }
        }
        this.#cell += text.slice(from);
        return rows;
    }

    #begins(from, at) {
        return from === at && this.#cell === "";
    }

    #end() {
        this.#row.push(this.#cell);
        this.#cell = "";
        this.#closed = false;
    }

    // The last record has no end of line; whole: its quotes are closed.
    finish() {
        const whole = !this.#quoted;

        if (this.#row.length === 0 && this.#cell === "" && whole) {
            return { rows: [], whole };
        }
        this.#end();
        return { rows: [this.#row], whole };
    }
}
