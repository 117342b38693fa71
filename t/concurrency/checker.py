"""What has to be true after the storm, whoever was killed meanwhile.

Each check is a function of what the clients wrote down and of what the
database holds, and returns sentences about what is wrong: none when all is
well.  They touch nothing, so that a planted bug can be shown to them.
"""

import json
from collections import Counter

STILL_RUNNING = "est encore en cours"
FINAL = {200, 201, 204, 400, 404, 409, 412, 422}
PASSING = {502, 503, 504}


class Request:
    """One thing that a client wanted, however often it had to ask."""

    def __init__(self, kind, method, path, body, key):
        self.kind = kind
        self.method = method
        self.path = path
        self.body = body
        self.key = key
        self.answers = []       # (status, bytes) of every attempt
        self.lost = 0           # attempts whose connection broke

    def finals(self):
        """Answers that say what came of it."""
        return [a for a in self.answers
                if a[0] in FINAL and STILL_RUNNING not in a[1].decode()]

    def final(self):
        finals = self.finals()
        return finals[0] if finals else None

    def unsure(self):
        """It may have been done, and nobody was told."""
        return not self.finals() and (
            self.lost or any(s in PASSING for s, _ in self.answers))


def statuses(requests, _):
    """Nothing but what the API knows."""
    known = FINAL | PASSING
    return [f"{r.method} {r.path} answered {s}: {b[:200]!r}"
            for r in requests for s, b in r.answers if s not in known]


def not_below_zero(_, db):
    return [f"{place} has {n} of product {p}"
            for (place, p), n in db["stock"].items() if n < 0]


def sales_are_there(requests, db):
    """Every acknowledged sale, once, as its answer said."""
    wrong = []
    seen = {}
    for r in requests:
        answer = r.final()
        if r.kind != "sale" or answer is None or answer[0] != 201:
            continue
        sale = json.loads(answer[1])
        other = seen.setdefault(sale["id"], r)
        if other is not r and (r.key is None or r.key != other.key):
            wrong.append(f"sale {sale['id']} is the answer to two requests")
        there = db["sales"].get(sale["id"])
        if there is None:
            wrong.append(f"sale {sale['id']} was acknowledged and is lost")
            continue
        if there != {k: v for k, v in sale.items() if k != "id"}:
            wrong.append(f"sale {sale['id']} is {there}, not {sale}")
        wanted = Counter()
        for line in r.body["lignes"]:
            wanted[line["produit"]] += line["quantite"]
        got = Counter()
        for line in there["lignes"]:
            got[line["produit"]] += line["quantite"]
        if wanted != got:
            wrong.append(f"sale {sale['id']} has {got}, not {wanted}")
    return wrong


def no_other_sales(requests, db):
    """Sales that nobody asked for, or that were made twice."""
    told = {json.loads(r.final()[1])["id"] for r in requests
            if r.kind == "sale" and r.final() and r.final()[0] == 201}
    keyed = db["keyed_sales"]
    unsure = sum(r.lost + sum(s in PASSING for s, _ in r.answers)
                 for r in requests if r.kind == "sale" and r.key is None)
    rest = db["api_sales"] - told - keyed
    if len(rest) > unsure:
        return [f"{len(rest)} sales are nobody's ({sorted(rest)[:5]} ...); "
                f"{unsure} requests without a key do not know their fate"]
    return []


def units_are_conserved(_, db):
    """Initial - sold + adjusted + supplied = final, for each place."""
    wrong = []
    for (place, product), first in db["initial"].items():
        expected = first + db["moved"].get((place, product), 0)
        found = db["stock"].get((place, product), 0)
        if expected != found:
            wrong.append(f"product {product} in {place}: {first} at first, "
                         f"{expected} expected, {found} found")
    return wrong


def decided_once(requests, db):
    """A replenishment request has one decision, and its answer says so."""
    wrong = []
    decided = {}
    for r in requests:
        answer = r.final()
        if r.kind == "decide" and answer and answer[0] == 200:
            demande = json.loads(answer[1])
            other = decided.setdefault(demande["id"], r)
            if other is not r and (r.key is None or r.key != other.key):
                wrong.append(f"request {demande['id']} was decided twice")
            if db["demandes"].get(demande["id"]) != demande["statut"]:
                wrong.append(f"request {demande['id']} is not what was said")
    return wrong


def keys_are_kept(requests, db):
    """All answers to one key are the same bytes, then and now."""
    wrong = []
    first = {}
    for r in requests:
        for answer in r.finals() if r.key else []:
            known = first.setdefault(r.key, answer)
            if known != answer:
                wrong.append(f"key {r.key} got {known} and {answer}")
    for key, answer in db["replayed"].items():
        if key in first and first[key] != answer:
            wrong.append(f"key {key} got {first[key]}, and now {answer}")
    return wrong


def ledger(_, db):
    return [f"the journal: {line}" for line in db["ledger"]]


def rollups(_, db):
    return [f"the sums: {line}" for line in db["rollups"]]


def logs(_, db):
    return [f"nginx says: {line}" for line in db["complaints"]]


CHECKS = [statuses, not_below_zero, sales_are_there, no_other_sales,
          units_are_conserved, decided_once, keys_are_kept, ledger, rollups,
          logs]


def check(requests, db):
    """Sentences by the name of the check that wrote them."""
    return {c.__name__: c(requests, db) for c in CHECKS}
