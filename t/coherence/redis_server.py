"""A Redis of this suite's own, to be mistreated."""

import os
import random
import shutil
import signal
import subprocess
import tempfile
import time

from servers import Failure


def program(what):
    """The name of Redis's program, or of Valkey's."""
    return next((name for name in (f"redis-{what}", f"valkey-{what}")
                 if shutil.which(name)), f"redis-{what}")


class Redis:
    def __init__(self):
        self.root = tempfile.mkdtemp(prefix="magasin-redis-")
        self.socket = os.path.join(self.root, "redis.sock")
        self.process = None
        self.second = None
        self.start()

    def spawn(self, directory):
        os.makedirs(directory, exist_ok=True)
        return subprocess.Popen(
            [program("server"), "--port", "0", "--unixsocket", self.socket,
             "--save", "", "--appendonly", "no", "--dir", directory,
             "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru",
             "--enable-debug-command", "yes", "--loglevel", "warning"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)

    def start(self, keep=False):
        """Empty, unless what was saved is kept."""
        dump = os.path.join(self.root, "dump.rdb")
        if not keep and os.path.exists(dump):
            os.remove(dump)
        self.process = self.spawn(self.root)
        self.wait()

    def wait(self):
        end = time.monotonic() + 10
        while self.ask("PING") != "PONG":
            if time.monotonic() > end:
                raise Failure("Redis does not start")
            time.sleep(0.01)

    def ask(self, *words):
        """The answer as text; None when there is none."""
        try:
            done = subprocess.run(
                [program("cli"), "-s", self.socket, *words], text=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, timeout=5, check=False)
        except subprocess.TimeoutExpired:
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def divide(self):
        """A second, empty one takes the address; who is connected to the
        first stays there."""
        os.rename(self.socket, self.socket + ".old")
        self.second = self.spawn(os.path.join(self.root, "second"))
        self.wait()

    def cut_one_off(self):
        """One connection to the first, which belongs to a worker."""
        old = self.socket + ".old"
        clients = [line.split()[0].removeprefix("id=") for line in
                   (self.ask("-s", old, "CLIENT", "LIST") or "").split("\n")
                   if line]
        if clients:
            self.ask("-s", old, "CLIENT", "KILL", "ID",
                     random.choice(clients))

    def unite(self):
        """The second one is the one that remains."""
        if self.second:
            self.process.kill()
            self.process.wait()
            self.process, self.second = self.second, None

    def heal(self):
        """As at first, whatever was done to it; what it holds stays."""
        self.unite()
        self.resume()
        if self.process.poll() is not None:
            self.start()
        for setting in (("maxmemory", "64mb"),
                        ("maxmemory-policy", "allkeys-lru")):
            self.ask("CONFIG", "SET", *setting)

    def forget(self):
        for process in (self.process, self.second):
            if process:
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()
        shutil.rmtree(self.root, ignore_errors=True)
