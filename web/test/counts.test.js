// Stock-takes by scanning, from the first scan to the corrected stock.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
    api,
    openBrowser,
    openTab,
    settled,
    stockOf,
    token,
    violations,
    withToken,
} from "./browser.js";
import { scan as burst } from "./keyboard.js";

let chromium;

before(async () => {
    chromium = await openBrowser();
});
after(() => chromium.close());

function counting(name, { path, expected = [], ...options }, run) {
    test(name, async () => {
        const { tab, close, nothingWrong } = await openTab(
            chromium.browser,
            options,
        );

        await withToken(tab);
        await tab.goto(path);
        await settled(tab);
        await run(tab);
        nothingWrong(...expected);
        await close();
    });
}

const entry = (tab) => tab.getByLabel("Scanner ou chercher un produit");
const press = (tab, name) => tab.getByRole("button", { name }).click();
const notice = (tab, text) => tab.locator(".notice", { hasText: text });
// The server has it, and says so.
const counted = (tab, name, units) =>
    tab.waitForFunction(
        ([label, value]) =>
            document.querySelector(`input[aria-label="${label}"]`)?.value ===
            value,
        [`Compté : ${name}`, units],
    );
const saved = (tab) => tab.getByText("tout est enregistré").waitFor();
const begin = (body) => api("POST", "/counts/", body);

async function scan(tab, ...codes) {
    await entry(tab).focus();
    for (const code of codes) {
        await tab.keyboard.type(code);
        await tab.keyboard.press("Enter");
    }
}

counting(
    "a category is counted, closed, and the stock is what was counted",
    { path: "/inventaire", expected: [/status of 400/] },
    async (tab) => {
        const dialog = tab.getByRole("dialog");

        await press(tab, "Nouvel inventaire");
        await dialog.getByLabel("Lieu").selectOption({ label: "Magasin Nord" });
        await dialog.getByLabel("Catégorie").fill("Boissons");
        await dialog.getByRole("button", { name: "Commencer" }).click();
        await tab
            .getByRole("heading", { name: /^Inventaire n° \d+$/ })
            .waitFor();
        await settled(tab);
        await scan(tab, "BOI-004", "BOI-004", "BOI-005", "2000000000046");
        await saved(tab);
        await counted(tab, "Café Premium Bio", "3");

        // A number replaces what was scanned; a reload loses nothing.
        await tab.getByLabel("Compté : Café Espresso Intenso").fill("17");
        await entry(tab).focus();
        await saved(tab);
        await tab.reload();
        await settled(tab);
        await tab.getByLabel("Compté : Café Premium Bio").waitFor();
        await counted(tab, "Café Premium Bio", "3");
        await counted(tab, "Café Espresso Intenso", "17");

        // What is of another category is told beside its line.
        await scan(tab, "ACC-003");
        await tab.getByText("n’est pas dans cet inventaire").first().waitFor();

        const had = await stockOf(2, 4);
        await api("POST", "/sales/", {
            magasin: 2,
            lignes: [{ produit: 4, quantite: 1 }],
        });
        await press(tab, "Terminer");
        await dialog.getByText("n’ont pas été comptés").waitFor();
        await dialog
            .getByRole("button", { name: "Terminer et corriger le stock" })
            .click();
        await notice(tab, "terminé : 2 écarts.").waitFor();
        // What was sold since it was counted stays sold.
        assert.equal(await stockOf(2, 4), 2);
        assert.equal(await stockOf(2, 5), 17);
        await tab.getByRole("heading", { name: "Écarts" }).waitFor();
        assert.ok(had > 3);

        // All of it has words in the journal.
        await tab.goto("/journal");
        await settled(tab);
        const titles = await tab.locator("tbody th .title").allTextContents();
        assert.ok(titles.includes("Correction d’inventaire"));
        assert.ok(titles.includes("Inventaire, produit compté"));
        assert.deepEqual(
            titles.filter((title) => /_/.test(title)),
            [],
        );
    },
);

