"""Clients that sell and read through the balancer, for as long as it takes."""

import collections
import http.client
import json
import threading
import time

Answer = collections.namedtuple("Answer",
                                "method status at request_id sale")


class Crowd:
    """In a `with`: so many clients; each remembers what it was told."""

    def __init__(self, cluster, clients, sale, headers, name):
        self.port = cluster.port
        self.sale = sale
        self.headers = headers
        self.name = name
        self.over = threading.Event()
        self.told = [[] for _ in range(clients)]
        self.threads = [threading.Thread(target=self.work, args=(n,),
                                         daemon=True)
                        for n in range(clients)]
        self.answers = []

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()
        self.answers = [a for told in self.told for a in told]
        time.sleep(1.2)     # for the log, which is written once a second

    def work(self, who):
        connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                timeout=20)
        count = 0
        while not self.over.is_set():
            count += 1
            method = "POST" if count % 2 else "GET"
            request_id = f"{self.name}-{who}-{count}"
            headers = {"X-Request-ID": request_id}
            status, sale = 0, None
            try:
                if method == "POST":
                    connection.request(method, "/api/v1/sales/", self.sale,
                                       {**self.headers, **headers})
                else:
                    connection.request(method, "/api/v1/stores/1/stock/1/",
                                       None, headers)
                response = connection.getresponse()
                body = response.read()
                status = response.status
                if status == 201:
                    sale = json.loads(body)["id"]
            except (OSError, http.client.HTTPException):
                connection.close()
            self.told[who].append(Answer(method, status, time.monotonic(),
                                         request_id, sale))
        connection.close()
