// Where the modules of k6 are: beside this file.  k6 itself has them built in.

const MODULES = {
    k6: "k6.js",
    "k6/http": "http.js",
    "k6/metrics": "metrics.js",
};

export async function resolve(specifier, context, next) {
    const file = MODULES[specifier];
    if (file !== undefined) {
        return {
            url: new URL(file, import.meta.url).href,
            format: "module",
            shortCircuit: true,
        };
    }
    if (specifier === "k6" || specifier.startsWith("k6/")) {
        throw new Error(`the runner has no ${specifier}: take k6 itself`);
    }
    return next(specifier, context);
}
