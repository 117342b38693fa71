// What once went wrong for people who work with the pages, one test for each.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
    api,
    base,
    offline,
    openTab,
    paths,
    setStock,
    settled,
    sql,
    token,
} from "./browser.js";
import { chromium, fault, requests } from "./fault.js";
import { few, many } from "./samples.js";

const field = (tab) => tab.getByLabel("Produit", { exact: true });
const sellButton = (tab) => tab.getByRole("button", { name: "Encaisser" });
const lines = (tab) => tab.locator(".ticket-lines li");
const focused = (locator) =>
    locator.evaluate((node) => node === document.activeElement);

fault(
    "a number that is typed takes the place of the one that is there",
    { path: "/stock?magasin=4" },
    async (tab) => {
        const open = () =>
            tab
                .getByRole("button", { name: /^Corriger le stock de/ })
                .first()
                .click();
        const count = tab.getByLabel("Quantité comptée");

        // The dialog has the focus a moment after it is there.
        const focused = () =>
            tab.waitForFunction(
                () => document.activeElement instanceof HTMLInputElement,
            );

        await open();
        await focused();
        await tab.keyboard.type("19");
        assert.equal(await count.inputValue(), "19");
        // By the mouse, which puts a caret somewhere
        await tab.getByLabel("Motif", { exact: true }).click();
        await count.click();
        await tab.keyboard.type("7");
        assert.equal(await count.inputValue(), "7");
        // A second click puts the caret where it points.
        await count.click();
        await tab.keyboard.press("End");
        await tab.keyboard.type("5");
        assert.equal(await count.inputValue(), "75");
        await tab.mouse.wheel(0, 240);
        await tab.mouse.wheel(0, -720);
        await tab.evaluate(() => new Promise(requestAnimationFrame));
        assert.equal(await count.inputValue(), "75");
    },
);

fault(
    "so it does on the ticket, and in the dialog of a request",
    { path: "/caisse?magasin=1" },
    async (tab) => {
        await tab.locator(".tile", { hasText: "Souris optique" }).click();
        const units = lines(tab).first().locator("input");

        await units.click();
        await tab.keyboard.type("4");
        assert.equal(await units.inputValue(), "4");
        await tab.mouse.wheel(0, -500);
        assert.equal(await units.inputValue(), "4");
        await tab.goto("/central");
        await settled(tab);
        await tab
            .getByRole("button", { name: /^Demander/ })
            .first()
            .click();
        await tab.getByLabel("Quantité demandée").focus();
        await tab.keyboard.type("3");
        assert.equal(
            await tab.getByLabel("Quantité demandée").inputValue(),
            "3",
        );
    },
);

fault("no page reads all of a list", {}, async (tab) => {
    const seen = requests(tab);

    await sql(many);
    try {
        for (const path of paths) {
            seen.length = 0;
            await tab.goto(path === "/caisse" ? "/caisse?magasin=3" : path);
            await settled(tab);
            for (const request of seen.filter(
                // Counted up to a hundred; and names by their ids
                (one) =>
                    one !== "/replenishments/?statut=en_attente&limit=100" &&
                    !one.startsWith("/products/?id="),
            )) {
                // Neither a store's whole stock, nor a list beyond a page, but
                // for the names of the stores
                assert.doesNotMatch(request, /^\/stores\/\d+\/stock\/$/, path);
                assert.doesNotMatch(
                    request,
                    /^\/(products|stock|sales|repl|journal).*limit=\d{3,}/,
                    path,
                );
                assert.doesNotMatch(request, /cursor=/, path);
            }
        }
        // The till asks for what it shows.
        await tab.goto("/caisse?magasin=3");
        await settled(tab);
        const asked = seen.find((one) => one.includes("produits="));
        assert.equal(
            asked.split("=")[1].split(",").length,
            await tab.locator(".tile").count(),
        );

        // The central stock goes on for as long as there is something.
        await tab.goto("/central?ordre=-quantite");
        await settled(tab);
        assert.equal(
            await tab.locator("tbody tr .title").first().textContent(),
            "Essai 5300",
        );
        await tab.getByRole("button", { name: "Montrer la suite" }).click();
        await tab.locator("tbody tr").nth(49).waitFor();
        await field(tab).fill("5007 essai");
        await tab.locator("tbody tr").nth(1).waitFor({ state: "detached" });
        assert.equal(
            await tab.locator("tbody tr .title").first().textContent(),
            "Essai 5007",
        );
    } finally {
        await sql(few);
    }
});

