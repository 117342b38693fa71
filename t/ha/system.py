"""The seven machines of scripts/ha.sh, as the suite uses them."""

import os
import subprocess
import time

from inventory import Inventory
from script import TOP, Failure, Script
from servers import PATIENCE, Node, lines_from, size_of

DBS = ["db1", "db2", "db3"]
APPS = ["app1", "app2", "app3"]


class System(Script):
    """In a `with`: it runs.  With a disk, the databases' disks have that size
    and can be filled."""

    script = "ha.sh"

    def __init__(self, workers="1", disk=""):
        self.run_dir = os.path.join(os.environ.get("RUN_DIR") or
                                    os.path.join(TOP, "run"), "ha-test")
        os.makedirs(self.run_dir, exist_ok=True)
        super().__init__(dict(os.environ, RUN_DIR=self.run_dir,
                              WORKERS=workers, DISK=disk),
                         os.path.join(self.run_dir, "ha.log"))

    def __enter__(self):
        self.command("remove")
        self.command("start")
        return self

    def ask(self, *words):
        done = self.run(words, stdout=subprocess.PIPE, text=True, check=False,
                        stderr=subprocess.DEVNULL)
        return done.stdout.strip() if done.returncode == 0 else ""

    def well(self):
        return self.run(["status"], stdout=subprocess.DEVNULL, check=False,
                        stderr=subprocess.DEVNULL).returncode == 0

    def primary(self, server):
        """The machine that has it now."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = self.ask("primary", server)
            if found:
                return found
            time.sleep(0.3)
        raise Failure(f"there is no primary of {server}.")


class Machine(Node):
    """A node that scripts/ha.sh has started, or HAProxy."""

    def __init__(self, system, name):    # pylint: disable=super-init-not-called
        self.name = name
        self.host = system.ask("address", name)
        self.port = 8080
        self.log = os.path.join(system.ask("home"), name, "nginx", "log",
                                "error.log")
        self.killed = []


class Databases(Inventory):
    """The three PostgreSQL: whichever is the primary."""

    def __init__(self, system):          # pylint: disable=super-init-not-called
        home = system.ask("home")
        os.environ["PGPASSFILE"] = os.path.join(home, "pgpass")
        hosts = ",".join(system.ask("address", name) for name in DBS)
        self.admin = (f"host={hosts} dbname=magasin user=postgres"
                      " target_session_attrs=read-write connect_timeout=2"
                      # A server that is gone without a word.
                      " keepalives_idle=3 keepalives_interval=1"
                      " keepalives_count=3 tcp_user_timeout=5000")
        self.logs = [os.path.join(home, "log", f"{name}-patroni.log")
                     for name in DBS]
        self.server_log = os.devnull
        self.read = {log: size_of(log) for log in self.logs}

    def complaints_since(self, _):
        """What none of the three should say, whatever breaks."""
        found = [line for log in self.logs
                 for line in lines_from(log, self.read[log])
                 if "deadlock detected" in line or " PANIC: " in line
                 and "No space left on device" not in line]
        self.read = {log: size_of(log) for log in self.logs}
        return found

    def sql(self, text):
        """Again while there is no primary."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return super().sql(text)
            except Failure:
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)
