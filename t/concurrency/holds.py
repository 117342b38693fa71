"""What has to be true of reservations: each holds what it says until it is
claimed, given back or over, and each is closed once."""

import collections
import json

CLOSED = {"claim": "reclamee", "giveback": "rendue"}


def wanted(body):
    units = collections.Counter()
    for line in body["lignes"]:
        units[line["produit"]] += line["quantite"]
    return body["magasin"], dict(units)


def number_of(request):
    return int(request.path.split("/")[4])


def reserved_once(requests, db):
    """Each reservation that was told is there as it was asked for, and no
    other but those nobody was told of."""
    wrong = []
    told = {}
    unsure = collections.Counter()
    for r in requests:
        if r.kind != "reserve":
            continue
        document = r.told()
        if document is None:
            unsure[str(wanted(r.body))] += r.unsure()
            continue
        other = told.setdefault(document["id"], r)
        if other is not r and (r.key is None or r.key != other.key):
            wrong.append(f"reservation {document['id']} is the answer to two "
                         "requests")
        there = db["reservations"].get(document["id"])
        if there is None or wanted(there) != wanted(r.body) \
                or wanted(document) != wanted(r.body):
            wrong.append(f"{r}: {r.body} was told {document}, and there is "
                         f"{there}")
    others = collections.Counter(str(wanted(d))
                                 for n, d in db["reservations"].items()
                                 if n not in told)
    return wrong + [f"nobody reserved {what}, {n} times"
                    for what, n in (others - unsure).items()]


def claimed_once(requests, db):
    """A reservation becomes one sale at most, of what it holds and at its
    prices, or is given back once."""
    wrong = []
    closers = collections.defaultdict(list)
    for r in requests:
        if r.kind in CLOSED:
            closers[number_of(r)].append(r)
    for n, document in db["reservations"].items():
        done = [r for r in closers[n] if r.told() is not None]
        distinct = {r.key or r.number for r in done}
        if len(distinct) > 1:
            wrong.append(f"reservation {n} was closed {len(distinct)} times")
        for r in done:
            if document["statut"] != CLOSED[r.kind]:
                wrong.append(f"{r} left it {document['statut']}")
            if r.kind == "claim" and r.told()["id"] != document["vente"]:
                wrong.append(f"{r} was told sale {r.told()['id']}, and there "
                             f"is {document['vente']}")
        if document["statut"] in CLOSED.values() and not done \
                and not any(r.unsure() for r in closers[n]):
            wrong.append(f"reservation {n} was closed by nobody")
        sale = db["sales"].get(document["vente"])
        if (document["statut"] == "reclamee") != (sale is not None):
            wrong.append(f"reservation {n} is {document}, its sale {sale}")
        elif sale and (sale["lignes"] != document["lignes"]
                       or sale["magasin"] != document["magasin"]):
            wrong.append(f"reservation {n} was sold as {sale}: {document}")
    sold = collections.Counter(d["vente"] for d in db["reservations"].values()
                               if d["vente"])
    return wrong + [f"sale {n} is of {times} reservations"
                    for n, times in sold.items() if times > 1]


def marked_once(_, db):
    """By the journal: what was held is claimed, given back or over, and only
    one of these."""
    wrong = []
    fates = collections.defaultdict(set)
    held = collections.Counter()
    for row in db["journal"]:
        if row.type.startswith("reservation"):
            n = int(row.reference.split("/")[1])
            if row.type == "reservation":
                held[n] += 1
            else:
                fates[n].add(row.type)
    for n, document in db["reservations"].items():
        if not held[n]:
            wrong.append(f"the journal has nothing of reservation {n}")
        if len(fates[n]) > 1:
            wrong.append(f"reservation {n} became {sorted(fates[n])}")
        if (document["statut"] == "reclamee") \
                != ("reservation_reclamee" in fates[n]):
            wrong.append(f"reservation {n} is {document['statut']}, and the "
                         f"journal has {sorted(fates[n])}")
    return wrong


def counters_are_right(_, db):
    """What a stock row counts is what lines hold."""
    return db["holds"]


def refusals(requests, _):
    """A claim is told what the reservation is, or what is missing."""
    wrong = []
    for r in requests:
        if r.kind in CLOSED and r.status() == 409:
            said = json.loads(r.final().body)
            if not {"statut", "produits", "magasin"} & set(said):
                wrong.append(f"{r} was told {said}")
    return wrong


CHECKS = [reserved_once, claimed_once, marked_once, counters_are_right,
          refusals]