fault(
    "the till keeps the focus over a refresh, a sale and a refusal",
    { path: "/caisse?magasin=2", expected: [/status of 409/] },
    async (tab) => {
        const refresh = async () => {
            await Promise.all([
                tab.waitForResponse(/produits=/),
                tab.evaluate(() =>
                    document.dispatchEvent(new Event("visibilitychange")),
                ),
            ]);
            await settled(tab);
        };

        await setStock(2, 9, 5);
        await field(tab).focus();
        await tab.keyboard.type("lait");
        await refresh();
        assert.ok(await focused(field(tab)));
        await tab.keyboard.press("Enter");
        await lines(tab).first().waitFor();
        const units = lines(tab).first().locator("input");
        await units.focus();
        await setStock(2, 9, 6);
        await refresh();
        assert.ok(await focused(units));
        await tab.keyboard.type("6");

        // Somebody else takes some of them.
        await setStock(2, 9, 2);
        await sellButton(tab).focus();
        await tab.keyboard.press("Enter");
        await tab.locator(".form-error", { hasText: "insuffisant" }).waitFor();
        await settled(tab);
        assert.ok(await focused(sellButton(tab)));
        await units.focus();
        await tab.keyboard.type("1");
        await sellButton(tab).focus();
        await tab.keyboard.press("Enter");
        await tab.getByRole("heading", { name: /enregistrée/ }).waitFor();
        await settled(tab);
        assert.ok(await focused(field(tab)));
    },
);

for (const [width, height] of [
    [1024, 768],
    [390, 844],
    [360, 640],
]) {
    fault(
        `« Encaisser » is on the screen with 20 lines: ${width} x ${height}`,
        { path: "/caisse?magasin=1", viewport: { width, height } },
        async (tab) => {
            const rows = (await api("GET", "/products/?limit=15")).results;
            const ticket = {
                lines: Array.from({ length: 20 }, (_, index) => ({
                    id: rows[index % 15].id + (index < 15 ? 0 : 1000),
                    name: `${rows[index % 15].nom} ${index}`,
                    price: "2.50",
                    quantity: 2,
                })),
                store: 1,
                phase: "open",
                key: "essai",
            };
            await tab.evaluate(
                (text) => sessionStorage.setItem("magasin.ticket", text),
                JSON.stringify(ticket),
            );
            await tab.reload();
            await settled(tab);
            const seen = async () => {
                const box = await sellButton(tab).boundingBox();
                assert.ok(box.y >= 0 && box.y + box.height <= height, box.y);
                // And nothing is above it.
                return sellButton(tab).evaluate((node) => {
                    const box = node.getBoundingClientRect();
                    return node.contains(
                        document.elementFromPoint(
                            box.x + box.width / 2,
                            box.y + box.height / 2,
                        ),
                    );
                });
            };

            assert.ok(await seen());
            await tab.evaluate(() => window.scrollTo(0, 1e6));
            assert.ok(await seen());
            // The last line can be come by, and is not beneath the button.
            const last = lines(tab).nth(19).locator("input");
            await last.scrollIntoViewIfNeeded();
            await last.click({ trial: true });
            assert.ok(await seen());
        },
    );
}

