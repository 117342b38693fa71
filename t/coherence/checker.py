"""Whether an answer is one that may be given, by what the board says.

Findings are sentences by the name of the check that wrote them:

  own_writes    an answer of the node that has acknowledged a write, and not
                this write
  elsewhere     an answer without a write that somebody knew of, or without
                what this node itself has shown, for a second
  misses        an answer that is said to come from PostgreSQL, and that is
                older than the question
  never_back    at a node where nothing fails: less than it said before, of
                a write that it has had time to hear of
  never_ahead   what nobody has written: refused, rolled back, or made up
  bodies        an answer that never was true, whoever asked when
  etags         an entity tag that stands for two bodies, or a 304 for a tag
                that was never given
  statuses      a failure that nothing explains
"""

import collections
import operator

from board import ACKNOWLEDGED, SHOWN
from shapes import LATEST_EVEN, LATEST_ODD, UNFORESEEN

BOUND = 1.0             # seconds for which another node may be behind
HEARD = 0.4             # seconds: a poll of the journal, and some
MOST = 20               # sentences of one kind that are kept

CHECKS = ["own_writes", "elsewhere", "misses", "never_back", "never_ahead",
          "bodies", "etags", "statuses"]

# Where an answer came from, as X-Magasin-Cache has it, that was asked of
# PostgreSQL for just this request; or nothing is said, without a cache.
AFRESH = {"MISS", "BYPASS", "OFF", None}


def getter(numbers):
    """Of a tuple, whatever the number of its members."""
    if not numbers:
        return lambda _: ()
    if len(numbers) == 1:
        number = numbers[0]
        return lambda values: (values[number],)
    return operator.itemgetter(*numbers)


class Record:
    """What one process has found, phase by phase."""

    def __init__(self):
        self.findings = collections.defaultdict(list)
        self.counts = collections.Counter()     # (phase, what, which)
        self.ages = collections.defaultdict(list)   # (phase, source) seconds

    def find(self, check, phase, sentence):
        self.counts[phase, "finding", check] += 1
        if len(self.findings[phase, check]) < MOST:
            self.findings[phase, check].append(sentence)

    def count(self, phase, what, which, by=1):
        self.counts[phase, what, which] += by

    def add(self, other):
        self.counts.update(other.counts)
        for key, sentences in other.findings.items():
            self.findings[key] += sentences
        for key, ages in other.ages.items():
            self.ages[key] += ages


class View:
    """A shape as the checker looks at it."""

    def __init__(self, shape, board):
        self.shape = shape
        self.numbers = [board.index[name] for name in shape.registers]
        self.take = getter(self.numbers)
        self.bounded = [n for n, name in enumerate(shape.registers)
                        if name[0] not in UNFORESEEN]
        self.shown = [None, None]       # the most that a node has shown


class Before:
    """What was known when a request was sent."""

    __slots__ = ("start", "own", "all", "shown", "back", "phase")

    def __init__(self, board, view, node, start):
        take = view.take
        self.phase = board.phase
        self.own = take(board.high[node])
        self.all = take(board.highest)
        self.shown = take(board.high[SHOWN + node])
        self.back = view.shown[node]
        self.start = start


