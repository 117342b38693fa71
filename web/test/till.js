// A till that may have no server: what it keeps, and what it has sold.

import assert from "node:assert/strict";
import { api, isQuiet, openTab, settled, withToken } from "./browser.js";

export const STORE = 4;
export const PRODUCT = 2;
export const NAME = "Souris optique";
export const PRICE = 25.5;

export async function until(what, wanted) {
    for (let left = 1200; left > 0; left -= 1) {
        if (await wanted()) {
            return;
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.fail(`never: ${what}`);
}

export const newestSale = async () =>
    (await api("GET", "/sales/?limit=1")).results[0].id;

// How many units each sale has that was made after this one
export async function soldAfter(newest) {
    const { results } = await api("GET", `/sales/?magasin=${STORE}&limit=50`);
    const ids = results.map((one) => one.id).filter((id) => id > newest);
    const sales = await Promise.all(
        ids.sort((a, b) => a - b).map((id) => api("GET", `/sales/${id}/`)),
    );

    return sales.map((one) => one.lignes[0].quantite);
}

export const kept = (tab) => tab.locator(".kept-sales > li");
export const keeps = (tab, many) =>
    until(`${many} sales wait`, async () => (await kept(tab).count()) === many);

// The pages are kept, and this one is of those.
export const ready = (tab) =>
    tab.evaluate(async () => {
        await navigator.serviceWorker.ready;
        if (!navigator.serviceWorker.controller) {
            await new Promise((resolve) =>
                navigator.serviceWorker.addEventListener(
                    "controllerchange",
                    resolve,
                ),
            );
        }
    });

export async function shopIsKnown(tab) {
    await until("the shop's products are kept", () =>
        tab.evaluate(
            (name) =>
                new Promise((resolve) => {
                    const request = indexedDB.open("magasin");
                    request.onsuccess = () => {
                        const all = request.result
                            .transaction("produits")
                            .objectStore("produits")
                            .getAll();
                        all.onsuccess = () =>
                            resolve(
                                all.result.some(
                                    (one) => one.nom === name && one.stock,
                                ),
                            );
                    };
                }),
            NAME,
        ),
    );
}

export async function openTill(browser, options = {}, token = undefined) {
    const opened = await openTab(browser, {
        serviceWorkers: "allow",
        ...options,
    });
    const { tab } = opened;

    await withToken(tab, token);
    await tab.goto(`/caisse?magasin=${STORE}`);
    await settled(tab);
    await ready(tab);
    await shopIsKnown(tab);
    await isQuiet(tab);
    return opened;
}

export async function fill(tab, units) {
    const next = tab.getByRole("button", { name: "Nouvelle vente" });

    if (await next.isVisible()) {
        await next.click();
    }
    const search = tab.getByLabel("Produit", { exact: true });
    await search.fill(`${units}*${NAME}`);
    await search.press("Enter");
    await tab.locator(".ticket-lines li", { hasText: NAME }).waitFor();
}

export async function sell(tab, units) {
    await fill(tab, units);
    await tab.getByRole("button", { name: "Encaisser" }).click();
}

export const waits = (tab) =>
    tab.locator("h2", { hasText: /^Vente en attente n° \d+$/ }).waitFor();
export const isMade = (tab) =>
    tab.locator("h2", { hasText: /^Vente n° \d+ enregistrée$/ }).waitFor();
