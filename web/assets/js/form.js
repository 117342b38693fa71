// Forms: labelled fields, the API's messages next to the field they are
// about, one submission at a time.

import { button, element, fill, uniqueId } from "./dom.js";
import { explain, Refusal, Withdrawn } from "./errors.js";

// What a form offers below a 403.  The dialog for the token is made of a form,
// so that forms cannot import it: main.js gives it to them.
let changeToken = null;

export function offerToken(action) {
    changeToken = action;
}

// type is that of an input, or "textarea", or "select" with options
// [[value, label], ...].  The rest goes to the control itself.
export function field({
    name,
    label,
    type = "text",
    options,
    hint,
    value,
    ...rest
}) {
    const id = uniqueId(name);
    const tag = type === "textarea" || type === "select" ? type : "input";
    const error = element("p", { class: "field-error", id: `${id}-erreur` });
    const control = element(
        tag,
        {
            id,
            name,
            type: tag === "input" ? type : undefined,
            "aria-describedby": `${hint ? `${id}-aide ` : ""}${id}-erreur`,
            ...rest,
        },
        (options ?? []).map(([key, text]) =>
            element("option", { value: key }, text),
        ),
    );

    if (value !== undefined) {
        control.value = value;
    }

    return {
        name,
        control,
        node: element(
            "div",
            { class: "field" },
            element("label", { for: id }, label),
            control,
            hint
                ? element("p", { class: "hint", id: `${id}-aide` }, hint)
                : null,
            error,
        ),
        show: (messages) => {
            fill(error, messages?.join(" "));
            if (messages) {
                control.setAttribute("aria-invalid", "true");
            } else {
                control.removeAttribute("aria-invalid");
            }
        },
    };
}

export function formOf({
    intro,
    fields,
    submit,
    cancel,
    danger = false,
    error = null,
    action,
    extra,
}) {
    const alert = element("div", { class: "form-error", role: "alert" });
    const send = element(
        "button",
        { type: "submit", class: danger ? "primary danger" : "primary" },
        submit,
    );
    let busy = false;

    const form = element(
        "form",
        { novalidate: true, class: "form", on: { submit: run } },
        intro ? element("p", { class: "intro" }, intro) : null,
        fields.map((one) => one.node),
        extra,
        alert,
        element(
            "div",
            { class: "form-actions" },
            cancel ? button("Annuler", cancel) : null,
            send,
        ),
    );

    const handle = {
        node: form,
        // Messages of fields that this form does not have go below it.
        show: (errors) => {
            const others = [];

            for (const [name, messages] of Object.entries(errors)) {
                const one = fields.find((known) => known.name === name);
                if (one) {
                    one.show(messages.flat());
                } else {
                    others.push(...messages);
                }
            }
            fill(alert, others.join(" "));
            form.querySelector("[aria-invalid]")?.focus();
        },
        fail: (...content) => {
            fill(alert, ...content);
            alert.scrollIntoView({ block: "nearest" });
        },
    };

    async function run(event) {
        event.preventDefault();
        if (busy) {
            return;
        }

        busy = true;
        form.setAttribute("aria-busy", "true");
        send.setAttribute("aria-disabled", "true");
        fill(alert);
        for (const one of fields) {
            one.show(null);
        }

        try {
            await action(Object.fromEntries(new FormData(form)), handle);
        } catch (failure) {
            tell(failure, handle);
        } finally {
            busy = false;
            form.removeAttribute("aria-busy");
            send.removeAttribute("aria-disabled");
        }
    }

    if (error) {
        fill(alert, error);
    }

    return form;
}

// What went wrong, where the person looks.
export function tell(failure, form) {
    if (failure instanceof Withdrawn) {
        return;
    }
    if (!(failure instanceof Refusal) && !failure.temporary) {
        console.error(failure);
    }
    if (failure.fields) {
        form.show(failure.fields);
    } else if (failure.status === 403) {
        form.fail(
            explain(failure),
            " ",
            button("Changer de jeton", () => changeToken(), {
                class: "link",
            }),
        );
    } else if (failure.unknown) {
        form.fail(
            explain(failure),
            " On ne sait pas si c’est enregistré. Recommencez sans crainte : ",
            "ce ne sera fait qu’une fois.",
        );
    } else {
        form.fail(explain(failure));
    }
}
