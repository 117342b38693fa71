"""What is done to the servers, one phase after the other.

A phase says which failures of requests it explains; all others are findings.
Whatever is done, no answer may be staler than is promised."""

import contextlib
import os
import random
import signal
import threading
import time

from servers import WORKERS

DATABASE = {500, 503, 504}


class Phase:
    """A fault, again and again, with pauses between them.

    closing: workers leave, and end what is idle.  losing: they are killed
    with requests in their hands.  failing: statuses that clients may get.
    strict: nothing fails, so a node never goes back.  careful: what is
    half done may come to its end later."""

    def __init__(self, work, pause, closing=False, losing=False, failing=(),
                 strict=False, careful=False, seconds=1.0):
        self.work = work
        self.pause = pause
        self.name = work.__name__.replace("_", "-")
        self.closing = closing
        self.losing = losing
        self.failing = failing
        self.strict = strict
        self.careful = careful
        self.seconds = seconds      # how long, compared with others

    def run(self, stage, seconds):
        stage.until = time.monotonic() + seconds * self.seconds
        while stage.wait(*self.pause):
            self.work(stage)


class Stage:
    """Where it plays."""

    def __init__(self, database, nodes, redis, seed):
        self.board = None       # of those who play
        self.database = database
        self.nodes = nodes
        self.redis = redis
        self.seed = seed
        self.random = random.Random(f"{seed}-faults")
        self.until = 0
        self.stopped = []
        self.errors = []

    def guarded(self, work, *arguments):
        try:
            work(*arguments)
        except Exception as error:  # raised again where all of them meet
            self.errors.append(error)

    def wait(self, least, most=None):
        """False when the phase is over."""
        seconds = self.random.uniform(least, most or least)
        left = self.until - time.monotonic()
        time.sleep(max(0, min(seconds, left)))
        return left > seconds

    @contextlib.contextmanager
    def silence(self):
        """Nobody writes, and what was written is known everywhere."""
        self.board.quiet = 1
        try:
            # The slowest transaction, and then a poll of the journal.
            self.wait(1.3)
            yield
        finally:
            self.board.quiet = 0

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

    def heal(self, phase):
        self.go_on()
        self.redis.heal()
        self.database.command("start-postgres")
        for node in self.nodes:
            node.wait()
            self.leave(node)
        if phase.careful:
            # Each worker has its own connections, and pauses between
            # attempts.
            time.sleep(1)

    def leave(self, node):
        """The workers of old configurations, who end idle connections when
        they go: that is of this phase and not of the next."""
        end = time.monotonic() + 20
        while len(node.workers()) > WORKERS and time.monotonic() < end:
            time.sleep(0.05)


def no_faults(_):
    pass


# Redis


def redis_paused(stage):
    stage.redis.pause()
    stage.wait(stage.random.choice([0.01, 0.04, 0.08, 0.3, 1.3]))
    stage.redis.resume()


def redis_killed(stage):
    stage.redis.kill()
    stage.wait(0.02, 1.2)
    stage.redis.start()


def redis_gone(stage):
    stage.redis.kill()


def redis_restored(stage):
    """What it held some time ago comes back; at times nobody has noticed
    that it was away."""
    stage.redis.ask("SAVE")
    stage.wait(0.1, 0.7)
    if stage.random.random() < 0.5:
        with stage.silence():
            stage.redis.kill()
            stage.redis.start(keep=True)
    else:
        stage.redis.kill()
        stage.wait(0, 0.3)
        stage.redis.start(keep=True)


def redis_flushed(stage):
    stage.redis.ask(*stage.random.choice(
        [("FLUSHALL",), ("FLUSHALL", "ASYNC"), ("SCRIPT", "FLUSH")]))


def redis_keys_lost(stage):
    """Some keys and not others, as eviction does it."""
    stage.redis.ask("EVAL", """
        for n = 1, 200 do
            local key = redis.call('RANDOMKEY')
            if not key then return end
            redis.call('DEL', key)
        end""", "0")


def redis_full(stage):
    """It has no room: it throws away, or refuses to write."""
    stage.redis.ask("CONFIG", "SET", "maxmemory-policy", stage.random.choice(
        ["allkeys-lru", "noeviction", "allkeys-random", "volatile-ttl",
         "noeviction"]))
    stage.redis.ask("CONFIG", "SET", "maxmemory", stage.random.choice(
        ["1kb", "1500kb", "3mb", "64mb"]))


def redis_slow(stage):
    """In time, most often, and what is sent at once is done at once."""
    stage.redis.ask("DEBUG", "SLEEP",
                    f"{stage.random.uniform(0.003, 0.02):.3f}")


