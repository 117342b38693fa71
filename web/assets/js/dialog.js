// One dialog at a time above the page: the browser's own, which keeps the
// focus inside and gives it back.

import { button, element, icon, uniqueId } from "./dom.js";
import { formOf } from "./form.js";

// make(close) gives the content; the promise is what close() was given, or
// undefined when the person left.
export function openDialog(title, make, properties = {}) {
    const heading = uniqueId("dialog");

    return new Promise((resolve) => {
        let answer;
        const close = (value) => {
            answer = value;
            dialog.close();
        };
        const dialog = element(
            "dialog",
            {
                ...properties,
                "aria-labelledby": heading,
                on: {
                    close: () => {
                        dialog.remove();
                        resolve(answer);
                    },
                },
            },
            element(
                "div",
                { class: "dialog-head" },
                element("h2", { id: heading }, title),
                button(icon("croix"), () => close(), {
                    class: "icon-button",
                    "aria-label": "Fermer",
                }),
            ),
            make(close),
        );

        document.body.append(dialog);
        dialog.showModal();
        dialog.querySelector("[autofocus], input, select, textarea")?.focus();
    });
}

// action runs while the dialog is open, so that a refusal is shown in it.
export function confirm({ title, text, extra, submit, danger, action }) {
    return openDialog(title, (close) =>
        formOf({
            intro: text,
            extra,
            fields: [],
            submit,
            danger,
            cancel: () => close(),
            action: async (_values, form) => close(await action(form)),
        }),
    );
}
