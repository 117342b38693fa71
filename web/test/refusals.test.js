// What goes wrong, said in words where the person looks, with a way on.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
    api,
    base,
    identify,
    offline,
    openBrowser,
    openTab,
    server,
    setStock,
    settled,
    sql,
    stockOf,
    token,
} from "./browser.js";

let chromium;

before(async () => {
    chromium = await openBrowser();
});
after(() => chromium.close());

// The console tells of answers of 400 and more: those that a test provokes
// are its expected lines.
function refusal(name, expected, path, run) {
    test(name, async () => {
        const { tab, close, nothingWrong } = await openTab(chromium.browser);

        await tab.goto(path);
        await settled(tab);
        await run(tab);
        nothingWrong(...expected);
        await close();
    });
}

const status = (number) => new RegExp(`status of ${number}`);
const unreachable = /ERR_INTERNET_DISCONNECTED|ERR_FAILED|ERR_CONNECTION/;

const withToken = (tab) =>
    tab.evaluate(
        (text) => sessionStorage.setItem("magasin.jeton", text),
        token,
    );

const dialogOf = (tab) => tab.getByRole("dialog");

async function ticket(tab, ...names) {
    for (const name of names) {
        await tab.locator(".tile", { hasText: name }).click();
    }
}

const encash = (tab) => tab.getByRole("button", { name: "Encaisser" }).click();

const salesOf = async (store) =>
    (await api("GET", `/sales/?magasin=${store}&limit=1000`)).results.length;

refusal(
    "token: a wrong one is asked for again, none changes nothing",
    [status(401)],
    "/caisse?magasin=1",
    async (tab) => {
        const before = await salesOf(1);

        await ticket(tab, "Souris optique");
        await encash(tab);
        await tab.getByLabel("Jeton d’accès").fill("mauvais-jeton");
        await tab.getByRole("button", { name: "Continuer" }).click();
        await dialogOf(tab).getByText("Ce jeton n’est pas accepté.").waitFor();
        await tab.getByLabel("Jeton d’accès").fill("deux mots");
        await tab.getByRole("button", { name: "Continuer" }).click();
        await dialogOf(tab).getByText("Ce n’est pas un jeton.").waitFor();
        await tab.keyboard.press("Escape");
        await tab.getByRole("button", { name: "Encaisser" }).waitFor();
        assert.equal(await salesOf(1), before);
        assert.equal(await tab.locator(".ticket-lines li").count(), 1);

        await encash(tab);
        await identify(tab);
        await tab.getByRole("heading", { name: /enregistrée/ }).waitFor();
        assert.equal(await salesOf(1), before + 1);
    },
);

refusal(
    "till: too little stock is told line by line, and put right with a click",
    [status(409)],
    "/caisse?magasin=2",
    async (tab) => {
        await withToken(tab);
        await setStock(2, 9, 5);
        await tab.reload();
        await settled(tab);
        await ticket(tab, "Chocolat au Lait", "Café Premium Bio");
        await tab.getByLabel("Quantité de Chocolat au Lait").fill("5");
        // Somebody else takes three of them.
        await setStock(2, 9, 2);
        await encash(tab);
        await tab
            .locator(".form-error", {
                hasText:
                    "Stock insuffisant : Chocolat au Lait (demandé 5, disponible 2).",
            })
            .waitFor();
        await tab.getByText("Demandé 5, il en reste 2.").waitFor();
        assert.equal(
            await tab
                .getByLabel("Quantité de Chocolat au Lait")
                .getAttribute("aria-invalid"),
            "true",
        );
        await tab.getByRole("button", { name: "Mettre 2" }).click();
        await encash(tab);
        await tab.getByRole("heading", { name: /enregistrée/ }).waitFor();
        assert.equal(await stockOf(2, 9), 0);
    },
);

refusal(
    "till: a product that is gone, a store that is closed",
    [status(409)],
    "/caisse?magasin=5",
    async (tab) => {
        await withToken(tab);
        await setStock(5, 14, 10);
        await tab.reload();
        await settled(tab);
        await ticket(tab, "Chargeur sans fil", "Souris optique");
        await api("PATCH", "/products/14/", { archive: true });
        await encash(tab);
        await tab.getByText("N’est plus en vente.").waitFor();
        await tab.getByRole("button", { name: "Enlever" }).click();
        await api("PATCH", "/products/14/", { archive: false });

        await sql("UPDATE magasin SET ouvert = false WHERE id = 5");
        await encash(tab);
        await tab.locator(".form-error", { hasText: "fermé" }).waitFor();
        await sql("UPDATE magasin SET ouvert = true WHERE id = 5");
        await encash(tab);
        await tab.getByRole("heading", { name: /enregistrée/ }).waitFor();
    },
);

refusal(
    "till: a double click sells once",
    [],
    "/caisse?magasin=1",
    async (tab) => {
        const before = await salesOf(1);

        await withToken(tab);
        await ticket(tab, "Souris optique");
        await tab.getByRole("button", { name: "Encaisser" }).dblclick();
        await tab.getByRole("heading", { name: /enregistrée/ }).waitFor();
        await settled(tab);
        assert.equal(await salesOf(1), before + 1);
    },
);

