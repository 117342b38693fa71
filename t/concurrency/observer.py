"""What is there afterwards, as checker.py wants it."""

import collections
import json
import os
import random
import threading
import time

from checker import by_key
from clients import Client
from servers import TOP, Failure, size_of

Line = collections.namedtuple("Line", "compte present oubliee")
Store = collections.namedtuple("Store", "nom adresse ouvert")
Threshold = collections.namedtuple(
    "Threshold", "type magasin_id produit_id categorie minimum maximum")
Claim = collections.namedtuple("Claim", "type instant produit_id code")
Row = collections.namedtuple(
    "Row", "id instant type magasin_id produit_id delta quantite acteur "
    "reference motif ecart retenu")


class Moved(Row):
    def place(self):
        return self.magasin_id, self.produit_id


def number(text):
    return int(text) if text else None


def statement(name):
    with open(os.path.join(TOP, "sql", "checks", name),
              encoding="utf-8") as f:
        return f.read().rstrip().rstrip(";")


STOCK = """
    SELECT magasin_id, produit_id, quantite FROM stock_local
    UNION ALL SELECT NULL, produit_id, quantite FROM stock_central"""

QUERIES = {
    "stock": STOCK,
    "sales": """
        SELECT v.id, vente_corps(v.id, v.magasin_id, v.date_vente, v.total,
                   (SELECT string_agg(ligne_corps(l.produit_id, l.quantite,
                                                  l.prix_unitaire),
                                      ',' ORDER BY l.id)
                      FROM ligne_vente l WHERE l.vente_id = v.id))
          FROM vente v""",
    "marked": """
        SELECT DISTINCT prix_unitaire, vente_id FROM ligne_vente
         WHERE prix_unitaire >= 100""",
    "demandes": "SELECT demande_corps(d) FROM demande_reapprovisionnement d",
    "receptions": "SELECT reception_corps(d) FROM reception d",
    "transferts": "SELECT transfert_corps(t) FROM transfert t",
    "reservations": "SELECT reservation_corps(d) FROM reservation d",
    "holds": "SELECT e FROM retenu_ecarts() e",
    "comptages": "SELECT comptage_corps(d) FROM comptage d",
    "comptage_lignes": """
        SELECT comptage_id, produit_id, compte, present, oubliee
          FROM comptage_ligne""",
    "retours": "SELECT retour_corps(r) FROM retour r",
    "transit": """
        SELECT m.id, p.id, stock_en_transit(m.id, p.id)
          FROM (SELECT id FROM magasin UNION ALL SELECT NULL) m
         CROSS JOIN produit p
         WHERE stock_en_transit(m.id, p.id) <> 0""",
    "journal": """
        SELECT id, extract(epoch FROM instant), type, magasin_id, produit_id,
               delta, quantite, acteur, reference, motif,
               details ->> 'ecart', details ->> 'retenu'
          FROM journal ORDER BY id""",
    "changes": """
        SELECT produit_id, details #>> '{description,1}' FROM journal
         WHERE type = 'produit_modification' AND details ? 'description'
         ORDER BY id""",
    "described": "SELECT id, description FROM produit",
    "priced": """
        SELECT produit_id, extract(epoch FROM instant), details #>> '{prix,1}'
          FROM journal
         WHERE type = 'produit_modification' AND details ? 'prix'
         ORDER BY id""",
    "tariff": "SELECT id, prix FROM produit",
    "seuils": "SELECT magasin_id, produit_id, minimum, maximum FROM seuil",
    "defauts": """
        SELECT magasin_id, categorie, minimum, maximum FROM seuil_categorie""",
    "seuils_journal": """
        SELECT type, magasin_id, produit_id, details ->> 'categorie',
               details -> 'minimum', details -> 'maximum'
          FROM journal WHERE type LIKE 'seuil%' ORDER BY id""",
    "magasins": "SELECT id, nom, adresse, ouvert FROM magasin",
    "addresses": """
        SELECT magasin_id, details #>> '{adresse,1}' FROM journal
         WHERE type = 'magasin_modification' AND details ? 'adresse'
         ORDER BY id""",
    "codes": "SELECT code, produit_id, interne FROM produit_code",
    "codes_journal": """
        SELECT type, extract(epoch FROM instant), produit_id,
               coalesce(details #>> '{code,1}', details #>> '{code,0}')
          FROM journal WHERE type LIKE 'produit_code%' ORDER BY id""",
    # Numbers of the journal's rows are in the order of the product's lock.
    "prices": """
        SELECT format('row %s of product %s: it was %s, not %s', id,
                      produit_id, dernier, avant)
          FROM (SELECT id, produit_id, details #>> '{prix,0}' AS avant,
                       lag(details #>> '{prix,1}') OVER (
                           PARTITION BY produit_id ORDER BY id) AS dernier
                  FROM journal
                 WHERE type = 'produit_modification' AND details ? 'prix') c
         WHERE avant <> dernier
         UNION ALL
        SELECT format('product %s: it is %s, and was %s at last', p.id, p.prix,
                      d.apres)
          FROM produit p
          JOIN (SELECT DISTINCT ON (produit_id) produit_id,
                       details #>> '{prix,1}' AS apres
                  FROM journal
                 WHERE type = 'produit_modification' AND details ? 'prix'
                 ORDER BY produit_id, id DESC) d ON d.produit_id = p.id
         WHERE p.prix::text <> d.apres""",
    "order": "SELECT id FROM journal ORDER BY xid, id",
    "ledger": statement("ledger.sql"),
    "rollups": statement("rollups.sql"),
}


