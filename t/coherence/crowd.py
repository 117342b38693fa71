"""A thousand clients who want one thing that nobody has yet.

The table is locked while they ask, so that all of them wait for one answer;
PostgreSQL's log tells how many statements there were."""

import collections
import itertools
import random
import re
import resource
import selectors
import socket
import time

from hand import Session
from servers import lines_from, size_of

CLIENTS = 1000
HELD = 0.6              # seconds for which the table is locked
PATIENCE = 15

# Something with a number in it, so that it can be new: (path, statement).
COLD = [("/api/v1/sales/?limit={}", "sales"),
        ("/api/v1/stores/1/stock/list/?quantite={}", "stock_list")]


class Crowd:
    numbers = itertools.count(100)

    def __init__(self, database, clients=CLIENTS):
        self.database = database
        self.clients = clients
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard)
                           if soft < 4096 else (soft, hard))

    def logged(self, statement, start):
        """How often it was executed, by the name of its node."""
        names = dict(line.split("\t") for line in self.database.sql(
            "SELECT pid, application_name FROM pg_stat_activity"
            " WHERE application_name <> ''").split("\n"))
        found = collections.Counter()
        wanted = re.compile(rf"\[(\d+)\] .*LOG: +execute {statement}: ")
        for line in lines_from(self.database.server_log, start):
            match = wanted.search(line)
            if match:
                found[names.get(match[1], "a backend that has ended")] += 1
        return found

    def log_statements(self, what):
        self.database.sql(f"ALTER SYSTEM SET log_statement = {what}")
        self.database.sql("SELECT pg_reload_conf()")
        time.sleep(0.3)

    def ask(self, nodes, meanwhile=None):
        """Statements by node, then statuses and bodies."""
        path, statement = random.choice(COLD)
        path = path.format(next(self.numbers))
        ports = [nodes[n % len(nodes)].port for n in range(self.clients)]
        sockets = []
        session = Session(self.database.admin)
        selector = selectors.DefaultSelector()
        self.log_statements("'all'")
        try:
            for port in ports:
                s = socket.create_connection(("127.0.0.1", port), 5)
                s.setblocking(False)
                sockets.append(s)
            start = size_of(self.database.server_log)
            session.rows("BEGIN; LOCK TABLE vente, stock_local"
                         " IN ACCESS EXCLUSIVE MODE;")
            for s in sockets:
                s.send(f"GET {path} HTTP/1.1\r\nHost: crowd\r\n"
                       "Connection: close\r\n\r\n".encode())
                selector.register(s, selectors.EVENT_READ, [])
            if meanwhile:
                time.sleep(HELD / 2)
                meanwhile(sockets, selector)
            time.sleep(HELD)
            session.rows("COMMIT;")
            answers = self.collect(selector)
            return self.logged(statement, start), answers
        finally:
            session.close()
            for s in sockets:
                s.close()
            self.log_statements("DEFAULT")

    @staticmethod
    def collect(selector):
        """How often each (status, body) has come; status 0: nothing did."""
        found = collections.Counter()
        end = time.monotonic() + PATIENCE
        while selector.get_map() and time.monotonic() < end:
            for key, _ in selector.select(0.1):
                try:
                    data = key.fileobj.recv(65536)
                except OSError:
                    data = b""
                if data:
                    key.data.append(data)
                    continue
                selector.unregister(key.fileobj)
                head, _, body = b"".join(key.data).partition(b"\r\n\r\n")
                found[int(head[9:12] or 0), body] += 1
        if selector.get_map():
            found["silence", b""] += len(selector.get_map())
        return found


def statuses(answers):
    found = collections.Counter()
    for (status, _), n in answers.items():
        found[status] += n
    return found


def one_flight(suite, database, nodes):
    """One statement for all who wait, in both workers."""
    crowd = Crowd(database)
    for node in nodes:
        executed, answers = crowd.ask([node])
        suite.expect(executed == {node.name: 1} and len(answers) == 1
                     and statuses(answers) == {200: crowd.clients},
                     f"{crowd.clients} clients on one cold key: 1 statement",
                     [executed, statuses(answers)])

    executed, answers = crowd.ask(nodes)
    suite.expect(executed and set(executed.values()) == {1}
                 and statuses(answers) == {200: crowd.clients},
                 "and at both nodes at once: 1 for each at most",
                 [executed, statuses(answers)])


def without_the_first(suite, database, node):
    """Who asked first leaves, or the worker that asked is killed: the others
    are answered all the same."""
    crowd = Crowd(database)

    def leave(sockets, selector):
        for s in sockets[:3]:
            selector.unregister(s)
            s.close()

    executed, answers = crowd.ask([node], leave)
    # Whoever goes for it in their place may leave, too.
    suite.expect(1 <= executed[node.name] <= 4
                 and statuses(answers) == {200: crowd.clients - 3},
                 "the first clients leave, and the others have their answer",
                 [executed, statuses(answers)])

    for worker in (0, 1):
        def kill(_sockets, _selector, n=worker):
            node.kill(sorted(node.workers())[n])

        executed, answers = crowd.ask([node], kill)
        found = statuses(answers)
        suite.expect(set(found) == {0, 200} and found[200] > 0,
                     "a worker is killed: who waits at the other one has an "
                     "answer", [executed, found])
        node.wait()


def herd(suite, database, node):
    """Without a cache all of them reach PostgreSQL: what is counted is what
    there is."""
    crowd = Crowd(database, 200)
    executed, answers = crowd.ask([node])
    suite.expect(executed[node.name] > 100
                 and statuses(answers) == {200: crowd.clients},
                 "without a cache each client has a statement of its own",
                 [executed, statuses(answers)])
