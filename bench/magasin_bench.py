"""What bench/run, bench/soak and bench/reload share: an instance of their own,
what it costs in CPU and memory, and a client that counts every answer."""

import glob
import json
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BENCH = os.path.join(TOP, "bench")
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")

sys.path.append(os.path.join(TOP, "t", "nodes"))

from ports import free_port  # noqa: E402
from script import Failure  # noqa: E402


def setting(name, default, least=1):
    """A whole number from the environment."""
    text = os.environ.get(name) or str(default)
    if not text.isdigit() or int(text) < least:
        raise Failure(f"{name}={text} is not a number from {least}.")
    return int(text)


def say(text=""):
    print(text, flush=True)


def main(function):
    """Run it; signals end it the way that stops the servers, too."""

    def leave(number, frame):
        raise SystemExit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    try:
        sys.exit(function())
    except Failure as failure:
        print(f"{os.path.basename(sys.argv[0])}: {failure}", file=sys.stderr)
        sys.exit(1)


def use_cores(wanted):
    """Keep us and all that we start on so many cores; how many it became."""
    cores = sorted(os.sched_getaffinity(0))[:wanted]
    os.sched_setaffinity(0, cores)
    return len(cores)


# Processes


def stat_of(pid):
    """The fields of /proc/PID/stat from the third on, or None."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as f:
            return f.read().rpartition(b")")[2].split()
    except OSError:
        return None


def children(parent):
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            stat = stat_of(name)
            if stat and int(stat[1]) == parent:
                found.append(int(name))
    return sorted(found)


def cpu_of_tree(parent):
    """Seconds that a server and all its children, also those that have ended,
    have been on a core."""
    ticks = 0
    for pid in [parent] + children(parent):
        stat = stat_of(pid)
        if stat:
            ticks += int(stat[11]) + int(stat[12])
            if pid == parent:
                ticks += int(stat[13]) + int(stat[14])
    return ticks / TICK


def machine():
    """Seconds since the start of the machine that our cores were busy, by
    anybody, idle, and taken away by the hypervisor."""
    ours = {f"cpu{n}" for n in os.sched_getaffinity(0)}
    busy = idle = stolen = 0
    with open("/proc/stat", encoding="ascii") as f:
        for line in f:
            name, *fields = line.split()
            if name in ours:
                ticks = [int(field) for field in fields]
                busy += ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]
                idle += ticks[3] + ticks[4]
                stolen += ticks[7]
    return busy / TICK, idle / TICK, stolen / TICK


def memory_of(pid):
    """Bytes: resident, proportional share, private."""
    memory = {"rss": 0, "pss": 0, "private": 0}
    names = {"Rss": "rss", "Pss": "pss", "Private_Clean": "private",
             "Private_Dirty": "private"}
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        for line in f:
            name, _, rest = line.partition(":")
            if name in names:
                memory[names[name]] += int(rest.split()[0]) * 1024
    return memory


def peak_of(pid):
    """Bytes: the most that was resident, since it was last reset."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
        return int(re.search(r"^VmHWM:\s+(\d+)", f.read(), re.M)[1]) * 1024


# The instance


