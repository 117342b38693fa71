// Files of products and of stock, from the calculator to the API's answer.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { Cells, decoded, separatorOf } from "../assets/js/cells.js";
import { columnsOf, judge } from "../assets/js/import_cells.js";
import { api, base, settled, stockOf, violations } from "./browser.js";
import { plain, work } from "./work.js";

const sheet = (id) => api("GET", `/products/${id}/sheet/`);
const bytes = (...parts) =>
    Buffer.concat(
        parts.map((part) =>
            typeof part === "string" ? Buffer.from(part) : Buffer.from(part),
        ),
    );

// The rows of a text, read in pieces of every length
function records(text, separator, size) {
    const cells = new Cells(separator);
    const rows = [];

    for (let at = 0; at < text.length; at += size) {
        rows.push(...cells.read(text.slice(at, at + size)));
    }
    return [...rows, ...cells.finish().rows];
}

test("cells are the same however the file comes in pieces", () => {
    const text = 'a;b;c\r\n1;"x;""y""\r\nz";\n"";" q ";de "mi"\r;;\n"end"';
    const expected = [
        ["a", "b", "c"],
        ["1", 'x;"y"\r\nz', ""],
        ["", " q ", 'de "mi"'],
        ["", "", ""],
        ["end"],
    ];

    for (let size = 1; size <= text.length; size += 1) {
        assert.deepEqual(records(text, ";", size), expected, String(size));
    }
    assert.deepEqual(records("", ";", 1), []);
    const open = new Cells(";");
    open.read('a;"b\n');
    assert.equal(open.finish().whole, false);
});

test("encodings and separators of table calculators", () => {
    const utf16 = Buffer.from("\ufeffé;œ", "utf16le");

    assert.equal(decoded(bytes("\ufeffé;œ")), "é;œ");
    assert.equal(decoded(bytes("é;œ")), "é;œ");
    assert.equal(decoded(bytes([0xe9, 0x3b, 0xe0])), "é;à");
    assert.equal(decoded(utf16), "é;œ");
    assert.equal(separatorOf('"a,b,c";d\n1,2,3,4,5'), ";");
    assert.equal(separatorOf("a,b,c"), ",");
    assert.equal(separatorOf("a\tb;c\td"), "\t");
    assert.equal(separatorOf("alone"), ";");
});

test("columns are known by the names that people give them", () => {
    assert.deepEqual(
        columnsOf("produits", ["N°", " Désignation", "Prix TTC", "EAN", "x"]),
        {
            columns: ["id", "nom", "prix", "codes_barres", null],
            unknown: ["x"],
            twice: [],
        },
    );
    assert.deepEqual(columnsOf("stock", ["code", "Référence"]).twice, ["code"]);
});

test("cells are judged as the API judges them", () => {
    const one = (name, cell) => {
        const { members, errors } = judge([name], [cell]);
        return errors[name] ?? members[name];
    };

    for (const [name, cell, expected] of [
        ["prix", "1 234,5 €", "1234.50"],
        ["prix", "\u202f0012.30", "12.30"],
        ["prix", "1,234", /2 chiffres/],
        ["prix", "123456789", /8 chiffres/],
        ["prix", "-0,01", /supérieure ou égale à 0/],
        ["prix", "-0", "0.00"],
        ["prix", "douze", /nombre valide/],
        ["id", "007", "7"],
        ["id", "0", /entier/],
        ["id", "1.5", /entier/],
        ["quantite", "12,0", 12],
        ["quantite", "-1", /supérieure ou égale à 0/],
        ["quantite", "2147483648", /inférieure ou égale/],
        ["delta", "+3", 3],
        ["delta", "0", /ne peut être 0/],
        ["nom", "'=somme", "=somme"],
        ["nom", "''=somme", "'=somme"],
        ["nom", "'ici", "'ici"],
        ["nom", "é".repeat(101), /100 caractères/],
        ["code", "3,76E+12", /tableur/],
        ["codes_barres", "4006381333931 abc", ["4006381333931", "abc"]],
        ["codes_barres", "4006381333932", /contrôle/],
        ["codes_barres", "a a", /deux fois/],
        ["magasin", "  ", undefined],
    ]) {
        const found = one(name, cell);
        if (expected instanceof RegExp) {
            assert.match(String(found), expected, `${name} ${cell}`);
        } else {
            assert.deepEqual(found, expected, `${name} ${cell}`);
        }
    }
});

