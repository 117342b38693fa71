// What has been done, said beside the page until it is read, with a way back
// where there is one.

import { button, element, icon, typeset } from "./dom.js";
import { explain, Withdrawn } from "./errors.js";

const place = document.getElementById("notices");
const spoken = document.getElementById("spoken");

export function say(text) {
    spoken.textContent = "";
    // A change is what is read out.
    requestAnimationFrame(() => {
        spoken.textContent = text;
    });
}

function leave(notice) {
    const inside = notice.contains(document.activeElement);

    notice.remove();
    if (inside) {
        document.getElementById("page").focus({ preventScroll: true });
    }
}

// action: {label, run}.  The same words again take the place of the older.
export function notify(text, action = null) {
    const notice = element(
        "div",
        { class: "notice" },
        element("span", {}, text),
        action
            ? button(
                  action.label,
                  () => {
                      leave(notice);
                      action.run();
                  },
                  { class: "link" },
              )
            : null,
        button(icon("croix"), () => leave(notice), {
            class: "icon-button",
            "aria-label": "Fermer ce message",
        }),
    );

    for (const older of [...place.children]) {
        if (older.firstElementChild.textContent === typeset(text)) {
            older.remove();
        }
    }
    place.prepend(notice);
    place.scrollTop = 0;
    say(text);
}

// For what is done outside of a form: a failure is said in a notice.
export async function attempt(action) {
    try {
        await action();
    } catch (error) {
        if (!(error instanceof Withdrawn)) {
            notify(explain(error));
        }
    }
}