class Instance:
    """nginx with the module, PostgreSQL and Redis under RUN_DIR/bench, with
    what data.sql makes, or in a directory there of that name, with what
    demo-scale makes of LINES, STORES and PRODUCTS.  Without the cache, unless
    it is asked for: most questions are about what comes behind it."""

    def __init__(self, workers, name="", cache="off", **scale):
        run_dir = os.path.normpath(os.path.join(
            os.environ.get("RUN_DIR") or os.path.join(TOP, "run"), "bench",
            name))
        os.makedirs(run_dir, exist_ok=True)
        self.port = int(not name and os.environ.get("PORT") or free_port())
        self.workers = workers
        self.scale = scale
        self.log = os.path.join(run_dir, "instance.log")
        self.environment = dict(os.environ, RUN_DIR=run_dir,
                                PORT=str(self.port), ADDRESS="127.0.0.1",
                                WORKERS=str(workers), CACHE=cache)

    def __enter__(self):
        try:
            self.command("stop")
            self.command("start-db")
            self.home = self.answer("home")
            self.admin = self.answer("admin-conninfo")
            self.web = self.answer("web-conninfo")
            if self.scale:
                self.load_scale()
            else:
                say("loading a thousand products and a hundred stores")
                self.sql(["-1", "-f", os.path.join(BENCH, "data.sql")])
                self.sql(["-c", "VACUUM ANALYZE"])
            self.errors_before = self.error_log_size()
            self.command("start")
            self.nginx = int(self.first_line("pid/nginx.pid"))
            self.postgres = int(self.first_line("data/postmaster.pid"))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        try:
            self.empty_access_log()
        except (AttributeError, OSError):
            pass
        self.command("stop")

    def load_scale(self):
        """What an earlier run has left is taken as long as it is fresh: the
        dates count from the day it was made."""
        wanted = [self.scale[k] for k in ("LINES", "STORES", "PRODUCTS")]
        found = self.sql(["-F", " ", "-c", """
            SELECT (SELECT count(*) FROM ligne_vente),
                   (SELECT count(*) FROM magasin),
                   (SELECT count(*) FROM produit),
                   (SELECT max(date_vente) > now() - interval '3 days'
                      FROM vente)"""])
        if found != " ".join([*map(str, wanted), "t"]):
            say("making {:,} sale lines of {:,} stores and {:,} products"
                .format(*wanted))
            self.script("demo_scale.sh", **self.scale)
        # As the servers' timer does, before rather than meanwhile.
        while self.sql(["-c", "SELECT entretien()"]) == "t":
            pass
        self.sql(["-c", "VACUUM ANALYZE", "-c", "CHECKPOINT"])

    def command(self, *words):
        self.script("instance.sh", *words)

    def script(self, name, *words, **variables):
        # Into a file: a pipe would be held open by the servers.
        with open(self.log, "a", encoding="utf-8") as log:
            done = subprocess.run(
                [os.path.join(TOP, "scripts", name), *words],
                env=dict(self.environment,
                         **{k: str(v) for k, v in variables.items()}),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False)
        if done.returncode:
            with open(self.log, encoding="utf-8") as log:
                tail = "".join(log.readlines()[-5:])
            raise Failure(f"{' '.join((name, *words))} failed:\n{tail}")

    def answer(self, word):
        return subprocess.run(
            [os.path.join(TOP, "scripts", "instance.sh"), word],
            env=self.environment, stdout=subprocess.PIPE, check=True,
            text=True).stdout.strip()

    def first_line(self, name):
        with open(os.path.join(self.home, name), encoding="ascii") as f:
            return f.readline().strip()

    def sql(self, words):
        done = subprocess.run(
            ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
             "-d", self.admin, *words],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
            text=True)
        if done.returncode:
            raise Failure(f"psql: {done.stderr.strip()}")
        return done.stdout.strip()

    def empty_access_log(self):
        """nginx appends, so that it goes on at the start of the file."""
        path = os.path.join(self.home, "log", "access.log")
        if os.path.exists(path):
            os.truncate(path, 0)

    def error_log_size(self):
        path = os.path.join(self.home, "log", "error.log")
        return os.path.getsize(path) if os.path.exists(path) else 0

    def error_lines(self):
        """Lines of nginx's log, since we started it, that nothing here should
        cause."""
        path = os.path.join(self.home, "log", "error.log")
        with open(path, encoding="utf-8", errors="replace") as f:
            f.seek(self.errors_before)
            return [line.strip() for line in f
                    if re.search(r"\[(alert|crit|emerg)\]", line)]

    def worker_pids(self):
        """Workers in service: those that shut down say so in their title."""
        found = []
        for pid in children(self.nginx):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    title = f.read().replace(b"\0", b" ").strip()
            except OSError:
                continue
            if title == b"nginx: worker process":
                found.append(pid)
        return found

    def connections_of(self, pid):
        """The clients' ports of the connections that a worker holds."""
        inodes = {}
        with open("/proc/net/tcp", encoding="ascii") as f:
            for line in list(f)[1:]:
                fields = line.split()
                if int(fields[1].split(":")[1], 16) == self.port:
                    inodes[fields[9]] = int(fields[2].split(":")[1], 16)
        ports = set()
        for name in glob.glob(f"/proc/{pid}/fd/*"):
            try:
                target = os.readlink(name)
            except OSError:
                continue
            if target.startswith("socket:["):
                ports.add(inodes.get(target[8:-1]))
        return ports - {None, 0}

    def postgres_settings(self):
        """The settings that decide what a transaction costs."""
        names = ("fsync", "synchronous_commit", "full_page_writes",
                 "wal_sync_method", "shared_buffers", "jit")
        return {name: self.sql(["-c", f"SHOW {name}"]) for name in names}


