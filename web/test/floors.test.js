// Does the check of the imports (floors.js, "make lint") find what is wrong?
// Each wrong import is planted into a copy of the pages' modules.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { appendFile, cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { floors } from "../floors.js";

const pathOf = (name) => fileURLToPath(new URL(name, import.meta.url));

// Resolves to the code of exit, and what was written.
function cruise(directory) {
    return new Promise((resolve) => {
        execFile(
            pathOf("../node_modules/.bin/depcruise"),
            ["--config", pathOf("../floors.js"), "assets/js"],
            { cwd: directory },
            (error, stdout, stderr) =>
                resolve({ code: error?.code ?? 0, text: stdout + stderr }),
        );
    });
}

// plant: {file: code that is appended to it}
async function planted(plant) {
    const directory = await mkdtemp(join(tmpdir(), "magasin-floors-"));

    try {
        await cp(pathOf("../assets/js"), join(directory, "assets/js"), {
            recursive: true,
        });
        for (const [file, code] of Object.entries(plant)) {
            await appendFile(join(directory, "assets/js", file), `\n${code}\n`);
        }
        return await cruise(directory);
    } finally {
        await rm(directory, { recursive: true });
    }
}

test("the table of floors has each module once, and no other", async () => {
    const directory = pathOf("../assets/js");
    const files = await readdir(directory, { recursive: true });

    assert.deepEqual(
        Object.values(floors).flat().sort(),
        files
            .filter((file) => file.endsWith(".js"))
            .map((file) => file.slice(0, -".js".length))
            .sort(),
    );
});

test("the imports as they are pass", async () => {
    const { code, text } = await planted({});

    assert.equal(code, 0, text);
    assert.match(text, /no dependency violations found/);
});

const plants = {
    "a ring of two on a floor": [
        { "form.js": 'import "./dialog.js";' },
        /error ring: assets\/js\/dialog\.js → \n *assets\/js\/form\.js →/,
    ],
    "a ring of three, one import of which is dynamic": [
        {
            "csv.js": 'import "./days.js";',
            "days.js": 'import "./money.js";',
            "money.js": 'export const late = () => import("./csv.js");',
        },
        /error ring: assets\/js\/csv\.js → \n *assets\/js\/days\.js → *\n *assets\/js\/money\.js →/,
    ],
    "an import of the floor above": [
        { "money.js": 'import "./charts.js";' },
        /error up-from-values: assets\/js\/money\.js → assets\/js\/charts\.js/,
    ],
    "an import of the highest floor": [
        { "shop_stock.js": 'export * from "./main.js";' },
        /error up-from-features: assets\/js\/shop_stock\.js → assets\/js\/main/,
    ],
    "a page that the router imports when it is asked for": [
        {
            "router.js":
                'export const page = () => import("./pages/stock.js");',
        },
        /error up-from-address: assets\/js\/router\.js → assets\/js\/pages\/st/,
    ],
    "a page that imports a page": [
        { "pages/stock.js": 'import "./central.js";' },
        /error page-to-page: assets\/js\/pages\/stock\.js/,
    ],
    "a module that is on no floor": [
        { "lost.js": 'import "./dom.js";' },
        /error imports-without-floor: assets\/js\/lost\.js/,
    ],
    "an import of a module that is on no floor": [
        { "lost.js": "export {};", "main.js": 'import "./lost.js";' },
        /error to-without-floor: assets\/js\/main\.js → assets\/js\/lost\.js/,
    ],
    "an import of a file that is not there": [
        { "main.js": 'import "./nowhere.js";' },
        /error to-without-floor: assets\/js\/main\.js → \.\/nowhere\.js/,
    ],
    "an import of what browsers do not have": [
        { "main.js": 'import "node:fs";' },
        /error to-without-floor: assets\/js\/main\.js → (node:)?fs/,
    ],
    "a module that nobody imports": [
        { "lost.js": "export {};" },
        /error unused: assets\/js\/lost\.js/,
    ],
};

for (const [what, [plant, message]] of Object.entries(plants)) {
    test(`planted: ${what} is found`, async () => {
        const { code, text } = await planted(plant);

        assert.notEqual(code, 0, text);
        assert.match(text, message);
    });
}
