#!/usr/bin/python3
"""Hostile clients of a whole server: nginx with the sanitized module.

usage: server.py [--seconds N] [--seed N]

HTTP/1 and HTTP/2, requests that are valid and such as were one before they
were damaged, in pieces, pipelined, given up half-way.  Nobody may end a
worker: the last line says what else is looked at.  The instance is
RUN_DIR/fuzz, with PostgreSQL and Redis of its own.
"""

import argparse
import contextlib
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import hpack

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))

sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(TOP, "t", name) for name in ("openapi", "nodes")]

import table  # noqa: E402
from ports import free_port  # noqa: E402

TOKEN = "token-430"
HOST = "localhost"      # which the shipped configuration knows
CLIENTS = 6
# What nginx itself says of methods, codings and versions that it has not.
NGINX_5XX = (501, 505)
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

# Those of the module, and what is a path by its query, or is none.
PATHS = sorted({re.sub(r"\{\w+\}", "%d", endpoint.path)
                for endpoint in table.endpoints()}) + [
    "/api/v1/products/?q=a&limit=2", "/api/v1/products/?id=%d,%d",
    "/api/v1/dashboard/?detail=true",
    "/api/v1/stock/central/?q=a%%20b&ordering=-quantite&limit=2",
    "/api/v1/journal/?ordering=-id&produit=%d&limit=1000",
    "/api/v1/products/?limit=1000&archive=true",
    "/api/v1/stores/%d/stock/list/?page=%d", "/api/v1/sales/?magasin=%d",
    "/api/v1/journal/?limit=3", "/api/v1/journal/?cursor=AAAA",
    "/metrics", "/status", "/openapi.json", "/", "/assets/x", "/swagger/",
    "/rien", "/api/v1/", "/%%00", "/a%%2fb", "/api/v1/products/\xff\xfe/"]
WRITES = [("POST", "/api/v1/products/", '{"nom":"f","categorie":"x",'
           '"prix":"1.50","quantite_stock":1,"description":"é"}'),
          ("PUT", "/api/v1/products/%d/", '{"nom":"f","categorie":"x",'
           '"prix":2,"quantite_stock":1}'),
          ("PATCH", "/api/v1/products/%d/", '{"prix":"3.25"}'),
          ("POST", "/api/v1/sales/", '{"magasin":%d,"lignes":'
           '[{"produit":%d,"quantite":1}]}'),
          ("POST", "/api/v1/stores/%d/stock/%d/adjust/", '{"delta":1,'
           '"motif":"inventaire"}'),
          ("POST", "/api/v1/replenishments/", '{"magasin":%d,"produit":%d,'
           '"quantite":2}'),
          ("POST", "/api/v1/replenishments/%d/approve/", "{}"),
          ("POST", "/api/v1/cache/flush/", ""),
          ("DELETE", "/api/v1/products/%d/", "")]
HEADERS = [("Accept", "application/json"), ("Accept", "text/html;q=1,*/*"),
           ("Accept", "application/problem+json"), ("Accept", ""),
           ("Cache-Control", "no-cache"), ("Cache-Control", "max-age=0, x=y"),
           ("If-None-Match", '"abc", W/"d"'), ("If-Match", '"0123abcd"'),
           ("If-Match", "*"), ("Idempotency-Key", '"clef-%d"'),
           ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-"
            "b7ad6b7169203331-01"), ("X-Request-ID", "\xe9\xff"),
           ("Origin", "https://autre.example"), ("Expect", "100-continue"),
           ("Access-Control-Request-Method", "PUT"),
           ("Range", "bytes=0-3,5-"), ("Accept-Encoding", "gzip"),
           ("Connection", "close"), ("Connection", "keep-alive"),
           ("Content-Type", "multipart/form-data; boundary=b"),
           ("Transfer-Encoding", "chunked"), ("Content-Length", "7"),
           ("Host", "a b"), ("X", "y" * 3000)]


class Failure(Exception):
    """What should not be; the message says what."""


def kept(name):
    directory = os.path.join(HERE, "corpus", name)
    inputs = []
    for file in sorted(os.listdir(directory)):
        with open(os.path.join(directory, file), "rb") as f:
            # The first byte is for the harness.
            inputs.append(f.read()[1:].replace(
                b"Host: h\r\n", b"Host: " + HOST.encode() + b"\r\n"))
    return inputs


def words(name):
    with open(os.path.join(HERE, "dict", name), encoding="utf-8") as f:
        found = re.findall(r'^"(.*)"$', f.read(), re.M)
    return [re.sub(rb"\\x(..)|\\(.)",
                   lambda m: bytes([int(m[1], 16)]) if m[1] else m[2],
                   word.encode()) for word in found]


