"""What was acknowledged, by whom and when, as all processes of the suite see
it.

A register is something that only grows: the units adjusted in a store, the
version of a product, the number of sales.  Its value after a write says which
writes an answer knows, and which it misses.  For each of them the board has

  started     what a write that was begun may make of it: nobody may see more
  high        the largest value that each source has acknowledged
  highest     the largest of them all
  times       for each source and value, the instant of it, or 0

Sources are the two nodes, the hand at psql, and once more the two nodes: as
those that have shown a value to a reader, whoever wrote it.

Words of 8 bytes are written whole, and a time before the value that it is
for; no reader needs a lock."""

import mmap
import threading
import time

VALUES = 1 << 16
ACKNOWLEDGED = NODE1, NODE2, HAND = 0, 1, 2
SHOWN = 3               # of the first node; the next one is of the second
SOURCES = 5
READERS = 16            # at most
RECENT = 64             # registers that were written last

NODES = (NODE1, NODE2)


def words(count, form):
    """Of zeros, shared with every process that is forked from here."""
    return memoryview(mmap.mmap(-1, 8 * count)).cast(form)


class Board:
    def __init__(self, names):
        self.names = list(names)
        self.index = {name: n for n, name in enumerate(self.names)}
        count = len(self.names)
        self.started = words(count, "q")
        self.highest = words(count, "q")
        self.high = [words(count, "q") for _ in range(SOURCES)]
        self.times = [words(count * VALUES, "d") for _ in range(SOURCES)]
        self.recent = words(RECENT, "q")
        self.control = words(4, "q")
        self.reads = words(READERS, "q")    # that were checked so far
        self.lock = threading.Lock()
        self.turn = 0

    # What the runner tells all others

    @property
    def phase(self):
        return self.control[0]

    @phase.setter
    def phase(self, number):
        self.control[0] = number

    @property
    def over(self):
        return self.control[1]

    @over.setter
    def over(self, value):
        self.control[1] = value

    @property
    def calm(self):
        """Nobody is killed who may have half a write in hand."""
        return self.control[2]

    @calm.setter
    def calm(self, value):
        self.control[2] = value

    @property
    def quiet(self):
        """Nobody is to begin a write now."""
        return self.control[3]

    @quiet.setter
    def quiet(self, value):
        self.control[3] = value

    # What writers do

    def begin(self, name, by=1):
        """A write is about to be sent."""
        with self.lock:
            self.started[self.index[name]] += by

    def begin_at(self, name, value):
        """The same, where the writer says what it will be."""
        with self.lock:
            number = self.index[name]
            if value > self.started[number]:
                self.started[number] = value

    def undone(self, name, by=1):
        """It was refused for certain."""
        with self.lock:
            self.started[self.index[name]] -= by

    def acknowledge(self, source, values):
        """A write has been answered just now."""
        now = time.monotonic()
        with self.lock:
            for name, value in values:
                number = self.index[name]
                if not 0 <= value < VALUES:
                    raise ValueError(f"{name} has come to {value}")
                at = number * VALUES + value
                if not self.times[source][at]:
                    self.times[source][at] = now
                if value > self.started[number]:
                    self.started[number] = value
                if value > self.high[source][number]:
                    self.high[source][number] = value
                if value > self.highest[number]:
                    self.highest[number] = value
                self.recent[self.turn] = number
                self.turn = (self.turn + 1) % RECENT

    def value(self, name):
        return self.highest[self.index[name]]

    def time(self, source, number, value):
        """When the source has told of just this value, or 0."""
        return self.times[source][number * VALUES + value]

    # What readers do

    def show(self, node, number, value, now):
        """Somebody has read this at the node."""
        source = SHOWN + node
        at = number * VALUES + value
        if not self.times[source][at]:
            self.times[source][at] = now
        if value > self.high[source][number]:
            self.high[source][number] = value

    def oldest_missed(self, number, seen, most, sources, start):
        """When the first of those that are newer than seen was known, before
        start, and to whom; (None, None) when none was."""
        found, who = None, None
        first = number * VALUES
        for source in sources:
            for instant in self.times[source][first + seen + 1:
                                              first + most + 1]:
                if instant and instant <= start \
                        and (found is None or instant < found):
                    found, who = instant, source
        return found, who
