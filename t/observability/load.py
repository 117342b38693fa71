"""What a shop does, and what it should not: a bounded load on the loopback, so
that every panel has something to show."""

import http.client
import itertools
import json
import subprocess
import threading
import time

TOKEN = {"Authorization": "Token token-430",
         "Content-Type": "application/json"}
PAUSE = 0.03        # between the requests of a client

# (method, path, headers, body); {n} counts up.
REQUESTS = (
    ("GET", "/api/v1/products/{n15}/", {}, None),
    ("GET", "/api/v1/stores/{n5}/stock/", {}, None),
    ("GET", "/api/v1/products/1/", {"Cache-Control": "no-cache"}, None),
    ("GET", "/api/v1/stores/{n5}/stock/list/", {}, None),
    ("GET", "/api/v1/reports/", {}, None),
    ("GET", "/api/v1/dashboard/", {}, None),
    ("HEAD", "/api/v1/stores/", {}, None),
    ("OPTIONS", "/api/v1/products/", {}, None),
    ("GET", "/api/v1/journal/?limit=5", {}, None),
    ("GET", "/api/v1/stock/central/", {}, None),
    ("PUT", "/api/v1/products/{n15}/", TOKEN, {"prix": "{n90}.50"}),
    ("POST", "/api/v1/sales/", TOKEN,
     {"magasin": 1, "lignes": [{"produit": 4, "quantite": 1}]}),
    ("POST", "/api/v1/stores/1/stock/4/adjust/", TOKEN,
     {"delta": 1, "motif": "inventaire"}),
    ("POST", "/api/v1/replenishments/", TOKEN,
     {"magasin": 2, "produit": 3, "quantite": 1}),
    # Refused: too many, nobody, nowhere, not so, nothing.
    ("POST", "/api/v1/sales/", TOKEN,
     {"magasin": 1, "lignes": [{"produit": 4, "quantite": 1000000}]}),
    ("POST", "/api/v1/sales/", {"Content-Type": "application/json"}, {}),
    ("GET", "/api/v1/nowhere/", {}, None),
    ("DELETE", "/api/v1/reports/", {}, None),
    ("GET", "/api/v1/products/99999/", {}, None),
)


class Load:
    """Clients for so many seconds, and somebody at psql."""

    def __init__(self, port, conninfo, seconds, clients=4):
        self.port = port
        self.conninfo = conninfo
        self.end = time.monotonic() + seconds
        self.ended = time.time() + seconds
        self.statuses = {}
        self.failures = []
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._client, args=(n,))
                        for n in range(clients)]
        self.threads.append(threading.Thread(target=self._psql))
        for thread in self.threads:
            thread.start()

    def wait(self):
        for thread in self.threads:
            thread.join()

    def _client(self, number):
        connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                timeout=10)
        # All of them ask for the same at about the same time.
        for n in itertools.count():
            if time.monotonic() > self.end:
                break
            method, path, headers, body = REQUESTS[n % len(REQUESTS)]
            names = {"n15": n % 15 + 1, "n5": n % 5 + 1, "n90": n % 90 + 1}
            path = path.format(**names)
            text = None if body is None else json.dumps(body)
            if text and "{n90}" in text:
                text = text.replace("{n90}", str(names["n90"]))
            try:
                connection.request(method, path, body=text, headers=headers)
                answer = connection.getresponse()
                answer.read()
                status = answer.status
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                with self.lock:
                    self.failures.append(f"client {number}: {error!r}")
                continue
            with self.lock:
                self.statuses[status] = self.statuses.get(status, 0) + 1
            time.sleep(PAUSE)
        connection.close()

    def _psql(self):
        """Changes that only the journal tells of."""
        while time.monotonic() < self.end:
            done = subprocess.run(
                ["psql", "-X", "-q", "-d", self.conninfo, "-c",
                 "UPDATE produit SET prix = prix + 0.01 WHERE id = 2"],
                stderr=subprocess.PIPE, text=True, check=False)
            if done.returncode:
                with self.lock:
                    self.failures.append(f"psql: {done.stderr}")
            time.sleep(0.5)
