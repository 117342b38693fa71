// Server-Sent Events out of pieces of text, however they are cut: what
// EventSource does, for streams that fetch() reads.

export class EventBlocks {
    #rest = "";
    #lines = [];

    // The blocks that end in this piece: {id, type, data, retry}, each null
    // where the block does not say it.
    feed(text) {
        const all = this.#rest + text;
        // A CR at the end may be half of a CR LF.
        const whole = all.endsWith("\r") ? all.slice(0, -1) : all;
        const lines = whole.split(/\r\n|\n|\r/);
        const blocks = [];

        this.#rest = lines.pop() + all.slice(whole.length);
        for (const line of lines) {
            if (line !== "") {
                this.#lines.push(line);
            } else if (this.#lines.length > 0) {
                blocks.push(blockOf(this.#lines));
                this.#lines = [];
            }
        }
        return blocks;
    }
}

function blockOf(lines) {
    const block = { id: null, type: null, data: null, retry: null };

    for (const line of lines) {
        const [, name, value] = /^([^:]*)(?:: ?(.*))?$/s.exec(line);

        if (name === "data") {
            block.data =
                block.data === null
                    ? (value ?? "")
                    : `${block.data}\n${value ?? ""}`;
        } else if (name === "event") {
            block.type = value ?? "";
        } else if (name === "id") {
            block.id = value ?? "";
        } else if (name === "retry" && /^\d+$/.test(value)) {
            block.retry = Number(value);
        }
    }
    return block;
}
