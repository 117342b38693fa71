"""What is done to the servers, one phase after the other.

A phase says which failures of requests it explains; all others are findings.
Whatever is done, no answer may be staler than is promised."""

import os
import random
import signal
import time

DATABASE = {500, 503, 504}


class Phase:
    """closing: workers leave, and end what is idle.  losing: they are killed
    with requests in their hands.  failing: statuses that clients may get.
    strict: nothing fails, so a node never goes back.  careful: what is
    half done may come to its end later."""

    def __init__(self, work, closing=False, losing=False, failing=(),
                 strict=False, careful=False, seconds=1.0):
        self.work = work
        self.name = work.__name__.replace("_", "-")
        self.closing = closing
        self.losing = losing
        self.failing = failing
        self.strict = strict
        self.careful = careful
        self.seconds = seconds      # how long, compared with others


class Stage:
    """Where it plays."""

    def __init__(self, database, nodes, redis, seed):
        self.database = database
        self.nodes = nodes
        self.redis = redis
        self.random = random.Random(f"{seed}-faults")
        self.until = 0
        self.stopped = []

    def wait(self, least, most=None):
        """False when the phase is over."""
        seconds = self.random.uniform(least, most or least)
        left = self.until - time.monotonic()
        time.sleep(max(0, min(seconds, left)))
        return left > seconds

    def stop(self, pid):
        try:
            os.kill(pid, signal.SIGSTOP)
            self.stopped.append(pid)
        except ProcessLookupError:
            pass

    def go_on(self):
        while self.stopped:
            try:
                os.kill(self.stopped.pop(), signal.SIGCONT)
            except ProcessLookupError:
                pass

    def backends(self, node):
        return [int(pid) for pid in self.database.sql(f"""
            SELECT pid FROM pg_stat_activity
             WHERE application_name = '{node.name}'""").split()]

    def heal(self):
        self.go_on()
        self.redis.heal()
        self.database.command("start-postgres")
        for node in self.nodes:
            node.wait()
        # Each worker has its own connections, and pauses between attempts.
        time.sleep(1)


def no_faults(stage):
    while stage.wait(1):
        pass


# Redis


def redis_paused(stage):
    while stage.wait(0.05, 0.4):
        stage.redis.pause()
        stage.wait(stage.random.choice([0.01, 0.04, 0.08, 0.3, 1.3]))
        stage.redis.resume()


def redis_killed(stage):
    while stage.wait(0.1, 0.8):
        stage.redis.kill()
        stage.wait(0.02, 1.2)
        stage.redis.start()


def redis_gone(stage):
    stage.redis.kill()
    while stage.wait(1):
        pass


def redis_restored(stage):
    """What it held some time ago comes back."""
    while stage.wait(0.1, 0.5):
        stage.redis.ask("SAVE")
        stage.wait(0.1, 0.7)
        stage.redis.kill()
        stage.wait(0, 0.3)
        stage.redis.start(keep=True)


def redis_flushed(stage):
    while stage.wait(0.02, 0.15):
        stage.redis.ask(*stage.random.choice(
            [("FLUSHALL",), ("FLUSHALL", "ASYNC"), ("SCRIPT", "FLUSH")]))


def redis_keys_lost(stage):
    """Some keys and not others, as eviction does it."""
    script = """
        for n = 1, 200 do
            local key = redis.call('RANDOMKEY')
            if not key then return end
            redis.call('DEL', key)
        end"""
    while stage.wait(0.01, 0.1):
        stage.redis.ask("EVAL", script, "0")


def redis_full(stage):
    """It has no room: it throws away, or refuses to write."""
    policies = ["allkeys-lru", "noeviction", "allkeys-random",
                "volatile-ttl", "noeviction"]
    while stage.wait(0.1, 0.4):
        stage.redis.ask("CONFIG", "SET", "maxmemory-policy",
                        stage.random.choice(policies))
        stage.redis.ask("CONFIG", "SET", "maxmemory",
                        stage.random.choice(["1kb", "1500kb", "3mb", "64mb"]))


def redis_deaf(stage):
    """It lives, and does not answer for a while."""
    while stage.wait(0.05, 0.3):
        stage.redis.ask("DEBUG", "SLEEP", stage.random.choice(
            ["0.03", "0.06", "0.2", "1.1"]))


def subscriptions_cut(stage):
    while stage.wait(0.02, 0.2):
        stage.redis.ask("CLIENT", "KILL", "TYPE",
                        stage.random.choice(["pubsub", "pubsub", "normal"]))