// With a rule that looks at all ends of the spaces, this takes minutes.
test("a cell of many spaces and no end is judged at once", () => {
    const cell = `a${" ".repeat(200000)}b`;
    const start = performance.now();

    for (const name of ["nom", "prix", "codes_barres", "quantite"]) {
        judge([name], [cell]);
    }
    assert.ok(performance.now() - start < 2000);
});

const drop = (tab, name, buffer) =>
    tab
        .getByLabel(/^Fichier CSV/)
        .setInputFiles({ name, mimeType: "text/csv", buffer });
const count = (tab, label) =>
    tab
        .getByRole("button", { name: new RegExp(`^${label} `) })
        .locator(".value");
const rowOf = (tab, text) =>
    tab.locator(".import-table tbody tr", { hasText: text });
const go = (tab) => tab.getByRole("button", { name: /^Importer \d/ });
const batches = (tab) => {
    const seen = [];
    tab.on("request", (request) => {
        if (request.url().includes("/batch/")) {
            seen.push(request);
        }
    });
    return seen;
};
async function counts(tab, expected) {
    await count(tab, "Changements").waitFor();
    for (const [label, number] of Object.entries(expected)) {
        assert.equal(
            plain(await count(tab, label).textContent()),
            number,
            label,
        );
    }
}

work(
    "products: as a French calculator of Windows saves them; looked at, then written",
    { path: "/importer" },
    async (tab) => {
        const seen = batches(tab);
        const before = await sheet(2);
        // "Désignation" and "œ" in Windows-1252
        const file = Buffer.from(
            [
                "id;D\xe9signation;Prix;Cat\xe9gorie;Remarque",
                "2;;21,35;;x",
                `1;;${(await sheet(1)).prix.replace(".", ",")};;`,
                ';"C\x9cur ""glac\xe9""";3,2;Boissons;',
                "",
            ].join("\r\n"),
            "latin1",
        );

        await drop(tab, "prix.csv", file);
        await counts(tab, {
            Changements: "1",
            Nouveaux: "1",
            "Sans effet": "1",
            Erreurs: "0",
        });
        assert.match(
            plain(await rowOf(tab, before.nom).textContent()),
            new RegExp(`${before.prix.replace(".", ",")} €.*→ 21,35 €`),
        );
        await tab.getByText("laissées de côté : Remarque").waitFor();
        await count(tab, "Nouveaux").click();
        await rowOf(tab, 'Cœur "glacé"').waitFor();
        assert.equal(seen.length, 0);
        assert.equal((await sheet(2)).prix, before.prix);

        await go(tab).click();
        await tab
            .getByRole("heading", {
                name: /2.lignes importées, dont 1.produit créé/,
            })
            .waitFor();
        assert.equal((await sheet(2)).prix, "21.35");
        assert.deepEqual((await sheet(2)).codes_barres, before.codes_barres);
        const made = (await api("GET", "/products/?q=glac%C3%A9")).results[0];
        assert.equal(made.nom, 'Cœur "glacé"');
        assert.equal(made.prix, "3.20");
        // Neither what changes nothing nor the name that was not given
        assert.deepEqual(
            seen[0].postData().trim().split("\n").map(JSON.parse),
            [
                { id: "2", prix: "21.35" },
                { nom: 'Cœur "glacé"', prix: "3.20", categorie: "Boissons" },
            ],
        );
        await api("DELETE", `/products/${made.id}/`);
        await api("PATCH", "/products/2/", { prix: before.prix });
    },
);