fault(
    "the device remembers its store, and a ticket goes along when told",
    { path: "/caisse?magasin=2" },
    async (tab) => {
        const store = (page) =>
            page
                .getByLabel("Magasin", { exact: true })
                .locator("option:checked")
                .textContent();
        const other = await tab.context().newPage();

        // Another tab, tomorrow; and what is looked at moves no till.
        await other.goto("/stock?magasin=4");
        await settled(other);
        await other.goto("/caisse");
        await settled(other);
        assert.equal(await store(other), "Magasin Nord");
        await other.close();

        await tab.locator(".tile", { hasText: "Souris optique" }).click();
        const choose = (label) =>
            tab.getByLabel("Magasin", { exact: true }).selectOption({ label });
        const dialog = tab.getByRole("dialog", {
            name: "Changer de magasin ?",
        });

        await choose("Magasin Sud");
        await dialog.getByText("1 article").waitFor();
        await dialog.getByRole("button", { name: "Annuler" }).click();
        await tab.waitForURL(/magasin=2/);
        await settled(tab);
        assert.equal(await store(tab), "Magasin Nord");

        await choose("Magasin Sud");
        await dialog
            .getByRole("button", { name: "Vendre à Magasin Sud" })
            .click();
        await settled(tab);
        assert.equal(await store(tab), "Magasin Sud");
        await sellButton(tab).click();
        await tab.getByRole("heading", { name: /enregistrée/ }).waitFor();
        const [sale] = (await api("GET", "/sales/?limit=1")).results;
        assert.equal(sale.magasin, 4);
        // An empty one is not asked about.
        await choose("Magasin Est");
        await settled(tab);
        assert.equal(await dialog.count(), 0);
        assert.equal(await store(tab), "Magasin Est");
    },
);

fault(
    "a price that changed is asked about before the sale",
    { path: "/caisse?magasin=1", expected: [/status of 409/] },
    async (tab) => {
        const last = async () =>
            (await api("GET", "/sales/?limit=1")).results[0];
        const before = await last();
        const { prix } = await api("GET", "/products/2/");
        const dialog = tab.getByRole("dialog", {
            name: "Des prix ont changé",
        });

        await tab.locator(".tile", { hasText: "Souris optique" }).click();
        await api("PATCH", "/products/2/", { prix: "99.90" });
        try {
            await sellButton(tab).click();
            await dialog.getByText(/passe de .* à 99,90/).waitFor();
            await dialog.getByRole("button", { name: "Annuler" }).click();
            await dialog.waitFor({ state: "detached" });
            assert.equal((await last()).id, before.id);
            assert.equal(await lines(tab).count(), 1);

            await sellButton(tab).click();
            await dialog
                .getByRole("button", { name: /^Encaisser 99,90/ })
                .click();
            await tab.getByRole("heading", { name: /enregistrée/ }).waitFor();
            assert.equal((await last()).total, "99.90");
        } finally {
            await api("PATCH", "/products/2/", { prix });
        }
    },
);

const named = (list) => `
    INSERT INTO produit (id, nom, categorie, prix)
    SELECT 6000 + n, nom, 'Essai', 1
      FROM unnest(ARRAY[${list.map((one) => `$$${one}$$`).join(", ")}])
           WITH ORDINALITY AS _ (nom, n);
    INSERT INTO stock_local (magasin_id, produit_id, quantite)
    SELECT 1, id, 7 FROM produit WHERE id BETWEEN 6001 AND 6099;
    INSERT INTO stock_central (produit_id, quantite)
    SELECT id, 7 FROM produit WHERE id BETWEEN 6001 AND 6099;`;
const unnamed = `
    DELETE FROM stock_central WHERE produit_id BETWEEN 6001 AND 6099;
    DELETE FROM stock_local WHERE produit_id BETWEEN 6001 AND 6099;
    DELETE FROM produit WHERE id BETWEEN 6001 AND 6099;`;