def stock_of(rows):
    return {(number(m), int(p)): int(n) for m, p, n in rows}


class Trial:
    """What has to be known from before, and then what came of it."""

    def __init__(self, database, nodes, calm, products_before):
        self.database = database
        self.nodes = nodes
        self.calm = calm
        self.products_before = products_before
        self.initial = stock_of(
            database.sections({"stock": STOCK})["stock"])
        self.logs = {node: size_of(node.log) for node in nodes}
        self.server_log = size_of(database.server_log)
        self.told = {}

    def end(self, requests, hand, follower, replays):
        """Wait until all is through, ask the keys again, read the logs."""
        for node in self.nodes:
            node.wait()
        self.database.at_rest()
        self.told = {
            "calm": self.calm,
            "initial": self.initial,
            "products_before": self.products_before,
            "hand": hand,
            "replayed": replay(self.nodes, requests, replays),
        }
        self.database.at_rest()
        self.told["stream"] = follower.result() if follower else None
        self.told["complaints"] = [
            line for node in self.nodes
            for line in node.complaints_since(self.logs[node])]
        self.told["server_log"] = \
            self.database.complaints_since(self.server_log)

    def observe(self, planted=""):
        """What is there; planted is SQL that is taken back afterwards."""
        rows = self.database.sections(QUERIES, planted)
        marked = collections.defaultdict(list)
        for price, sale in rows["marked"]:
            marked[price].append(int(sale))
        sales = {}
        for _, text in rows["sales"]:
            sale = json.loads(text)
            sales[sale.pop("id")] = sale
        demandes, receptions, transferts, reservations, comptages, retours = (
            {d["id"]: d for d in (json.loads(row[0]) for row in rows[name])}
            for name in ("demandes", "receptions", "transferts",
                         "reservations", "comptages", "retours"))
        return dict(
            self.told,
            stock=stock_of(rows["stock"]),
            sales=sales,
            marked=marked,
            demandes=demandes,
            receptions=receptions,
            transferts=transferts,
            reservations=reservations,
            holds=[" ".join(row) for row in rows["holds"]],
            comptages=comptages,
            comptage_lignes={
                (int(n), int(p)): Line(number(compte), int(present), o == "t")
                for n, p, compte, present, o in rows["comptage_lignes"]},
            retours=retours,
            transit=stock_of(rows["transit"]),
            journal=[Moved(int(r[0]), float(r[1]), r[2], number(r[3]),
                           number(r[4]), number(r[5]), number(r[6]),
                           *r[7:10], number(r[10]), number(r[11]))
                     for r in rows["journal"]],
            changes=[(int(p), text) for p, text in rows["changes"]],
            described={int(p): text for p, text in rows["described"]},
            priced=[(int(p), float(instant), price)
                    for p, instant, price in rows["priced"]],
            tariff={int(p): price for p, price in rows["tariff"]},
            seuils={(int(m), int(p)): (number(least), number(most))
                    for m, p, least, most in rows["seuils"]},
            defauts={(int(m), name): (number(least), number(most))
                     for m, name, least, most in rows["defauts"]},
            seuils_journal=[
                Threshold(kind, number(m), number(p), name,
                          *(json.loads(c) if c else None for c in change))
                for kind, m, p, name, *change in rows["seuils_journal"]],
            magasins={int(n): Store(nom, adresse, ouvert == "t")
                      for n, nom, adresse, ouvert in rows["magasins"]},
            addresses=[(int(n), text) for n, text in rows["addresses"]],
            codes=[(code, int(p), own == "t")
                   for code, p, own in rows["codes"]],
            codes_journal=[Claim(kind, float(instant), int(p), code)
                           for kind, instant, p, code
                           in rows["codes_journal"]],
            prices=[row[0] for row in rows["prices"]],
            order=[int(row[0]) for row in rows["order"]],
            ledger=[" ".join(row) for row in rows["ledger"]],
            rollups=[" ".join(row) for row in rows["rollups"]])


def replay(nodes, requests, most):
    """The answers to keys that are sent once more, by key."""
    known = [next((r for r in same if r.final()), None)
             for same in by_key(r for r in requests if not r.wrong).values()]
    known = [r for r in known if r and r.status() != 404]
    if len(known) > most:
        known = random.Random("replay").sample(known, most)
    found = collections.defaultdict(list)

    def work(part):
        client = Client(nodes, "replay")
        for r in part:
            end = time.monotonic() + 10
            while True:
                attempt = client.exchange(client.random.choice(nodes),
                                          r.method, r.path, r.body, r.key)
                if attempt.final() or time.monotonic() > end:
                    break
                time.sleep(0.05)
            found[r.key].append(attempt)
        client.close()

    threads = [threading.Thread(target=work, args=(known[n::8],))
               for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(found) != len(known):
        raise Failure("the keys cannot be sent again.")
    return found
