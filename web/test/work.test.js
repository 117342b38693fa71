// What holds for all pages of the work behind the till.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
    openTab,
    settled,
    sql,
    traffic,
    violations,
    withToken,
} from "./browser.js";
import { browser, entry, lines, press, work } from "./work.js";

work(
    "rights of the head office: not offered, with why",
    { path: "/produits", rights: { scopes: ["ventes"] } },
    async (tab) => {
        for (const [path, words, name] of [
            ["/produits", "modifier les produits", "Nouveau produit"],
            ["/prix", "changer les prix", "Proposer ces prix"],
            ["/magasins", "changer les magasins", "Nouveau magasin"],
            ["/stock?magasin=1", "corriger ce stock", /^Corriger/],
            ["/commander?magasin=1", "rien demander", /^Demander/],
            ["/demandes", "pas décider", /^Approuver/],
        ]) {
            await tab.goto(path);
            await settled(tab);
            await tab.locator(".locked", { hasText: words }).waitFor();
            assert.equal(await tab.getByRole("button", { name }).count(), 0);
        }
    },
);

work(
    "rights: what a token may not do is not offered, and the page says why",
    {
        path: "/receptions",
        rights: { scopes: ["stock", "lecture"], magasins: [2] },
    },
    async (tab) => {
        await press(tab, "Nouvelle réception");
        await settled(tab);
        assert.deepEqual(
            await tab
                .getByLabel("Lieu de réception")
                .locator("option")
                .allTextContents(),
            ["Choisir…", "Magasin Nord"],
        );
        await tab.goto("/receptions?document=1");
        await settled(tab);
        await tab
            .getByText("n’a pas le droit « réapprovisionnement »")
            .waitFor();
        assert.equal(
            await tab
                .getByRole("button", { name: "Annuler la réception" })
                .count(),
            0,
        );
        await tab.goto("/transferts?document=2");
        await settled(tab);
        await tab.getByText("ne vaut que pour Magasin Nord").waitFor();
        assert.equal(
            await tab.getByRole("button", { name: "Tout est arrivé" }).count(),
            0,
        );
    },
);

work(
    "rights: none at all",
    { path: "/receptions", rights: { scopes: ["lecture"] } },
    async (tab) => {
        await tab.getByText("n’a pas le droit « stock »").waitFor();
        assert.equal(
            await tab
                .getByRole("button", { name: "Nouvelle réception" })
                .count(),
            0,
        );
        await tab.goto("/transferts?nouveau=oui");
        await tab.getByText("n’a pas le droit « stock »").waitFor();
    },
);

const pages = [
    "/",
    "/journal",
    "/importer",
    "/inventaire",
    "/receptions",
    "/receptions?nouveau=oui",
    "/transferts?statut=tous",
    "/transferts?nouveau=oui",
    "/commander?magasin=3",
    "/stock?magasin=3",
    "/central",
    "/demandes",
    "/produits",
    "/prix",
    "/magasins",
    "/chiffres",
];

for (const width of [360, 1024]) {
    work(
        `text of 200 %: nothing sticks out, ${width}`,
        { path: "/receptions", viewport: { width, height: 768 } },
        async (tab) => {
            for (const path of pages) {
                await tab.goto(path);
                await settled(tab);
                await tab.evaluate(() => {
                    document.documentElement.style.fontSize = "32px";
                });
                // A chart takes its new width a moment later.
                await assert.doesNotReject(
                    tab.waitForFunction(
                        () =>
                            document.documentElement.scrollWidth === innerWidth,
                    ),
                    path,
                );
            }
        },
    );
}

// What axe sees of what is behind a click, light and dark, narrow and wide
for (const colorScheme of ["light", "dark"]) {
    for (const width of [360, 1280]) {
        work(
            `axe, nothing sticks out: ${width}, ${colorScheme}`,
            {
                path: "/receptions?nouveau=oui",
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

                await entry(tab).fill("BOI-004");
                await entry(tab).press("Enter");
                await lines(tab).first().waitFor();
                await entry(tab).fill("café");
                await tab.locator(".suggestions button").first().waitFor();
                await clean("receipt");
                for (const path of [
                    "/receptions?document=2",
                    "/transferts?document=1",
                    "/transferts?document=2&recevoir=oui",
                    "/transferts?nouveau=oui&de=1&vers=2&produit=4",
                    "/stock?magasin=3",
                    "/commander?magasin=3",
                    "/prix",
                    "/magasins",
                    "/chiffres?par=heure",
                ]) {
                    await tab.goto(path);
                    await settled(tab);
                    await clean(path);
                }
            },
        );
    }
}

// The last test of all: nobody has to take these away.
const many = `
    INSERT INTO produit (id, nom, categorie, prix)
    SELECT n, 'Masse ' || lpad(n::text, 6, '0'), 'Masse', 1
      FROM generate_series(200001, 250000) n;
    INSERT INTO stock_local (magasin_id, produit_id, quantite)
    SELECT 3, n, n % 20 FROM generate_series(200001, 250000) n;
    INSERT INTO stock_central (produit_id, quantite)
    SELECT n, 5 FROM generate_series(200001, 250000) n;
    ANALYZE produit, stock_local, stock_central;`;
const KILOBYTES = 300;

test("50,000 rows in a store: each page is light", async () => {
    await sql(many);
    for (const path of pages) {
        const { tab, close, nothingWrong } = await openTab(browser());
        const debug = await tab.context().newCDPSession(tab);
        const quiet = traffic(tab);
        let bytes = 0;

        await withToken(tab);
        await debug.send("Network.enable");
        debug.on("Network.loadingFinished", (event) => {
            bytes += event.encodedDataLength;
        });
        const start = performance.now();
        await tab.goto(path);
        await settled(tab);
        const time = performance.now() - start;
        await quiet();
        console.log(
            `# ${path}: ${Math.round(bytes / 1024)} kB, ${Math.round(time)} ms`,
        );
        assert.ok(bytes < KILOBYTES * 1024, `${path}: ${bytes}`);
        assert.ok((await tab.locator("tbody tr").count()) <= 100, path);
        nothingWrong();
        await close();
    }
});