refusal(
    "till: an answer that is lost does not sell twice",
    [unreachable],
    "/caisse?magasin=3",
    async (tab) => {
        const before = await salesOf(3);
        let lost = 0;

        await withToken(tab);
        await ticket(tab, "Souris optique");
        // The server gets every one of them; the page hears of none.
        await tab.route("**/api/v1/sales/", async (route) => {
            if (route.request().method() === "POST" && lost < 3) {
                lost += 1;
                await route.fetch();
                await route.abort();
            } else {
                await route.continue();
            }
        });
        await encash(tab);
        await tab
            .getByText("On ne sait pas si cette vente est enregistrée.")
            .waitFor();
        assert.equal(lost, 3);
        assert.equal(await salesOf(3), before + 1);

        // It stays as it is, also when the tab is loaded again.
        await tab.reload();
        await settled(tab);
        await tab.getByText("On ne sait pas si").waitFor();
        assert.ok(await tab.getByLabel("Quantité de Souris").isDisabled());
        await tab.getByRole("button", { name: "Réessayer" }).click();
        await tab.getByRole("heading", { name: /enregistrée/ }).waitFor();
        assert.equal(await salesOf(3), before + 1);
    },
);

async function editClavier(tab) {
    await tab
        .getByRole("button", { name: "Modifier Clavier mécanique" })
        .click();
    await dialogOf(tab).waitFor();
}

refusal(
    "products: what somebody else changed meanwhile",
    [status(412)],
    "/produits",
    async (tab) => {
        await withToken(tab);
        await editClavier(tab);
        await dialogOf(tab).getByLabel("Prix").fill("75");
        await api("PATCH", "/products/1/", {
            prix: "70.00",
            description: "Clavier silencieux",
        });
        await tab.getByRole("button", { name: "Enregistrer" }).click();
        const conflict = tab.locator(".conflict");
        await conflict.getByText("Quelqu’un d’autre a modifié").waitFor();
        assert.match(
            (await conflict.locator("dl").textContent()).replace(/\s/g, " "),
            /Prix89,99 € → 70,00 €Description.* → Clavier silencieux/,
        );
        assert.equal((await api("GET", "/products/1/")).prix, "70.00");
        // What this person did not touch is not taken back.
        assert.equal(
            await dialogOf(tab).getByLabel("Description").inputValue(),
            "Clavier silencieux",
        );

        await tab
            .getByRole("button", { name: "Reprendre ses valeurs" })
            .click();
        assert.equal(
            await dialogOf(tab).getByLabel("Prix").inputValue(),
            "70,00",
        );
        await dialogOf(tab).getByLabel("Prix").fill("75,50");
        await tab.getByRole("button", { name: "Enregistrer" }).click();
        await tab.locator(".notice", { hasText: "est enregistré" }).waitFor();
        const now = await api("GET", "/products/1/");
        assert.equal(now.prix, "75.50");
        assert.equal(now.description, "Clavier silencieux");
    },
);

refusal(
    "products: the API's messages are next to their fields",
    [status(400)],
    "/produits",
    async (tab) => {
        await withToken(tab);
        await editClavier(tab);
        await dialogOf(tab).getByLabel("Nom").fill("");
        await dialogOf(tab).getByLabel("Prix").fill("douze");
        await tab.getByRole("button", { name: "Enregistrer" }).click();
        const field = (label) =>
            tab.locator("dialog .field", { hasText: label });
        await field("Nom").getByText("Ce champ ne peut être vide.").waitFor();
        await field("Prix").getByText("Un nombre valide est requis.").waitFor();
        assert.equal(
            await tab.evaluate(() => document.activeElement.name),
            "nom",
        );
        await dialogOf(tab).getByRole("button", { name: "Annuler" }).click();
        await dialogOf(tab).waitFor({ state: "detached" });
    },
);

