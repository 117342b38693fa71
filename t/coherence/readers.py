"""Processes that read, as fast as they are told to, and check what they get.

Each has some connections to each node.  Half of what it asks for shows a
register that was written just now; a part of it comes with If-None-Match, as
HEAD, or with Cache-Control: no-cache, and a third accepts gzip."""

import collections
import random
import re
import select
import socket
import time
import zlib

from board import NODES, RECENT
from checker import Before, Checker, Record, View
from shapes import LATEST_ODD, Wrong, all_shapes

PATIENCE = 15           # seconds; a worker may be stopped for two
BODIES = 400            # of one shape that are remembered
LENGTH = re.compile(rb"\r\nContent-Length: (\d+)\r\n")
ETAG = re.compile(rb'\r\nETag: ("[^"\r\n]*")\r\n')
CACHE = re.compile(rb"\r\nX-Magasin-Cache: (\w+)\r\n")
TYPE = re.compile(rb"\r\nContent-Type: ([^;\r\n]+)")

# What may be asked of one that is created meanwhile, and its register.
ONES = [("/api/v1/sales/{}/", ("sale", 0), None),
        ("/api/v1/replenishments/{}/", ("demande", 0), None),
        ("/api/v1/replenishments/{}/", ("decided", 0), b'"en_attente"'),
        ("/api/v1/products/{}/", ("created", 0), None),
        ("/api/v1/reservations/{}/", ("reserved", 0), None),
        ("/api/v1/reservations/{}/", ("over", 0), b'"retenue"'),
        ("/api/v1/counts/{}/", ("count", 0), None),
        ("/api/v1/counts/{}/", ("ended", 0), b'"ouvert"'),
        ("/api/v1/sales/{}/returns/", ("returned", 0), b'"results":[]')]


class Question:
    """What is asked on a connection, until it is answered."""

    __slots__ = ("view", "kind", "path", "before", "tag", "one", "refused")


class Wire:
    """A connection to a node, kept alive."""

    def __init__(self, node, port):
        self.node = node
        self.port = port
        self.socket = None
        self.fresh = True               # nothing was ever answered on it
        self.buffer = b""
        self.question = None

    def open(self):
        self.socket = socket.create_connection(("127.0.0.1", self.port), 2)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.buffer = b""
        self.fresh = True

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None


class Known:
    """What a shape has said so far."""

    def __init__(self):
        self.bodies = collections.OrderedDict()     # body: values
        self.tags = collections.OrderedDict()       # tag: body
        self.last = None                            # tag of the last body