def damage(rng, data, dictionary, others):
    """Some mutations; most inputs stay nearly what they were."""
    data = bytearray(data)
    for _ in range(rng.choice((0, 0, 1, 1, 2, 3, 8))):
        at = rng.randrange(len(data) + 1)
        how = rng.randrange(8)
        if how == 0 and data:
            data[at % len(data)] ^= 1 << rng.randrange(8)
        elif how == 1 and data:
            data[at % len(data)] = rng.randrange(256)
        elif how == 2:
            del data[at:at + rng.choice((1, 2, 8, 64))]
        elif how == 3:
            piece = data[at:at + rng.choice((1, 4, 32, 200))]
            data[at:at] = piece * rng.choice((1, 2, 30))
        elif how in (4, 5):
            data[at:at] = rng.choice(dictionary)
        elif how == 6:
            other = rng.choice(others)
            data[at:] = other[rng.randrange(len(other) + 1):]
        else:
            data[at:at] = bytes(rng.randrange(256)
                                for _ in range(rng.choice((1, 3, 16))))
    return bytes(data)


def numbers(rng, text):
    return re.sub("%d", lambda _: str(rng.choice(
        (1, 2, 3, 5, 15, 99999, 2 ** 63))), text).replace("%%", "%")


def fields(rng):
    chosen = [(name, numbers(rng, value)) for name, value in
              rng.sample(HEADERS, rng.choice((0, 1, 2, 4)))]
    if rng.random() < 0.5:
        chosen.append(("Authorization", "Token " + TOKEN))
    if rng.random() < 0.01:
        chosen += [("Accept", "")] * 400
    return chosen


def question(rng):
    """(method, path, body)"""
    if rng.random() < 0.4:
        method, path, body = rng.choice(WRITES)
        return method, numbers(rng, path), numbers(rng, body).encode()
    method = rng.choice(("GET", "GET", "GET", "HEAD", "OPTIONS", "TRACE",
                         "PROPFIND", "POST", "DELETE"))
    return method, numbers(rng, rng.choice(PATHS)), b""


def request1(rng):
    method, path, body = question(rng)
    chosen = [("Host", HOST)] + fields(rng)
    if body:
        chosen.append(("Content-Type", rng.choice(
            ("application/json", "application/x-www-form-urlencoded",
             "multipart/form-data; boundary=b", "text/plain"))))
        if rng.random() < 0.3:
            chosen.append(("Transfer-Encoding", "chunked"))
            cut = rng.randrange(len(body) + 1)
            body = b"".join(b"%x%s\r\n%s\r\n" % (
                len(part), rng.choice((b"", b";a=b", b" ")), part)
                for part in (body[:cut], body[cut:]) if part) + b"0\r\n\r\n"
        else:
            chosen.append(("Content-Length", str(len(body))))
    head = f"{method} {path} HTTP/1.{rng.choice('1110')}\r\n" + "".join(
        f"{name}: {value}\r\n" for name, value in chosen) + "\r\n"
    return head.encode("latin-1") + body


def frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + \
        struct.pack(">I", stream) + payload


def request2(rng, encoder, stream):
    """Frames of one request, with what a peer may add to it."""
    method, path, body = question(rng)
    chosen = [(":method", method), (":scheme", "http"), (":authority", HOST),
              (":path", path)]
    rng.random() < 0.05 and rng.shuffle(chosen)
    chosen += [(name.lower(), value) for name, value in fields(rng)
               if name not in ("Connection", "Transfer-Encoding", "Host")
               or rng.random() < 0.05]
    if body:
        chosen.append(("content-type", "application/json"))
    block = encoder.encode(
        [(n.encode("latin-1"), v.encode("latin-1")) for n, v in chosen],
        huffman=rng.random() < 0.5)
    end = 0 if body else 1
    how = rng.random()
    if how < 0.15:
        # HEADERS and a flood of small CONTINUATIONs, some of them empty.
        size = rng.choice((1, 3, 10))
        parts = [block[i:i + size] for i in range(0, len(block), size)]
        for _ in range(rng.choice((0, 20, 300))):
            parts.insert(rng.randrange(1, len(parts) + 1), b"")
        out = frame(1, end, stream, parts[0]) + b"".join(
            frame(9, 0, stream, part) for part in parts[1:-1]) + \
            frame(9, rng.choice((4, 4, 4, 0)), stream, parts[-1])
    elif how < 0.25:
        out = frame(1, 0x2c | end, stream, bytes((4,)) + struct.pack(
            ">IB", rng.choice((0, stream, 1 << 31)), 7) + block + b"\0" * 4)
    else:
        out = frame(1, 4 | end, stream, block)
    if body:
        cut = rng.randrange(len(body) + 1)
        out += frame(0, 0, stream, body[:cut]) + rng.choice(
            (b"", frame(3, 0, stream, b"\0\0\0\x08"), frame(
                6, 0, 0, b"12345678"))) + frame(0, 1, stream, body[cut:])
    extra = rng.random()
    if extra < 0.1:
        out += frame(3, 0, stream, struct.pack(">I", rng.randrange(14)))
    elif extra < 0.15:
        out += frame(6, rng.choice((0, 1)), 0, b"x" * 8) * 200
    elif extra < 0.2:
        out += frame(4, 0, 0, struct.pack(
            ">HI", rng.randrange(8), rng.choice((0, 1, 16384, 1 << 31)))) * 50
    elif extra < 0.25:
        out += frame(8, 0, rng.choice((0, stream)), struct.pack(
            ">I", rng.choice((0, 1, 1 << 30, (1 << 31) - 1))))
    elif extra < 0.28:
        out += frame(2, 0, stream, struct.pack(">IB", stream, 1))
    elif extra < 0.3:
        out += frame(rng.randrange(256), rng.randrange(256), rng.randrange(9),
                     b"y" * rng.randrange(50))
    return out


