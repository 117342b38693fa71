(function () {
    "use strict";

    var period = 2000, before = null, paused = false;
    var number = new Intl.NumberFormat("fr-FR", { maximumFractionDigits: 1 });

    function by(id) {
        return document.getElementById(id);
    }

    function make(name, text, kind) {
        var node = document.createElement(name);
        if (text !== undefined) { node.textContent = text; }
        if (kind) { node.className = kind; }
        return node;
    }

    function count(n) {
        return n === null || n === undefined ? "–" : number.format(n);
    }

    function milliseconds(seconds) {
        return seconds === null ? "–" : number.format(seconds * 1000) + " ms";
    }

    function percent(part, whole) {
        return whole ? number.format(100 * part / whole) + " %" : "–";
    }

    function bytes(n) {
        return number.format(n / 1048576) + " Mio";
    }

    function since(seconds) {
        var d = Math.floor(seconds / 86400), h = Math.floor(seconds / 3600) % 24;
        var m = Math.floor(seconds / 60) % 60;
        if (d) { return d + " j " + h + " h"; }
        return h ? h + " h " + m + " min" : m + " min " + Math.floor(seconds % 60) + " s";
    }

    /* Per second, since the last time. */
    function rate(now, then, seconds) {
        return then === undefined || !seconds || now < then ? null : (now - then) / seconds;
    }

    function figures(list, rows) {
        list.replaceChildren.apply(list, rows.map(function (row) {
            var box = make("div");
            box.append(make("dt", row[0]), make("dd", row[1], row[2]));
            return box;
        }));
    }

    /* A column is [title, value of a row, numeric?, class of a row?]. */
    function table(node, columns, rows, none) {
        var head = make("thead"), line = make("tr"), body = make("tbody");
        columns.forEach(function (column) {
            var cell = make("th", column[0], column[2] ? "n" : "");
            cell.scope = "col";
            line.append(cell);
        });
        head.append(line);
        rows.forEach(function (row) {
            var tr = make("tr");
            columns.forEach(function (column, i) {
                var cell = make(i ? "td" : "th", column[1](row), column[2] ? "n" : "");
                if (!i) { cell.scope = "row"; }
                if (column[3] && column[3](row)) { cell.classList.add("bad"); }
                tr.append(cell);
            });
            body.append(tr);
        });
        if (!rows.length) {
            var empty = make("td", none);
            empty.colSpan = columns.length;
            var tr = make("tr");
            tr.append(empty);
            body.append(tr);
        }
        node.replaceChildren(head, body);
    }

    function key(row) {
        return row.method + " " + row.endpoint;
    }

    function route(row) {
        return row.endpoint === "other" ? "autres chemins" : row.endpoint;
    }

    function endpoints(now, seconds) {
        var then = {};
        if (before) {
            before.requests.endpoints.forEach(function (row) { then[key(row)] = row.count; });
        }
        table(by("endpoints"), [
            ["Route", route],
            ["Méthode", function (r) { return r.method; }],
            ["Total", function (r) { return count(r.count); }, true],
            ["Par s", function (r) { return count(rate(r.count, then[key(r)], seconds)); }, true],
            ["4xx", function (r) { return count(r.client_errors); }, true],
            ["5xx", function (r) { return count(r.server_errors); }, true, function (r) { return r.server_errors; }],
            ["p50", function (r) { return milliseconds(r.p50); }, true],
            ["p95", function (r) { return milliseconds(r.p95); }, true],
            ["p99", function (r) { return milliseconds(r.p99); }, true]
        ], now.requests.endpoints.slice().sort(function (a, b) { return b.count - a.count; }),
        "Aucune requête.");
    }

    function rooms(now) {
        var node = by("rooms"), pg = now.postgresql, cache = now.cache;
        var parts = [["PostgreSQL", [
            ["Connexions établies", count(pg.connects)], ["Tentatives échouées", count(pg.connect_failures)],
            ["Connexions perdues", count(pg.lost)], ["Délais dépassés", count(pg.timeouts)],
            ["Refusées : file pleine", count(pg.refused_queue)], ["Refusées : hors service", count(pg.refused_down)],
            ["Renvoyées", count(pg.resent)], ["Attente p99", milliseconds(pg.wait_p99)]
        ].concat(Object.keys(pg.errors).map(function (name) {
            return ["Erreurs SQLSTATE " + name, count(pg.errors[name])];
        }))]];
        if (now.redis) {
            parts.push(["Redis", [
                ["Réponses", count(now.redis.replies)], ["p50", milliseconds(now.redis.p50)],
                ["p99", milliseconds(now.redis.p99)], ["Indisponible", count(now.redis.unavailable)],
                ["Délais dépassés", count(now.redis.timeouts)], ["Refus", count(now.redis.refused)]
            ]]);
        }
        parts.push(["Cache", [
            ["Mémoire partagée", count(cache.hits)], ["Redis", count(cache.redis_hits)],
            ["Base de données", count(cache.misses)], ["Regroupées", count(cache.coalesced)],
            ["Contournées", count(cache.bypassed)], ["Non vérifiées", count(cache.stale)],
            ["Réponses gardées", count(cache.entries)], ["Leur taille", bytes(cache.bytes)],
            ["Évincées", count(cache.evictions)], ["Invalidations", count(cache.invalidations)],
            ["Retard moyen du journal", milliseconds(cache.lag)],
            ["Zone libre", bytes(now.zone.free) + " / " + bytes(now.zone.size)]
        ]]);
        if (now.business) {
            parts.push(["Activité", [
                ["Unités vendues", count(now.business.unites_vendues)],
                ["Chiffre d’affaires", now.business.chiffre_affaires],
                ["Unités rendues", count(now.business.unites_rendues)],
                ["Remboursements", now.business.remboursements],
                ["Ruptures", count(now.business.ruptures)], ["Surstocks", count(now.business.surstock)],
                ["Demandes en attente", count(now.business.demandes_en_attente)]
            ]]);
        }
        node.replaceChildren();
        parts.forEach(function (part) {
            var list = make("dl");
            figures(list, part[1]);
            node.append(make("h3", part[0]), list);
        });
    }

    function show(now) {
        var seconds = before ? now.clock - before.clock : 0;
        var requests = now.requests, pg = now.postgresql, cache = now.cache;
        var served = cache.hits + cache.redis_hits + cache.coalesced;

        by("summary").textContent = "version " + now.version + ", nginx " + now.nginx
            + ", compte depuis " + since(now.time - now.started);

        figures(by("figures"), [
            ["Requêtes par seconde", count(rate(requests.count, before ? before.requests.count : undefined, seconds))],
            ["Requêtes en cours", count(requests.active)],
            ["Requêtes au total", count(requests.count)],
            ["Erreurs 5xx", count(requests.server_errors), requests.server_errors ? "bad" : "good"],
            ["Latence p50", milliseconds(requests.p50)],
            ["Latence p95", milliseconds(requests.p95)],
            ["Latence p99", milliseconds(requests.p99)],
            ["Connexions de clients", now.connections ? count(now.connections.active) : "–"],
            ["PostgreSQL", pg.ready ? pg.busy + " occupées sur " + pg.connections : "hors service",
                pg.ready ? "good" : "bad"],
            ["En attente de PostgreSQL", count(pg.waiting), pg.waiting ? "bad" : ""],
            ["Redis", !now.redis ? "absent" : now.redis.connections ? "répond" : "hors service",
                !now.redis || now.redis.connections ? "good" : "bad"],
            ["Réponses du cache", percent(served, served + cache.misses + cache.bypassed + cache.stale)],
            ["Processus", count(now.workers.length)],
            ["Processus remplacés", count(now.worker_respawns), now.worker_respawns ? "bad" : ""]
        ]);

        endpoints(now, seconds);

        table(by("errors"), [
            ["Instant", function (r) { return new Date(r.time * 1000).toLocaleString("fr-FR"); }],
            ["Statut", function (r) { return r.status; }, true],
            ["Méthode", function (r) { return r.method; }],
            ["Route", route],
            ["Cause", function (r) { return r.cause; }]
        ], now.errors, "Aucune erreur 5xx.");

        table(by("workers"), [
            ["Processus", function (r) { return r.pid; }],
            ["Depuis", function (r) { return since(now.time - r.started); }],
            ["Requêtes en cours", function (r) { return count(r.active); }, true],
            ["PostgreSQL occupées", function (r) { return r.busy + " / " + r.ready; }, true],
            ["En attente", function (r) { return count(r.waiting); }, true],
            ["Redis", function (r) { return now.redis ? (r.redis ? "répond" : "hors service") : "absent"; },
                false, function (r) { return now.redis && !r.redis; }]
        ], now.workers, "");

        table(by("statements"), [
            ["Instruction", function (r) { return r.name; }],
            ["Exécutions", function (r) { return count(r.count); }, true],
            ["Moyenne", function (r) { return milliseconds(r.mean); }, true]
        ], pg.statements.slice().sort(function (a, b) { return b.count - a.count; }), "Aucune.");

        rooms(now);
        before = now;
    }

    function again() {
        if (!paused) { setTimeout(look, period); }
    }

    function look() {
        fetch(location.pathname + "?format=json", { cache: "no-store" }).then(function (answer) {
            if (!answer.ok) { throw new Error("statut " + answer.status); }
            return answer.json();
        }).then(function (now) {
            by("trouble").textContent = "";
            show(now);
        }).catch(function (error) {
            by("trouble").textContent = "Pas de réponse du nœud (" + error.message + "), nouvel essai…";
            before = null;
        }).then(again);
    }

    by("pause").addEventListener("click", function () {
        paused = !paused;
        this.setAttribute("aria-pressed", String(paused));
        this.textContent = paused ? "Reprendre" : "Suspendre";
        if (!paused) { look(); }
    });

    look();
}());