def statement(name):
    """The text of bench/NAME.sql or sql/statements/NAME.sql, no comments."""
    path = os.path.join(TOP, "bench", f"{name}.sql")
    if not os.path.exists(path):
        path = os.path.join(TOP, "sql", "statements", f"{name}.sql")
    with open(path, encoding="utf-8") as f:
        return "".join(line for line in f
                       if line.strip() and not line.lstrip().startswith("--"))


def output_of(*words):
    done = subprocess.run(words, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, text=True)
    return done.stdout.strip().splitlines()[0] if done.stdout else "unknown"


def pgbench_binary():
    """Debian's pgbench itself, not the wrapper in front of it."""
    found = glob.glob("/usr/lib/postgresql/*/bin/pgbench")
    return max(found, key=lambda p: int(p.split("/")[4]), default="pgbench")


def environment(instance, cores):
    """What a figure means nothing without."""
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = re.search(r"^model name\s*:\s*(.*)$", f.read(), re.M)
    with open(os.path.join(instance.home, "nginx.conf"),
              encoding="utf-8") as f:
        conf = f.read()
    pool = re.search(r"\bconnections=(\d+)", conf)
    commit = subprocess.run(
        ["git", "-C", TOP, "describe", "--always", "--dirty"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
        text=True).stdout.strip()
    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "commit": commit or "unknown",
        "cpu": model.group(1) if model else "unknown",
        "cores": cores,
        "kernel": os.uname().release,
        "nginx": output_of("nginx", "-v").rpartition("/")[2],
        "postgresql": instance.sql(["-c", "SHOW server_version"]),
        "pgbench": output_of(pgbench_binary(), "--version"),
        "wrk": output_of("wrk", "-v").split("[")[0].strip(),
        "workers": len(instance.worker_pids()),
        "connections_per_worker": int(pool.group(1)) if pool else None,
        "postgresql_settings": instance.postgres_settings(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def keep(name, result):
    """Put one program's result into bench/results.json beside the others."""
    path = os.path.join(BENCH, "results.json")
    try:
        with open(path, encoding="utf-8") as f:
            everything = json.load(f)
    except (OSError, ValueError):
        everything = {}
    everything[name] = result
    with open(path + ".new", "w", encoding="utf-8") as f:
        json.dump(everything, f, indent=2, ensure_ascii=False)
        f.write("\n")
    os.replace(path + ".new", path)


# A client.  wrk counts answers by class only and cannot stop after a number
# of requests; here every request has the status that it must get.


class Request:
    def __init__(self, method, path, status, headers="", body=""):
        data = body.encode()
        length = f"Content-Length: {len(data)}\r\n" if data else ""
        self.wire = (f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n"
                     f"{headers}{length}\r\n").encode() + data
        self.name = f"{method} {path}"
        self.status = b"%d" % status
        self.head = method == "HEAD"


class Client:
    """One keep-alive connection with one request on its way."""

    def __init__(self, load):
        self.load = load
        self.socket = None
        self.request = None
        self.received = b""
        self.answered = 0           # on this connection
        self.retried = False

    def connect(self):
        self.socket = socket.create_connection(self.load.address, timeout=5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.answered = 0
        self.received = b""
        self.load.selector.register(self.socket, selectors.EVENT_READ, self)

    def close(self):
        if self.socket:
            self.load.selector.unregister(self.socket)
            self.socket.close()
            self.socket = None

    def start(self, request):
        self.request = request
        self.retried = False
        self.send()

    def send(self):
        try:
            if self.socket is None:
                self.connect()
            self.since = time.monotonic()
            # The requests are smaller than any socket's buffer.
            self.socket.send(self.request.wire)
        except OSError as error:
            self.broken(error)

    def broken(self, why):
        """The connection ended before the whole answer was here.

        A server may close an idle connection at any time, also while a
        request is on its way to it.  RFC 9110, 9.2.2 allows to send an
        idempotent one again, once, when nothing of an answer came on a
        connection that was in use before.  All ours are idempotent."""
        reused = self.answered > 0
        silent = not self.received
        self.close()
        if reused and silent and not self.retried:
            self.retried = True
            self.load.retried += 1
            self.send()
            return
        self.load.failed(self, f"no answer: {why}")

    def readable(self):
        try:
            data = self.socket.recv(262144)
        except BlockingIOError:
            return
        except OSError as error:
            if self.request is None:
                self.close()
            else:
                self.broken(error)
            return
        if not data:
            if self.request is None:
                self.load.closed_idle += 1
                self.close()
            else:
                self.broken("connection closed")
            return
        self.received += data
        end = self.whole()
        if end:
            self.finish(end)

    def whole(self):
        """Where the answer ends, 0 while there is more to come."""
        head = self.received.find(b"\r\n\r\n")
        if head < 0:
            return 0
        fields = self.received[:head].lower()
        body = head + 4
        if self.request.head:
            return body
        at = fields.find(b"\r\ncontent-length: ")
        if at >= 0:
            end = body + int(fields[at + 18:].split(b"\r\n", 1)[0])
            return end if len(self.received) >= end else 0
        if b"\r\ntransfer-encoding: chunked" in fields:
            return len(self.received) \
                if self.received.endswith(b"\r\n0\r\n\r\n") else 0
        return body

    def finish(self, end):
        status = self.received[9:12]
        surplus = len(self.received) - end
        closing = b"\r\nconnection: close" in \
            self.received[:self.received.find(b"\r\n\r\n")].lower()
        self.answered += 1
        request = self.request
        if closing:
            self.close()
            self.load.reopened += 1
        if status != request.status or surplus:
            self.load.failed(self, f"status {status.decode()}, "
                                   f"{surplus} bytes too many")
            return
        self.received = b""
        self.request = None
        self.load.answered(self, status)


class Load:
    """Send a number of requests over some connections, each its answer."""

    def __init__(self, port, connections, timeout=15):
        self.address = ("127.0.0.1", port)
        self.selector = selectors.DefaultSelector()
        self.clients = [Client(self) for _ in range(connections)]
        self.timeout = timeout
        self.total = 0
        self.retried = 0
        self.reopened = 0       # the server had announced the end
        self.closed_idle = 0    # it closed between two requests
        self.failures = []
        self.statuses = {}

    def run(self, requests, every=None):
        """Send what the iterator gives; call every() now and then.

        Returns when all have their answer or have failed."""
        requests = iter(requests)
        self.free = list(self.clients)
        looked = time.monotonic()
        more = True
        while True:
            while self.free and more:
                request = next(requests, None)
                if request is None:
                    more = False
                else:
                    self.free.pop().start(request)
            if len(self.free) == len(self.clients):
                break
            if every:
                every()
            for key, _ in self.selector.select(0.2):
                if key.data.socket is key.fileobj:
                    key.data.readable()
            now = time.monotonic()
            if now - looked > 1:
                looked = now
                for client in self.clients:
                    if client.request and now - client.since > self.timeout:
                        client.close()
                        self.failed(client, "no answer in time")

    def answered(self, client, status):
        self.total += 1
        status = int(status)
        self.statuses[status] = self.statuses.get(status, 0) + 1
        self.free.append(client)

    def failed(self, client, why):
        self.total += 1
        self.failures.append(f"{client.request.name}: {why}")
        if len(self.failures) == 1000:
            raise Failure(f"a thousand requests failed, the last one: "
                          f"{self.failures[-1]}")
        client.close()
        client.request = None
        self.free.append(client)

    def close(self):
        for client in self.clients:
            client.close()
        self.selector.close()
