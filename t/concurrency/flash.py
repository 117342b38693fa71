"""A flash sale: 64 clients on 1,000 units of one product, through two nodes.

They reserve, claim, release, ask twice at once, forget, and die before they
are answered; workers are killed.  The clock of PostgreSQL is clock.c's: it
jumps ahead, so that reservations end, and is set back.  At the end the last of
them is over, and nobody has swept anything up."""

import collections
import json
import mmap
import os
import subprocess
import threading
import time

import checker
import holds
import plants
from checker import Request
from clients import GIVE_UP, HEADERS, Client
from inventory import PRODUCTS
from observer import Trial
from suite import say

UNITS = 1000
CLIENTS = 64
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clock.c")
PATH = "/api/v1/reservations/"
STOCK = "/api/v1/stores/1/stock/1/"


class Clock:
    """The clock of PostgreSQL, so many seconds from ours.  The processes of
    the server see each setting at once; its timers count real time."""

    def __init__(self, database):
        self.database = database
        # The server works in its own directory.
        self.path = os.path.abspath(
            os.path.join(database.environment["RUN_DIR"], "clock"))
        self.library = self.path + ".so"
        self.moments = []
        self.ahead = 0

    def __enter__(self):
        subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra",
                        "-Werror", "-o", self.library, SOURCE], check=True)
        with open(self.path, "w+b") as f:
            f.write(bytes(8))
            f.flush()
            self.map = mmap.mmap(f.fileno(), 8)
        for path in (self.path, self.library):
            os.chmod(path, 0o755)
        self.cell = memoryview(self.map).cast("q")
        self.database.environment.update(
            POSTGRES_PRELOAD=self.library, CLOCK=self.path)
        self.restart()
        return self

    def __exit__(self, *_):
        del self.database.environment["POSTGRES_PRELOAD"]
        self.restart()

    def restart(self):
        self.database.command("stop-postgres", "fast")
        self.database.command("start-postgres")

    def set(self, ahead):
        """In one step: the server may read it at any time."""
        self.cell[0] = ahead
        self.ahead = ahead
        self.moments.append(time.time())

    def move(self, seconds):
        self.set(self.ahead + seconds)


class Sale:
    """The storm.  Each client does one thing after the other."""

    def __init__(self, nodes, clock, seconds, seed, patience):
        self.nodes = nodes
        self.clock = clock
        self.end = time.monotonic() + seconds
        self.clients = [Client(nodes, f"{seed}-{n}", patience)
                        for n in range(CLIENTS)]
        self.open = collections.deque(maxlen=500)
        self.wrong = []

    def key(self, client, number):
        return f"vente-{number}" if client.random.random() < 0.8 else None

    def reserve(self, client):
        number = next(client.numbers)
        body = {"magasin": 1, "duree": client.random.choice([30, 30, 60]),
                "lignes": [{"produit": 1,
                            "quantite": client.random.randint(1, 3)}]}
        request = Request(number, "reserve", "POST", PATH, body,
                          self.key(client, number))
        if client.random.random() < 0.05:
            self.die(client, request)
            return
        told = client.settle(request).told()
        if told:
            self.open.append(told["id"])

    def die(self, client, request):
        """Sent, and nobody is there any more for the answer."""
        client.requests.append(request)
        request.key = None
        node = client.random.choice(self.nodes)
        connection = client.connections.pop(node, None)
        attempt = checker.Attempt(time.time(), time.time())
        try:
            if connection:
                connection.request(request.method, request.path,
                                   request.body and json.dumps(request.body),
                                   HEADERS)
                connection.close()
        except OSError:
            pass
        request.attempts.append(attempt)

    def close(self, client, kind, word, number=None):
        """By one, or by some who do not agree."""
        rng = client.random
        try:
            n = self.open.popleft() if rng.random() < 0.8 \
                else rng.choice(list(self.open))
        except IndexError:
            return
        asked = []
        for _ in range(rng.choice([1, 1, 2])):
            number = next(client.numbers)
            asked.append(Request(number, kind, "POST", f"{PATH}{n}/{word}/",
                                 None, self.key(client, number)))
        if rng.random() < 0.05:
            self.die(client, asked[0])
        elif len(asked) == 1:
            client.settle(asked[0])
        else:
            client.together(*asked)

    def look(self, client):
        """What is free is never below 0, nor more than there is."""
        told = client.ask("read", "GET", STOCK).told()
        if told and not 0 <= told["disponible"] <= told["quantite"]:
            self.wrong.append(told)

    def work(self, client):
        while time.monotonic() < self.end:
            dice = client.random.random()
            if dice < 0.5:
                self.reserve(client)
            elif dice < 0.7:
                self.close(client, "claim", "claim")
            elif dice < 0.8:
                self.close(client, "giveback", "release")
            else:
                self.look(client)
            # Not so fast that all is sold before the clock has moved.
            time.sleep(client.random.uniform(0, 0.2))
        client.close()

    def faults(self, kill):
        """The clock goes ahead, and back, and a worker is killed."""
        turn = 0
        while time.monotonic() < self.end:
            time.sleep(0.4)
            self.clock.move([20, 45, -35, 10, -50, 40][turn % 6])
            node = self.nodes[turn % 2]
            if kill and turn % 3 == 1 and node.workers():
                node.kill(node.workers()[0])
            turn += 1

    def run(self, kill=True):
        threads = [threading.Thread(target=self.work, args=(c,), daemon=True)
                   for c in self.clients]
        for thread in threads:
            thread.start()
        self.faults(kill)
        for thread in threads:
            thread.join()
        return [r for c in self.clients for r in c.requests]