class Client(threading.Thread):
    """Sends until it is told to stop; what is wrong is in `failure`."""

    def __init__(self, server, seed, inputs):
        super().__init__()
        self.server = server
        self.rng = random.Random(seed)
        self.inputs = inputs
        self.counts = {"http1": 0, "http2": 0, "answers": 0}
        self.statuses = {}
        self.failure = None
        self.last = b""

    def run(self):
        try:
            while not self.server.over and not self.server.failures:
                if self.rng.random() < 0.55:
                    self.http1()
                else:
                    self.http2()
        except Exception as error:      # pylint: disable=broad-except
            self.failure = f"{type(error).__name__}: {error}"
            self.server.failures.append(f"{self.failure} after {self.last!r}")

    def exchange(self, port, data, patience):
        """Send in pieces, perhaps not all; what came back."""
        rng = self.rng
        self.last = data[:6000]
        received = []
        try:
            with socket.create_connection(("127.0.0.1", port),
                                          timeout=5) as s:
                s.settimeout(patience)
                pieces = [data]
                if rng.random() < 0.3 and len(data) > 1:
                    cuts = sorted(rng.randrange(len(data))
                                  for _ in range(rng.choice((1, 2, 9))))
                    pieces = [data[a:b] for a, b in zip([0] + cuts,
                                                        cuts + [len(data)])]
                for piece in pieces:
                    s.sendall(piece)
                    if len(pieces) > 1 and rng.random() < 0.3:
                        time.sleep(rng.random() * 0.004)
                how = rng.random()
                if how < 0.1:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 struct.pack("ii", 1, 0))
                    return b""
                if how < 0.8:
                    s.shutdown(socket.SHUT_WR)
                while True:
                    piece = s.recv(65536)
                    if not piece:
                        break
                    received.append(piece)
        except OSError:
            pass
        return b"".join(received)

    def http1(self):
        rng = self.rng
        valid = [request1(rng) if rng.random() < 0.8
                 else rng.choice(self.inputs["http1"])
                 for _ in range(rng.choice((1, 1, 1, 2, 4)))]
        data = damage(rng, b"".join(valid), self.inputs["words1"],
                      self.inputs["http1"])
        self.counts["http1"] += 1
        self.answers1(self.exchange(self.server.port, data, 0.25),
                      b"HEAD" in data)

    def answers1(self, data, head):
        """Each whole answer; behind a HEAD nobody knows where one ends."""
        while data.startswith(b"HTTP/1.1 "):
            top, _, rest = data.partition(b"\r\n\r\n")
            status = int(top[9:12])
            if status == 100:
                data = rest
                continue
            self.counts["answers"] += 1
            self.status(status, top)
            if head:
                return
            length = re.search(rb"(?i)\r\ncontent-length: (\d+)", top)
            if re.search(rb"(?i)\r\ntransfer-encoding: chunked", top):
                body, data = b"", rest
                while True:
                    size, _, rest = data.partition(b"\r\n")
                    if not re.fullmatch(rb"[0-9a-f]+", size):
                        return
                    size = int(size, 16)
                    body += rest[:size]
                    data = rest[size + 2:]
                    if not size:
                        break
            elif length and len(rest) >= int(length[1]):
                body, data = rest[:int(length[1])], rest[int(length[1]):]
            else:
                return
            if body and re.search(rb"(?i)\r\ncontent-type: application/"
                                  rb"(problem\+)?json", top) and \
                    b"ontent-Encoding:" not in top and status != 206 and \
                    b"multipart/byteranges" not in top:
                json.loads(body.decode("utf-8"))

    def http2(self):
        rng = self.rng
        encoder = hpack.Encoder()
        data = frame(4, 0, 0, b"") + b"".join(
            request2(rng, encoder, 1 + 2 * i)
            for i in range(rng.choice((1, 1, 2, 5, 20))))
        if rng.random() < 0.15:
            data = rng.choice(self.inputs["http2"])
        valid = rng.random() < 0.4
        if not valid:
            data = damage(rng, data, self.inputs["words2"],
                          self.inputs["http2"])
        self.counts["http2"] += 1
        self.answers2(self.exchange(self.server.port2, PREFACE + data, 0.15))

    def answers2(self, data):
        decoder = hpack.Decoder()
        while len(data) >= 9:
            size = int.from_bytes(data[:3], "big")
            if data[3] == 1 and len(data) >= 9 + size:
                top = dict(decoder.decode(data[9:9 + size], raw=True))
                self.counts["answers"] += 1
                self.status(int(top[b":status"]), b"HTTP/2")
            data = data[9 + size:]

    def status(self, status, top):
        self.statuses[status] = self.statuses.get(status, 0) + 1
        if status >= 500 and status not in (503, 504) + NGINX_5XX:
            raise Failure(f"{status} was answered")
        if status == 503 and top != b"HTTP/2" and \
                b"\r\nRetry-After:" not in top:
            raise Failure("503 without Retry-After")


