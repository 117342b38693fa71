"""The servers of suites that need more than one: a PostgreSQL, and nodes of
nginx that share it."""

import collections
import http.client
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

from ports import free_port
from script import TOP, Failure, Script

# The most seconds until a state is there.  Only a failure takes that long.
PATIENCE = 60

# Of each node.
WORKERS = 2

# A server that is stopped, or that stops a statement, says so with ERROR; and so
# does an autovacuum that leaves its table to who wants it.
INNOCENT = re.compile("canceling (statement due to|autovacuum task)"
                      "|terminating|the database system is")


def size_of(path):
    return os.path.getsize(path) if os.path.exists(path) else 0


def lines_from(path, start):
    with open(path, encoding="utf-8", errors="replace") as f:
        f.seek(start)
        return [line.rstrip() for line in f]


class Database(Script):
    """PostgreSQL under RUN_DIR/NAME, with fsync as it is by default."""

    script = "instance.sh"

    def __init__(self, name):
        run_dir = os.path.join(os.environ.get("RUN_DIR") or
                               os.path.join(TOP, "run"), name)
        os.makedirs(run_dir, exist_ok=True)
        super().__init__(dict(os.environ, RUN_DIR=run_dir),
                         os.path.join(run_dir, "instance.log"))
        # Made anew: a run that was killed may have left a bug in it.
        self.command("remove")
        self.command("start-db")
        self.admin = self.answer("admin-conninfo")
        self.web = self.answer("web-conninfo")
        self.home = self.answer("home")
        self.server_log = os.path.join(self.home, "log", "postgresql.log")
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            if self.sql(f"SHOW {name}") != "on":
                raise Failure(f"{name} is off: nothing could be proved.")

    def psql(self, text):
        return subprocess.run(
            ["psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v",
             "ON_ERROR_STOP=1", "-d", self.admin, "-f", "-"], input=text,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
            text=True)

    def sql(self, text):
        done = self.psql(text)
        if done.returncode:
            raise Failure(f"psql: {done.stderr.strip()}")
        return done.stdout.rstrip("\n")

    def sections(self, queries, before=""):
        """Rows of each query by its name, all of one transaction that is
        rolled back; what stands before them is part of it."""
        mark = "--next-section--"
        found = self.sql("BEGIN;\n" + before + ";\n" + "".join(
            f"\\echo {mark}\n{query};\n" for query in queries.values())
            + "ROLLBACK;")
        parts = []
        for line in found.split("\n"):
            if line == mark:
                parts.append([])
            elif line and parts:
                parts[-1].append(line.split("\t"))
        return dict(zip(queries, parts))

    def refill(self, content):
        """Other content, and no history.

        What was in the journal and in no poll yet is lost with it, so that a
        row says to nodes that anything may have changed.  TRUNCATE locks
        its tables one by one, and nodes that connect read them in an order of
        their own: who meets another one is this session, and tries again."""
        text = f"""
            BEGIN;
            SET LOCAL deadlock_timeout = '1ms';
            SET LOCAL log_min_messages = fatal;
            LOCK TABLE entretien_tour IN EXCLUSIVE MODE;
            TRUNCATE magasin, produit, stock_local, stock_central, vente,
                ligne_vente, demande_reapprovisionnement
                RESTART IDENTITY CASCADE;
            -- The clock may have been ahead: sales are not late now.
            UPDATE vente_periode SET bord = '-infinity',
                suivant = '-infinity', horizon = '0';
            SET LOCAL magasin.entretien = 'oui';
            TRUNCATE journal, idempotence RESTART IDENTITY;
            SET LOCAL magasin.type = 'ouverture';
            INSERT INTO journal (type) VALUES ('journal_vidage');
            {content};
            COMMIT;"""
        for _ in range(20):
            done = self.psql(text)
            if done.returncode == 0:
                return
            if "deadlock detected" not in done.stderr:
                break
        raise Failure(f"psql: {done.stderr.strip()}")

    def at_rest(self):
        """What killed workers have left behind is through, either way."""
        end = time.monotonic() + PATIENCE
        while self.sql("""SELECT count(*) FROM pg_stat_activity
                           WHERE backend_xid IS NOT NULL
                              OR backend_type = 'client backend'
                             AND pid <> pg_backend_pid()
                             AND state <> 'idle'""") != "0":
            if time.monotonic() > end:
                raise Failure("transactions do not end.")
            time.sleep(0.05)

    def complaints_since(self, start):
        """Errors of the server that no request and no fault explains, each
        with what the server says of it: who waits for whom in a deadlock."""
        found = []
        told = False
        for line in lines_from(self.server_log, start):
            if re.match(r"\t|.* (DETAIL|HINT|CONTEXT|STATEMENT): ", line):
                if told:
                    found[-1] += "\n#     " + line.strip()
                continue
            told = (re.search(r" (ERROR|PANIC): |deadlock", line) is not None
                    and not INNOCENT.search(line))
            if told:
                found.append(line)
        return found