work(
    "products: errors by row and column; all or nothing, or what is right",
    { path: "/importer" },
    async (tab) => {
        const seen = batches(tab);
        const before = await sheet(4);
        const text = [
            "id\tcode\tnom\tcategorie\tprix\tcodes_barres",
            "4\t\t\t\t16.49\t",
            "\t\t\t\t\t",
            "5\t\t\t\tgratuit\t",
            "999999\t\t\t\t1\t",
            "\t\tSeul\t\t1\t",
            "\tBOI-004\t\t\t1\t4006381333932",
            "4\t\t\t\t1\t",
        ].join("\n");

        await drop(tab, "a.b.tsv", bytes("\ufeff", text));
        await counts(tab, { Changements: "1", Erreurs: "5" });
        for (const [row, words] of [
            ["4", "Prix : Un nombre valide est requis."],
            ["5", "n’existe pas, ou n’est plus en vente"],
            ["6", "Catégorie : Ce champ est obligatoire."],
            ["7", "Le chiffre de contrôle de « 4006381333932 » est faux."],
            ["8", "Donné aussi à la ligne 2."],
        ]) {
            assert.ok(
                plain(
                    await rowOf(tab, words.replaceAll(" ", "\u00a0"))
                        .or(
                            tab.locator(".import-table tbody tr").filter({
                                has: tab.locator("td", {
                                    hasText: new RegExp(`^${row}$`),
                                }),
                            }),
                        )
                        .first()
                        .textContent(),
                ).includes(words),
                `${row}: ${words}`,
            );
        }
        assert.ok(await go(tab).isDisabled());
        await tab.locator("#page").getByText("5 lignes sont fausses").waitFor();

        const [download] = await Promise.all([
            tab.waitForEvent("download"),
            tab.getByRole("button", { name: "Erreurs en CSV" }).click(),
        ]);
        const errors = await readFile(await download.path(), "utf8");
        assert.match(
            download.suggestedFilename(),
            /^erreurs-a\.b-\d{4}-\d\d-\d\d\.csv$/,
        );
        assert.match(errors, /^\ufeffLigne;Colonne;Erreur;Produit\r\n4;prix;/);

        await tab.getByLabel("S’il y a des erreurs").selectOption("valid");
        await go(tab).click();
        await tab.getByRole("heading", { name: /1.ligne importée/ }).waitFor();
        assert.match(seen[0].url(), /mode=valid$/);
        assert.equal((await sheet(4)).prix, "16.49");
        await api("PATCH", "/products/4/", { prix: before.prix });
    },
);

work(
    "products: what the server refuses is shown by the row of the file",
    { path: "/importer" },
    async (tab) => {
        const { code } = await sheet(4);

        // Between the look and the answer somebody takes the code.
        await drop(
            tab,
            "codes.csv",
            bytes(`id,code,prix\n1,,1.11\n2,NEUF-1,\n`),
        );
        await counts(tab, { Changements: "2", Erreurs: "0" });
        await api("PATCH", "/products/4/", { code: "NEUF-1" });
        await go(tab).click();
        await tab
            .getByRole("heading", { name: "Rien n’est importé." })
            .waitFor();
        const row = rowOf(tab, (await sheet(2)).nom);
        assert.match(plain(await row.textContent()), /^3.*Code : /);
        assert.notEqual((await sheet(1)).prix, "1.11");
        await tab.getByRole("button", { name: "Erreurs en CSV" }).waitFor();
        await api("PATCH", "/products/4/", { code });
    },
);

work(
    "stock: counts over what was shown, movements, thresholds, barcodes, names of stores",
    { path: "/importer?contenu=stock" },
    async (tab) => {
        const had = await stockOf(1, 4);
        const other = await stockOf(2, 1);
        const barcode = (await sheet(2)).codes_barres[0];
        const two = await stockOf(1, 2);

        await drop(
            tab,
            "stock.csv",
            bytes(
                [
                    "Magasin;Produit;EAN;Quantité;Mouvement;Min;Max",
                    `1;4;;${had + 5};;2;40`,
                    `Magasin Nord;1;;;3;;`,
                    `1;;${barcode};${two + 1};;;`,
                    `1;5;;;-99999;;`,
                    "Nulle part;1;;1;;;",
                    `1;1;;;;9;3`,
                ].join("\n"),
            ),
        );
        await counts(tab, { Changements: "3", Erreurs: "3" });
        await tab.getByText(/Il n’y en a que/).waitFor();
        await tab
            .getByText("Le magasin « Nulle part » n’existe pas.")
            .waitFor();
        await tab.getByText("Le maximum ne peut être inférieur").waitFor();
        await count(tab, "Changements").click();
        assert.match(
            plain(await rowOf(tab, /^2/).first().textContent()),
            new RegExp(`Quantité : ${had} → ${had + 5}`),
        );
        await tab.getByLabel("S’il y a des erreurs").selectOption("valid");
        await go(tab).click();
        await tab
            .getByRole("heading", { name: /3.lignes importées/ })
            .waitFor();
        assert.equal(await stockOf(1, 4), had + 5);
        assert.equal(await stockOf(2, 1), other + 3);
        assert.equal(await stockOf(1, 2), two + 1);
        const limits = await api("GET", "/stores/1/stock/4/thresholds/");
        assert.deepEqual([limits.minimum, limits.maximum], [2, 40]);
        await api("PUT", "/stores/1/stock/4/thresholds/", {
            minimum: null,
            maximum: null,
        });
    },
);