class Server:
    def __init__(self):
        self.over = False
        self.failures = []
        self.port, self.port2, metrics = (free_port() for _ in range(3))
        run = os.path.join(os.environ.get("RUN_DIR") or
                           os.path.join(TOP, "run"), "fuzz")
        os.makedirs(run, exist_ok=True)
        self.output = os.path.join(run, "instance.log")
        self.environment = dict(
            os.environ, RUN_DIR=run, PORT=str(self.port),
            ADDRESS="127.0.0.1", WORKERS="2", CACHE="on", START_TIMEOUT="60",
            METRICS_PORT=str(metrics),
            MODULE=os.path.join(TOP, "build", "asan", "objs",
                                "ngx_http_magasin_module.so"),
            TEMPLATE=os.path.join(run, "template.conf"))
        self.run = run
        self.home = run
        self.slowest = 0

    def command(self, *names, check=True):
        for name in names:
            with open(self.output, "a", encoding="utf-8") as log:
                done = subprocess.run(
                    [os.path.join(TOP, "scripts", "instance.sh"), name],
                    env=self.environment, stdin=subprocess.DEVNULL,
                    stdout=log, stderr=log, check=False)
            if check and done.returncode:
                raise Failure(f"instance.sh {name} failed: see {self.output}")

    def start(self):
        self.command("stop")
        with open(os.path.join(TOP, "conf", "nginx.conf"),
                  encoding="utf-8") as f:
            text = f.read()
        # The same servers speak HTTP/2 as well.
        text, n = re.subn(r"(?m)^( *)listen +@LISTEN@([^;]*);",
                          rf"\g<0>\n\1listen 127.0.0.1:{self.port2} http2\2;",
                          text)
        if n == 0:
            raise Failure("conf/nginx.conf listens nowhere")
        with open(self.environment["TEMPLATE"], "w", encoding="utf-8") as f:
            f.write(text)
        self.command("start-db")
        self.home = subprocess.run(
            [os.path.join(TOP, "scripts", "instance.sh"), "home"],
            env=self.environment, stdout=subprocess.PIPE, check=True,
            text=True).stdout.strip()
        self.sanitized()
        for log in ("error.log", "access.log"):
            with contextlib.suppress(FileNotFoundError):
                os.remove(os.path.join(self.home, "log", log))
        self.command("start")

    def sanitized(self):
        """An nginx in which the sanitizer is before anything else."""
        reports = os.path.join(self.home, "asan")
        shutil.rmtree(reports, ignore_errors=True)
        os.makedirs(reports)
        os.chmod(reports, 0o1777)
        libasan = subprocess.run(
            ["gcc", "-print-file-name=libasan.so"], check=True,
            stdout=subprocess.PIPE, text=True).stdout.strip()
        nginx = shutil.which(os.environ.get("NGINX_BINARY") or "nginx",
                             path=os.environ["PATH"] + ":/usr/sbin")
        wrapper = os.path.join(reports, "nginx")
        with open(wrapper, "w", encoding="utf-8") as f:
            f.write("#!/bin/sh\nASAN_OPTIONS=\"detect_leaks=0:handle_sigill=1:"
                    f"log_path='{reports}/report'\"\nLD_PRELOAD={libasan}\n"
                    "export ASAN_OPTIONS LD_PRELOAD\n"
                    f"exec {nginx} \"$@\"\n")
        os.chmod(wrapper, 0o755)
        self.environment["NGINX_BINARY"] = wrapper

    def workers(self):
        with open(os.path.join(self.home, "pid", "nginx.pid"),
                  encoding="ascii") as f:
            master = f.read().strip()
        return sorted(subprocess.run(
            ["pgrep", "-P", master], stdout=subprocess.PIPE, text=True,
            check=True).stdout.split())

    def rss(self):
        total = 0
        for pid in self.workers():
            with open(f"/proc/{pid}/statm", encoding="ascii") as f:
                total += int(f.read().split()[1]) * 4
        return total // 1024

    def healthy(self):
        """A good client, all the time: who waits for it would give up."""
        while not self.over and not self.failures:
            started = time.monotonic()
            connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                    timeout=10)
            try:
                connection.request("GET", "/healthz")
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    self.failures.append(f"/healthz is {answer.status}")
            except OSError as error:
                self.failures.append(f"/healthz: {error}")
            finally:
                connection.close()
            self.slowest = max(self.slowest, time.monotonic() - started)
            time.sleep(0.1)

    def logs(self):
        """Whatever is in the logs that should not be."""
        found = []
        with open(os.path.join(self.home, "log", "error.log"), "rb") as f:
            lines = f.read().split(b"\n")
        bad = [line for line in lines
               if re.search(rb"\[(alert|crit|emerg)\]", line)]
        if bad:
            found.append(f"{len(bad)} lines such as {bad[0][:200]!r}")
        reports = os.path.join(self.home, "asan")
        for file in os.listdir(reports):
            if file.startswith("report"):
                with open(os.path.join(reports, file), encoding="utf-8",
                          errors="replace") as f:
                    found.append("the sanitizer: " + f.read(3000))
        self.lines = 0
        with open(os.path.join(self.home, "log", "access.log"), "rb") as f:
            bad = {"JSON": [], "UTF-8": []}
            for line in f:
                self.lines += 1
                try:
                    json.loads(line.decode("utf-8"))
                except UnicodeDecodeError:
                    bad["UTF-8"].append(line)
                except ValueError:
                    bad["JSON"].append(line)
        found += [f"{len(lines)} lines of the access log are no {what}, such "
                  f"as {lines[0][:400]!r}" for what, lines in bad.items()
                  if lines]
        return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int,
                        default=random.randrange(1 << 32))
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    ends = time.monotonic() + options.seconds

    server = Server()
    inputs = {"http1": kept("http1"), "http2": kept("http2"),
              "words1": words("http1"), "words2": words("http2")}
    clients = [Client(server, options.seed + i, inputs)
               for i in range(CLIENTS)]
    failures = []
    before = after = []
    try:
        server.start()
        before = server.workers()
        memory = server.rss()
        watcher = threading.Thread(target=server.healthy)
        for thread in [watcher] + clients:
            thread.start()
        while time.monotonic() < ends and not server.failures:
            time.sleep(0.2)
        server.over = True
        for thread in [watcher] + clients:
            thread.join()
        after = server.workers()
        if before != after:
            failures.append(f"the workers were {before} and are {after}")
        grown = server.rss()
    except Failure as error:
        failures.append(str(error))
        memory = grown = 0
    finally:
        server.over = True
        server.command("stop", check=False)

    failures += server.failures[:2]
    if before:
        failures += server.logs()

    def total(name):
        return sum(client.counts[name] for client in clients)

    statuses = {}
    for client in clients:
        for status, n in client.statuses.items():
            statuses[status] = statuses.get(status, 0) + n
    print(f"{total('http1') + total('http2')} connections "
          f"({total('http2')} HTTP/2), {total('answers')} answers, "
          + ", ".join(f"{n} x {status}" for status, n in
                      sorted(statuses.items())))
    print(f"/healthz took {server.slowest * 1000:.0f} ms at most; workers "
          f"{memory} MB, then {grown} MB; "
          f"{getattr(server, 'lines', 0)} lines logged; seed {options.seed}")
    for failure in failures:
        print("FAILED:", failure)
    print("server: no worker gone, no report, no alert, no 5xx, JSON in the "
          "answers and the log" if not failures else
          f"server: {len(failures)} faults")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
