// What has been done, said in a corner for a while, with a way back where
// there is one.

import { explain, Withdrawn } from "./api.js";
import { button, element, icon } from "./dom.js";

const place = document.getElementById("notices");
const spoken = document.getElementById("spoken");
const SECONDS = 8;

export function say(text) {
    spoken.textContent = "";
    // A change is what is read out.
    requestAnimationFrame(() => {
        spoken.textContent = text;
    });
}

// action: {label, run}
export function notify(text, action = null) {
    let timer;
    const leave = () => {
        clearTimeout(timer);
        notice.remove();
    };
    const wait = () => {
        clearTimeout(timer);
        timer = setTimeout(leave, SECONDS * 1000);
    };
    const stay = () => clearTimeout(timer);
    const notice = element(
        "div",
        {
            class: "notice",
            on: {
                mouseenter: stay,
                focusin: stay,
                mouseleave: wait,
                focusout: wait,
            },
        },
        element("span", {}, text),
        action
            ? button(
                  action.label,
                  () => {
                      leave();
                      action.run();
                  },
                  { class: "link" },
              )
            : null,
        button(icon("croix"), leave, {
            class: "icon-button",
            "aria-label": "Fermer ce message",
        }),
    );

    place.append(notice);
    while (place.children.length > 3) {
        place.firstElementChild.remove();
    }
    say(text);
    wait();
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