counting(
    "60 scans with late and lost answers: each counts once",
    { path: "/inventaire", expected: [/ERR_FAILED|Failed to load/] },
    async (tab) => {
        const { id } = await begin({ lieu: 3 });
        let asked = 0;

        await tab.route(/\/counts\/\d+\/lines\/$/, async (route) => {
            asked += 1;
            if (route.request().method() === "POST" && asked % 3 === 0) {
                // It is done, and nobody hears of it.
                await route.fetch();
                await route.abort();
            } else {
                await route.continue();
            }
        });
        await tab.goto(`/inventaire?document=${id}`);
        await settled(tab);
        for (let round = 0; round < 15; round += 1) {
            await scan(tab, "BOI-004", "BOI-005", "ACC-013", "BOI-015");
        }
        for (const name of [
            "Café Premium Bio",
            "Café Espresso Intenso",
            "Câble USB-C 2m",
            "Thé Rooibos Vanille",
        ]) {
            await counted(tab, name, "15");
        }
        await saved(tab);
        const { results } = await api(
            "GET",
            `/counts/${id}/lines/?etat=comptes`,
        );
        assert.deepEqual(
            results.map((line) => line.compte),
            [15, 15, 15, 15],
        );
        await api("POST", `/counts/${id}/cancel/`);
    },
);

const countedOf = async (id) =>
    Object.fromEntries(
        (await api("GET", `/counts/${id}/lines/?etat=comptes`)).results.map(
            (line) => [line.nom, line.compte],
        ),
    );

counting(
    "a scan is counted wherever the focus is, and is no number",
    { path: "/inventaire" },
    async (tab) => {
        const { id } = await begin({ lieu: 3 });
        const coffee = "Café Premium Bio";
        const other = "Café Espresso Intenso";
        const input = (name) => tab.getByLabel(`Compté : ${name}`);
        const code = "2000000000046";

        await tab.goto(`/inventaire?document=${id}`);
        await settled(tab);
        await entry(tab).focus();
        await burst(tab, "BOI-005");
        await counted(tab, other, "1");
        // In the number of another product, which stays
        await input(other).focus();
        await burst(tab, code);
        await counted(tab, coffee, "1");
        assert.equal(await input(other).inputValue(), "1");
        await input(other).focus();
        await burst(tab, "BOI-004");
        await counted(tab, coffee, "2");
        // By a scanner that is slow
        await input(other).focus();
        await burst(tab, code, { every: 300 });
        await counted(tab, coffee, "3");
        // In its own
        await input(coffee).focus();
        await burst(tab, code);
        await counted(tab, coffee, "4");
        // What somebody has written before counts before.
        await input(coffee).fill("10");
        await burst(tab, code);
        await counted(tab, coffee, "11");
        await input(other).focus();
        await tab.keyboard.type("7", { delay: 600 });
        await burst(tab, code);
        await counted(tab, coffee, "12");
        await counted(tab, other, "7");
        // On buttons, and on nothing
        await tab.getByRole("button", { name: "Terminer" }).focus();
        await burst(tab, code);
        await counted(tab, coffee, "13");
        await tab.getByRole("button", { name: "Abandonner" }).focus();
        await burst(tab, "BOI-004");
        await counted(tab, coffee, "14");
        await tab.evaluate(() => document.activeElement.blur());
        await burst(tab, code);
        await counted(tab, coffee, "15");
        assert.equal(await tab.getByRole("dialog").count(), 0);
        await saved(tab);
        assert.deepEqual(await countedOf(id), { [coffee]: 15, [other]: 7 });
        await api("POST", `/counts/${id}/cancel/`);
    },
);

counting(
    "scans into the number of a line, with late answers: each counts once",
    { path: "/inventaire" },
    async (tab) => {
        const { id } = await begin({ lieu: 3 });

        await tab.goto(`/inventaire?document=${id}`);
        await settled(tab);
        await scan(tab, "BOI-004", "BOI-005");
        await counted(tab, "Café Espresso Intenso", "1");
        await tab.route(/\/products\/\?code=|\/lines\/$/, async (route) => {
            await new Promise((resolve) =>
                setTimeout(resolve, Math.random() * 300),
            );
            await route.continue();
        });
        await tab.getByLabel("Compté : Café Premium Bio").focus();
        for (let round = 0; round < 10; round += 1) {
            for (const code of ["2000000000046", "BOI-005"]) {
                await tab.keyboard.type(code, { delay: 15 });
                await tab.keyboard.press("Enter");
            }
        }
        await entry(tab).focus();
        await counted(tab, "Café Premium Bio", "11");
        await counted(tab, "Café Espresso Intenso", "11");
        await saved(tab);
        assert.deepEqual(await countedOf(id), {
            "Café Premium Bio": 11,
            "Café Espresso Intenso": 11,
        });
        await api("POST", `/counts/${id}/cancel/`);
    },
);

