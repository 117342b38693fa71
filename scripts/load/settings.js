// Parameters: everything comes from the environment, and is checked there.

// No test can be made; the message says why.
export function refuse(message) {
    console.error(`load: ${message}`);
    process.exit(2);
}

export function number(name, otherwise, { min = 0, max = Infinity } = {}) {
    const text = process.env[name];
    if (text === undefined || text === "") {
        return otherwise;
    }
    const value = Number(text);
    if (!Number.isFinite(value) || value < min || value > max) {
        refuse(`${name}=${text} is not a number from ${min} to ` + `${max}.`);
    }
    return value;
}

export function text(name, otherwise) {
    return process.env[name] || otherwise;
}

// A test writes prices and takes all the server has, so it goes to this
// machine unless somebody who may says otherwise.
export function baseUrl() {
    let url;
    const given = text("BASE_URL", "http://127.0.0.1:8080");
    try {
        url = new URL(given);
    } catch {
        refuse(`BASE_URL=${given} is not a URL.`);
    }
    const here = /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(url.hostname);
    if (!here && process.env.ALLOW_REMOTE !== "yes") {
        refuse(
            `${url.hostname} is another machine: load it with ` +
                "ALLOW_REMOTE=yes, and only if it is yours to load.",
        );
    }
    return url.origin;
}