def subscriptions_refused(stage):
    """Nobody hears of anything, though Redis does all else."""
    while stage.wait(0.005, 0.02):
        stage.redis.ask("CLIENT", "KILL", "TYPE", "pubsub")


def redis_twice(stage):
    """Some talk to one, and some to another."""
    while stage.wait(0.2, 0.6):
        stage.redis.divide()
        # One connection, or some: each belongs to a worker.
        for _ in range(stage.random.randint(1, 2)):
            old = f"{stage.redis.socket}.old"
            clients = [line.split()[0][3:] for line in (stage.redis.ask(
                "-s", old, "CLIENT", "LIST") or "").splitlines()]
            if clients:
                stage.redis.ask("-s", old, "CLIENT", "KILL", "ID",
                                stage.random.choice(clients))
        stage.wait(0.3, 1.5)
        stage.redis.unite()


# nginx


def workers_killed(stage):
    while stage.wait(0.1, 0.7):
        node = stage.random.choice(stage.nodes)
        workers = node.workers()
        for pid in stage.random.sample(
                workers, min(len(workers), stage.random.choice([1, 1, 2]))):
            node.kill(pid)


def workers_stopped(stage):
    """One that may be polling, or all of a node, so that nobody does."""
    while stage.wait(0.2, 0.6):
        workers = stage.random.choice(stage.nodes).workers()
        for pid in stage.random.sample(
                workers, min(len(workers), stage.random.choice([1, 2]))):
            stage.stop(pid)
        stage.wait(stage.random.choice([0.1, 0.4, 1.2, 2.0]))
        stage.go_on()


def reloads(stage):
    while stage.wait(0.1, 0.6):
        os.kill(stage.random.choice(stage.nodes).master(), signal.SIGHUP)


# PostgreSQL


def database_restarted(stage):
    while stage.wait(0.5, 1.5):
        stage.database.command("stop-postgres",
                               stage.random.choice(["fast", "immediate"]))
        stage.wait(0, 1.5)
        stage.database.command("start-postgres")


def database_cut(stage):
    """The connections of one node, again and again."""
    while stage.wait(0.02, 0.2):
        node = stage.random.choice(stage.nodes)
        stage.database.sql(f"""
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE application_name = '{node.name}' AND random() < 0.7""")


def database_silent(stage):
    """For one node alone: the other one goes on writing, and at times Redis
    cannot tell either."""
    while stage.wait(0.3, 0.8):
        for pid in stage.backends(stage.random.choice(stage.nodes)):
            stage.stop(pid)
        deaf = stage.random.random() < 0.5
        if deaf:
            stage.redis.pause()
        stage.wait(0.5, 2.5)
        if deaf:
            stage.redis.resume()
        stage.go_on()


def everything(stage):
    """Two or three of the above at once, for a second or so each."""
    end = stage.until
    while time.monotonic() < end - 1:
        stage.until = min(end, time.monotonic() + stage.random.uniform(1, 3))
        first = stage.random.choice([redis_gone, redis_paused, redis_killed,
                                     redis_restored, redis_twice])
        second = stage.random.choice([workers_killed, reloads, database_cut,
                                      workers_killed])
        # In turn, each for a moment: what one has done lasts into the next.
        moment, until = 0.4, stage.until
        if first is redis_gone:
            stage.redis.kill()
        while time.monotonic() < until:
            for work in (first, second):
                if work is not redis_gone:
                    stage.until = min(until, time.monotonic() + moment)
                    work(stage)
        stage.until = until
        stage.redis.heal()
    stage.until = end


PHASES = [
    Phase(no_faults, strict=True, seconds=2),
    Phase(redis_paused),
    Phase(redis_killed),
    Phase(redis_gone),
    Phase(redis_restored),
    Phase(redis_flushed),
    Phase(redis_keys_lost),
    Phase(redis_full),
    Phase(redis_deaf),
    Phase(subscriptions_cut),
    Phase(subscriptions_refused),
    Phase(redis_twice),
    Phase(workers_killed, closing=True, losing=True, careful=True,
          seconds=1.5),
    Phase(workers_stopped, careful=True),
    Phase(reloads, closing=True),
    Phase(database_restarted, failing=DATABASE, careful=True),
    Phase(database_cut, failing=DATABASE, careful=True),
    Phase(database_silent, failing=DATABASE, careful=True),
    Phase(everything, closing=True, losing=True, failing=DATABASE,
          careful=True, seconds=2),
]

# Between two of them, while all heals.
BETWEEN = len(PHASES)
