// What comes out of a printer: its pages, with their size, their text and the
// barcodes that a scanner finds on them.

import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const millimetres = (points) => Math.round((points * 25.4) / 72);

// zbarimg fails when there is no barcode.
const scanned = (image) =>
    run("zbarimg", ["--quiet", image]).then(
        ({ stdout }) => stdout.trim().split("\n"),
        (error) => {
            if (error.code !== 4) {
                throw error;
            }
            return [];
        },
    );

async function read(home, file) {
    const info = (await run("pdfinfo", ["-l", "999", file])).stdout;
    const text = (await run("pdftotext", ["-layout", file, "-"])).stdout;
    const result = [];

    await run("pdftoppm", ["-r", "300", "-png", file, join(home, "page")]);
    const images = (await readdir(home)).filter((one) => one.endsWith(".png"));
    const sizes = info.matchAll(/^Page +\d+ size: +([\d.]+) x ([\d.]+)/gm);

    for (const [index, [, width, height]] of Array.from(sizes).entries()) {
        result.push({
            width: millimetres(width),
            height: millimetres(height),
            text: text.split("\f")[index].replace(/\s+/g, " "),
            codes: await scanned(join(home, images.sort()[index])),
        });
    }
    return result;
}

// What action() prints: [{width, height, text, codes: ["EAN-13:…"]}].  A browser
// without a window prints nothing by itself.
export async function pages(tab, action) {
    await tab.evaluate(() => {
        globalThis.asked = new Promise((resolve) => {
            window.print = resolve;
        });
    });
    await action();
    await tab.evaluate(() => globalThis.asked);

    const home = await mkdtemp(join(tmpdir(), "magasin-paper."));
    const file = join(home, "paper.pdf");
    try {
        await writeFile(file, await tab.pdf({ preferCSSPageSize: true }));
        return await read(home, file);
    } finally {
        await rm(home, { recursive: true });
    }
}