refusal(
    "requests: decided by somebody else, and too little central stock",
    [status(409)],
    "/demandes",
    async (tab) => {
        const body = { magasin: 2, produit: 12, quantite: 4 };
        const one = await api("POST", "/replenishments/", body);
        const two = await api("POST", "/replenishments/", {
            ...body,
            quantite: 99999,
        });

        await withToken(tab);
        // Nothing is heard of it meanwhile.
        await tab.route(/\/journal\/stream\//, () => {});
        await tab.reload();
        await settled(tab);
        await api("POST", `/replenishments/${one.id}/approve/`);
        await tab
            .getByRole("button", { name: /^Refuser : 4 × Support/ })
            .click();
        await dialogOf(tab).getByRole("button", { name: "Refuser" }).click();
        await tab
            .locator(".notice", { hasText: "La demande est déjà approuvée." })
            .waitFor();

        await tab.getByText("insuffisant").first().waitFor();
        await tab
            .getByRole("button", { name: /^Approuver : 99.999 ×/ })
            .click();
        await dialogOf(tab).getByText("la demande sera refusée").waitFor();
        await dialogOf(tab).getByRole("button", { name: "Approuver" }).click();
        await tab.locator(".notice", { hasText: /central/ }).waitFor();
        assert.equal(
            (await api("GET", `/replenishments/${two.id}/`)).statut,
            "refusee",
        );
    },
);

refusal(
    "stock: a count that a sale has overtaken",
    [status(409)],
    "/stock?magasin=4",
    async (tab) => {
        await withToken(tab);
        await setStock(4, 3, 20);
        await tab.reload();
        await settled(tab);
        await tab.getByLabel("Produit", { exact: true }).fill("tapis");
        await tab
            .getByRole("button", { name: /^Corriger le stock de Tapis/ })
            .click();
        await setStock(4, 3, 18);
        await tab.getByLabel("Quantité comptée").fill("19");
        await tab
            .getByRole("button", { name: "Enregistrer la quantité" })
            .click();
        await dialogOf(tab).getByText("passée de 20 à 18").waitFor();
        assert.equal(await stockOf(4, 3), 18);
        await tab
            .getByRole("button", { name: "Enregistrer la quantité" })
            .click();
        await tab.locator(".notice", { hasText: "Stock corrigé" }).waitFor();
        assert.equal(await stockOf(4, 3), 19);
    },
);

refusal("a token without the scope", [status(403)], "/central", async (tab) => {
    await withToken(tab);
    await tab.route("**/api/v1/replenishments/", (route) =>
        route.fulfill({
            status: 403,
            contentType: "application/json",
            body: '{"detail":"Vous n\'avez pas la permission."}',
        }),
    );
    await tab
        .getByRole("button", { name: /^Demander/ })
        .first()
        .click();
    await dialogOf(tab)
        .getByLabel("Magasin", { exact: true })
        .selectOption({ label: "Magasin Nord" });
    await tab.getByRole("button", { name: "Envoyer la demande" }).click();
    await dialogOf(tab)
        .getByText("Votre jeton n’autorise pas cette opération.")
        .waitFor();
    await tab.getByRole("button", { name: "Changer de jeton" }).click();
    await tab.getByLabel("Jeton d’accès").waitFor();
});

refusal(
    "a server that wants to know who reads: asked for the token once",
    [status(401)],
    "/central",
    async (tab) => {
        await tab.route("**/api/v1/**", (route) =>
            route.request().headers().authorization === `Token ${token}`
                ? route.continue()
                : route.fulfill({
                      status: 401,
                      contentType: "application/json",
                      body: '{"message":"Token d\'accès invalide ou manquant."}',
                  }),
        );
        await tab.reload();
        await identify(tab);
        await tab.locator("tbody tr").first().waitFor();
        assert.equal(await dialogOf(tab).count(), 0);
    },
);

refusal(
    "no network: said, old numbers stay, and it comes back by itself",
    [unreachable],
    "/",
    async (tab) => {
        const stores = await tab.locator(".store").count();

        await offline(tab);
        await tab.evaluate(() =>
            document.dispatchEvent(new Event("visibilitychange")),
        );
        await tab
            .getByText("Cet appareil n’est pas connecté au réseau.")
            .first()
            .waitFor();
        assert.equal(await tab.locator(".store").count(), stores);
        await tab.context().setOffline(false);
        await tab.locator(".problem").waitFor({ state: "detached" });
        await tab.locator(".region.stale").waitFor({ state: "detached" });
    },
);

refusal(
    "no database: 503 with a new try, and the sale is made when it is back",
    [status(503), status(504)],
    "/caisse?magasin=1",
    async (tab) => {
        const before = await salesOf(1);

        await withToken(tab);
        await ticket(tab, "Souris optique");
        await server("stop-postgres");
        try {
            await encash(tab);
            await tab
                .getByText("On ne sait pas si cette vente est enregistrée.")
                .waitFor();
            await tab.goto("/rapport");
            await tab
                .getByText("Le service est momentanément indisponible.")
                .first()
                .waitFor();
            await tab.getByText(/Nouvel essai dans \d+ s/).waitFor();
        } finally {
            await server("start-postgres");
        }
        await tab.locator("table").first().waitFor();
        await tab.goto("/caisse");
        await tab.getByRole("button", { name: "Réessayer" }).click();
        await tab.getByRole("heading", { name: /enregistrée/ }).waitFor();
        assert.equal(await salesOf(1), before + 1);
    },
);

test("an older tab whose modules are gone loads itself again", async () => {
    const { tab, close, nothingWrong } = await openTab(chromium.browser);
    let gone = 1;

    await tab.route("**/pages/journal.js", (route) => {
        if (gone > 0) {
            gone -= 1;
            return route.fulfill({ status: 404 });
        }
        return route.continue();
    });
    await tab.goto("/");
    await settled(tab);
    await tab.getByRole("link", { name: "Journal" }).click();
    await tab.locator("tbody tr").first().waitFor();
    assert.equal(tab.url(), `${base}/journal`);
    nothingWrong(status(404));
    await close();
});
