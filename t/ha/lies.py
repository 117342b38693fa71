"""Bugs to be found, each with the check that is there for it: AFTER is SQL for
what is there in the end (it is taken back), RECORDS changes what was written
down."""

import json

import plants
from servers import Failure

AFTER = {name: plants.AFTER[name] for name in (
    "lost-sale", "second-sale", "nobodys-sale", "vanished-units",
    "lost-change")}


LATER = 2       # seconds after which another node has to know of a sale
MANY = 20       # reads that may be lied about, for one that is fit


def sales_of(requests):
    """(when and by which node it was acknowledged, its place, the sale)"""
    return [(r.final(), (r.body["magasin"], r.body["lignes"][0]["produit"]), r)
            for r in requests if r.kind == "sale" and r.told()]


def knows(read, known, place, same_node):
    """The read was sent when its node had to know of the sale."""
    final = read.final()
    return read.place() == place \
        and final.sent > known.ended + (0 if same_node else LATER) \
        and (final.node == known.node) == same_node


def enough(requests):
    """There are reads to lie about."""
    reads = [r for r in requests if r.kind == "read" and r.told()]
    sales = sales_of(requests)
    return all(sum(any(knows(read, known, place, same_node)
                       for known, place, _ in sales)
                   for read in reads) > MANY
               for same_node in (True, False))


def read_after(requests, db, same_node):
    """(a read, what there was before a sale that its node had to know of)"""
    rows = {(row.reference, row.place()): row for row in db["journal"]
            if row.type == "vente"}
    reads = [r for r in requests if r.kind == "read" and r.told()]
    for known, place, sale in sales_of(requests):
        row = rows[f"vente/{sale.told()['id']}", place]
        before = row.quantite - row.delta
        if any(r.place() == place and r.quantite == before and r.id > row.id
               for r in db["journal"]):
            continue
        for read in reads:
            if knows(read, known, place, same_node):
                return read, before
    raise Failure("no read is fit for a lie")


def stale(requests, db, same_node):
    read, before = read_after(requests, db, same_node)
    body = read.told()
    body["quantite"] = before
    read.final().body = json.dumps(body).encode()


def stale_own(requests, db):
    stale(requests, db, True)


def stale_elsewhere(requests, db):
    stale(requests, db, False)


def sold_twice(requests, _):
    """One answer to two requests."""
    sales = [r for r in requests if r.kind == "sale" and r.told()]
    sales[1].final().body = sales[0].final().body


def mute(requests, _):
    next(r for r in requests if r.key and r.final()).attempts.clear()


RECORDS = {
    "stale-own": (stale_own, "reads_are_fresh"),
    "stale-elsewhere": (stale_elsewhere, "reads_are_fresh"),
    "sold-twice": (sold_twice, "sales_are_there"),
    "no-answer": (mute, "unanswered"),
}
