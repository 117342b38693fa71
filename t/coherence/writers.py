"""One process that writes, through both nodes and at psql, and tells the
board what was acknowledged.

A write that is not answered is sent again, at whichever node, until it is:
then the node that has answered has acknowledged it, even if another one has
done it.  What does not bear being done twice has an Idempotency-Key, or an
If-Match that a second time does not match."""

import hashlib
import http.client
import itertools
import json
import random
import threading
import time
import traceback

from board import HAND, NODES
from checker import Record
from shapes import (ADJUSTED, COMING, COUNTED, HELD, RETURNED, SLOTS, SOLD,
                    STORES, STOCKED, SUPPLIED, description, of_stock, price,
                    product_name, slot_name)

HEADERS = {"Authorization": "Token token-430",
           "Content-Type": "application/json"}
GIVE_UP = 60
UNKNOWN = {0, 503, 504}     # nobody knows what came of it


class GivenUp(Exception):
    """A write has no answer."""


def tag_of(*fields):
    """The entity tag of a product, as the module makes it."""
    text = b"".join(b"%d:%s" % (len(field), field)
                    for field in map(str.encode, fields))
    return '"' + hashlib.md5(text).hexdigest() + '"'


def product_body(product, number, name=None):
    return {"nom": name or product_name(product, number),
            "categorie": "Essai", "prix": price(number),
            "description": description(number)}


def product_tag(product, number):
    return tag_of(*product_body(product, number).values())


class Answer:
    def __init__(self, status, node, body=b"", headers=None):
        self.status = status
        self.node = node
        self.body = body
        self.headers = headers or {}

    def json(self):
        return json.loads(self.body)