class Checker:
    def __init__(self, board, record, strict):
        self.board = board
        self.record = record
        self.strict = strict            # phases in which nothing fails

    def resolve(self, view, values):
        """The values in the place of the marks for the latest ones."""
        found = []
        for number, value in zip(view.numbers, values):
            if value < 0:
                started = self.board.started[number]
                odd = value == LATEST_ODD
                value = started - (started % 2 != odd)
                assert odd or value % 2 == LATEST_EVEN % 2
            found.append(value)
        return tuple(found)

    def look(self, view, node, before, values, now, level):
        """values: what an answer shows of the registers of the view."""
        exact = not values or min(values) >= 0
        if not exact:
            values = self.resolve(view, values)
        # Shown by somebody else is no more than a promise for later.
        if not all(map(operator.ge, values, before.all)) \
                or not all(map(operator.ge, values, before.shown)):
            self.behind(view, node, before, values, level)
        started = view.take(self.board.started)
        if not all(map(operator.le, values, started)):
            self.ahead(view, node, before, values, started)
        if not exact:
            return      # the best that can be said of it was said
        if level != "BYPASS":
            self.back(view, node, before, values)
        shown = view.take(self.board.high[SHOWN + node])
        if not all(map(operator.le, values, shown)):
            for number, value, known in zip(view.numbers, values, shown):
                if value > known:
                    self.board.show(node, number, value, now)

    def behind(self, view, node, before, values, level):
        for number, value, own, every, shown in zip(
                view.numbers, values, before.own, before.all, before.shown):
            # Of the dashboard only what has changed is read anew.
            if value < every and level in AFRESH and \
                    (level != "MISS" or "/dashboard/" not in
                     view.shape.path):
                self.record.find(
                    "misses", before.phase,
                    f"node {node + 1}, {view.shape.path}: a {level} says "
                    f"{value} of {self.board.names[number]}, and {every} was "
                    "acknowledged before it was asked for")
            if value < max(every, shown):
                self.missed(f"{view.shape.path}, {level}", node, before,
                            number, value, own, every, shown)

    def missed(self, path, node, before, number, value, own, every, shown):
        board = self.board
        name = board.names[number]
        phase = before.phase
        if value < own:
            since, _ = board.oldest_missed(number, value, own, [node],
                                           before.start)
            if since is not None:
                self.record.find(
                    "own_writes", phase,
                    f"node {node + 1}, {path}: {name} is {value}, and "
                    f"{own} was acknowledged there; the first that is missing "
                    f"{before.start - since:.4f} s before")
        if value < every:
            others = [s for s in ACKNOWLEDGED if s != node]
            since, who = board.oldest_missed(number, value, every, others,
                                             before.start)
            if since is not None:
                age = before.start - since
                self.record.ages[phase, who].append(age)
                if age > BOUND:
                    self.record.find(
                        "elsewhere", phase,
                        f"node {node + 1}, {path}: {name} is {value}, and "
                        f"source {who} had more {age:.3f} s before")
                return
        if value < shown:
            since, _ = board.oldest_missed(number, value, shown,
                                           [SHOWN + node], before.start)
            if since is not None and before.start - since > BOUND:
                self.record.find(
                    "elsewhere", phase,
                    f"node {node + 1}, {path}: {name} is {value}, and the "
                    f"node itself had shown more "
                    f"{before.start - since:.3f} s before")

    def ahead(self, view, node, before, values, started):
        for n in view.bounded:
            if values[n] > started[n]:
                self.record.find(
                    "never_ahead", before.phase,
                    f"node {node + 1}, {view.shape.path}: "
                    f"{view.shape.registers[n]} is {values[n]}, and nobody "
                    f"has written more than {started[n]}")

    def back(self, view, node, before, values):
        """A cached answer after another one of the same address."""
        if before.back is not None \
                and not all(map(operator.ge, values, before.back)):
            self.record.count(before.phase, "back", node)
            if before.phase in self.strict:
                self.long_back(view, node, before, values)
        known = view.shown[node]
        if known is None:
            view.shown[node] = values
        elif not all(map(operator.ge, known, values)):
            view.shown[node] = tuple(map(max, known, values))

    def long_back(self, view, node, before, values):
        """Of a write that a node has not heard of yet it may know by chance,
        and forget; not once it must have heard."""
        for number, value, known in zip(view.numbers, values, before.back):
            if value >= known:
                continue
            since, _ = self.board.oldest_missed(number, value, known,
                                                [SHOWN + node], before.start)
            if since is not None and before.start - since > HEARD:
                self.record.find(
                    "never_back", before.phase,
                    f"node {node + 1}, {view.shape.path}: "
                    f"{self.board.names[number]} is {value} after {known}, "
                    f"shown {before.start - since:.3f} s before")

    # Things that are there or not, by their number

    def known_one(self, number, value, node):
        """When this node has told of it, then when and by whom others have;
        None where nobody has."""
        own = self.board.time(node, number, value)
        others = [(self.board.time(s, number, value), s)
                  for s in ACKNOWLEDGED if s != node]
        return own, min((o for o in others if o[0]), default=None)

    def one_is_missing(self, path, node, before, known):
        """It was not there, or not as it should be."""
        own, other = known
        if own:
            self.record.find(
                "own_writes", before.phase,
                f"node {node + 1}, {path} was acknowledged there "
                f"{before.start - own:.4f} s before, and is not there")
        elif other:
            age = before.start - other[0]
            self.record.ages[before.phase, other[1]].append(age)
            if age > BOUND:
                self.record.find(
                    "elsewhere", before.phase,
                    f"node {node + 1}, {path} was acknowledged elsewhere "
                    f"{age:.3f} s before, and is not there")
