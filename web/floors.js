// Which modules of the pages may import which.  This is the configuration of
// dependency-cruiser, which "make lint" runs on assets/js.

// The floors, the lowest first.  A module imports modules of its own floor and
// of those below it.  Names are those of files of assets/js, without ".js".
export const floors = {
    values: [
        "changes",
        "csv",
        "days",
        "dom",
        "errors",
        "format",
        "money",
        "numbers",
        "storage",
    ],
    controls: ["charts", "dialog", "form", "notices", "table"],
    address: ["address", "filters", "region", "router"],
    server: ["api", "token"],
    features: [
        "adjust",
        "checkout",
        "entries",
        "prices",
        "request",
        "sales",
        "shop_stock",
        "stores",
        "ticket",
        "ticket_line",
        "ticket_panel",
    ],
    pages: [
        "pages/caisse",
        "pages/central",
        "pages/demandes",
        "pages/journal",
        "pages/produits",
        "pages/rapport",
        "pages/stock",
        "pages/tableau",
    ],
    main: ["main"],
};

const pathOf = (names) => `^assets/js/(${names.join("|")})\\.js$`;
const modules = Object.values(floors);
const known = pathOf(modules.flat());

export default {
    forbidden: [
        {
            name: "ring",
            comment: "A module must not import itself by way of others.",
            severity: "error",
            from: {},
            to: { circular: true },
        },
        ...Object.keys(floors)
            .slice(0, -1)
            .map((name, floor) => ({
                name: `up-from-${name}`,
                comment: `A module of the floor "${name}" must not import one of a floor above it.`,
                severity: "error",
                from: { path: pathOf(floors[name]) },
                to: { path: pathOf(modules.slice(floor + 1).flat()) },
            })),
        {
            name: "page-to-page",
            comment: "A page must not import another page.",
            severity: "error",
            from: { path: pathOf(floors.pages) },
            to: { path: pathOf(floors.pages) },
        },
        {
            name: "imports-without-floor",
            comment: "A module that imports others must be on a floor.",
            severity: "error",
            from: { pathNot: known },
            to: {},
        },
        {
            name: "to-without-floor",
            comment:
                "What is imported must be there, and be a module that is on a floor.",
            severity: "error",
            from: {},
            to: { pathNot: known },
        },
        {
            name: "unused",
            comment: "A module that imports nothing must be imported.",
            severity: "error",
            from: { orphan: true },
            to: {},
        },
    ],
    options: { moduleSystems: ["es6"] },
};
