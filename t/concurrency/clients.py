"""Clients that write down all they ask and all they are told."""

import collections
import http.client
import itertools
import json
import os
import random
import signal
import threading
import time
import urllib.parse

from checker import Attempt, Hand, Request
from inventory import PRODUCTS, STORES
from keepers import Keepers
from servers import Failure
from takers import Takers

HEADERS = {"Authorization": "Token token-430",
           "Content-Type": "application/json"}
GIVE_UP = 30            # seconds for which a client asks again
SLOW = 30               # times as long as it should a storm may take at most


class Client:
    """A keep-alive connection to each node, and a record of all it asks."""

    numbers = itertools.count(1)

    def __init__(self, nodes, seed, patience=GIVE_UP):
        self.nodes = nodes
        self.patience = patience
        self.random = random.Random(seed)
        self.connections = {}
        self.requests = []

    def exchange(self, node, method, path, body=None, key=None):
        """One answer, or what remains of it."""
        headers = dict(HEADERS)
        if key:
            headers["Idempotency-Key"] = key
        data = None if body is None else json.dumps(body)
        if isinstance(body, list):
            headers["Content-Type"] = "application/x-ndjson"
            data = "\n".join(map(json.dumps, body))
        sent = time.time()
        connection = self.connections.get(node)
        try:
            if connection is None:
                connection = http.client.HTTPConnection(
                    node.host, node.port, timeout=10)
                self.connections[node] = connection
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            found = answer.read()
            ended = time.time()
            if answer.will_close:
                self.connections.pop(node).close()
            return Attempt(sent, ended, answer.status, found,
                           answer.getheader("Location"),
                           answer.getheader("X-Node", node.name),
                           answer.getheader("Age"))
        except (OSError, http.client.HTTPException):
            self.connections.pop(node).close()
            return Attempt(sent, time.time())

    def settle(self, request):
        """Until it has its answer, at whichever node; without a key a write
        is asked for once, since it may have been done."""
        self.requests.append(request)
        once = request.key is None and request.method != "GET"
        end = time.monotonic() + self.patience
        while True:
            attempt = self.exchange(
                self.random.choice(self.nodes), request.method, request.path,
                request.body, request.key)
            request.attempts.append(attempt)
            if attempt.final() or once or time.monotonic() > end:
                return request
            time.sleep(self.random.uniform(0.01, 0.2))

    def ask(self, kind, method, path, body=None, key=None, **more):
        return self.settle(Request(more.pop("number", None)
                                   or next(self.numbers),
                                   kind, method, path, body, key, **more))

    def together(self, *asked):
        """Requests sent at once, each by a client of its own."""
        others = [Client(self.nodes, self.random.random(), self.patience)
                  for _ in asked]
        threads = [threading.Thread(target=other.settle, args=(request,))
                   for other, request in zip(others, asked)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for other in others:
            self.requests.extend(other.requests)
            other.close()

    def close(self):
        while self.connections:
            self.connections.popitem()[1].close()


def marked(number, least=100):
    """A price that no other sale has: by it an unacknowledged one is known."""
    return f"{least + number // 100}.{number % 100:02}"


def row_of(place, product):
    """Of a store, or of the central stock."""
    if place == "central":
        return f"/api/v1/stock/central/{product}/"
    return f"/api/v1/stores/{place}/stock/{product}/"


def adjust_of(row):
    """The kind of who adjusts it."""
    return "central" if "central" in row else "adjust"


class Storm(Takers, Keepers):
    """So many clients for so many seconds, and until enough(requests) where
    that is later: a busy machine does little in a second.

    With few stores and products they meet more often."""

    hand_pause = 0.05       # seconds between two sales at psql

    def __init__(self, database, nodes, clients, seconds, seed,
                 stores=STORES, products=PRODUCTS, enough=None,
                 patience=GIVE_UP):
        self.database = database
        self.nodes = nodes
        self.stores = stores
        self.products = products
        self.clients = [Client(nodes, f"{seed}-{n}", patience)
                        for n in range(clients)]
        self.end = time.monotonic() + seconds
        self.last = time.monotonic() + SLOW * seconds
        self.unfinished = False     # it goes on, although the end has come
        self.enough = enough
        self.demandes = collections.deque(maxlen=200)
        self.documents = collections.deque(maxlen=200)
        self.held = collections.deque(maxlen=100)
        self.counts = collections.deque(maxlen=20)
        self.sold = collections.deque(maxlen=200)
        self.opened = collections.deque()   # stores, with a product in each
        self.hand = []
        self.follower = Follower(nodes)
        self.errors = []

    # What a client may want

    def one(self, client):
        rng = client.random
        dice = rng.random()
        if dice < 0.04:
            self.send_batch(client)
        elif dice < 0.34:
            self.sell(client)
        elif dice < 0.39:
            self.take_back(client)
        elif dice < 0.46:
            self.adjust(client)
        elif dice < 0.54:
            self.move(client)
        elif dice < 0.59:
            self.hold(client)
        elif dice < 0.67:
            self.take_stock(client)
        elif dice < 0.72:
            self.demand(client)
        elif dice < 0.77:
            self.decide(client)
        elif dice < 0.82:
            self.reconsider(client)
        elif dice < 0.85:
            self.come_and_go(client)
        elif dice < 0.94:
            self.keep_shop(client)
        elif dice < 0.97:
            number = next(client.numbers)
            body = {"prix": f"{rng.randint(1, 99)}.50"}
            # A price alone has a way of its own.
            if rng.random() < 0.5:
                body["description"] = f"essai {number}"
            client.ask("change", rng.choice(["PUT", "PATCH"]),
                       f"/api/v1/products/{rng.randint(1, self.products)}/",
                       body, number=number)
        else:
            self.read(client)

    def write(self, client, number, kind, path, body=None, **more):
        """With a key, most often; then at times twice at once, and at times
        the key is used once more for something else."""
        rng = client.random
        if rng.random() > 0.8:
            return client.ask(kind, "POST", path, body, number=number, **more)
        key = f"cle-{number}"
        if rng.random() < 0.15:
            twins = [Request(number, kind, "POST", path, body, key, **more)
                     for _ in range(2)]
            client.together(*twins)
            request = next((r for r in twins if r.final()), twins[0])
        else:
            request = client.ask(kind, "POST", path, body, key,
                                 number=number, **more)
        if rng.random() < 0.05 and request.status() not in (None, 404):
            client.ask("sale", "POST", "/api/v1/sales/",
                       {"magasin": 1, "lignes": [
                           {"produit": 1, "quantite": 1,
                            "prix_unitaire": marked(next(client.numbers))}]},
                       key, wrong=True)
        return request

    def sell(self, client, fleeting=None):
        """One to four lines, at times with one product twice."""
        rng = client.random
        number = next(client.numbers)
        lines = [{"produit": rng.randint(1, self.products),
                  "quantite": rng.randint(1, 4)}
                 for _ in range(rng.randint(1, 4))]
        if fleeting:
            lines[-1]["produit"] = fleeting
        lines[0]["prix_unitaire"] = marked(number)
        if rng.random() < 0.2:
            lines.append(dict(lines[0]))
        body = {"magasin": rng.randint(1, self.stores), "lignes": lines}
        kind = "sale"
        dice = rng.random()
        if dice < 0.1:
            kind = "forced"
            body["forcer"] = True
        elif dice < 0.2 and not fleeting:
            kind = "exact"
            body["total_attendu"] = self.total(client, lines)
        if fleeting:
            return Request(number, kind, "POST", "/api/v1/sales/", body,
                           rng.choice([None, f"cle-{number}"]),
                           fleeting=True)
        request = self.write(client, number, kind, "/api/v1/sales/", body)
        if request.told():
            self.sold.append(request.told())
        return request

    @staticmethod
    def sell_at(client, store, product):
        """Of a store that may be closed meanwhile."""
        number = next(client.numbers)
        return Request(number, "sale", "POST", "/api/v1/sales/",
                       {"magasin": store, "lignes": [
                           {"produit": product, "quantite": 1,
                            "prix_unitaire": marked(number)}]},
                       client.random.choice([None, f"cle-{number}"]))

    def total(self, client, lines):
        """What these cost by the prices of now, or a little else."""
        rng = client.random
        cents = 0
        for line in lines:
            price = line.get("prix_unitaire")
            if price is None:
                told = client.ask("price", "GET", "/api/v1/products/"
                                  f"{line['produit']}/").told()
                price = told["prix"] if told else "1.00"
            cents += line["quantite"] * int(price.replace(".", ""))
        cents += rng.choice([0, 0, 0, 0, 1])
        return f"{cents // 100}.{cents % 100:02}"

    def place(self, rng):
        """One in four is in the central stock."""
        return "central" if rng.random() < 0.25 \
            else rng.randint(1, self.stores)

    def read(self, client):
        rng = client.random
        return client.ask(
            "read", "GET",
            row_of(self.place(rng), rng.randint(1, self.products)))

    def adjust(self, client):
        rng = client.random
        number = next(client.numbers)
        body = {"motif": f"essai {number}"}
        if rng.random() < 0.5:
            row = row_of(self.place(rng), rng.randint(1, self.products))
            body["delta"] = rng.choice([-20, -1, 5, 60])
        else:
            seen = self.read(client)
            told = seen.told()
            if told is None:
                return
            row = seen.path
            body["attendu"] = told["quantite"]
            body["quantite"] = told["quantite"] + 1
        self.write(client, number, adjust_of(row), f"{row}adjust/", body)

    def demand(self, client):
        rng = client.random
        told = self.write(
            client, next(client.numbers), "request",
            "/api/v1/replenishments/",
            {"magasin": rng.randint(1, self.stores),
             "produit": rng.randint(1, self.products),
             "quantite": rng.randint(1, 20)}).told()
        if told:
            self.demandes.append(told["id"])

    def move(self, client):
        """Goods come in, or are sent somewhere; or some people at once close
        what is open, each in a way of their own."""
        rng = client.random
        if rng.random() < 0.5 and self.documents:
            return self.close_document(client)
        number = next(client.numbers)
        lines = [{"produit": rng.randint(1, self.products),
                  "quantite": rng.randint(1, 6)}
                 for _ in range(rng.randint(1, 4))]
        places = rng.sample([None, *range(1, self.stores + 1)], 2)
        if rng.random() < 0.4:
            kind, path = "receipt", "/api/v1/receipts/"
            body = {"lieu": places[0], "fournisseur": "Essai",
                    "reference": f"essai {number}", "lignes": lines}
        else:
            kind, path = "transfer", "/api/v1/transfers/"
            body = {"de": places[0], "vers": places[1], "lignes": lines}
        told = self.write(client, number, kind, path, body).told()
        if told:
            self.documents.append((path, told))

    def hold(self, client):
        """Units are held; or some people at once claim what is held, or give
        it back."""
        rng = client.random
        if rng.random() < 0.5 or not self.held:
            number = next(client.numbers)
            told = self.write(
                client, number, "reserve", "/api/v1/reservations/",
                {"magasin": rng.randint(1, self.stores),
                 "lignes": [{"produit": rng.randint(1, self.products),
                             "quantite": rng.randint(1, 4)}
                            for _ in range(rng.randint(1, 3))]}).told()
            if told:
                self.held.append(told["id"])
            return
        try:
            reservation = self.held.popleft()
        except IndexError:
            return
        asked = []
        for _ in range(rng.randint(1, 3)):
            number = next(client.numbers)
            kind, word = rng.choice([("claim", "claim"), ("claim", "claim"),
                                     ("giveback", "release")])
            asked.append(Request(
                number, kind, "POST",
                f"/api/v1/reservations/{reservation}/{word}/", None,
                f"cle-{number}" if rng.random() < 0.8 else None))
        client.together(*asked)

    def close_document(self, client):
        rng = client.random
        picked = self.pick(rng, self.documents, 0.7)
        if picked is None:
            return
        path, document = picked
        asked = []
        for _ in range(rng.randint(1, 3)):
            number = next(client.numbers)
            kind, word, body = "return", "cancel", None
            if "receipts" in path:
                kind = "cancel"
            elif rng.random() < 0.6:
                kind, word = "receive", "receive"
                if rng.random() < 0.5:
                    body = {"lignes": [
                        {"produit": line["produit"],
                         "quantite": max(0, line["quantite"]
                                         + rng.randint(-2, 1))}
                        for line in document["lignes"]]}
            asked.append(Request(
                number, kind, "POST",
                f"{path}{document['id']}/{word}/", body,
                f"cle-{number}" if rng.random() < 0.8 else None))
        client.together(*asked)

    def take_back(self, client):
        """Some people at once, who bring the same."""
        rng = client.random
        try:
            sale = self.sold.popleft() if rng.random() < 0.5 \
                else rng.choice(list(self.sold))
        except IndexError:
            return
        asked = []
        for _ in range(rng.randint(1, 3)):
            number = next(client.numbers)
            lines = rng.sample(sale["lignes"],
                               rng.randint(1, len(sale["lignes"])))
            body = {"lignes": [{"produit": line["produit"],
                                "quantite": rng.choice(
                                    [1, line["quantite"],
                                     line["quantite"] + rng.randint(0, 1)])}
                               for line in lines],
                    "motif": f"essai {number}",
                    "remise_en_stock": rng.random() < 0.7}
            asked.append(Request(
                number, "refund", "POST",
                f"/api/v1/sales/{sale['id']}/returns/", body,
                f"cle-{number}" if rng.random() < 0.8 else None))
        client.together(*asked)

    def decide(self, client):
        """Some people at once, who do not agree."""
        rng = client.random
        demande = self.pick(rng, self.demandes, 0.7)
        if demande is None:
            return
        asked = []
        for _ in range(rng.randint(1, 3)):
            number = next(client.numbers)
            word = rng.choice(["approve", "approve", "reject"])
            # Fewer than most ask for; at times more, which is refused.
            body = {"quantite": rng.randint(1, 8)} \
                if word == "approve" and rng.random() < 0.4 else None
            asked.append(Request(
                number, "decide", "POST",
                f"/api/v1/replenishments/{demande}/{word}/", body,
                f"cle-{number}" if rng.random() < 0.8 else None))
        client.together(*asked)

    def come_and_go(self, client):
        """A product is created, gets stock, and is deleted while somebody
        sells it."""
        rng = client.random
        number = next(client.numbers)
        body = {"nom": f"Essai {number}", "categorie": "Essai",
                "prix": "1.00"}
        if rng.random() < 0.5:
            body.update(code=f"P-{number}", codes_barres=[f"B-{number}"])
        made = self.write(client, number, "create", "/api/v1/products/",
                          body).told()
        if made is None:
            return
        product = made["id"]
        number = next(client.numbers)
        row = row_of(self.place(rng), product)
        self.write(client, number, adjust_of(row), f"{row}adjust/",
                   {"delta": 9, "motif": f"essai {number}"}, fleeting=True)
        path = f"/api/v1/products/{product}/"
        asked = [Request(next(client.numbers), "delete", "DELETE", path,
                         fleeting=True),
                 self.sell(client, product)]
        if rng.random() < 0.3:
            asked.append(Request(
                next(client.numbers), "change", "PATCH", path,
                {"archive": rng.choice([True, False])}, fleeting=True))
        client.together(*asked)

    # Somebody at psql, at times in a replica session

    def sell_by_hand(self):
        rng = random.Random("psql")
        while self.goes_on():
            sale = Hand(marked(len(self.hand), 1000000),
                        rng.randint(1, self.stores),
                        rng.randint(1, self.products), rng.randint(1, 2))
            role = rng.choice(["origin", "replica"])
            # Some leave the window of the last 168 hours while this runs.
            age = rng.choice([0, 0, 168 * 3600 - rng.randint(-3, 30)])
            done = self.database.psql(f"""
                BEGIN;
                SET LOCAL session_replication_role = {role};
                WITH s AS (
                    UPDATE stock_local SET quantite = quantite - {sale.quantity}
                     WHERE magasin_id = {sale.store}
                       AND produit_id = {sale.product}
                       AND quantite >= {sale.quantity}
                    RETURNING quantite
                ), v AS (
                    INSERT INTO vente (magasin_id, date_vente, total)
                    SELECT {sale.store}, now() - interval '{age} s',
                           {sale.quantity} * {sale.mark}
                      FROM s
                    RETURNING id
                )
                INSERT INTO ligne_vente (vente_id, produit_id, quantite,
                                         prix_unitaire)
                SELECT id, {sale.product}, {sale.quantity}, {sale.mark} FROM v
                RETURNING vente_id;
                COMMIT;""")
            if done.returncode == 0:
                sale.made = bool(done.stdout.strip())
            self.hand.append(sale)
            if len(self.hand) % 8 == 0:
                self.database.psql("SELECT entretien()")
            time.sleep(self.hand_pause)

    # All of them

    def guarded(self, work, *arguments):
        try:
            work(*arguments)
        except Exception as error:  # a client that dies is a failed run
            self.errors.append(repr(error))

    def work(self, client):
        while self.goes_on():
            self.one(client)
        client.close()

    def goes_on(self):
        return self.unfinished or time.monotonic() < self.end

    def last_so_long(self):
        """Before the end comes it is looked at what there is."""
        while not self.errors and time.monotonic() < self.last:
            time.sleep(max(0, self.end - time.monotonic() - 0.3))
            if self.enough([r for c in self.clients
                            for r in list(c.requests)]):
                return
            self.end = time.monotonic() + 0.8

    def leave_on_the_way(self):
        """A transfer that nobody receives."""
        client = self.clients[0]
        for product in range(1, self.products + 1):
            number = next(client.numbers)
            if client.ask("transfer", "POST", "/api/v1/transfers/",
                          {"de": None, "vers": 1, "lignes": [
                              {"produit": product, "quantite": 1}]},
                          f"cle-{number}", number=number).told():
                break
        client.close()

    def sell_what_is_not_there(self):
        """So that a correction is there, whatever the stock was."""
        client = self.clients[0]
        number = next(client.numbers)
        client.ask("forced", "POST", "/api/v1/sales/",
                   {"magasin": 1, "forcer": True, "lignes": [
                       {"produit": 1, "quantite": 100000,
                        "prix_unitaire": marked(number)}]},
                   f"cle-{number}", number=number)
        client.close()

    def run(self, faults=None):
        work = [(self.work, c) for c in self.clients] + [(self.sell_by_hand,)]
        threads = [threading.Thread(target=self.guarded, args=w, daemon=True)
                   for w in work]
        # PostgreSQL may be away for longer than the storm was meant to last, and
        # whoever has gone home does not come back.
        self.unfinished = faults is not None or self.enough is not None
        for thread in threads + [self.follower]:
            thread.start()
        try:
            if faults:
                faults(self)
            if self.enough:
                self.last_so_long()
            self.unfinished = False
            for thread in threads:
                thread.join()
        except BaseException:
            self.end = 0
            self.unfinished = False
            self.follower.give_up = True
            raise
        if self.errors:
            self.follower.give_up = True
            raise Failure(f"a client died: {self.errors[0]}")
        self.leave_on_the_way()
        self.sell_what_is_not_there()
        return [r for c in self.clients for r in c.requests]


class Follower(threading.Thread):
    """Reads the journal as it grows, by the links that it is given."""

    def __init__(self, nodes):
        super().__init__(daemon=True)
        self.client = Client(nodes, "follower")
        self.seen = []
        self.finish = False     # read what there is, and end
        self.give_up = False
        self.wrong = None

    def run(self):
        path = "/api/v1/journal/?limit=1000"
        empty = 0
        while empty < 2 and not self.give_up:
            finish = self.finish
            answer = self.client.exchange(
                self.client.random.choice(self.client.nodes), "GET", path)
            if answer.status != 200:
                if answer.final():
                    self.wrong = answer.answer()
                    return
                time.sleep(0.05)
                continue
            page = json.loads(answer.body)
            self.seen += [row["id"] for row in page["results"]]
            link = urllib.parse.urlsplit(page["next"] or path)
            path = f"{link.path}?{link.query}"
            if not page["results"]:
                empty += finish
                time.sleep(0.05)
        self.client.close()

    def result(self):
        """The ids; the transactions have to be through."""
        self.finish = True
        self.join(60)
        if self.is_alive() or self.wrong:
            raise Failure(f"the journal cannot be followed: {self.wrong}")
        return self.seen


class Faults:
    """Kill, reload, restart and disconnect, in turn."""

    turn = ["kill", "reload", "immediate", "kill", "disconnect", "fast",
            "reload"]

    def __init__(self, database):
        self.database = database
        self.counts = collections.Counter()

    def one(self, what, node, rng):
        if what == "kill":
            workers = node.workers()
            if workers:
                node.kill(rng.choice(workers))
        elif what == "reload":
            os.kill(node.master(), signal.SIGHUP)
        elif what == "disconnect":
            self.database.psql("""
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE usename = 'magasin_web' AND random() < 0.5""")
        else:
            self.database.command("stop-postgres", what)
            self.database.command("start-postgres")
        self.counts[what] += 1

    def __call__(self, storm):
        rng = random.Random("faults")
        time.sleep(0.5)
        for what in itertools.cycle(self.turn):
            if time.monotonic() >= storm.end - 2:
                if len(self.counts) == len(set(self.turn)):
                    return
                # On a slow machine it lasts until each was there once.
                storm.end = time.monotonic() + 2
            self.one(what, rng.choice(storm.nodes), rng)
            time.sleep(rng.uniform(0.3, 1.2))
