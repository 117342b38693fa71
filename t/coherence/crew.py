"""The processes that read and write, and what they bring back."""

import multiprocessing
import signal
import traceback

from checker import Record
from hand import Fleeting, Quick, Slow
from readers import Reader
from servers import Failure
from shapes import STORES
from writers import Writers


class Settings:
    """What processes have to know before they begin."""

    readers = 2             # processes
    rate = 1300             # reads a second that each aims at
    wires = 8               # connections of each to each node
    writers = 24            # threads: some wait for workers that are stopped
    writes = 70             # a second that they aim at, all together

    def __init__(self, phases, seed, lie=None):
        self.seed = seed
        self.lie = lie
        self.between = len(phases)
        every = range(len(phases))
        self.strict = {n for n in every if phases[n].strict}
        self.closing = {n for n in every if phases[n].closing}
        self.losing = {n for n in every if phases[n].losing}
        self.failing = {n: set(phases[n].failing) for n in every}
        self.closing.add(self.between)
        self.losing.add(self.between)
        self.failing[self.between] = {500, 502, 503, 504}


def child(pipe, work):
    """A process of its own; what it has found, or what has ended it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN if number == signal.SIGINT
                      else signal.SIG_DFL)
    try:
        pipe.send((work(), None))
    except Exception:  # told to the runner, which fails
        pipe.send((None, traceback.format_exc()))


class Crew:
    def __init__(self, board, stage, settings):
        self.board = board
        self.stage = stage
        self.settings = settings
        self.ports = [node.port for node in stage.nodes]
        self.processes = []

    def read(self, number):
        reader = Reader(self.board, self.ports, number, self.settings)
        reader.run()
        return reader.record

    def write(self):
        conninfo = self.stage.database.admin
        makers = [lambda s, n=n: Slow(s, conninfo, n, 0.3) for n in STORES]
        makers += [lambda s, n=n: Fleeting(s, conninfo, n, 0.3)
                   for n in STORES]
        makers.append(lambda s: Quick(s, conninfo, "quick", 0.12))
        writers = Writers(self.board, self.ports, self.settings)
        writers.run(makers)
        if writers.errors:
            raise Failure(writers.errors[0])
        return writers.record

    def start(self, work):
        here, there = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.Process(target=child, args=(there, work),
                                          daemon=True)
        process.start()
        there.close()
        self.processes.append((process, here))

    def __enter__(self):
        self.board.phase = self.settings.between
        for number in range(self.settings.readers):
            self.start(lambda n=number: self.read(n))
        self.start(self.write)
        return self

    def check(self):
        """All of them live."""
        for process, pipe in self.processes:
            if pipe.poll() or not process.is_alive():
                raise Failure("a reader or a writer died: "
                              f"{pipe.recv()[1] if pipe.poll() else ''}")

    def end(self):
        """What all of them have found."""
        self.check()
        self.board.over = 1
        whole = Record()
        for process, pipe in self.processes:
            if not pipe.poll(90):
                raise Failure("a reader or a writer does not end")
            record, error = pipe.recv()
            if error:
                raise Failure(error)
            whole.add(record)
            process.join()
        return whole

    def __exit__(self, *_):
        self.board.over = 1
        for process, _ in self.processes:
            process.join(2)
            if process.is_alive():
                process.kill()
                process.join()