def afterwards(nodes, clock, patience):
    """When all is over: what is free by each node, though nobody has written
    since; and that it can be sold, to the last unit."""
    clock.move(200)
    client = Client(nodes, "after", patience)
    found = {"free": []}
    for node in nodes:
        node.wait()
        end = time.monotonic() + patience
        while True:
            # Answers of before live until the earliest end, by real time.
            answer = client.exchange(node, "GET", STOCK)
            told = json.loads(answer.body) if answer.status == 200 else {}
            if time.monotonic() > end \
                    or told and told["disponible"] == told["quantite"]:
                break
            time.sleep(0.1)
        found["free"].append((told.get("quantite"), told.get("disponible")))
    left = found["free"][0][0]
    sold = [client.ask("sale", "POST", "/api/v1/sales/",
                       {"magasin": 1, "lignes": [
                           {"produit": 1, "quantite": quantity}]})
            for quantity in ([left] if left else []) + [1]]
    found["last"] = [r.status() for r in sold]
    found["wanted"] = ([201] if left else []) + [409]
    client.close()
    return found, client.requests


def available_again(found):
    """No unit is held any more, and none was lost."""
    wrong = [f"{quantity} are there, and {free} free"
             for quantity, free in found["free"] if quantity != free]
    if found["last"] != found["wanted"]:
        wrong.append(f"the last units: {found['last']}, not "
                     f"{found['wanted']}")
    return wrong


def never_more(_, db):
    """Claimed and sold are what is gone, and at most what there was."""
    sold = sum(line["quantite"] for sale in db["sales"].values()
               for line in sale["lignes"])
    claimed = sum(line["quantite"] for d in db["reservations"].values()
                  if d["statut"] == "reclamee" for line in d["lignes"])
    left = db["stock"][1, 1]
    wrong = []
    if claimed > UNITS or sold + left != UNITS or left < 0:
        wrong.append(f"{claimed} claimed, {sold} sold, {left} left of {UNITS}")
    return wrong


def refill(database, nodes):
    for node in nodes:
        node.wait()
    database.at_rest()
    database.fresh(f"UPDATE stock_local SET quantite = {UNITS} "
                   "WHERE magasin_id = 1 AND produit_id = 1")


def trial(database, nodes, clock, seconds, seed, kill=True, replays=2000):
    """A storm; returns what is wrong by check, and the requests.  Where
    nobody is killed what is refused for a while is refused for ever."""
    patience = GIVE_UP if kill else 4
    refill(database, nodes)
    around = Trial(database, nodes, not kill, PRODUCTS)
    sale = Sale(nodes, clock, seconds, seed, patience)
    requests = sale.run(kill)
    for node in nodes:
        node.wait()
    database.at_rest()
    after, last = afterwards(nodes, clock, patience)
    requests += last
    around.end(requests, [], None, replays)
    db = around.observe()
    found = collections.defaultdict(list)
    for check in (checker.statuses, checker.unanswered, checker.refused_keys,
                  checker.keys_are_kept, checker.not_below_zero,
                  checker.no_other_sales, checker.ledger, checker.rollups,
                  *holds.CHECKS, never_more):
        found[check.__name__] = check(requests, db)
    found["available_again"] = available_again(after)
    found["free_is_true"] = sale.wrong
    return found, requests, db


def planted(database, nodes, clock, with_schema, name):
    text, who = plants.FLASH[name]

    def body():
        for n in range(4):
            found = trial(database, nodes, clock, 3, f"{name}-{n}",
                          kill=False, replays=0)[0]
            if found[who]:
                break
        return found

    return with_schema(database, plants.NO_SWEEP + text, body)[who]


def flash(suite, database, nodes, seconds, with_schema, names):
    with Clock(database) as clock:
        for name in names:
            who = plants.FLASH[name][1]
            suite.expect(planted(database, nodes, clock, with_schema, name),
                         f"{who} finds the planted bug {name}")
        if len(names) == 1:
            return
        found, requests, db = with_schema(
            database, plants.NO_SWEEP,
            lambda: trial(database, nodes, clock, seconds, "flash"))
        fates = collections.Counter(d["statut"]
                                    for d in db["reservations"].values())
        say(f"# flash sale: {len(requests):,} requests, reservations "
            f"{dict(fates)}, {len(clock.moments)} settings of the clock")
        suite.expect(set(fates) >= {"reclamee", "rendue", "expiree"},
                     "a flash sale: some were claimed, given back and over",
                     [fates])
        suite.expect_all("a flash sale", found)
