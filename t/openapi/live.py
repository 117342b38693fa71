"""A server of its own for the examples, and requests to it."""

import hashlib
import http.client
import json
import os
import subprocess
import sys
import time
import urllib.parse

from scenarios import TOKENS

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))

sys.path.append(os.path.join(TOP, "t", "nodes"))

from ports import free_port  # noqa: E402


class Answer:
    def __init__(self, base, path, head, response):
        self.base, self.head = base, head
        self.path = path.partition("?")[0]
        self.status = response.status
        self.headers = {k.lower(): v for k, v in response.getheaders()}
        if self.media() == "text/event-stream":
            # Up to the first empty line: it has no end.
            self.body = b""
            while not self.head and not self.body.endswith(b"\n\n"):
                self.body += response.read1() or b"\n\n"
        else:
            self.body = response.read()

    def header(self, name):
        return self.headers.get(name.lower())

    def media(self):
        return (self.header("Content-Type") or "").partition(";")[0]


class Server:
    """The instance of RUN_DIR/NAME, as "make run" makes one."""

    def __init__(self, name="openapi"):
        run_dir = os.path.join(os.environ.get("RUN_DIR") or
                               os.path.join(TOP, "run"), name)
        os.makedirs(run_dir, exist_ok=True)
        self.port = free_port()
        metrics_port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.environment = dict(os.environ, RUN_DIR=run_dir, WORKERS="1",
                                # Rows are changed by hand before requests.
                                CACHE="off",
                                PORT=str(self.port), ADDRESS="127.0.0.1",
                                METRICS_PORT=str(metrics_port))
        self.log = os.path.join(run_dir, "instance.log")
        self.fresh = None       # the statements after which nothing was written
        # The tokens of before, and what a run that was killed has left.
        self.command("remove")
        self.command("start")
        self.admin = self.answer("admin-conninfo")
        self.home = self.answer("home")
        self.tokens = {"demo": "token-430", **{n: n for n in TOKENS}}
        with open(os.path.join(self.home, "tokens"), "a",
                  encoding="utf-8") as file:
            for name, scopes in TOKENS.items():
                digest = hashlib.sha256(name.encode()).hexdigest()
                file.write(f"{name}:{digest}:{scopes}\n")
        # Workers look at the file every second.
        deadline = time.monotonic() + 60
        while self.send("POST", "/api/v1/products/",
                        {"Authorization": "Token lecture"}).status != 403:
            if time.monotonic() > deadline:
                raise RuntimeError("the tokens are not taken up")
            time.sleep(0.1)

    def command(self, *words):
        # Into a file: a pipe would be held open by the servers.
        with open(self.log, "a", encoding="utf-8") as log:
            subprocess.run(
                [os.path.join(TOP, "scripts", "instance.sh"), *words],
                env=self.environment, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, check=True)

    def answer(self, word):
        return subprocess.run(
            [os.path.join(TOP, "scripts", "instance.sh"), word],
            env=self.environment, stdout=subprocess.PIPE, check=True,
            text=True).stdout.strip()

    def psql(self, *options):
        return ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d",
                self.admin, *options]

    def reset(self, *statements):
        """The fixture, and on it what a scenario needs."""
        if self.fresh == statements:
            return
        options = ["-1", "-f", os.path.join(TOP, "t", "fixture.sql")]
        for statement in statements:
            options += ["-c", statement]
        subprocess.run(self.psql(*options), check=True,
                       stdout=subprocess.DEVNULL)
        self.fresh = statements

    def hold(self, statement):
        """A session that has done this, until release()."""
        session = subprocess.Popen(
            self.psql(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True)
        session.stdin.write(f"{statement};\n\\echo held\n")
        session.stdin.flush()
        while session.stdout.readline().strip() != "held":
            if session.poll() is not None:
                raise RuntimeError(f"psql does not do: {statement}")
        return session

    @staticmethod
    def release(session):
        session.stdin.close()
        session.stdout.close()
        session.wait(timeout=60)

    def send(self, method, path, headers=(), body=None):
        headers = dict(headers)
        fresh, self.fresh = self.fresh, None
        connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                timeout=60)
        try:
            try:
                connection.request(method, path, body=body, headers=headers)
            except (BrokenPipeError, ConnectionResetError):
                # A body that is too long is refused before it has arrived.
                pass
            answer = Answer(self.base, path, method == "HEAD",
                            connection.getresponse())
        finally:
            connection.close()
        # What was refused has written nothing, unless its key is kept, or the
        # refusal itself (409).
        if method in ("GET", "HEAD", "OPTIONS") or (
                400 <= answer.status < 500 and answer.status != 409
                and "Idempotency-Key" not in headers):
            self.fresh = fresh
        return answer


class Request:
    """A request of an operation, as a scenario changes it."""

    def __init__(self, server, operation, scenario, name=None):
        self.server, self.operation = server, operation
        path = {n: p["example"]
                for n, p in operation.parameters_in("path").items()}
        path.update(scenario.get("path", {}))
        self.path = operation.path
        for key, value in path.items():
            self.path = self.path.replace("{%s}" % key, str(value))
        if scenario.get("query"):
            self.path += "?" + urllib.parse.urlencode(scenario["query"])
        self.headers, self.body = {}, None
        if operation.scope() is not None:
            token = scenario.get("token", "demo")
            if token:
                self.headers["Authorization"] = \
                    f"Token {server.tokens[token]}"
        self.read_body(scenario, name)
        self.headers.update(scenario.get("headers", {}))

    def read_body(self, scenario, name):
        if not self.operation.body:
            return
        examples = bodies(self.operation)
        if "body" in scenario:
            body = scenario["body"]
        elif name in examples:
            body = examples[name]
        elif examples:
            body = next(iter(examples.values()))
        else:
            return
        if not isinstance(body, str):
            body = json.dumps(body, ensure_ascii=False)
        self.body = body.encode()
        self.headers["Content-Type"] = media(self.operation)

    def send(self, method=None, **headers):
        return self.server.send(
            method or self.operation.method.upper(), self.path,
            {**self.headers, **{k.replace("_", "-"): v
                                for k, v in headers.items()}}, self.body)


def media(operation):
    """The type that an operation's requests have: JSON, where it is one."""
    content = operation.body["content"]
    return "application/json" if "application/json" in content \
        else next(iter(content))


def bodies(operation, of=None):
    """The examples of a request's body, of this type or else media()."""
    if not operation.body:
        return {}
    content = operation.body["content"][of or media(operation)]
    return {name: operation.document.resolve(example)["value"]
            for name, example in content.get("examples", {}).items()}
