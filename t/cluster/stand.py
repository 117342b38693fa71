"""The cluster of the suite, and nodes that misbehave."""

import collections
import contextlib
import http.client
import http.server
import json
import os
import signal
import socket
import ssl
import subprocess
import threading
import time

from script import TOP, Failure, Script

Answer = collections.namedtuple("Answer", "status headers body")
Seen = collections.namedtuple("Seen", "method path headers")


def ask(port, method, path, body=None, headers=None, tls=False):
    """One request on a connection of its own; "raw": the path is all of it."""
    if method == "raw":
        with socket.create_connection(("127.0.0.1", port), timeout=20) as s:
            s.sendall(path.encode("latin-1"))
            s.recv(65536)
        return None
    if tls:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(
            "127.0.0.1", port, timeout=20, context=context)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return Answer(response.status, {k.lower(): v for k, v in
                                        response.getheaders()},
                      response.read())
    finally:
        connection.close()


def free_ports(count):
    """The first of so many free ports in a row."""
    for first in range(20000 + os.getpid() % 5000, 32000, 10):
        held = []
        try:
            for port in range(first, first + count):
                s = socket.socket()
                held.append(s)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind(("127.0.0.1", port))
            return first
        except OSError:
            pass
        finally:
            for s in held:
                s.close()
    raise Failure("there are no free ports.")


class Log:
    def __init__(self, path):
        self.path = path

    def text(self):
        with open(self.path, "rb") as f:
            return f.read()

    def size(self):
        return os.path.getsize(self.path)

    def lines(self):
        return [json.loads(line) for line in self.text().splitlines()]


class Cluster(Script):
    """What scripts/cluster.sh starts, and TLS at the balancer."""

    script = "cluster.sh"
    balancer_workers = 2

    def __init__(self):
        self.port = free_ports(9)
        self.tls_port = self.port + 4
        self.addresses = [f"127.0.0.1:{self.port + n}" for n in (1, 2, 3)]
        self.run_dir = os.path.join(os.environ.get("RUN_DIR") or
                                    os.path.join(TOP, "run"), "cluster-test")
        os.makedirs(self.run_dir, exist_ok=True)
        super().__init__(dict(
            os.environ, RUN_DIR=self.run_dir, PORT=str(self.port), NODES="3",
            WORKERS="2", BALANCER_WORKERS=str(self.balancer_workers),
            CACHE="on", METRICS_PORT=str(self.port + 6),
            NAMES="magasin.example a.example"),
            os.path.join(self.run_dir, "cluster.log"))
        self.admin = None
        self.log = None
        self.node_logs = []

    def __enter__(self):
        self.command("remove")
        try:
            self.command("start")
            self.admin = "host=%s/sockets dbname=magasin user=postgres" % \
                os.path.realpath(os.path.join(self.run_dir, "cluster"))
            self.log = Log(os.path.join(self.home(), "log", "access.log"))
            self.node_logs = [Log(os.path.join(self.home(n), "log",
                                               "access.log"))
                              for n in ("1", "2", "3")]
            self.end_tls()
            self.sql("UPDATE stock_local SET quantite = 100000 "
                     "WHERE magasin_id = 1 AND produit_id = 1")
        except BaseException:
            self.command("stop")
            raise
        return self

    def home(self, *number):
        return self.answer("home", *number)

    def sql(self, text):
        return subprocess.run(
            ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d",
             self.admin, "-c", text], stdout=subprocess.PIPE, check=True,
            text=True).stdout.strip()

    @staticmethod
    def pid(home):
        with open(os.path.join(home, "pid", "nginx.pid"),
                  encoding="ascii") as f:
            return int(f.read())

    def end_tls(self):
        """The balancer ends TLS too, as an operator would have it."""
        home = self.home()
        files = [os.path.join(home, name) for name in ("tls.pem", "tls.key")]
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
             "-days", "1", "-subj", "/CN=localhost", "-out", files[0],
             "-keyout", files[1]], check=True, stderr=subprocess.DEVNULL)
        conf = os.path.join(home, "nginx.conf")
        with open(conf, encoding="utf-8") as f:
            text = f.read()
        with open(conf, "w", encoding="utf-8") as f:
            f.write(text.replace(
                "server_name  localhost",
                f"listen 127.0.0.1:{self.tls_port} ssl;\n"
                f"ssl_certificate {files[0]};\n"
                f"ssl_certificate_key {files[1]};\n"
                "server_name  localhost", 1))
        os.kill(self.pid(home), signal.SIGHUP)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                ask(self.tls_port, "GET", "/healthz", tls=True)
                return
            except OSError:
                time.sleep(0.05)
        raise Failure("the balancer does not end TLS.")

    def kill(self, number):
        """All processes of a node at once, without a goodbye."""
        master = self.pid(self.home(str(number)))
        workers = subprocess.run(
            ["pgrep", "-P", str(master)], stdout=subprocess.PIPE, text=True,
            check=True).stdout.split()
        for pid in (master, *map(int, workers)):
            os.kill(pid, signal.SIGKILL)


class Impostor:
    """In the place of a node: notes what comes, and answers 200 after
    `delay` seconds or when it is `free`, or not at all when `silent`."""

    def __init__(self, cluster, number):
        self.cluster = cluster
        self.number = number
        self.delay = 0
        self.free = threading.Event()
        self.silent = False
        self.seen = []
        self.connections = 0
        self.open = []
        self.server = None

    def __enter__(self):
        self.cluster.command("stop-node", str(self.number))
        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", self.cluster.port + self.number), self.handler())
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()
        time.sleep(2.1)     # the balancer may have found it dead
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        # The balancer keeps what it has open.
        for connection in self.open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.cluster.command("start-node", str(self.number))
        time.sleep(2.1)

    def handler(self):
        impostor = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                impostor.connections += 1
                impostor.open.append(self.connection)

            def answer(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                impostor.seen.append(Seen(
                    self.command, self.path,
                    [(k.lower(), v) for k, v in self.headers.items()]))
                if impostor.silent:
                    self.close_connection = True
                    return
                impostor.free.wait(impostor.delay)
                self.send_response(200)
                self.send_header("Content-Length", "2")
                # The balancer may have turned to another node.
                with contextlib.suppress(OSError):
                    self.end_headers()
                    self.wfile.write(b"{}")

            do_GET = do_POST = do_PUT = do_PATCH = answer

            def log_message(self, *_):
                pass

        return Handler
