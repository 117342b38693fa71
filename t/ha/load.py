"""The clients: those of t/concurrency, through HAProxy, and what they read
where they have written."""

import time

from checker import Request
from clients import Storm

CLIENTS = 6
PATIENCE = 120          # seconds for which a client asks again
CALM = 2                # seconds without a failure, after which all is over
FEW = 5                 # good writes in this time


def failed(attempt):
    return attempt.status == 0 or attempt.status >= 500


class Load(Storm):
    """With a fault in its midst.  Some clients do nothing but read."""

    hand_pause = 0.5

    def __init__(self, database, front, nodes, seed, readers):
        super().__init__(database, [front], CLIENTS + readers, 0, seed,
                         patience=PATIENCE)
        self.readers = self.clients[CLIENTS:]
        self.by_name = {node.name: node for node in nodes}

    def one(self, client):
        if client in self.readers or client.random.random() < 0.3:
            self.read(client)
        else:
            super().one(client)

    def write(self, client, number, kind, path, body=None, **more):
        request = super().write(client, number, kind, path, body, **more)
        if kind == "sale" and request.told():
            line = body["lignes"][0]
            self.read_there(client, request, body["magasin"],
                            line["produit"])
        return request

    def read_there(self, client, write, store, product):
        """At the node that has acknowledged the write; once."""
        node = self.by_name.get(write.final().node)
        if node is None:
            return
        request = Request(next(client.numbers), "read", "GET",
                          f"/api/v1/stores/{store}/stock/{product}/")
        attempt = client.exchange(node, request.method, request.path)
        if attempt.status == 200:
            request.attempts.append(attempt)
            client.requests.append(request)

    # What is known while it runs

    def requests(self):
        return [r for c in self.clients for r in list(c.requests)]

    def attempts(self, since=0, writes=None):
        """In the order of their ends; writes, or reads, or both."""
        found = [a for r in self.requests() for a in list(r.attempts)
                 if a.ended >= since and (writes is None
                                          or writes == (r.method != "GET"))]
        return sorted(found, key=lambda a: a.ended)

    def recovered(self):
        """Writes have been good for a while."""
        late = self.attempts(time.time() - CALM, True)
        return len(late) >= FEW and not any(map(failed, late))

    def until(self, what, seconds, condition, pause=0.3):
        end = time.monotonic() + seconds
        while not condition():
            if self.errors:
                return f"a client died: {self.errors[0]}"
            if time.monotonic() > end:
                return f"not after {seconds} s: {what}"
            time.sleep(pause)
        return None


def outage(attempts, since, until):
    """The longest time without a good write, from the end of one to the end of
    the next."""
    ends = [since] + [a.ended for a in attempts
                      if not failed(a) and since <= a.ended <= until]
    return max((late - early for early, late in zip(ends, ends[1:])),
               default=0)