fault("a search finds the same on every page", {}, async (tab) => {
    const name = "Œufs bio de l’Ægir, Straße";

    await sql(named([name]));
    try {
        for (const [path, found] of [
            ["/caisse?magasin=1", ".tile .name"],
            ["/stock?magasin=1", "tbody th .title"],
            ["/produits", "tbody th .title"],
            ["/central", "tbody th .title"],
            ["/rapport", "table >> nth=1 >> tbody th .title"],
        ]) {
            await tab.goto(path);
            await settled(tab);
            for (const text of [
                "oeufs",
                "ŒUFS BIO",
                "bio oeuf",
                "l'aegir",
                "strasse œufs",
            ]) {
                await field(tab).fill(text);
                await tab.waitForURL(
                    (url) => url.searchParams.get("recherche") === text,
                );
                await settled(tab);
                assert.deepEqual(
                    await tab.locator(found).allTextContents(),
                    [name],
                    `${path}: ${text}`,
                );
            }
        }
    } finally {
        await sql(unnamed);
    }
});

fault("paper has all the report", { path: "/rapport" }, async (tab) => {
    const rows = tab.locator("table").nth(1).locator("tbody tr");
    const report = await api("GET", "/reports/");
    const all = report.reduce(
        (sum, one) =>
            sum +
            new Set([
                ...Object.keys(one.stock_local),
                ...Object.keys(one.produits_vendus),
            ]).size,
        0,
    );

    assert.equal(await rows.count(), 50);
    await tab.evaluate(() => {
        globalThis.printed = new Promise((resolve) => {
            window.addEventListener("beforeprint", () =>
                resolve(document.querySelectorAll("table")[1].rows.length - 1),
            );
        });
    });
    await tab.pdf();
    assert.equal(await tab.evaluate(() => globalThis.printed), all);
    assert.ok(all > 60);
    await tab.waitForFunction(
        () => document.querySelectorAll("table")[1].rows.length === 51,
    );
});