def redis_deaf(stage):
    """It lives, and does not answer for a while."""
    stage.redis.ask("DEBUG", "SLEEP", stage.random.choice(
        ["0.03", "0.06", "0.2", "1.1"]))


def subscriptions_cut(stage):
    stage.redis.ask("CLIENT", "KILL", "TYPE",
                    stage.random.choice(["pubsub", "pubsub", "normal"]))


def subscriptions_refused(stage):
    """Nobody hears of anything, though Redis does all else."""
    stage.redis.ask("CLIENT", "KILL", "TYPE", "pubsub")


def redis_twice(stage):
    """Some workers talk to one, and some to another."""
    stage.redis.divide()
    for _ in range(stage.random.randint(1, 2)):
        stage.redis.cut_one_off()
    stage.wait(0.3, 1.5)
    stage.redis.unite()


# nginx


def some(stage, workers, numbers):
    return stage.random.sample(workers, min(len(workers),
                                            stage.random.choice(numbers)))


def workers_killed(stage):
    node = stage.random.choice(stage.nodes)
    for pid in some(stage, node.workers(), [1, 1, 2]):
        node.kill(pid)


def workers_stopped(stage):
    """One that may be polling, or all of a node, so that nobody does."""
    node = stage.random.choice(stage.nodes)
    for pid in some(stage, node.workers(), [1, 2]):
        stage.stop(pid)
    stage.wait(stage.random.choice([0.1, 0.4, 1.2, 2.0]))
    stage.go_on()


def reloads(stage):
    os.kill(stage.random.choice(stage.nodes).master(), signal.SIGHUP)


# PostgreSQL


def database_restarted(stage):
    stage.database.command("stop-postgres",
                           stage.random.choice(["fast", "immediate"]))
    stage.wait(0, 1.5)
    stage.database.command("start-postgres")


def database_cut(stage):
    """The connections of one node, again and again."""
    node = stage.random.choice(stage.nodes)
    stage.database.psql(f"""
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = '{node.name}' AND random() < 0.7""")


def database_slow(stage):
    """Some answers are on their way for long, and others overtake them."""
    backends = stage.backends(stage.random.choice(stage.nodes))
    for pid in some(stage, backends, [1, 2, 3]):
        stage.stop(pid)
    stage.wait(stage.random.choice([0.02, 0.1, 0.1, 0.6]))
    stage.go_on()


def database_silent(stage):
    """For one node alone: the other one goes on writing, and at times Redis
    cannot tell either."""
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
    """One of each kind at once, over and over."""
    def again(works, least, most):
        while stage.wait(least, most):
            stage.random.choice(works)(stage)

    kinds = [([redis_paused, redis_killed, redis_restored, redis_flushed,
               redis_keys_lost, subscriptions_cut, redis_twice], 0.05, 0.5),
             ([workers_killed, workers_killed, reloads], 0.2, 0.8),
             ([database_cut, database_cut, database_restarted], 0.5, 2)]
    threads = [threading.Thread(target=stage.guarded, args=(again, *kind))
               for kind in kinds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if stage.errors:
        raise stage.errors[0]


PHASES = [
    Phase(no_faults, (1, 1), strict=True, seconds=2),
    Phase(redis_paused, (0.05, 0.4)),
    Phase(redis_killed, (0.1, 0.8)),
    Phase(redis_gone, (0.1, 0.2)),
    Phase(redis_restored, (0.1, 0.5)),
    Phase(redis_flushed, (0.02, 0.15)),
    Phase(redis_keys_lost, (0.01, 0.1)),
    Phase(redis_full, (0.05, 0.3)),
    Phase(redis_slow, (0, 0.02)),
    Phase(redis_deaf, (0.05, 0.3)),
    Phase(subscriptions_cut, (0.02, 0.2)),
    Phase(subscriptions_refused, (0.005, 0.02)),
    Phase(redis_twice, (0.2, 0.6)),
    Phase(workers_killed, (0.1, 0.7), closing=True, losing=True,
          careful=True, seconds=1.5),
    Phase(workers_stopped, (0.2, 0.6), careful=True),
    Phase(reloads, (0.1, 0.6), closing=True),
    Phase(database_restarted, (0.3, 1.2), failing=DATABASE, careful=True),
    Phase(database_cut, (0.02, 0.2), failing=DATABASE, careful=True),
    Phase(database_slow, (0.01, 0.1), careful=True),
    Phase(database_silent, (0.2, 0.8), failing=DATABASE, careful=True),
    Phase(everything, (0.01, 0.01), closing=True, losing=True,
          failing=DATABASE, careful=True, seconds=3),
]