SIGNALLED = re.compile(r"worker process (\d+) exited on signal 9")


class Node:
    """One nginx with two workers."""

    host = "127.0.0.1"

    def __init__(self, database, number, directives="", module=None):
        self.root = tempfile.mkdtemp(prefix=f"magasin-node{number}-")
        self.port = free_port()
        os.mkdir(os.path.join(self.root, "logs"))
        self.log = os.path.join(self.root, "logs", "error.log")
        self.killed = []
        self.database = database
        self.name = f"noeud{number}"
        self.module = module or os.environ.get("MODULE") or os.path.join(
            TOP, "build", "ngx_http_magasin_module.so")
        self.conf = os.path.join(self.root, "nginx.conf")
        # A checkout may let its group write, and then nginx refuses.
        self.tokens = os.path.join(self.root, "tokens")
        shutil.copyfile(os.path.join(TOP, "conf", "tokens.demo"), self.tokens)
        os.chmod(self.tokens, 0o600)
        self.configure(directives)
        subprocess.run([os.environ.get("NGINX_BINARY") or "nginx", "-p",
                        self.root + "/", "-c", self.conf], check=True)
        try:
            self.wait()
        except BaseException:
            self.stop()
            raise

    def configure(self, directives):
        """Write nginx.conf, with more directives of http; @PORT@ is ours."""
        temp = "\n".join(
            f"    {name}_temp_path {self.root}/{name};" for name in
            ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write(f"""
load_module {self.module};
{"user root;" if os.getuid() == 0 else ""}
worker_processes {WORKERS};
pid {self.root}/logs/nginx.pid;
error_log {self.log} notice;
worker_rlimit_nofile 4096;
events {{ worker_connections 2048; }}
http {{
    access_log off;
{temp}
    magasin_database "{self.database.web} application_name={self.name}"
                     connections=4 timeout=5s lock_timeout=4s;
    magasin_tokens {self.tokens};
    server {{
        listen 127.0.0.1:{self.port};
        location / {{ magasin; }}
    }}
    {directives.replace("@PORT@", str(self.port))}
}}
""")

    def wait(self):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            connection = http.client.HTTPConnection(self.host, self.port,
                                                    timeout=20)
            try:
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200:
                    return
            except (OSError, http.client.HTTPException):
                pass
            finally:
                connection.close()
            time.sleep(0.05)
        raise Failure(f"the node on port {self.port} does not come up")

    def master(self):
        with open(os.path.join(self.root, "logs", "nginx.pid"),
                  encoding="ascii") as f:
            return int(f.read())

    def workers(self):
        found = subprocess.run(["pgrep", "-P", str(self.master())], text=True,
                               stdout=subprocess.PIPE, check=False).stdout
        return [int(w) for w in found.split()]

    def kill(self, pid):
        try:
            os.kill(pid, signal.SIGKILL)
            self.killed.append(pid)
        except ProcessLookupError:
            pass

    def complaints_since(self, start):
        """Alarming lines but one for each worker that we have killed; and
        those whose end nobody has told of."""
        lines = lines_from(self.log, start)
        killed = set(self.killed)
        left = list(self.killed)
        self.killed = []
        found = []
        # Ends by a signal of each number that are still to come.
        to_come = collections.Counter(
            int(end[1]) for end in map(SIGNALLED.search, lines) if end)
        for line in lines:
            # A worker that was about to leave may have been faster.  Another
            # one may have had its number, which is used again.
            end = re.search(r"worker process (\d+) exited (on signal 9"
                            "|with code 0)", line)
            if end:
                number = int(end[1])
                signalled = end[2] != "with code 0"
                to_come[number] -= signalled
                if left.count(number) > (0 if signalled
                                         else to_come[number]):
                    left.remove(number)
                    continue
            # What it held when it was killed, the master lets go.
            held = re.search(r'shared memory zone "\w+" was locked by (\d+)$',
                             line)
            if not (held and int(held[1]) in killed) \
                    and re.search(r"\[(alert|crit|emerg)\]", line):
                found.append(line)
        return found + [f"nothing about the end of worker {pid}"
                        for pid in left]

    def stop(self):
        """Gracefully; whether it ended in time."""
        pid = self.master()
        os.kill(pid, signal.SIGQUIT)
        end = time.monotonic() + PATIENCE
        while os.path.exists(f"/proc/{pid}") and time.monotonic() < end:
            time.sleep(0.05)
        ended = not os.path.exists(f"/proc/{pid}")
        if not ended:
            os.kill(pid, signal.SIGKILL)
        return ended

    def forget(self):
        shutil.rmtree(self.root, ignore_errors=True)