class Reader:
    def __init__(self, board, ports, number, settings):
        self.board = board
        self.number = number
        self.record = Record()
        self.checker = Checker(board, self.record, settings.strict)
        self.random = random.Random(f"{settings.seed}-reader-{number}")
        self.settings = settings
        self.views = []
        self.known = {}
        self.requests = {}
        self.where = collections.defaultdict(list)  # views by register
        for shape in all_shapes():
            view = View(shape, board)
            self.views += [view] * shape.often
            self.known[view] = Known()
            for n in view.numbers:
                self.where[n] += [view] * (1 if len(view.numbers) > 8 else 2)
        self.hosts = [f"127.0.0.1:{port}" for port in ports]
        self.wires = [Wire(node, ports[node]) for node in NODES
                      for _ in range(settings.wires)]
        self.poll = select.epoll()
        self.by_fd = {}
        self.idle = collections.deque(self.wires)

    # Asking

    def host(self, view, node):
        return view.shape.host or self.hosts[node]

    def text(self, view, node, kind):
        key = view, node, kind
        found = self.requests.get(key)
        if found is None:
            found = self.requests[key] = request(
                view.shape.path, self.host(view, node), kind)
        return found

    def choose(self):
        if self.random.random() < 0.5:
            number = self.board.recent[self.random.randrange(RECENT)]
            views = self.where.get(number)
            if views:
                return self.random.choice(views)
        return self.random.choice(self.views)

    def ask(self, wire):
        """False: the node cannot be reached just now."""
        if wire.socket is None:
            try:
                wire.open()
            except OSError:
                self.record.count(self.board.phase, "lost", wire.node)
                return False
            self.by_fd[wire.socket.fileno()] = wire
            self.poll.register(wire.socket, select.EPOLLIN)
        question = wire.question = Question()
        dice = self.random.random()
        if dice < 0.06:
            text = self.ask_one(wire.node, question)
        else:
            text = self.ask_shape(wire.node, question, dice)
        try:
            wire.socket.send(text)
        except OSError:
            self.lose(wire)
        return True

    def ask_shape(self, node, question, dice):
        question.view = view = self.choose()
        question.path = view.shape.path
        question.one = question.tag = question.refused = None
        question.kind = "GET"
        last = self.known[view].last
        if dice < 0.12:
            question.kind = "HEAD"
        elif dice < 0.18:
            question.kind = "no-cache"
        elif dice < 0.23 and view.shape.may_be_absent:
            question.kind = "problem"
        elif dice < 0.45 and last:
            question.tag = last
        if question.kind == "GET" and self.random.random() < 0.33:
            question.kind = "gzip"
        text = self.text(view, node, question.kind)
        if question.tag:
            text = text[:-2] + b"If-None-Match: " + last + b"\r\n\r\n"
        question.before = Before(self.board, view, node, time.monotonic())
        return text

    def ask_one(self, node, question):
        """By its number: it may just have been made, or not yet."""
        path, name, refused = self.random.choice(ONES)
        number = self.board.index[name]
        value = max(1, self.board.highest[number]
                    + self.random.choice([-2, -1, 0, 0, 1, 1, 2]))
        question.view = None
        question.path = path.format(value)
        question.kind = "GET"
        question.tag = None
        question.refused = refused
        question.one = self.checker.known_one(number, value, node)
        question.before = Before(self.board, NO_VIEW, node, time.monotonic())
        return request(question.path, self.hosts[node], "GET")

    # Being answered

    def lose(self, wire, hung=False):
        """The connection has ended before the answer."""
        question = wire.question
        wire.question = None
        fd = wire.socket.fileno()
        self.by_fd.pop(fd, None)
        self.poll.unregister(wire.socket)
        wire.close()
        if question is None:
            return
        self.idle.append(wire)
        phase = question.before.phase
        if hung:
            self.record.find("statuses", phase, f"node {wire.node + 1}, "
                             f"{question.path}: no answer in {PATIENCE} s")
        elif not wire.fresh and phase in self.settings.closing:
            # A worker that leaves ends what is idle, and meets a request.
            self.record.count(phase, "closed", wire.node)
        else:
            self.record.count(phase, "lost", wire.node)
            if phase not in self.settings.losing:
                self.record.find("statuses", phase, f"node {wire.node + 1}, "
                                 f"{question.path}: the connection was lost")

    def receive(self, wire):
        try:
            data = wire.socket.recv(262144)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.lose(wire)
            return
        wire.buffer += data
        end = wire.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = wire.buffer[:end + 2]
        status = int(head[9:12])
        length = LENGTH.search(head)
        size = int(length[1]) if length and status != 304 \
            and wire.question.kind != "HEAD" else 0
        if len(wire.buffer) < end + 4 + size:
            return
        body = wire.buffer[end + 4:end + 4 + size]
        question = wire.question
        wire.buffer = b""
        wire.question = None
        wire.fresh = False
        self.idle.append(wire)
        if b"\r\nConnection: close" in head:
            self.by_fd.pop(wire.socket.fileno(), None)
            self.poll.unregister(wire.socket)
            wire.close()
        self.answered(wire.node, question, status, head, body)

    def answered(self, node, question, status, head, body):
        now = time.monotonic()
        phase = question.before.phase
        count = self.record.counts
        if b"\r\nContent-Encoding: gzip\r\n" in head and body:
            body = zlib.decompress(body, 31)
            count[phase, "gzip", node] += 1
        count[phase, "status", status] += 1
        cache = CACHE.search(head)
        level = cache[1].decode() if cache else None
        count[phase, "cache", level] += 1
        if self.settings.lie:
            status, head, body = self.settings.lie(
                self, question, status, head, body)
        if status not in (200, 304, 404):
            if status not in self.settings.failing.get(phase, ()):
                self.record.find("statuses", phase, f"node {node + 1}, "
                                 f"{question.path}: {status} {body[:200]!r}")
            return
        self.board.reads[self.number] += 1
        count[phase, "read", node] += 1
        if question.view is None:
            if status != 200 or question.refused and question.refused in body:
                self.checker.one_is_missing(question.path, node,
                                            question.before, question.one)
            return
        try:
            values = self.values(node, question, status, head, body)
        except Wrong as wrong:
            self.record.find("bodies", phase, f"node {node + 1}, "
                             f"{question.path}: {wrong}")
            return
        except (KeyError, ValueError, TypeError, IndexError) as error:
            self.record.find("bodies", phase, f"node {node + 1}, "
                             f"{question.path}: {error!r} in {body[:300]!r}")
            return
        if values is None:
            count[phase, "unknown", node] += 1
            return
        self.checker.look(question.view, node, question.before, values, now,
                          level)

    def values(self, node, question, status, head, body):
        """What an answer shows; None when there is no telling."""
        view = question.view
        known = self.known[view]
        if status == 404:
            kind = TYPE.search(head)[1]
            if not view.shape.may_be_absent:
                raise Wrong("404")
            if (kind == b"application/problem+json") \
                    != (question.kind == "problem"):
                raise Wrong(f"404 of {kind}, and it was asked for "
                            f"{question.kind}")
            return (LATEST_ODD,)
        tag = ETAG.search(head)
        tag = tag[1] if tag else None
        phase = question.before.phase
        if status == 304:
            if question.tag is None or tag != question.tag:
                self.record.find("etags", phase, f"{question.path}: 304 of "
                                 f"{tag}, asked with {question.tag}")
                return None
        if status == 304 or question.kind == "HEAD":
            # Of a body that was seen before, unless it is forgotten.
            seen = known.tags.get((node, tag)) \
                or known.tags.get((1 - node, tag))
            return seen and known.bodies.get(seen)
        values = known.bodies.get(body)
        if values is None:
            values = tuple(view.shape.parse(body, self.host(view, node)))
            remember(known.bodies, body, values)
        if tag:
            other = known.tags.get((node, tag))
            if other is None:
                remember(known.tags, (node, tag), body)
            elif other != body:
                self.record.find("etags", phase, f"{question.path}: {tag} is "
                                 f"{body[:200]!r} and {other[:200]!r}")
            known.last = tag
        return values

    # The loop

    def run(self):
        last = time.monotonic()
        budget = 0.0
        slow = last
        while not self.board.over:
            for fd, _ in self.poll.poll(0.002):
                wire = self.by_fd.get(fd)
                if wire:
                    if wire.question:
                        self.receive(wire)
                    else:
                        self.lose(wire)     # ended while it was idle
            now = time.monotonic()
            budget = min(budget + (now - last) * self.settings.rate,
                         len(self.wires))
            last = now
            for _ in range(len(self.idle)):
                if budget < 1:
                    break
                wire = self.idle.popleft()
                if not self.ask(wire):
                    self.idle.append(wire)
                    time.sleep(0.01)
                budget -= 1
            if now > slow + 1:
                slow = now
                for wire in self.wires:
                    question = wire.question
                    if question and now > question.before.start + PATIENCE:
                        self.lose(wire, hung=True)
        for wire in self.wires:
            wire.close()


class NoView:
    """Of what has no registers."""

    numbers = []
    shown = [None, None]

    @staticmethod
    def take(_):
        return ()


NO_VIEW = NoView()


def remember(table, key, value):
    table[key] = value
    if len(table) > BODIES:
        table.popitem(last=False)


def request(path, host, kind):
    """As bytes, with the empty line at its end."""
    more = {"no-cache": "Cache-Control: no-cache\r\n",
            "gzip": "Accept-Encoding: gzip\r\n",
            "problem": "Accept: application/problem+json\r\n"}.get(kind, "")
    method = "HEAD" if kind == "HEAD" else "GET"
    return (f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{more}"
            "\r\n").encode()
