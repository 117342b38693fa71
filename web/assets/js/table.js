// Tables: headings that sort, pages.

import { button, element } from "./dom.js";
import { plural, quantity } from "./format.js";

// columns: [{name, label, class, sort}], where sort names what the column is
// ordered by; order is that name, with "-" before it when descending.
export function table({ caption, columns, rows, order, sort, class: name }) {
    return element(
        "div",
        {
            class: "table-scroll",
            tabindex: "0",
            role: "region",
            "aria-label": caption,
        },
        element(
            "table",
            { class: name },
            element("caption", { class: "hidden" }, caption),
            element(
                "thead",
                {},
                element(
                    "tr",
                    {},
                    columns.map((column) => heading(column, order, sort)),
                ),
            ),
            element("tbody", {}, rows),
        ),
    );
}

function heading(column, order, sort) {
    if (!column.sort) {
        return element(
            "th",
            { scope: "col", class: column.class },
            column.label,
        );
    }

    const up = order === column.sort;
    const down = order === `-${column.sort}`;

    return element(
        "th",
        {
            scope: "col",
            class: column.class,
            "aria-sort": up ? "ascending" : down ? "descending" : "none",
        },
        button(
            [
                column.label,
                element(
                    "span",
                    { class: "arrow", "aria-hidden": "true" },
                    up ? "▲" : down ? "▼" : "↕",
                ),
            ],
            () => sort(up ? `-${column.sort}` : column.sort),
            { class: "sort", "data-focus": `tri ${column.sort}` },
        ),
    );
}

export const cell = (...content) => element("td", {}, content);
export const number = (...content) =>
    element("td", { class: "number" }, content);
export const wide = (...content) => element("td", { class: "wide" }, content);

export function rowHeading(title, ...more) {
    return element(
        "th",
        { scope: "row" },
        element("span", { class: "title" }, title),
        more,
    );
}

// Only on narrow screens, where the column of this is not shown
export const beside = (...content) =>
    element("span", { class: "beside" }, content);

export function badge({ name, label }) {
    return element("span", { class: `badge ${name}` }, label);
}

// The page that the URL names, of so many rows, as far as there are pages.
export function pageOf(page, count, rows) {
    const pages = Math.max(Math.ceil(count / rows), 1);

    return { page: Math.min(page, pages), pages };
}

// order is as for table(); rows stay as they are when no function has its
// name.
export function ordered(rows, orders, order) {
    const name = order?.replace(/^-/, "");
    const by = name && Object.hasOwn(orders, name) ? orders[name] : null;
    const sign = order?.startsWith("-") ? -1 : 1;

    return by ? rows.sort((a, b) => sign * by(a, b)) : rows;
}

export function pager({ page, pages, count, go, words }) {
    const step = (label, target, enabled) =>
        button(label, () => go(target), {
            class: "page-step",
            "data-focus": label,
            disabled: !enabled,
        });

    return element(
        "nav",
        { class: "pager", "aria-label": "Pagination" },
        element("span", { class: "muted" }, plural(count, ...words)),
        pages > 1
            ? [
                  step("Précédent", page - 1, page > 1),
                  element(
                      "span",
                      { class: "page-number" },
                      `Page ${quantity(page)} sur ${quantity(pages)}`,
                  ),
                  step("Suivant", page + 1, page < pages),
              ]
            : null,
    );
}
