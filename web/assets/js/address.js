// What stands in the address was typed by somebody, or is of another day: it
// is looked at before the server is asked for anything.

import { dayFault } from "./days.js";
import { showAll } from "./filters.js";

// Words, and a way on, instead of an answer.
export class Unusable extends Error {
    constructor(text, ...names) {
        super(text);
        this.names = names;
    }

    get way() {
        return showAll(...this.names);
    }
}

export function dayOf(parameters, name) {
    const text = parameters.get(name);
    const fault = text && dayFault(text);

    if (fault) {
        throw new Unusable(`La date « ${text} » ne va pas. ${fault}`, name);
    }
    return text;
}

export function choiceOf(parameters, name, known, what) {
    const text = parameters.get(name);

    if (text && !known.includes(text)) {
        throw new Unusable(`${what} « ${text} » n’existe pas.`, name);
    }
    return text;
}

export function idOf(parameters, name, what) {
    const text = parameters.get(name);

    if (text && !/^[1-9]\d{0,17}$/.test(text)) {
        throw new Unusable(`${what} « ${text} » n’existe pas.`, name);
    }
    return text;
}

export function pageNumberOf(parameters) {
    const text = parameters.get("page") ?? "1";

    if (!/^[1-9]\d{0,8}$/.test(text)) {
        throw new Unusable(`La page « ${text} » n’existe pas.`, "page");
    }
    return Number(text);
}