for (const [order, rows] of [
    ["the number first", (barcode, had) => [`2;;${had};`, `;${barcode};;2`]],
    ["the barcode first", (barcode, had) => [`;${barcode};;2`, `2;;${had};`]],
]) {
    work(
        `stock: one product by its number and by a barcode is there twice; ${order}`,
        { path: "/importer?contenu=stock&magasin=1" },
        async (tab) => {
            const barcode = (await sheet(2)).codes_barres[0];
            const limits = "/stores/1/stock/2/thresholds/";

            await api("PUT", limits, { minimum: 1, maximum: 30 });
            await drop(
                tab,
                "stock.csv",
                bytes(
                    [
                        "produit;ean;quantite;minimum",
                        ...rows(barcode, await stockOf(1, 2)),
                        "4;;;3",
                    ].join("\n"),
                ),
            );
            await count(tab, "Erreurs").waitFor();
            assert.equal(await count(tab, "Erreurs").textContent(), "1");
            await tab.getByText(/Donné aussi à la ligne\s2\./).waitFor();
            await tab.getByLabel("S’il y a des erreurs").selectOption("valid");
            await go(tab).click();
            await tab.getByRole("heading", { name: /importées?/ }).waitFor();
            // The limit that nobody named is as it was.
            assert.equal((await api("GET", limits)).maximum, 30);
            await api("PUT", limits, { minimum: null, maximum: null });
            await api("PUT", "/stores/1/stock/4/thresholds/", {
                minimum: null,
                maximum: null,
            });
        },
    );
}

work(
    "products: one by its number and by its code is there twice",
    { path: "/importer" },
    async (tab) => {
        const { code, prix } = await sheet(4);

        await drop(
            tab,
            "prix.csv",
            bytes(`id;code;prix\n4;;${prix}\n;${code};7,77\n`),
        );
        await counts(tab, { Changements: "0", Erreurs: "1" });
        await tab.getByText(/Donné aussi à la ligne\s2\./).waitFor();
    },
);

work(
    "a file that is no table is named shortly",
    { path: "/importer" },
    async (tab) => {
        await drop(tab, "image.csv", Buffer.alloc(3000000, "JFIF\0;"));
        const words = tab.locator(".problem p");

        await words.getByText("Ces colonnes ne vont pas").waitFor();
        assert.ok((await words.textContent()).length < 1000);
    },
);

work(
    "stock: what was sold after the look is no count's any more",
    { path: "/importer?contenu=stock&magasin=1" },
    async (tab) => {
        const had = await stockOf(1, 4);

        await drop(tab, "stock.csv", bytes(`produit,quantite\n4,${had + 7}\n`));
        await counts(tab, { Changements: "1" });
        await api("POST", "/stores/1/stock/4/adjust/", { delta: -1 });
        await go(tab).click();
        await tab
            .getByRole("heading", { name: "Rien n’est importé." })
            .waitFor();
        await tab.getByText(/Le stock a changé/).waitFor();
        assert.equal(await stockOf(1, 4), had - 1);
        await api("POST", "/stores/1/stock/4/adjust/", { delta: 1 });
    },
);

