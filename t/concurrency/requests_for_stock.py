"""What checker.py asks of replenishment requests: each is there as its maker was
told, or as somebody has changed it; and it is decided, or withdrawn, once."""

import collections
import json


def demande_of(request):
    return int(request.path.split("/")[4])


def replenishments(requests, db):
    """Each is there that was told, and no other but those nobody was told
    of."""
    wrong = []
    told = set()
    unsure = collections.Counter()
    amended = collections.defaultdict(set)
    for r in requests:
        if r.kind == "amend" and (r.told() or r.unsure()):
            amended[demande_of(r)].add(r.body["quantite"])
            if r.told() and r.told()["quantite"] != r.body["quantite"]:
                wrong.append(f"{r}: {r.body} was answered {r.told()}")
        if r.kind == "decide" and r.body and (r.told() or r.unsure()):
            amended[demande_of(r)].add(r.body["quantite"])
    for r in requests:
        if r.kind == "reorder":
            store = store_of(r)
            if r.unsure():
                unsure.update((store, line["produit"], line["quantite"])
                              for line in r.body["lignes"])
            made = r.told()["demandes"] if r.told() else []
            made = [((store, d["produit"], d["quantite"]), d) for d in made]
        elif r.kind == "request":
            what = r.body["magasin"], r.body["produit"], r.body["quantite"]
            unsure[what] += r.unsure()
            made = [(what, r.told())] if r.told() else []
        else:
            continue
        for what, demande in made:
            if demande["id"] in told:
                wrong.append(f"{r} was told {demande}, as somebody else was")
            told.add(demande["id"])
            wrong += not_as_told(r, what, demande, db, amended)
    others = collections.Counter(
        (d["magasin"], d["produit"], d["quantite"])
        for n, d in db["demandes"].items() if n not in told)
    wrong += [f"nobody asked for {what}, {n} times"
              for what, n in (others - unsure).items()]
    return wrong


def store_of(request):
    return int(request.path.split("/")[4])


def not_as_told(r, what, demande, db, amended):
    """What is wrong with one that was told."""
    there = db["demandes"].get(demande["id"])
    same = ("id", "magasin", "produit", "date_demande")
    if there is None or any(there[k] != demande[k] for k in same) \
            or there["quantite"] not in {demande["quantite"],
                                         *amended[demande["id"]]} \
            or (demande["magasin"], demande["produit"],
                demande["quantite"]) != what:
        return [f"{r} was told {demande}, and there is {there}"]
    return []


def reordered(requests, _):
    """Who names lines asks for these; and what a store should ask for is asked
    for once."""
    wrong = []
    for r in requests:
        told = r.told() if r.kind == "reorder" else None
        if told is None:
            continue
        found = [(d["produit"], d["quantite"]) for d in told["demandes"]]
        wanted = [(line["produit"], line["quantite"])
                  for line in r.body.get("lignes", [])]
        if told["magasin"] != store_of(r) \
                or wanted and sorted(found) != sorted(wanted) \
                or len({p for p, _ in found}) < len(found) \
                or any(n < 1 for _, n in found) \
                or (r.status() == 201) != bool(found) \
                or any(d["statut"] != "en_attente" for d in told["demandes"]):
            wrong.append(f"{r}: {r.body} was answered {told}")
    return wrong


def granted(requests, db):
    """Who approves fewer units grants so many; and only more than were asked
    for is refused."""
    wrong = []
    sizes = collections.defaultdict(set)    # that a request may have had
    for n, demande in db["demandes"].items():
        sizes[n].add(demande["quantite"])
    for r in requests:
        if r.kind == "amend" and (r.told() or r.unsure()):
            sizes[demande_of(r)].add(r.body["quantite"])
        elif r.kind == "request" and r.told():
            sizes[r.told()["id"]].add(r.told()["quantite"])
        elif r.kind == "reorder" and r.told():
            for d in r.told()["demandes"]:
                sizes[d["id"]].add(d["quantite"])
    for r in requests:
        if r.kind != "decide" or not r.body:
            continue
        if r.told() and r.told()["quantite"] != r.body["quantite"]:
            wrong.append(f"{r}: {r.body} was answered {r.told()}")
        if r.status() == 400 \
                and r.body["quantite"] <= min(sizes[demande_of(r)]):
            wrong.append(f"{r}: {r.body} was refused, of "
                         f"{sizes[demande_of(r)]}")
    wrong += [f"{r} is refused" for r in requests if r.status() == 400
              and r.kind == "decide" and not r.body]
    return wrong


