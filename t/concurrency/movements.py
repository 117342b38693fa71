"""What checker.py asks of receipts and transfers: each document is there as
its makers were told, each was closed once, and no unit is lost or made on the
way, by the documents and by the journal alone."""

import collections
import json

import counts

MADE = {"receipt": "receptions", "transfer": "transferts"}
CLOSED = {"receive": "recu", "return": "annule", "cancel": "annulee"}
OPEN = {"receptions": "recue", "transferts": "en_transit"}
OF = {"receive": "transferts", "return": "transferts", "cancel": "receptions"}


def wanted(request):
    """What a document shows of the request that made it, whatever came
    later."""
    body = request.body
    units = collections.Counter()
    for line in body["lignes"]:
        units[line["produit"]] += line["quantite"]
    return tuple(body.get(k) for k in ("lieu", "de", "vers")), dict(units)


def shown(document):
    units = collections.Counter()
    for line in document["lignes"]:
        units[line["produit"]] += line["quantite"]
    return tuple(document.get(k) for k in ("lieu", "de", "vers")), dict(units)


def number_of(request):
    return int(request.path.split("/")[4])


def places(db):
    """(place, product, units) of all that documents have moved, and what is
    in transit and what was lost of each product."""
    moves = []
    transit = collections.Counter()
    lost = collections.Counter()
    for d in db["receptions"].values():
        if d["statut"] == "recue":
            moves += [(d["lieu"], line["produit"], line["quantite"])
                      for line in d["lignes"]]
    for d in db["retours"].values():
        if d["remise_en_stock"]:
            moves += [(d["magasin"], line["produit"], line["quantite"])
                      for line in d["lignes"]]
    for d in db["transferts"].values():
        for line in d["lignes"]:
            product, units = line["produit"], line["quantite"]
            if d["statut"] == "annule":
                continue
            moves.append((d["de"], product, -units))
            if d["statut"] == "en_transit":
                transit[product] += units
            else:
                moves.append((d["vers"], product, line["recu"]))
                lost[product] += line["ecart"]
    return moves + counts.moves(db), transit, lost


def made_once(requests, db):
    """Each document that was told is there as it was asked for, and no other
    but those nobody was told of."""
    wrong = []
    for kind, name in MADE.items():
        told = {}
        unsure = collections.Counter()
        for r in requests:
            if r.kind != kind:
                continue
            document = r.told()
            if document is None:
                unsure[str(wanted(r))] += r.unsure()
                continue
            if document["id"] in told:
                wrong.append(f"{name} {document['id']} is the answer to two "
                             "requests")
            told[document["id"]] = r
            there = db[name].get(document["id"])
            if there is None or shown(there) != wanted(r) \
                    or shown(document) != wanted(r):
                wrong.append(f"{r}: {r.body} was told {document}, and there "
                             f"is {there}")
        others = collections.Counter(str(shown(d))
                                     for n, d in db[name].items()
                                     if n not in told)
        wrong += [f"nobody asked for {what}, {n} times"
                  for what, n in (others - unsure).items()]
    return wrong


def closed_once(requests, db):
    """A document was closed by one request at most, as that says."""
    wrong = []
    closers = collections.defaultdict(list)
    for r in requests:
        if r.kind in CLOSED:
            closers[OF[r.kind], number_of(r)].append(r)
    for name, open_state in OPEN.items():
        for n, document in db[name].items():
            asked = closers[name, n]
            done = [r for r in asked if r.told() is not None]
            for r in done:
                if r.told() != document:
                    wrong.append(f"{r} was told {r.told()}, and there is "
                                 f"{document}")
                if document["statut"] != CLOSED[r.kind]:
                    wrong.append(f"{r} left it {document['statut']}")
            for r in asked:
                if r.status() == 409:
                    said = json.loads(r.final().body)
                    if said.get("statut", document["statut"]) \
                            != document["statut"]:
                        wrong.append(f"{r} was told {said}, and there is "
                                     f"{document}")
            if len(done) > 1:
                wrong.append(f"{name} {n} was closed by {len(done)} requests")
            if document["statut"] != open_state and not done \
                    and not any(r.unsure() for r in asked):
                wrong.append(f"{name} {n} was closed by nobody")
            if document["statut"] == open_state and done:
                wrong.append(f"{name} {n} was closed, and is not")
    return wrong


def totals(stock):
    found = collections.Counter()
    for (_, product), units in stock.items():
        found[product] += units
    return found