class Writers:
    """All of them, and what they share."""

    numbers = itertools.count(1)

    def __init__(self, board, ports, settings):
        self.board = board
        self.ports = ports
        self.settings = settings
        self.record = Record()
        self.locks = {}
        self.guard = threading.Lock()
        self.errors = []
        self.slots = {number: None for number in SLOTS}

    def lock(self, *name):
        """One writer at a time for what cannot be told apart otherwise."""
        with self.guard:
            return self.locks.setdefault(name, threading.Lock())

    def work(self, writer):
        board = self.board
        try:
            while not board.over:
                if board.quiet:
                    time.sleep(0.02)
                    continue
                writer.one()
                time.sleep(writer.random.uniform(0, 2 * writer.pause))
        except Exception:  # a writer that dies is a failed run
            if not board.over:
                self.errors.append(traceback.format_exc())
        writer.close()

    def run(self, others):
        """others: makers of writers that are not by HTTP."""
        writers = [Writer(self, n) for n in range(self.settings.writers)]
        writers += [make(self) for make in others]
        threads = [threading.Thread(target=self.work, args=(w,), daemon=True)
                   for w in writers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


class Writer:
    def __init__(self, shared, number):
        self.shared = shared
        self.board = shared.board
        self.random = random.Random(
            f"{shared.settings.seed}-writer-{number}")
        self.pause = shared.settings.writers / shared.settings.writes
        self.connections = {}
        self.used = {}          # phase in which a node has answered last

    # HTTP

    def exchange(self, node, method, path, body=None, headers=None):
        phase = self.board.phase
        connection = self.connections.get(node)
        try:
            if connection is None:
                connection = http.client.HTTPConnection(
                    "127.0.0.1", self.shared.ports[node], timeout=15)
                self.connections[node] = connection
            connection.request(
                method, path, None if body is None else json.dumps(body),
                dict(HEADERS, **(headers or {})))
            answer = connection.getresponse()
            found = Answer(answer.status, node, answer.read(),
                           answer.headers)
            if answer.will_close:
                self.connections.pop(node).close()
        except (OSError, http.client.HTTPException) as error:
            self.connections.pop(node).close()
            found = Answer(0, node, repr(error).encode())
            if self.used.get(node, phase) != phase:
                # It may have been ended while it was idle.
                phase = self.shared.settings.between
        self.account(phase, path, found)
        self.used[node] = self.board.phase
        return found

    def account(self, phase, path, answer):
        record, settings = self.shared.record, self.shared.settings
        with self.shared.guard:
            record.count(phase, "write", answer.status)
            if answer.status == 0:
                if phase not in settings.losing \
                        and phase not in settings.closing:
                    record.find("statuses", phase, f"node {answer.node + 1}, "
                                f"{path}: a write was not answered: "
                                f"{answer.body[:200]!r}")
            elif answer.status >= 500 \
                    and answer.status not in settings.failing.get(phase, ()):
                record.find("statuses", phase, f"node {answer.node + 1}, "
                            f"{path}: {answer.status} {answer.body[:200]!r}")

    def settle(self, method, path, body=None, headers=None, patience=None):
        """An answer that says what came of it, and whether another try may
        have been what it came of."""
        end = time.monotonic() + GIVE_UP
        before = False
        while True:
            answer = self.exchange(self.random.choice(NODES), method, path,
                                   body, headers)
            if answer.status not in UNKNOWN and not (
                    answer.status == 409
                    and "est encore en cours".encode() in answer.body):
                return answer, before
            before = True
            if time.monotonic() > end or self.board.over:
                raise GivenUp(f"{method} {path}: {answer.status}")
            time.sleep(patience or self.random.uniform(0.01, 0.1))

    def keyed(self, path, body=None, headers=None):
        key = f"cle-{self.shared.settings.seed}-{next(self.shared.numbers)}"
        return self.settle("POST", path, body,
                           dict(headers or {}, **{"Idempotency-Key": key}))[0]

    def close(self):
        while self.connections:
            self.connections.popitem()[1].close()

    # What there is to do

    def one(self):
        self.random.choices(
            [self.adjust, self.sell, self.supply, self.change, self.come,
             self.slot, self.create, self.refused, self.hold, self.count,
             self.take_back],
            [30, 14, 9, 22, 8, 5, 2, 10, 4, 3, 3])[0]()

    def adjust(self):
        """Many at once on one row: the answers say who was when."""
        store = self.random.choice(STORES)
        product = self.random.choice(ADJUSTED)
        name = "stock", store, product
        path = f"/api/v1/stores/{store}/stock/{product}/adjust/"
        dice = self.random.random()
        there = self.board.value(name)
        headers = {}
        if dice < 0.7:
            body = {"delta": 1, "motif": "essai"}
        elif dice < 0.85:
            body = {"attendu": there, "quantite": there + 1}
        else:
            body = {"delta": 1}
            headers = {"If-Match": f'"{there}"'}
        self.board.begin(name)
        answer = self.keyed(path, body, headers)
        if answer.status == 200:
            self.board.acknowledge(
                answer.node, [(name, answer.json()["quantite"])])
        elif answer.status in (409, 412) and dice >= 0.7:
            self.board.undone(name)
        else:
            raise GivenUp(f"{path}: {answer.status} {answer.body!r}")

    def sell(self):
        store = self.random.choice(STORES)
        product = self.random.choice(SOLD)
        board = self.board
        total, stock = ("total", store), ("stock", store, product)
        with self.shared.lock("sales", store):
            sales, sold = board.value(total) + 1, board.value(stock) + 1
            board.begin_at(total, sales)
            board.begin_at(stock, sold)
            answer = self.keyed("/api/v1/sales/", {
                "magasin": store, "lignes": [
                    {"produit": product, "quantite": 1,
                     "prix_unitaire": "1.00"}]})
            self.expect(answer, 201)
            sale = answer.json()["id"]
            board.acknowledge(answer.node, [
                (total, sales), (stock, sold), (("sale", store), sale),
                (("sale", 0), sale)])

    def supply(self):
        """Ask for a unit, and decide it, perhaps at the other node."""
        store = self.random.choice(STORES)
        product = self.random.choice(SUPPLIED)
        board = self.board
        stock, central = ("stock", store, product), ("central", product)
        with self.shared.lock("supply", product):
            answer = self.keyed("/api/v1/replenishments/", {
                "magasin": store, "produit": product, "quantite": 1})
            self.expect(answer, 201)
            demande = answer.json()["id"]
            board.acknowledge(answer.node, [
                (("demande", product), 2 * demande),
                (("demande", 0), demande)])
            word = self.random.choice(["approve", "approve", "reject"])
            values = [(("demande", product), 2 * demande + 1),
                      (("decided", 0), demande)]
            if word == "approve":
                values += [(stock, board.value(stock) + 1),
                           (central, board.value(central) + 1),
                           (("approved", product), demande)]
            for name, value in values:
                board.begin_at(name, value)
            answer = self.keyed(f"/api/v1/replenishments/{demande}/{word}/")
            self.expect(answer, 200)
            board.acknowledge(answer.node, values)

    def hold(self):
        """Reserve as many units as the version says, and give them back."""
        store = self.random.choice(STORES)
        name = "held", store, HELD
        board = self.board
        with self.shared.lock(*name):
            units = board.value(name) + 1
            board.begin_at(name, units)
            answer = self.keyed("/api/v1/reservations/", {
                "magasin": store, "duree": 3600,
                "lignes": [{"produit": HELD, "quantite": units}]})
            self.expect(answer, 201)
            number = answer.json()["id"]
            board.acknowledge(answer.node, [(name, units),
                                            (("reserved", 0), number)])
            board.begin_at(name, units + 1)
            answer = self.keyed(f"/api/v1/reservations/{number}/release/")
            self.expect(answer, 200)
            board.acknowledge(answer.node, [(name, units + 1),
                                            (("over", 0), number)])

    def count(self):
        """A stock-take that finds one unit more."""
        store = self.random.choice(STORES)
        name = "stock", store, COUNTED
        board = self.board
        with self.shared.lock("count", store):
            units = board.value(name) + 1
            answer = self.keyed("/api/v1/counts/", {
                "lieu": store, "motif": "essai", "produits": [COUNTED]})
            self.expect(answer, 201)
            number = answer.json()["id"]
            board.acknowledge(answer.node, [(("count", 0), number)])
            self.expect(self.keyed(
                f"/api/v1/counts/{number}/lines/",
                {"lignes": [{"produit": COUNTED, "quantite": units}]}), 200)
            board.begin_at(name, units)
            answer = self.keyed(f"/api/v1/counts/{number}/close/")
            self.expect(answer, 200)
            board.acknowledge(answer.node, [(name, units),
                                            (("ended", 0), number)])

    def take_back(self):
        """A unit is sold for nothing and comes back broken."""
        store = self.random.choice(STORES)
        name = "stock", store, RETURNED
        board = self.board
        with self.shared.lock("return", store):
            units = board.value(name) + 1
            board.begin_at(name, units)
            answer = self.keyed("/api/v1/sales/", {
                "magasin": store, "lignes": [
                    {"produit": RETURNED, "quantite": 1,
                     "prix_unitaire": "0.00"}]})
            self.expect(answer, 201)
            sale = answer.json()["id"]
            board.acknowledge(answer.node, [
                (name, units), (("sale", store), sale), (("sale", 0), sale)])
            answer = self.keyed(f"/api/v1/sales/{sale}/returns/", {
                "lignes": [{"produit": RETURNED, "quantite": 1}],
                "motif": "essai", "remise_en_stock": False})
            self.expect(answer, 201)
            board.acknowledge(answer.node, [(("returned", 0), sale)])

    def change(self):
        """The name and price of a product."""
        product = self.random.choice(STOCKED)
        with self.shared.lock("product", product):
            self.rewrite(("product", product), product)

    def come(self):
        """Archive a product, or bring it back."""
        product = self.random.choice(COMING)
        with self.shared.lock("product", product):
            odd = self.board.value(("coming", product)) % 2
            self.rewrite(("coming", product), product, archive=not odd)

    def rewrite(self, name, product, archive=None):
        board = self.board
        number = board.value(name) + 1
        board.begin_at(name, number)
        body = product_body(product, number)
        headers = {"If-Match": product_tag(product, number - 1)}
        patience = None
        if archive is not None:
            method, body["archive"] = "PATCH", archive
        elif board.calm and self.random.random() < 0.5:
            # Nobody else writes it, and nothing is in the way of this one:
            # should it be lost all the same, it is not on its way any more
            # when it is sent again.
            method, headers, patience = "PUT", {}, 6
        else:
            method = self.random.choice(["PUT", "PATCH"])
        path = f"/api/v1/products/{product}/"
        answer, before = self.settle(method, path, body, headers, patience)
        if answer.status in (412, 404) and before:
            # An attempt that nobody has answered has done it.
            board.acknowledge(HAND, [(name, number)])
            return
        self.expect(answer, 200)
        board.acknowledge(answer.node, [(name, number)])

    def slot(self):
        """A product that is created, or the one that was, deleted."""
        number = self.random.choice(SLOTS)
        board, shared = self.board, self.shared
        name = "slot", number
        with shared.lock("slot", number):
            value = board.value(name) + 1
            board.begin_at(name, value)
            if value % 2 == 0:
                answer = self.keyed(
                    "/api/v1/products/",
                    {"nom": f"{slot_name(number)} v{value}",
                     "categorie": "Variable", "prix": "1.00"})
                self.expect(answer, 201)
                shared.slots[number] = answer.json()["id"]
            else:
                answer, before = self.settle(
                    "DELETE", f"/api/v1/products/{shared.slots[number]}/")
                if answer.status == 404 and before:
                    board.acknowledge(HAND, [(name, value)])
                    return
                self.expect(answer, 204)
            board.acknowledge(answer.node, [(name, value)])

    def create(self):
        """A product that stays: at its id there was nothing."""
        answer = self.keyed("/api/v1/products/", {
            "nom": f"Zeste {next(self.shared.numbers)}", "categorie": "Zeste",
            "prix": "1.00"})
        self.expect(answer, 201)
        self.board.acknowledge(answer.node,
                               [(("created", 0), answer.json()["id"])])

    def refused(self):
        """What is refused changes nothing that anybody could see."""
        rng = self.random
        store = rng.choice(STORES)
        product = rng.choice(ADJUSTED)
        adjust = f"/api/v1/stores/{store}/stock/{product}/adjust/"
        kind = rng.randrange(5)
        if kind == 0:
            answer = self.keyed(adjust, {"delta": -50000})
        elif kind == 1:
            answer = self.keyed(adjust, {"attendu": 1, "quantite": 50000})
        elif kind == 2:
            answer = self.keyed(adjust, {"delta": 10000},
                                {"If-Match": '"1"'})
        elif kind == 3:
            answer = self.keyed("/api/v1/sales/", {
                "magasin": store, "lignes": [
                    {"produit": SOLD[0], "quantite": 1},
                    {"produit": SOLD[1], "quantite": FULL_AND_MORE}]})
        else:
            answer, _ = self.settle(
                rng.choice(["PUT", "PATCH"]), f"/api/v1/products/{product}/",
                product_body(product, 50000), {"If-Match": '"autre"'})
        self.expect(answer, 412 if kind in (2, 4) else 409)

    @staticmethod
    def expect(answer, status):
        if answer.status != status:
            raise GivenUp(f"{answer.status} in the place of {status}: "
                          f"{answer.body[:300]!r}")


FULL_AND_MORE = of_stock(SOLD[1], 0) + 1
