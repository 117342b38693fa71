// What tests of the work behind the till share.

import { after, before, test } from "node:test";
import {
    api,
    base,
    openBrowser,
    openTab,
    settled,
    withToken,
} from "./browser.js";

let chromium;

before(async () => {
    chromium = await openBrowser();
});
after(() => chromium.close());

export const browser = () => chromium.browser;

// options: those of openTab(), and expected lines of the console, and rights:
// what GET /me/ says instead
export function work(name, { path, expected = [], rights, ...options }, run) {
    test(name, async () => {
        const { tab, close, nothingWrong } = await openTab(
            chromium.browser,
            options,
        );

        await withToken(tab);
        if (rights) {
            await tab.route(`${base}/api/v1/me/`, (route) =>
                route.fulfill({
                    contentType: "application/json",
                    body: JSON.stringify({
                        nom: "quai",
                        scopes: [],
                        magasins: null,
                        expire_le: null,
                        ...rights,
                    }),
                }),
            );
        }
        await tab.goto(path);
        await settled(tab);
        await run(tab);
        nothingWrong(...expected);
        await close();
    });
}

export const plain = (text) => text.replace(/\s/g, " ");
export const entry = (tab) => tab.getByLabel("Scanner ou chercher un produit");
export const lines = (tab) => tab.locator(".goods-table tbody tr");
export const left = (tab, text) =>
    tab.locator(".entries li", { hasText: text });
export const notice = (tab, text) => tab.locator(".notice", { hasText: text });
export const press = (tab, name) => tab.getByRole("button", { name }).click();
export const idOf = (tab) =>
    Number(new URL(tab.url()).searchParams.get("document"));
export const central = async (product) =>
    (await api("GET", `/stock/central/${product}/`)).quantite;