counting(
    "a number that is hardly meant is asked about",
    { path: "/inventaire" },
    async (tab) => {
        const { id } = await begin({ lieu: 3 });
        const input = tab.getByLabel("Compté : Café Premium Bio");
        const dialog = tab.getByRole("dialog");

        await tab.goto(`/inventaire?document=${id}`);
        await settled(tab);
        await scan(tab, "BOI-004");
        await counted(tab, "Café Premium Bio", "1");
        // A scanner that ends with a tabulator
        await input.focus();
        await tab.keyboard.type("2000000000046");
        await tab.keyboard.press("Tab");
        await dialog.getByText("Un code-barres a peut-être").waitFor();
        assert.deepEqual(await violations(tab), []);
        await dialog.getByRole("button", { name: "Annuler" }).click();
        await counted(tab, "Café Premium Bio", "1");
        assert.deepEqual(await countedOf(id), { "Café Premium Bio": 1 });
        await input.fill("5000");
        await entry(tab).focus();
        await dialog
            .getByRole("button", { name: "Enregistrer ce nombre" })
            .click();
        await saved(tab);
        assert.deepEqual(await countedOf(id), { "Café Premium Bio": 5000 });
        await api("POST", `/counts/${id}/cancel/`);
    },
);

counting(
    "the end waits for what is looked up, and for what is to be decided",
    { path: "/inventaire", expected: [/ERR_FAILED|Failed to load/] },
    async (tab) => {
        const { id } = await begin({ lieu: 3, categorie: "Boissons" });
        const dialog = tab.getByRole("dialog");
        let lost = false;

        await tab.goto(`/inventaire?document=${id}`);
        await settled(tab);
        await scan(tab, "BOI-004");
        await saved(tab);
        await tab.route(/\/products\/\?code=/, async (route) => {
            await new Promise((resolve) => setTimeout(resolve, 700));
            await route.continue();
        });
        await tab.route(/\/lines\/$/, (route) =>
            lost ? route.abort() : route.continue(),
        );
        // Something is to be chosen.
        await scan(tab, "café");
        await press(tab, "Terminer");
        await notice(tab, "« café » n’est pas compté").waitFor();
        assert.equal(await dialog.count(), 0);
        await tab
            .locator(".entries")
            .getByRole("button", { name: /^Fermer/ })
            .click();
        // It is not sent.
        lost = true;
        await scan(tab, "BOI-005");
        await press(tab, "Terminer");
        await notice(tab, "Tout n’est pas encore enregistré").waitFor();
        assert.equal(await dialog.count(), 0);
        lost = false;
        await saved(tab);
        // It is still looked up.
        await scan(tab, "BOI-005");
        await press(tab, "Terminer");
        await dialog.waitFor();
        assert.equal((await countedOf(id))["Café Espresso Intenso"], 2);
        // So is one that is scanned before somebody has answered.
        await burst(tab, "BOI-005");
        await dialog
            .getByRole("button", { name: "Terminer et corriger le stock" })
            .click();
        await notice(tab, `n° ${id} terminé`).waitFor();
        assert.equal(await stockOf(3, 5), 3);
    },
);

