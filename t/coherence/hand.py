"""Somebody at psql: nodes hear of these writes from the journal alone."""

import random
import subprocess
import time

from board import HAND, NODES
from shapes import (ADJUSTED, LATE, PASSING, SOLD, STOCKED, STORES,
                    of_stock)

END = "--end--"


class Lost(Exception):
    """psql has ended; what it did last may be done or not."""


class Session:
    """A psql that stays; the first error ends it."""

    def __init__(self, conninfo):
        self.conninfo = conninfo
        self.process = None

    def open(self):
        self.process = subprocess.Popen(
            ["psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v",
             "ON_ERROR_STOP=1", "-d", self.conninfo, "-f", "-"], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, bufsize=1)

    def rows(self, text):
        """Of all that was asked, when all of it is through."""
        if self.process is None:
            self.open()
        try:
            self.process.stdin.write(f"{text}\n\\echo {END}\n")
            self.process.stdin.flush()
            found = []
            for line in self.process.stdout:
                if line.rstrip("\n") == END:
                    return found
                found.append(line.rstrip("\n").split("\t"))
        except OSError:
            pass
        self.close()
        raise Lost

    def close(self):
        if self.process:
            self.process.stdin.close()
            self.process.stdout.close()
            self.process.kill()
            self.process.wait()
        self.process = None


class Hand:
    """One who writes by SQL; what he does is said by one()."""

    def __init__(self, shared, conninfo, name, pause):
        self.shared = shared
        self.board = shared.board
        self.random = random.Random(f"{shared.settings.seed}-{name}")
        self.session = Session(conninfo)
        self.pause = pause

    def close(self):
        self.session.close()

    def write(self, text, probe, names):
        """Both give the values of these registers, a row each."""
        try:
            rows = self.session.rows(text)
        except Lost:
            rows = self.found(probe)
        self.shared.record.count(self.board.phase, "hand", "write")
        self.board.acknowledge(HAND, [(name, int(row[0]))
                                      for name, row in zip(names, rows)])

    def found(self, probe):
        """What is there now, when the server is back."""
        end = time.monotonic() + 60
        while True:
            try:
                return self.session.rows(probe)
            except Lost:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def attempt(self, text):
        """What is not to be: whatever came of it."""
        try:
            self.session.rows(text)
        except Lost:
            pass


def stock_of(product):
    """As the register counts."""
    return f"{of_stock(product, 0)} - quantite" if product in SOLD \
        else "quantite"


class Quick(Hand):
    """Short transactions, on what the nodes write too."""

    def one(self):
        self.random.choice([self.adjust, self.adjust, self.rename_store,
                            self.rename_product, self.sell])()

    def role(self):
        return f"SET LOCAL session_replication_role = " \
            f"{self.random.choice(['origin', 'origin', 'replica'])};"

    def adjust(self):
        store = self.random.choice(STORES)
        product = self.random.choice(ADJUSTED)
        where = f"WHERE magasin_id = {store} AND produit_id = {product}"
        self.board.begin(("stock", store, product))
        self.write(f"""BEGIN; {self.role()}
            UPDATE stock_local SET quantite = quantite + 1 {where}
            RETURNING quantite;
            COMMIT;""", f"SELECT quantite FROM stock_local {where};",
                   [("stock", store, product)])

    def rename_store(self):
        store = self.random.choice(STORES)
        name = "store", store
        with self.shared.lock(*name):
            number = self.board.value(name) + 1
            self.board.begin_at(name, number)
            self.write(f"""
                UPDATE magasin SET nom = 'Magasin {store} v{number}'
                 WHERE id = {store} RETURNING {number};""",
                       f"""SELECT split_part(nom, ' v', 2) FROM magasin
                            WHERE id = {store};""", [name])

    def rename_product(self):
        product = self.random.choice(STOCKED)
        name = "product", product
        with self.shared.lock(*name):
            number = self.board.value(name) + 1
            self.board.begin_at(name, number)
            self.write(f"""BEGIN; {self.role()}
                UPDATE produit
                   SET nom = 'Produit {product:02} v{number}',
                       prix = {number} / 100.0,
                       description = 'version {number}'
                 WHERE id = {product} RETURNING {number};
                COMMIT;""",
                       f"""SELECT split_part(nom, ' v', 2) FROM produit
                            WHERE id = {product};""", [name])

    def sell(self):
        store = self.random.choice(STORES)
        product = self.random.choice(SOLD)
        names = [("total", store), ("stock", store, product)]
        probe = f"""
            SELECT sum(total)::bigint FROM vente WHERE magasin_id = {store};
            SELECT {stock_of(product)} FROM stock_local
             WHERE magasin_id = {store} AND produit_id = {product};"""
        with self.shared.lock("sales", store):
            for name in names:
                self.board.begin_at(name, self.board.value(name) + 1)
            # The row of stock first, as the API locks them.
            self.write(f"""BEGIN; {self.role()}
                UPDATE stock_local SET quantite = quantite - 1
                 WHERE magasin_id = {store} AND produit_id = {product};
                WITH v AS (
                    INSERT INTO vente (magasin_id, total) VALUES ({store}, 1)
                    RETURNING id)
                INSERT INTO ligne_vente (vente_id, produit_id, quantite,
                                         prix_unitaire)
                SELECT id, {product}, 1, 1 FROM v;
                {probe}
                COMMIT;""", probe, names)