fault("a product may be called what every object has", {}, async (tab) => {
    const names = ["constructor", "__proto__", "toString"];

    await sql(named(names));
    try {
        const row = tab.locator("table").nth(1).locator("tbody tr");

        // What is done at psql is seen within a second.
        for (let left = 20; left > 0; left -= 1) {
            await tab.goto("/rapport?recherche=constructor");
            await settled(tab);
            if ((await row.count()) > 0) {
                break;
            }
            await tab.waitForTimeout(200);
        }
        assert.deepEqual(await row.locator("td.number").allTextContents(), [
            "0",
            "7",
        ]);
        await tab.goto("/caisse?magasin=1");
        await settled(tab);
        for (const name of names) {
            await field(tab).fill(name);
            await field(tab).press("Enter");
            await lines(tab).filter({ hasText: name }).waitFor();
        }
        await sellButton(tab).click();
        await tab.getByRole("heading", { name: /enregistrée/ }).waitFor();
        await tab.goto("/");
        await settled(tab);
        for (const path of ["/rapport", "/"]) {
            await tab.goto(path);
            await settled(tab);
            assert.doesNotMatch(
                await tab.locator("main").textContent(),
                /native code|NaN|undefined|\[object/,
            );
        }
    } finally {
        await sql(`
                DELETE FROM ligne_vente WHERE produit_id BETWEEN 6001 AND 6099;
                ${unnamed}`);
    }
});

fault(
    "blocked storage: every page works, and the till says what is lost",
    {},
    async (tab) => {
        await tab.addInitScript(() => {
            for (const name of ["localStorage", "sessionStorage"]) {
                Object.defineProperty(globalThis, name, {
                    get: () => {
                        throw new DOMException("blocked", "SecurityError");
                    },
                });
            }
            globalThis.BroadcastChannel = class {
                constructor() {
                    throw new DOMException("blocked", "SecurityError");
                }
            };
        });
        for (const path of paths) {
            await tab.goto(path);
            await settled(tab);
            assert.ok(
                (await tab.locator("main .region").first().textContent())
                    .length > 20,
                path,
            );
        }
        await tab.goto("/caisse?magasin=1");
        await settled(tab);
        await tab
            .locator(".notice", { hasText: "Ce navigateur ne garde rien" })
            .waitFor();
        await tab.locator(".tile", { hasText: "Souris optique" }).click();
        await sellButton(tab).click();
        await tab.getByLabel("Jeton d’accès").fill(token);
        await tab.getByRole("button", { name: "Continuer" }).click();
        await tab.getByRole("heading", { name: /enregistrée/ }).waitFor();
    },
);

fault(
    "no network: a page that was not there yet says so, and comes",
    { path: "/", expected: [/ERR_/, /Failed to fetch/, /Failed to load/] },
    async (tab) => {
        await offline(tab);
        await tab.getByRole("link", { name: "Journal" }).click();
        await tab
            .getByText("Cet appareil n’est pas connecté au réseau.")
            .first()
            .waitFor();
        await tab.getByRole("heading", { name: "Journal" }).waitFor();
        await tab.context().setOffline(false);
        await tab.getByRole("button", { name: "Réessayer" }).click();
        await tab.locator("tbody tr").first().waitFor();

        // The network is there, but not the server.
        await tab.route(`${base}/**`, (route) => route.abort());
        await tab.getByRole("link", { name: "Produits" }).click();
        await tab.getByText("Le serveur ne répond pas.").first().waitFor();
        await tab.unroute(`${base}/**`);
        await tab.getByRole("button", { name: "Réessayer" }).click();
        await tab.locator("tbody tr").first().waitFor();
    },
);

fault(
    "modules that do not come leave words",
    { expected: [/ERR_/, /Failed to load/] },
    async (tab) => {
        await tab.route("**/js/format.js", (route) => route.abort());
        await tab.goto("/");
        await tab.getByText("vérifiez le réseau, puis rechargez").waitFor();
    },
);

fault(
    "notices stay until they are read, and cover nothing",
    { path: "/caisse?magasin=1" },
    async (tab) => {
        const notice = tab.locator(".notice");
        const clear = async () => {
            await tab.locator(".tile", { hasText: "Souris optique" }).click();
            await tab.getByRole("button", { name: "Vider" }).click();
        };

        for (const viewport of [
            { width: 1024, height: 768 },
            { width: 360, height: 740 },
        ]) {
            await tab.setViewportSize(viewport);
            await clear();
            await notice.waitFor();
            // It is in the flow: what is under it, once the page is scrolled,
            // comes out again, and what is gone to is not under it.
            const covered = await tab.evaluate(async () => {
                const under = (node) => {
                    const box = node.getBoundingClientRect();
                    return document
                        .elementsFromPoint(
                            box.x + box.width / 2,
                            box.y + box.height / 2,
                        )
                        .some((other) => other.closest(".notice"));
                };
                const all = Array.from(
                    document.querySelectorAll(
                        "main :is(button, input, select)",
                    ),
                ).filter((node) => node.checkVisibility());
                window.scrollTo(0, 0);
                const top = all.filter(under);
                window.scrollTo(0, 1e6);
                const gone = all.filter((node) => {
                    node.focus();
                    return under(node);
                });
                return [...top, ...gone].map((node) =>
                    node.outerHTML.slice(0, 80),
                );
            });
            assert.deepEqual(covered, []);
        }
        // The same words are there once.
        assert.equal(await notice.count(), 1);
        await tab.clock.install();
        await tab.clock.runFor(60000);
        assert.equal(await notice.count(), 1);
        await notice.getByRole("button", { name: "Fermer ce message" }).click();
        assert.equal(await notice.count(), 0);
    },
);

fault(
    "long words wrap, at 360 pixels too",
    { viewport: { width: 360, height: 740 } },
    async (tab) => {
        const long = "Supercalifragilistic".repeat(5);

        await sql(`
            ${named([long])}
            UPDATE produit SET categorie = $$${long}$$, description = $$${long}$$
             WHERE id = 6001;
            INSERT INTO demande_reapprovisionnement
                   (magasin_id, produit_id, quantite, statut)
            VALUES (1, 6001, 3, 'en_attente');
            UPDATE magasin SET nom = $$${long.slice(0, 60)}$$ WHERE id = 5;`);
        try {
            for (const width of [360, 1024]) {
                await tab.setViewportSize({ width, height: 740 });
                for (const path of [
                    "/",
                    "/caisse?magasin=1&recherche=supercali",
                    "/stock?magasin=1&recherche=supercali",
                    "/produits?recherche=supercali",
                    "/central?recherche=supercali",
                    "/demandes",
                    "/rapport?recherche=supercali",
                    "/journal",
                ]) {
                    await tab.goto(path);
                    await settled(tab);
                    assert.equal(
                        await tab.evaluate(
                            () =>
                                document.documentElement.scrollWidth -
                                innerWidth,
                        ),
                        0,
                        `${path} at ${width}`,
                    );
                    // Nothing is cut where it stands, either.
                    assert.deepEqual(
                        await tab.evaluate(() =>
                            Array.from(
                                document.querySelectorAll(
                                    "main .title, main .name, main h3",
                                ),
                            )
                                .filter(
                                    (node) =>
                                        node.scrollWidth >
                                            node.clientWidth + 1 &&
                                        getComputedStyle(node).display !==
                                            "inline",
                                )
                                .map((node) => node.outerHTML.slice(0, 60)),
                        ),
                        [],
                        `${path} at ${width}`,
                    );
                }
                await tab.goto("/caisse?magasin=1");
                await settled(tab);
                await field(tab).fill("supercali");
                await field(tab).press("Enter");
                await lines(tab).first().waitFor();
                assert.equal(
                    await tab.evaluate(
                        () => document.documentElement.scrollWidth - innerWidth,
                    ),
                    0,
                );
            }
        } finally {
            await sql(`
                UPDATE magasin SET nom = 'Magasin Ouest' WHERE id = 5;
                DELETE FROM demande_reapprovisionnement WHERE produit_id = 6001;
                ${unnamed}`);
        }
    },
);

test("a file has the day of the person, not of Greenwich", async () => {
    const { tab, close, nothingWrong } = await openTab(chromium.browser, {
        timezoneId: "Pacific/Kiritimati",
    });

    await tab.clock.setFixedTime(new Date("2026-03-04T12:00:00Z"));
    await tab.goto("/rapport");
    await settled(tab);
    const [file] = await Promise.all([
        tab.waitForEvent("download"),
        tab.getByRole("button", { name: "Télécharger (CSV)" }).click(),
    ]);
    assert.equal(file.suggestedFilename(), "rapport-2026-03-05.csv");
    nothingWrong();
    await close();
});

test("the dashboard takes names and numbers from members", async () => {
    const { tab, close, nothingWrong } = await openTab(chromium.browser);

    // A sentence that says something else has no effect.
    await tab.route("**/api/v1/dashboard/*", async (route) => {
        const answer = await route.fetch();
        const rows = (await answer.json()).map((row) => ({
            ...row,
            tendances: "Autre (1)",
        }));
        await route.fulfill({ response: answer, json: rows });
    });
    await tab.goto("/");
    await settled(tab);
    const [row] = await api("GET", "/dashboard/?detail=true");
    assert.deepEqual(
        await tab
            .locator(".store")
            .first()
            .locator(".trends .name")
            .allTextContents(),
        row.meilleures_ventes.map((one) => one.nom),
    );
    nothingWrong();
    await close();
});

test("a key that is in use is known by a member, not by a sentence", async () => {
    const { tab, close, nothingWrong } = await openTab(chromium.browser);
    let first = true;

    await tab.addInitScript(
        (text) => sessionStorage.setItem("magasin.jeton", text),
        token,
    );
    await tab.goto("/caisse?magasin=1");
    await settled(tab);
    await tab.route("**/api/v1/sales/", (route) => {
        if (route.request().method() !== "POST" || !first) {
            return route.continue();
        }
        first = false;
        return route.fulfill({
            status: 409,
            json: { detail: "Pas encore.", en_cours: true },
        });
    });
    await tab.locator(".tile", { hasText: "Souris optique" }).click();
    await sellButton(tab).click();
    await tab.getByRole("heading", { name: /enregistrée/ }).waitFor();
    nothingWrong(/status of 409/);
    await close();
});
