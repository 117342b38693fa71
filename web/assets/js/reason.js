// A question before something that cannot be taken back, with room for why.

import { openDialog } from "./dialog.js";
import { field, formOf } from "./form.js";

// action(motif, form) runs while the dialog is open; motif is {} or {motif}.
export function askWhy({
    title,
    text,
    extra,
    fields = [],
    submit,
    danger,
    label = "Motif",
    placeholder,
    action,
}) {
    const why = field({ name: "motif", label, maxlength: 200, placeholder });

    return openDialog(title, (close) =>
        formOf({
            intro: text,
            extra,
            fields: [...fields, why],
            submit,
            danger,
            cancel: () => close(),
            action: async (values, form) => {
                const given = values.motif.trim();
                const answer = await action(
                    given ? { motif: given } : {},
                    form,
                    values,
                );

                if (answer !== undefined) {
                    close(answer);
                }
            },
        }),
    );
}