test("a tab that is closed: what it has not sent is offered to the next", async () => {
    const { tab, close, nothingWrong } = await openTab(chromium.browser);
    const context = tab.context();
    const { id } = await begin({ lieu: 3 });
    const path = `/inventaire?document=${id}`;
    const open = async (page) => {
        await withToken(page);
        await page.goto(path);
        await settled(page);
    };
    const nothing = (route) => route.abort();
    const offered = (page) =>
        page.locator(".form-error", { hasText: "de cet appareil" });

    // Two tabs count, and have no network.
    await open(tab);
    const other = await context.newPage();
    await open(other);
    for (const page of [tab, other]) {
        await page.route(/\/lines\/$/, nothing);
    }
    await scan(tab, "BOI-004", "BOI-004");
    await scan(other, "BOI-005");
    await tab.getByText("2 saisies à envoyer").waitFor();
    await other.getByText("1 saisie à envoyer").waitFor();
    await tab.waitForTimeout(200);
    // Each has its own after a reload.
    await other.reload();
    await settled(other);
    await other.getByText("1 saisie à envoyer").waitFor();
    assert.equal(await offered(other).count(), 0);
    await tab.close();

    const next = await context.newPage();
    await open(next);
    await offered(next)
        .filter({ hasText: /2.saisies n’ont pas été envoyées/ })
        .waitFor();
    assert.deepEqual(await violations(next), []);
    // The end would be without them.
    await press(next, "Terminer");
    await notice(next, "attendent une décision").waitFor();
    await offered(next).getByRole("button", { name: "Envoyer" }).click();
    await saved(next);
    assert.deepEqual(await countedOf(id), { "Café Premium Bio": 2 });
    await next.reload();
    await settled(next);
    await saved(next);
    assert.equal(await offered(next).count(), 0);
    // What nobody sends before the end is told, and thrown away by somebody.
    await other.close();
    await api("POST", `/counts/${id}/cancel/`);
    await next.reload();
    await settled(next);
    await offered(next)
        .filter({ hasText: /1.saisie n’a pas été envoyée/ })
        .getByRole("button", { name: "Jeter" })
        .click();
    await next.reload();
    await settled(next);
    assert.equal(await offered(next).count(), 0);
    assert.deepEqual(
        await next.evaluate(() =>
            Object.keys(localStorage).filter((key) => /comptage/.test(key)),
        ),
        [],
    );
    nothingWrong(/ERR_FAILED/);
    await close();
});

