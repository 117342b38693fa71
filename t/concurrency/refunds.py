"""What checker.py asks of goods that come back: each return is there as its
maker was told, at the prices of the sale, and never more than was sold."""

import collections
import json


def sale_of(request):
    return int(request.path.split("/")[4])


def units_of(lines):
    found = collections.Counter()
    for line in lines:
        found[line["produit"]] += line["quantite"]
    return found


def wanted(request):
    """What a return shows of the request that made it."""
    return str((sale_of(request), request.body["remise_en_stock"],
                sorted(units_of(request.body["lignes"]).items())))


def shown(document):
    return str((document["vente"], document["remise_en_stock"],
                sorted(units_of(document["lignes"]).items())))


def refunds(requests, db):
    """Each that was told is there, and no other but those nobody was told of;
    of each sale no more units than it has, each at its price."""
    wrong = []
    told = {}
    unsure = collections.Counter()
    for r in requests:
        if r.kind != "refund":
            continue
        document = r.told()
        if document is None:
            unsure[wanted(r)] += r.unsure()
            continue
        if document["id"] in told:
            wrong.append(f"return {document['id']} is the answer to two "
                         "requests")
        told[document["id"]] = r
        if db["retours"].get(document["id"]) != document \
                or shown(document) != wanted(r):
            wrong.append(f"{r}: {r.body} was told {document}, and there is "
                         f"{db['retours'].get(document['id'])}")
    others = collections.Counter(shown(d) for n, d in db["retours"].items()
                                 if n not in told)
    wrong += [f"nobody brought {what}, {n} times"
              for what, n in (others - unsure).items()]

    sold = collections.Counter()
    for n, sale in db["sales"].items():
        for line in sale["lignes"]:
            sold[n, line["produit"], line["prix_unitaire"]] += line["quantite"]
    for n, document in db["retours"].items():
        cents = 0
        for line in document["lignes"]:
            sold[document["vente"], line["produit"],
                 line["prix_unitaire"]] -= line["quantite"]
            cents += line["quantite"] \
                * int(line["prix_unitaire"].replace(".", ""))
        if int(document["total"].replace(".", "")) != cents:
            wrong.append(f"return {n} does not add up: {document}")
    wrong += [f"sale {n}: {-left} units more of product {product} came back "
              f"at {price} than were sold"
              for (n, product, price), left in sold.items() if left < 0]
    return wrong


def refused_refunds(requests, db):
    """Who is refused brought more than was left just then: never less than
    there is at the end, never more than was sold."""
    wrong = []
    sold = collections.Counter()
    left = collections.Counter()
    for n, sale in db["sales"].items():
        for product, units in units_of(sale["lignes"]).items():
            sold[n, product] += units
            left[n, product] += units
    for document in db["retours"].values():
        for product, units in units_of(document["lignes"]).items():
            left[document["vente"], product] -= units
    for r in requests:
        if r.kind != "refund" or r.status() != 409:
            continue
        said = json.loads(r.final().body)
        for p in said.get("produits", []):
            where = sale_of(r), p["produit"]
            if not left[where] <= p["restant"] <= sold[where] \
                    or p["demande"] <= p["restant"]:
                wrong.append(f"{r} was refused with {said}; of {sold[where]} "
                             f"{left[where]} are left")
    return wrong


CHECKS = [refunds, refused_refunds]