def conserved(_, db):
    """Initial + receipts + returns + adjustments + what stock-takes have found
    - sales - write-offs - in transit - differences is what there is of each
    product: by the documents, and by the journal alone."""
    wrong = []
    _, transit, lost = places(db)
    others = collections.Counter()      # by the journal: all but transfers
    moved = collections.Counter()       # and these
    differences = collections.Counter()
    received = collections.Counter()
    corrected = collections.Counter()
    returned = collections.Counter()
    written_off = collections.Counter()
    for row in db["journal"]:
        if row.type == "transfert_ecart":
            differences[row.produit_id] += row.ecart
        elif row.delta is None or row.type == "ouverture":
            continue
        elif row.type.startswith("transfert_"):
            moved[row.produit_id] += row.delta
        else:
            others[row.produit_id] += row.delta
            if row.type.startswith("reception"):
                received[row.produit_id] += row.delta
            elif row.type == "comptage":
                corrected[row.produit_id] += row.delta
            elif row.type == "retour":
                returned[row.produit_id] += row.delta
            elif row.type == "retour_perte":
                written_off[row.produit_id] -= row.delta
    initial, stock = totals(db["initial"]), totals(db["stock"])
    documents = collections.Counter()
    for d in db["receptions"].values():
        for line in d["lignes"]:
            documents[line["produit"]] += \
                line["quantite"] * (d["statut"] == "recue")
    written = collections.Counter()
    for _, product, units in counts.moves(db):
        written[product] += units
    back = collections.Counter()
    broken = collections.Counter()
    for d in db["retours"].values():
        for line in d["lignes"]:
            back[line["produit"]] += line["quantite"]
            broken[line["produit"]] += \
                line["quantite"] * (not d["remise_en_stock"])
    for product in set(initial) | set(stock) | set(moved) | set(documents) \
            | set(back):
        under_way = -moved[product] - differences[product]
        if initial[product] + others[product] - under_way \
                - differences[product] != stock[product]:
            wrong.append(f"product {product} by the journal: {initial[product]}"
                         f" at first, {others[product]} more, {under_way} in "
                         f"transit, {differences[product]} lost, and there "
                         f"are {stock[product]}")
        for what, journal, document in (
                ("in transit", under_way, transit[product]),
                ("lost on the way", differences[product], lost[product]),
                ("received", received[product], documents[product]),
                ("counted", corrected[product], written[product]),
                ("brought back", returned[product], back[product]),
                ("written off", written_off[product], broken[product])):
            if journal != document:
                wrong.append(f"product {product}, {what}: {journal} by the "
                             f"journal, {document} by the documents")
    return wrong


# What each type of movement is in the equation of a product.
TERMS = {
    "reception": "receipts", "reception_annulation": "receipts",
    "retour": "returns",
    "ajustement": "adjustments", "comptage": "adjustments",
    "suppression": "adjustments",
    "vente": "sales", "manuel": "sales",
    "retour_perte": "write-offs",
    "transfert_depart": "transfers", "transfert_arrivee": "transfers",
    "transfert_annulation": "transfers",
    "reapprovisionnement": "supplies",
}


def terms_of_journal(journal):
    """The terms of the equation, each with its units by product; and the types
    that have none."""
    terms = collections.defaultdict(collections.Counter)
    unknown = set()
    for row in journal:
        if row.type == "transfert_ecart":
            terms["differences"][row.produit_id] += row.ecart
            terms["transfers"][row.produit_id] += row.ecart
        elif row.delta is None or row.type == "ouverture":
            continue
        elif row.type in TERMS:
            terms[TERMS[row.type]][row.produit_id] += row.delta
        else:
            unknown.add(row.type)
    for product, units in terms["sales"].items():
        terms["sales"][product] = -units
    for product, units in terms["write-offs"].items():
        terms["write-offs"][product] = -units
    # What has left and neither come, nor come back, nor got lost.
    for product, units in terms["transfers"].items():
        terms["in transit"][product] = -units
    return terms, unknown


def terms_of_documents(db):
    """The same; adjustments have no documents."""
    terms = collections.defaultdict(collections.Counter)
    for sale in db["sales"].values():
        for line in sale["lignes"]:
            terms["sales"][line["produit"]] += line["quantite"]
    for d in db["receptions"].values():
        for line in d["lignes"]:
            terms["receipts"][line["produit"]] += \
                line["quantite"] * (d["statut"] == "recue")
    for d in db["retours"].values():
        for line in d["lignes"]:
            terms["returns"][line["produit"]] += line["quantite"]
            terms["write-offs"][line["produit"]] += \
                line["quantite"] * (not d["remise_en_stock"])
    _, terms["in transit"], terms["differences"] = places(db)
    return terms


def equation(_, db):
    """Initial + receipts + returns + adjustments - sales - write-offs - in
    transit - differences of transfers = stock, for each product: by the
    journal alone, and with the documents of all that have some."""
    journal, unknown = terms_of_journal(db["journal"])
    documents = terms_of_documents(db)
    documents["adjustments"] = journal["adjustments"]
    initial, stock = totals(db["initial"]), totals(db["stock"])
    wrong = [f"movements of the type {name} are no term" for name in unknown]
    for source, terms in (("journal", journal), ("documents", documents)):
        products = set(initial) | set(stock)
        for term in terms.values():
            products |= set(term)
        for product in products:
            sides = [initial[product]] + [
                sign * terms[name][product] for sign, name in (
                    (1, "receipts"), (1, "returns"), (1, "adjustments"),
                    (-1, "sales"), (-1, "write-offs"), (-1, "in transit"),
                    (-1, "differences"))]
            if sum(sides) != stock[product]:
                wrong.append(f"product {product} by the {source}: "
                             f"{' + '.join(map(str, sides))} is not "
                             f"{stock[product]}")
    # Supplies move units from the centre to a store, and make none.
    wrong += [f"product {product}: supplies have made {units} units"
              for product, units in journal["supplies"].items() if units]
    return wrong


def transit_is_indexed(_, db):
    """What stock_en_transit() says is what documents say."""
    found = collections.Counter()
    for d in db["transferts"].values():
        if d["statut"] == "en_transit":
            for line in d["lignes"]:
                found[d["vers"], line["produit"]] += line["quantite"]
    return [f"{place}: {db['transit'].get(place, 0)} in transit, and "
            f"documents say {found[place]}"
            for place in set(found) | set(db["transit"])
            if found[place] != db["transit"].get(place, 0)]


CHECKS = [made_once, closed_once, conserved, equation, transit_is_indexed]