test("what was sent with another token is asked about, and not counted twice", async () => {
    const { tab, close } = await openTab(chromium.browser);
    const { id } = await begin({ lieu: 3 });

    await withToken(tab);
    await tab.goto(`/inventaire?document=${id}`);
    await settled(tab);
    await tab.route(/\/lines\/$/, async (route) => {
        await route.fetch();
        await route.abort();
    });
    await scan(tab, "2*BOI-004");
    await tab.getByText("Ce qui est compté est gardé").waitFor();
    const context = tab.context();
    // As another token would have marked it
    await tab.evaluate(() => {
        for (const key of Object.keys(localStorage)) {
            const list = localStorage.getItem(key);

            localStorage.setItem(key, list.replace(/"mark":"/g, '"mark":"0'));
        }
    });
    await tab.close();
    const next = await context.newPage();
    await withToken(next);
    await next.goto(`/inventaire?document=${id}`);
    await settled(next);
    await next.getByRole("button", { name: "Envoyer" }).click();
    await next.getByText("avec un autre jeton").waitFor();
    await next.getByRole("button", { name: "Jeter" }).click();
    await saved(next);
    assert.deepEqual(await countedOf(id), { "Café Premium Bio": 2 });
    await api("POST", `/counts/${id}/cancel/`);
    await close();
});

test("what was sent before its tab was gone goes with nothing that was not", async () => {
    const { tab, close } = await openTab(chromium.browser);
    const { id } = await begin({ lieu: 3 });

    await withToken(tab);
    await tab.goto(`/inventaire?document=${id}`);
    await settled(tab);
    await tab.route(/\/lines\/$/, async (route) => {
        await route.fetch();
        await route.abort();
    });
    await scan(tab, "BOI-005");
    await tab.getByText("Ce qui est compté est gardé").waitFor();
    const context = tab.context();
    // One that was never sent is before it.
    await tab.evaluate(() => {
        for (const key of Object.keys(localStorage)) {
            if (/comptage/.test(key)) {
                const list = JSON.parse(localStorage.getItem(key));
                const line = { produit: 4, quantite: 1, ajoute: true };
                const one = { line, key: null, at: null, made: Date.now() };

                localStorage.setItem(key, JSON.stringify([one, ...list]));
            }
        }
    });
    await tab.close();
    const next = await context.newPage();
    await withToken(next);
    await next.goto(`/inventaire?document=${id}`);
    await settled(next);
    await next.getByRole("button", { name: "Envoyer" }).click();
    await counted(next, "Café Espresso Intenso", "1");
    await saved(next);
    assert.deepEqual(await countedOf(id), {
        "Café Espresso Intenso": 1,
        "Café Premium Bio": 1,
    });
    await api("POST", `/counts/${id}/cancel/`);
    await close();
});

counting(
    "of scans that go together, one that is wrong takes none with it",
    { path: "/inventaire", expected: [/status of 400/] },
    async (tab) => {
        const { id } = await begin({ lieu: 3, categorie: "Boissons" });
        let go;
        const first = new Promise((resolve) => {
            go = resolve;
        });

        await tab.goto(`/inventaire?document=${id}`);
        await settled(tab);
        await tab.route(/\/lines\/$/, async (route) => {
            await first;
            await route.continue();
        });
        await scan(tab, "BOI-004", "BOI-005", "ACC-003", "BOI-005");
        await tab.locator(".goods-table tbody tr").nth(2).waitFor();
        await settled(tab);
        await tab.waitForTimeout(300);
        go();
        await counted(tab, "Café Espresso Intenso", "2");
        await saved(tab);
        await tab.getByText("n’est pas dans cet inventaire").first().waitFor();
        assert.deepEqual(await countedOf(id), {
            "Café Espresso Intenso": 2,
            "Café Premium Bio": 1,
        });
        await api("POST", `/counts/${id}/cancel/`);
    },
);

const refused = {
    status: 401,
    contentType: "application/json",
    body: JSON.stringify({ detail: "Jeton refusé." }),
};

const another = "0".repeat(40);

// To the server, it is as good as the first.
const acceptAnother = (tab) =>
    tab.route(/\/api\/v1\//, (route) => {
        const headers = route.request().headers();

        return headers.authorization === `Token ${another}`
            ? route.continue({
                  headers: { ...headers, authorization: `Token ${token}` },
              })
            : route.continue();
    });

for (const [name, counts] of [
    ["the same token: it goes again with its key", false],
    ["another token: it is asked about", true],
]) {
    counting(
        `a lost answer, then a 401, then ${name}`,
        { path: "/inventaire", expected: [/ERR_FAILED|status of 401/] },
        async (tab) => {
            const { id } = await begin({ lieu: 3 });
            const keys = new Set();
            const dialog = tab.getByRole("dialog");
            let asked = 0;

            await tab.goto(`/inventaire?document=${id}`);
            await settled(tab);
            await acceptAnother(tab);
            await tab.route(/\/lines\/$/, async (route) => {
                asked += 1;
                keys.add(route.request().headers()["idempotency-key"]);
                if (asked === 1) {
                    await route.fetch();
                    await route.abort();
                } else if (asked === 2) {
                    await route.fulfill(refused);
                } else {
                    await route.continue();
                }
            });
            await scan(tab, "2*BOI-004");
            await dialog.getByText("n’est pas accepté").waitFor();
            await dialog.getByRole("button", { name: "Annuler" }).click();
            const problem = tab.locator(".goods > .form-error", {
                hasText: "Il faut un jeton pour enregistrer",
            });
            await problem.getByRole("button", { name: "S’identifier" }).click();
            await dialog
                .getByLabel("Jeton d’accès")
                .fill(counts ? another : token);
            await dialog.getByRole("button", { name: "Continuer" }).click();
            if (counts) {
                await tab.getByText("avec un autre jeton").waitFor();
                await press(tab, "Jeter");
            }
            await saved(tab);
            assert.equal(asked, counts ? 2 : 3);
            assert.equal(keys.size, 1);
            assert.deepEqual(await countedOf(id), { "Café Premium Bio": 2 });
            await api("POST", `/counts/${id}/cancel/`);
        },
    );
}

counting(
    "a token that is not accepted at once: the next one is asked nothing",
    { path: "/inventaire", expected: [/status of 401/] },
    async (tab) => {
        const { id } = await begin({ lieu: 3 });
        const dialog = tab.getByRole("dialog");
        let asked = 0;

        await tab.goto(`/inventaire?document=${id}`);
        await settled(tab);
        await acceptAnother(tab);
        await tab.route(/\/lines\/$/, async (route) => {
            asked += 1;
            await (asked === 1 ? route.fulfill(refused) : route.fallback());
        });
        await scan(tab, "2*BOI-004");
        await dialog.getByText("n’est pas accepté").waitFor();
        await dialog.getByLabel("Jeton d’accès").fill(another);
        await dialog.getByRole("button", { name: "Continuer" }).click();
        await counted(tab, "Café Premium Bio", "2");
        await saved(tab);
        await api("POST", `/counts/${id}/cancel/`);
    },
);

for (const [button, wanted] of [
    ["Compter", "4"],
    ["Jeter", "2"],
]) {
    counting(
        `what waits for a day is asked about: ${button}`,
        { path: "/inventaire", expected: [/ERR_FAILED|Failed to load/] },
        async (tab) => {
            const { id } = await begin({ lieu: 3 });
            const keys = new Set();
            let lost = true;

            await tab.route(/\/counts\/\d+\/lines\/$/, async (route) => {
                if (route.request().method() !== "POST") {
                    await route.continue();
                    return;
                }
                const key = route.request().headers()["idempotency-key"];

                // The first one is done, and nobody hears of it.
                if (keys.size === 0) {
                    await route.fetch();
                }
                keys.add(key);
                if (lost) {
                    await route.abort();
                } else {
                    // A server that has forgotten the key
                    await route.continue({
                        headers: {
                            ...route.request().headers(),
                            "idempotency-key": `${key}-a-day-later`,
                        },
                    });
                }
            });
            await tab.goto(`/inventaire?document=${id}`);
            await settled(tab);
            await scan(tab, "2*BOI-004");
            await tab.getByText("Ce qui est compté est gardé").waitFor();
            await tab.clock.setSystemTime(Date.now() + 24 * 3600000);
            lost = false;
            await tab
                .getByText("saisie attend depuis plus de 23 heures")
                .waitFor();
            // What is scanned meanwhile waits behind it, and asks nothing.
            await scan(tab, "BOI-005");
            assert.deepEqual(await violations(tab), []);
            assert.equal(keys.size, 1);
            await press(tab, button);
            await counted(tab, "Café Espresso Intenso", "1");
            await saved(tab);
            const { results } = await api(
                "GET",
                `/counts/${id}/lines/?etat=comptes`,
            );
            assert.equal(
                results.find((line) => line.nom === "Café Premium Bio").compte,
                Number(wanted),
            );
            await api("POST", `/counts/${id}/cancel/`);
        },
    );
}

counting(
    "a number stays while it waits, and one that is none is in the way of the end",
    { path: "/inventaire" },
    async (tab) => {
        const { id } = await begin({ lieu: 3, categorie: "Boissons" });
        const input = tab.getByLabel("Compté : Café Premium Bio");
        const dialog = tab.getByRole("dialog");
        let go;
        const answer = new Promise((resolve) => {
            go = resolve;
        });

        await tab.goto(`/inventaire?document=${id}`);
        await settled(tab);
        await scan(tab, "BOI-004");
        await counted(tab, "Café Premium Bio", "1");
        await tab.route(/\/lines\/$/, async (route) => {
            await answer;
            await route.continue();
        });
        await input.fill("7");
        await input.press("Enter");
        await tab.getByText("1 saisie à envoyer").waitFor();
        assert.equal(await input.inputValue(), "7");
        await input.fill("9");
        await input.press("Tab");
        assert.equal(await input.inputValue(), "9");
        go();
        await saved(tab);
        assert.equal(await input.inputValue(), "9");
        assert.deepEqual(await countedOf(id), { "Café Premium Bio": 9 });

        await input.fill("1O");
        await press(tab, "Terminer");
        await notice(tab, "« Café Premium Bio » n’est pas valable").waitFor();
        assert.equal(await dialog.count(), 0);
        await input.fill("10");
        await press(tab, "Terminer");
        await dialog.waitFor();
        assert.deepEqual(await countedOf(id), { "Café Premium Bio": 10 });
        await dialog.getByRole("button", { name: "Annuler" }).click();
        await api("POST", `/counts/${id}/cancel/`);
    },
);

counting(
    "the end is asked about once, and says when it can not be",
    { path: "/inventaire", expected: [/ERR_FAILED|Failed to load/] },
    async (tab) => {
        const { id } = await begin({ lieu: 3, categorie: "Boissons" });
        const dialog = tab.getByRole("dialog");
        const end = tab.getByRole("button", { name: "Terminer" });
        let lost = true;

        await tab.goto(`/inventaire?document=${id}`);
        await settled(tab);
        await tab.route(/\/lines\/\?etat=oublis/, async (route) => {
            await new Promise((resolve) => setTimeout(resolve, 500));
            await (lost ? route.abort() : route.continue());
        });
        await end.click();
        await notice(tab, "Le serveur ne répond pas").waitFor();
        assert.equal(await dialog.count(), 0);
        lost = false;
        await end.evaluate(async (button) => {
            button.click();
            await new Promise((resolve) => setTimeout(resolve, 200));
            button.click();
        });
        await dialog.waitFor();
        await tab.waitForTimeout(700);
        assert.equal(await tab.locator("dialog").count(), 1);
        await dialog.getByRole("button", { name: "Annuler" }).click();
        await end.click();
        await dialog.waitFor();
        await dialog.getByRole("button", { name: "Annuler" }).click();
        await api("POST", `/counts/${id}/cancel/`);
    },
);

// One that several products have, and that is looked up for a while
async function late(tab, text, { next }) {
    await tab.route(/\/products\/\?/, async (route) => {
        await new Promise((resolve) => setTimeout(resolve, 600));
        await route.continue();
    });
    await entry(tab).fill(text);
    await entry(tab).press("Enter");
    await tab.keyboard.type(next, { delay: 30 });
    await tab.locator(".entries li").waitFor();
    await tab.waitForTimeout(900);
    assert.equal(await entry(tab).inputValue(), next);
    assert.ok(
        await entry(tab).evaluate((node) => node === document.activeElement),
    );
    await tab.unroute(/\/products\/\?/);
}

const choose = (tab) =>
    tab
        .locator(".entries")
        .getByRole("button", { name: "Choisir", exact: true })
        .click();
const suggestion = (tab, name) =>
    tab.locator(".suggestions").getByRole("button", { name });

counting(
    "what is to be chosen waits for who types the next entry",
    { path: "/inventaire" },
    async (tab) => {
        const { id } = await begin({ lieu: 3, categorie: "Boissons" });

        await tab.goto(`/inventaire?document=${id}`);
        await settled(tab);
        await late(tab, "3*café", { next: "BOI-00" });
        await tab.keyboard.type("5");
        await tab.keyboard.press("Enter");
        await counted(tab, "Café Espresso Intenso", "1");
        await choose(tab);
        await suggestion(tab, "Café Premium Bio").click();
        await counted(tab, "Café Premium Bio", "3");
        await saved(tab);
        await api("POST", `/counts/${id}/cancel/`);
    },
);

counting(
    "lines of a document: the same, and a count is that of its entry",
    { path: "/receptions" },
    async (tab) => {
        const units = (name) => tab.getByLabel(`Quantité : ${name}`);

        await press(tab, "Nouvelle réception");
        await entry(tab).waitFor();
        await settled(tab);
        await late(tab, "3*café", { next: "thé rooi" });
        await entry(tab).fill("");
        await choose(tab);
        // Nothing is chosen of it.
        await suggestion(tab, "Café Premium Bio").waitFor();
        await entry(tab).fill("thé rooi");
        await suggestion(tab, "Thé Rooibos Vanille").click();
        assert.equal(await units("Thé Rooibos Vanille").inputValue(), "1");
        await choose(tab);
        await suggestion(tab, "Café Premium Bio").click();
        assert.equal(await units("Café Premium Bio").inputValue(), "3");
    },
);

counting(
    "blind: nothing is shown of what is expected; abandoned",
    { path: "/inventaire" },
    async (tab) => {
        const { id } = await begin({ lieu: null, aveugle: true });
        const dialog = tab.getByRole("dialog");

        await tab.goto(`/inventaire?document=${id}`);
        await settled(tab);
        await scan(tab, "BOI-004");
        await saved(tab);
        assert.equal(
            await tab.getByRole("columnheader", { name: "Écart" }).count(),
            0,
        );
        await press(tab, "Abandonner");
        await dialog.getByRole("button", { name: "Abandonner" }).click();
        await notice(tab, "est abandonné").waitFor();
        assert.equal((await api("GET", `/counts/${id}/`)).statut, "annule");
    },
);

for (const colorScheme of ["light", "dark"]) {
    for (const width of [360, 1280]) {
        counting(
            `axe, nothing sticks out: ${width}, ${colorScheme}`,
            {
                path: "/inventaire",
                colorScheme,
                viewport: { width, height: 740 },
            },
            async (tab) => {
                const { id } = await begin({ lieu: 4 });

                await tab.goto(`/inventaire?document=${id}`);
                await settled(tab);
                await scan(tab, "BOI-004", "BOI-005");
                await saved(tab);
                assert.deepEqual(await violations(tab), []);
                assert.equal(
                    await tab.evaluate(
                        () => document.documentElement.scrollWidth - innerWidth,
                    ),
                    0,
                );
                await api("POST", `/counts/${id}/cancel/`);
            },
        );
    }
}