class Decision:
    """What one request has said of one demand: told, what it was shown;
    refused, for want of stock; said, the state in a 409."""

    def __init__(self, request, verdict, told=None, refused=False, said=None):
        self.request = request
        self.verdict = verdict
        self.told = told
        self.refused = refused
        self.said = said

    def __str__(self):
        return str(self.request)


def decisions_of(r):
    """(demand, Decision) of all demands that a request is about."""
    if r.kind == "decisions":
        results = {n["id"]: n for n in r.told()["resultats"]} \
            if r.told() else {}
        for word, verdict in (("approuver", "approuvee"),
                              ("refuser", "refusee")):
            for n in r.body[word]:
                result = results.get(n, {"code": None, "detail": "",
                                         "demande": None})
                yield n, Decision(
                    r, verdict, result["demande"],
                    (result["detail"] or "").endswith("est refusée."))
        return
    verdict = "annulee" if r.kind == "withdraw" else \
        "approuvee" if "/approve/" in r.path else "refusee"
    said = json.loads(r.final().body) if r.status() == 409 else {}
    yield demande_of(r), Decision(r, verdict, r.told(), "produits" in said,
                                  said.get("statut"))


WANTED = {"en_attente": [], "approuvee": ["demande_approbation"],
          "refusee": ["demande_refus"], "annulee": []}


def decided_once(requests, db):
    """One decision, one entry, one movement of the units, and an answer that
    says so."""
    wrong = []
    entries = collections.defaultdict(list)
    moves = collections.defaultdict(list)
    for row in db["journal"]:
        if row.type in ("demande_approbation", "demande_refus"):
            entries[row.reference].append(row.type)
        elif row.type == "reapprovisionnement":
            moves[row.reference].append((row.place(), row.delta))
    deciders = collections.defaultdict(list)
    for r in requests:
        if r.kind in ("decide", "decisions", "withdraw"):
            for n, decision in decisions_of(r):
                deciders[n].append(decision)

    for n, demande in db["demandes"].items():
        name = f"demande/{n}"
        statut = demande["statut"]
        where, product = demande["magasin"], demande["produit"]
        quantity = demande["quantite"]
        if entries[name] != WANTED[statut]:
            wrong.append(f"{name} is {statut}, and the journal says "
                         f"{entries[name]}")
        want = [((None, product), -quantity), ((where, product), quantity)] \
            if statut == "approuvee" else []
        if sorted(moves[name], key=str) != sorted(want, key=str):
            wrong.append(f"{name} of {quantity} is {statut} and has moved "
                         f"{moves[name]}")
        wrong += answers(name, demande, deciders[n])
    return wrong


def answers(name, demande, decisions):
    """What is wrong with what was told about one demand."""
    wrong = []
    statut = demande["statut"]
    for d in decisions:
        if d.told is not None and d.told != demande:
            wrong.append(f"{d} was told {d.told}, and there is {demande}")
        if d.told is not None and d.told["statut"] != d.verdict:
            wrong.append(f"{d} has made it {d.told['statut']}")
        if d.refused and statut != "refusee" \
                or d.said is not None and d.said != statut:
            wrong.append(f"{d} was told {d.said}, and there is {demande}")
    chosen = [d for d in decisions if d.told is not None or d.refused]
    if len(chosen) > 1:
        wrong.append(f"{name} was decided by {len(chosen)} requests")
    if not chosen and statut != "en_attente" \
            and not any(d.request.unsure() for d in decisions):
        wrong.append(f"{name} was decided by nobody")
    if chosen and statut == "en_attente":
        wrong.append(f"{name} was decided, and is not")
    return wrong


CHECKS = [replenishments, reordered, granted, decided_once]
