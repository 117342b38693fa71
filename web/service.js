// The service worker: keeps the pages for when there is no network.  It keeps
// no answer of the API; the pages themselves keep what the till needs.
//
// All files of a version are in a directory with a name of its own, and in a
// cache of their own: what is kept is one version, whole, and nothing that is
// not in its lists.  scripts/web.sh fills in what stands between @.

const version = "@VERSION@";
const files = "@FILES@".split(" ");
// What is kept once a page has needed it, such as charts
const later = new Set("@LATER@".split(" "));
const pages = new Set("@PAGES@".split(" "));

const OURS = "magasin-pages-";
const cacheName = OURS + version;
const directory = `/assets/${version}/`;

// The network is asked first; a page is not waited for longer than that.
const PATIENCE = 4000;
const TRIES = 5;

const pause = (milliseconds) =>
    new Promise((resolve) => setTimeout(resolve, milliseconds));

// What each kind of file is, as nginx says it.  A network that wants somebody to
// log in, or a proxy with a page of its own, answers 200, too.
const kinds = {
    css: "text/css",
    html: "text/html",
    js: "text/javascript",
    svg: "image/svg+xml",
};

// Is this the file itself, and may it be kept?
function isOurs(path, answer) {
    const { headers, redirected, status, type, url } = answer;
    const kind = path === "/" ? "html" : path.split(".").at(-1);
    const told = (headers.get("Content-Type") ?? "").split(";")[0].trim();

    return (
        status === 200 &&
        type === "basic" &&
        !redirected &&
        url === self.location.origin + path &&
        told.toLowerCase() === kinds[kind] &&
        !/\bno-store\b/i.test(headers.get("Cache-Control") ?? "")
    );
}

// One file after the other: many tills of one address may do this at a time.
async function take(cache, path) {
    let from = path === "/" ? "no-cache" : "default";

    for (let attempt = 1; ; attempt += 1) {
        const answer = await fetch(path, { cache: from });

        if (isOurs(path, answer)) {
            await check(path, answer);
            await cache.put(path, answer);
            return;
        }
        const busy = [429, 502, 503, 504].includes(answer.status);
        // The browser may have kept what is not the file: once it is asked for
        // past that.
        const again = from === "default";

        if (attempt === TRIES || !(busy || again)) {
            throw new Error(`${path}: not the file (${answer.status})`);
        }
        if (busy) {
            await pause(1000 * attempt);
        } else {
            from = "reload";
        }
    }
}

// Another version may have come while this one is taken.
async function check(path, answer) {
    if (path === "/" && !(await answer.clone().text()).includes(directory)) {
        throw new Error("the pages are of another version");
    }
}

// These files may be kept already, by a service worker that differs in itself
// alone: then they stay whatever happens.
async function install() {
    const there = await caches.has(cacheName);

    try {
        const cache = await caches.open(cacheName);

        for (const path of ["/", ...files]) {
            await take(cache, path);
        }
    } catch (error) {
        if (!there) {
            await caches.delete(cacheName);
        }
        throw error;
    }
    await self.skipWaiting();
}

// A tab that is open may still need a module of the version before.
async function activate() {
    const ours = (await caches.keys()).filter((name) => name.startsWith(OURS));
    const older = ours.filter((name) => name !== cacheName).slice(0, -1);

    await Promise.all(older.map((name) => caches.delete(name)));
    await self.clients.claim();
}

// What is kept of this version, else of the one before.  A browser whose storage
// is broken keeps nothing, and has the network.
async function keptOf(path) {
    const match = (name) =>
        caches.match(path, { cacheName: name, ignoreVary: true });

    try {
        let kept = await match(cacheName);

        if (!kept) {
            const names = await caches.keys();
            const older = names.findLast(
                (name) => name.startsWith(OURS) && name !== cacheName,
            );
            kept = older && (await match(older));
        }
        return kept;
    } catch {
        return undefined;
    }
}

async function keep(path, answer) {
    try {
        const cache = await caches.open(cacheName);
        await cache.put(path, answer);
    } catch {
        // There is no room: it is asked for again.
    }
}

// The page of the network, which is of the newest version; else the one that is
// kept, whose files are kept, too.
async function page(request) {
    const answer = fetch(request);
    const kept = keptOf("/");

    answer.catch(() => {});
    try {
        const first = await Promise.race([answer, pause(PATIENCE)]);

        if (first && first.status < 500) {
            return first;
        }
    } catch {
        // There is no network.
    }
    return (await kept) ?? answer;
}

// A name below /assets/ is that of its content: it is the same wherever it is.
async function asset(event) {
    const { pathname } = new URL(event.request.url);
    const kept = await keptOf(pathname);

    if (kept) {
        return kept;
    }
    const answer = await fetch(event.request);

    if (later.has(pathname) && isOurs(pathname, answer)) {
        event.waitUntil(keep(pathname, answer.clone()));
    }
    return answer;
}

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("fetch", (event) => {
    const { request } = event;
    const url = new URL(request.url);

    if (request.method !== "GET" || url.origin !== self.location.origin) {
        return;
    }
    if (request.mode === "navigate" && pages.has(url.pathname)) {
        event.respondWith(page(request));
    } else if (
        url.pathname.startsWith("/assets/") ||
        url.pathname === "/favicon.svg"
    ) {
        event.respondWith(asset(event));
    }
});
