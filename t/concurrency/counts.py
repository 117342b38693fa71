"""What checker.py asks of stock-takes: each is there as its maker was told, what
was scanned is what was counted, and a close writes the differences once, each
from what there was when it was counted."""

import collections
import json


def count_of(request):
    return int(request.path.split("/")[4])


def opened_once(requests, db):
    """By its motif a stock-take is that of one request."""
    wrong = []
    found = collections.defaultdict(list)
    for d in db["comptages"].values():
        found[d["motif"]].append(d["id"])
    for r in requests:
        if r.kind != "count":
            continue
        there = found.pop(r.motif(), [])
        told = r.told()
        if told and (there != [told["id"]] or told["lieu"] != r.body["lieu"]):
            wrong.append(f"{r} was told {told}, and there is {there}")
        if not told and len(there) > r.unsure():
            wrong.append(f"{r} got {r.status()}, and there is {there}")
    wrong += [f"nobody has opened {ids}" for ids in found.values()]
    return wrong


def scans(requests):
    """Of each stock-take and product: the quantities that were told, and those
    of which nobody knows."""
    told = collections.defaultdict(list)
    unsure = collections.defaultdict(list)
    for r in requests:
        if r.kind != "scan" or not (r.told() or r.unsure()):
            continue
        for line in r.body["lignes"]:
            (told if r.told() else unsure)[
                count_of(r), line["produit"]].append(line["quantite"])
    return told, unsure


def counted(requests, db):
    """Lines that add have their sum, lines that replace one of their
    quantities."""
    wrong = []
    told, unsure = scans(requests)
    for place in set(told) | set(unsure) | set(db["comptage_lignes"]):
        line = db["comptage_lignes"].get(place)
        if line is None or line.oubliee:
            if told[place]:
                wrong.append(f"{place} was counted, and there is {line}")
            continue
        known, perhaps = told[place], unsure[place]
        if place[1] % 2 == 0:
            right = sum(known) <= line.compte <= sum(known) + sum(perhaps)
        else:
            right = line.compte in known + perhaps
        if not right:
            wrong.append(f"{place}: {known} were counted, {perhaps} perhaps, "
                         f"and there is {line.compte}")
    return wrong


def ended_once(requests, db):
    """A stock-take was closed or dropped by one request at most, as that
    says."""
    wrong = []
    enders = collections.defaultdict(list)
    for r in requests:
        if r.kind in ("close", "drop"):
            enders[count_of(r)].append(r)
    for n, document in db["comptages"].items():
        asked = enders[n]
        done = [r for r in asked if r.told() is not None]
        for r in done:
            told = {k: v for k, v in r.told().items() if k in document}
            if told != document or document["statut"] \
                    != {"close": "clos", "drop": "annule"}[r.kind]:
                wrong.append(f"{r} was told {told}, and there is {document}")
        for r in asked:
            if r.status() == 409:
                said = json.loads(r.final().body)
                if said.get("statut", document["statut"]) \
                        != document["statut"]:
                    wrong.append(f"{r} was told {said}, and there is "
                                 f"{document}")
        if len(done) > 1:
            wrong.append(f"stock-take {n} was ended by {len(done)} requests")
        if (document["statut"] == "ouvert") != (not done) \
                and not any(r.unsure() for r in asked):
            wrong.append(f"{document} was ended by {done}")
    return wrong


def moves(db):
    """(place, product, units) of all that closes have written."""
    return [(db["comptages"][n]["lieu"], product, line.compte - line.present)
            for (n, product), line in db["comptage_lignes"].items()
            if db["comptages"][n]["statut"] == "clos"
            and line.compte is not None]


def written_once(_, db):
    """A close writes each difference once: what was found, less what there was
    at that moment, whatever was sold since."""
    wrong = []
    rows = collections.defaultdict(list)
    for row in db["journal"]:
        if row.type == "comptage" and row.delta is not None:
            rows[row.reference, row.produit_id].append(row.delta)
    for (n, product), line in db["comptage_lignes"].items():
        document = db["comptages"][n]
        found = rows.pop((f"comptage/{n}", product), [])
        difference = 0
        if document["statut"] == "clos" and line.compte is not None:
            difference = line.compte - line.present
        if found != ([difference] if difference else []):
            wrong.append(f"stock-take {n}, product {product}: {line}, and the "
                         f"journal has {found}")
    wrong += [f"nobody has counted {place}: {found}"
              for place, found in rows.items()]
    return wrong


CHECKS = [opened_once, counted, ended_once, written_once]
