// The pictures of docs/: what the README shows.

import { mkdir } from "node:fs/promises";
import { identify, openBrowser, openTab, settled } from "./browser.js";

const directory = new URL("../../docs/screenshots/", import.meta.url).pathname;

async function still(tab, name) {
    await settled(tab);
    await tab.evaluate(() => document.fonts.ready);
    await tab.waitForTimeout(300);
    await tab.screenshot({ path: `${directory}${name}.png` });
}

const wide = { viewport: { width: 1280, height: 860 } };
const narrow = { viewport: { width: 390, height: 760 } };

async function pictures(browser, options, draw) {
    const { tab, close, nothingWrong } = await openTab(browser, options);

    await draw(tab);
    nothingWrong();
    await close();
}

const { browser, close } = await openBrowser();

await mkdir(directory, { recursive: true });
await pictures(browser, wide, async (tab) => {
    await tab.goto("/");
    await still(tab, "tableau");
    await tab.goto("/caisse?magasin=1");
    await settled(tab);
    for (const name of ["Café Premium Bio", "Chocolat Noir", "Café Premium"]) {
        await tab.locator(".tile", { hasText: name }).first().click();
    }
    await tab.mouse.move(640, 40);
    await still(tab, "caisse");
    await tab.getByRole("button", { name: "Encaisser" }).click();
    await identify(tab);
    await tab.getByRole("heading", { name: /enregistrée/ }).waitFor();
});
await pictures(browser, { ...wide, colorScheme: "dark" }, async (tab) => {
    await tab.goto("/demandes");
    await settled(tab);
    await tab
        .getByRole("button", { name: /^Approuver/ })
        .first()
        .click();
    await still(tab, "demandes");
});
await pictures(browser, narrow, async (tab) => {
    await tab.goto("/stock?magasin=3&ordre=quantite");
    await still(tab, "stock");
});
await pictures(browser, { ...narrow, colorScheme: "dark" }, async (tab) => {
    await tab.goto("/caisse?magasin=3");
    await settled(tab);
    await tab.locator(".tile", { hasText: "Café Premium Bio" }).click();
    await still(tab, "caisse-etroite");
});
await close();