work(
    "an answer that is lost: sent again with its key, written once",
    { path: "/importer?contenu=stock&magasin=1", expected: [/Failed to load/] },
    async (tab) => {
        const had = await stockOf(1, 4);
        const keys = [];
        let lost = 4;

        await tab.route(`${base}/api/v1/stock/batch/**`, async (route) => {
            keys.push(route.request().headers()["idempotency-key"]);
            lost -= 1;
            if (lost >= 0) {
                await route.fetch();
                await route.abort();
            } else {
                await route.continue();
            }
        });
        await drop(tab, "plus.csv", bytes("produit;delta\n4;10\n"));
        await counts(tab, { Changements: "1" });
        await go(tab).click();
        await tab
            .locator("#page")
            .getByText("On ne sait pas si ce fichier est importé")
            .waitFor({
                timeout: 20000,
            });
        await tab.getByRole("button", { name: "Renvoyer" }).click();
        await tab
            .getByRole("heading", { name: /1.ligne importée/ })
            .waitFor({ timeout: 20000 });
        assert.equal(keys.length, 5);
        assert.equal(new Set(keys).size, 1);
        assert.equal(await stockOf(1, 4), had + 10);
        await api("POST", "/stores/1/stock/4/adjust/", { delta: -10 });
    },
);

work(
    "files that are none: words, and nothing is asked",
    { path: "/importer" },
    async (tab) => {
        for (const [text, words] of [
            ["", "Ce fichier est vide."],
            ["\n;;\n", "Ce fichier est vide."],
            ["id;prix\n", "n’a que des en-têtes"],
            [
                "couleur;taille\n1;2\n",
                "Ces colonnes ne vont pas : couleur, taille.",
            ],
            ["id;prix;Tarif\n1;2;3\n", "est là deux fois"],
            ['id;prix\n1;"2\n', "ouverts à la ligne 2"],
            [`id;prix\n${"1;1\n".repeat(50001)}`, "50 000 au plus"],
        ]) {
            await drop(tab, "x.csv", bytes(text));
            await tab
                .locator(".problem", {
                    hasText: new RegExp(words.replace(/[ .]/g, "[\\s.]")),
                })
                .waitFor();
        }
        assert.equal(await tab.locator(".import-table").count(), 0);
    },
);

work(
    "rights: who may not is not offered it; who may change prices changes no more",
    { path: "/importer", rights: { scopes: ["prix", "lecture"] } },
    async (tab) => {
        await drop(
            tab,
            "x.csv",
            bytes("id;nom;prix\n4;;99\n5;Autre;\n;Neuf;1\n"),
        );
        await counts(tab, { Changements: "1", Erreurs: "2" });
        await tab.getByText("ne change que des prix").first().waitFor();
        await tab.goto("/importer?contenu=stock");
        await settled(tab);
        await tab.getByText("n’a pas le droit « stock »").waitFor();
        assert.equal(await tab.getByLabel(/^Fichier CSV/).count(), 0);
    },
);

for (const colorScheme of ["light", "dark"]) {
    for (const width of [360, 1280]) {
        work(
            `axe, nothing sticks out, keys alone: ${width}, ${colorScheme}`,
            {
                path: "/importer",
                colorScheme,
                viewport: { width, height: 740 },
            },
            async (tab) => {
                const clean = async (what) => {
                    assert.deepEqual(await violations(tab), [], what);
                    assert.equal(
                        await tab.evaluate(
                            () =>
                                document.documentElement.scrollWidth -
                                innerWidth,
                        ),
                        0,
                        what,
                    );
                };
                const rows = Array.from(
                    { length: 120 },
                    (_, n) => `;Article ${"x".repeat(n % 60)} ${n};Divers;1`,
                );

                await drop(
                    tab,
                    "articles-de-la-rentree-2026-tres-long.csv",
                    bytes(
                        [
                            "id;nom;categorie;prix",
                            "4;;;1",
                            "5;;;?",
                            ...rows,
                        ].join("\n"),
                    ),
                );
                await counts(tab, { Erreurs: "1" });
                await clean("errors");
                const fresh = tab.getByRole("button", { name: /^Nouveaux/ });
                await fresh.focus();
                await tab.keyboard.press("Enter");
                await tab.getByText("Page 1 sur 3").waitFor();
                assert.ok(
                    await fresh.evaluate(
                        (node) => node === document.activeElement,
                    ),
                );
                assert.equal(
                    await tab.locator(".import-table tbody tr").count(),
                    50,
                );
                await clean("new");
            },
        );
    }
}