class Slow(Hand):
    """Transactions that are old when they commit, or do not; each of these
    writers has its store."""

    def __init__(self, shared, conninfo, store, pause):
        super().__init__(shared, conninfo, f"slow-{store}", pause)
        self.store = store

    def one(self):
        rng = self.random
        product, other = rng.sample(LATE, 2)
        name = "stock", self.store, product
        where = f"WHERE magasin_id = {self.store} AND produit_id = {product}"
        elsewhere = where.replace(f"produit_id = {product}",
                                  f"produit_id = {other}")
        more = f"UPDATE stock_local SET quantite = quantite + 1 {where};"
        false = f"UPDATE stock_local SET quantite = 50000 {elsewhere};"
        wait = f"DO $$ BEGIN PERFORM pg_sleep({rng.uniform(0, 0.8):.3f});" \
            " END $$;"
        # A large one makes caches forget all they have: not often.
        kind = rng.choices(["late", "savepoint", "inner", "rollback",
                            "large"], [8, 4, 4, 4, 1])[0]
        if kind == "rollback":
            self.attempt(f"BEGIN; {false} {wait} ROLLBACK;")
            return
        self.board.begin(name)
        text = {
            "late": more + wait,
            "savepoint": f"SAVEPOINT a; {false} {wait} ROLLBACK TO a; {more}",
            "inner": f"SAVEPOINT a; {more} {wait} RELEASE a;",
            # More rows of the journal than anybody reads at once; nobody can
            # see the quantities between.
            "large": f"""DO $$ BEGIN FOR n IN 1 .. 1500 LOOP
                UPDATE stock_local SET quantite = quantite + 1 {where};
                UPDATE stock_local SET quantite = quantite - 1 {where};
                END LOOP; END $$; {more}""",
        }[kind]
        probe = f"SELECT quantite FROM stock_local {where};"
        self.write(f"BEGIN; {text} {probe} COMMIT;", probe, [name])


class Fleeting(Hand):
    """Reservations of a moment, each of as many units as the version says.

    That one is over nobody says: from that instant on both nodes know it.
    Each of these writers has its store."""

    seconds = 2

    def __init__(self, shared, conninfo, store, pause):
        super().__init__(shared, conninfo, f"fleeting-{store}", pause)
        self.store = store

    def one(self):
        name = "held", self.store, PASSING
        units = self.board.value(name) + 1
        self.board.begin_at(name, units + 1)
        found = self.reserve(units)
        while not found:
            found = self.reserve(units)
        number, end = int(found[0][0]), float(found[0][1])
        self.shared.record.count(self.board.phase, "hand", "write")
        self.board.acknowledge(HAND, [(name, units),
                                      (("reserved", 0), number)])
        # Clocks of one machine, of which one is read in milliseconds.
        while not self.board.over and time.time() < end + 0.005:
            time.sleep(max(0.001, min(0.1, end + 0.005 - time.time())))
        if time.time() < end:
            return
        for node in NODES:
            self.board.acknowledge(node, [(name, units + 1),
                                          (("over", 0), number)])

    def reserve(self, units):
        """Its number and its end; nothing where it has to be done again."""
        probe = f"""
            SELECT id, extract(epoch FROM expire_le) FROM reservation
             WHERE magasin_id = {self.store} AND reference = 'v{units}';"""
        try:
            return self.session.rows(f"""
                DO $$ BEGIN PERFORM reservation_creer({self.store},
                    '{{{PASSING}}}', '{{{units}}}', {self.seconds}, 'v{units}',
                    'psql'); END $$; {probe}""")
        except Lost:
            return self.found(probe)
