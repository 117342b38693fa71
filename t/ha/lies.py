"""Bugs to be found, each with the check that is there for it: AFTER is SQL for
what is there in the end (it is taken back), RECORDS changes what was written
down."""

import json

import plants

AFTER = {name: plants.AFTER[name] for name in (
    "lost-sale", "second-sale", "nobodys-sale", "vanished-units",
    "lost-change")}


def read_after(requests, db, same_node):
    """(a read, what there was before a sale of that place), sent after the
    sale was acknowledged: at the same node, or at another one two seconds
    later."""
    rows = {(row.reference, row.place()): row for row in db["journal"]
            if row.type == "vente"}
    later = 0 if same_node else 2
    for sale in requests:
        if sale.kind != "sale" or not sale.told():
            continue
        known = sale.final()
        place = sale.body["magasin"], sale.body["lignes"][0]["produit"]
        row = rows[f"vente/{sale.told()['id']}", place]
        before = row.quantite - row.delta
        again = any(r.place() == place and r.quantite == before
                    and r.id > row.id for r in db["journal"])
        for read in requests:
            if not again and read.kind == "read" and read.told() \
                    and read.place() == place \
                    and read.final().sent > known.ended + later \
                    and (read.final().node == known.node) == same_node:
                return read, before
    raise LookupError("no read is fit for a lie")


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
