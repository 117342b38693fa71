"""What a person is told in the end."""

from board import HAND, NODES
from checker import BOUND, CHECKS

# Where nothing fails, so many seconds are answers elsewhere behind at most,
# but for one in a thousand of all that are given.
SOON = 0.05
LATE = 0.001


def percentile(ages, share):
    ages = sorted(ages)
    return ages[min(len(ages) - 1, int(share * len(ages)))] if ages else 0.0


class Report:
    def __init__(self, phases, record):
        self.phases = phases
        self.record = record
        self.numbers = range(len(phases) + 1)

    def name(self, number):
        return self.phases[number].name if number < len(self.phases) \
            else "between"

    def count(self, number, what, which=None):
        return sum(n for (p, w, k), n in self.record.counts.items()
                   if p == number and w == what and which in (None, k))

    def reads(self, number):
        return self.count(number, "read")

    def found(self, check):
        """Sentences, with the number of all there were first."""
        found = []
        for number in self.numbers:
            lines = self.record.findings.get((number, check), [])
            if lines:
                found.append(f"{self.name(number)}: "
                             f"{self.count(number, 'finding', check)} times")
                found += lines
        return found

    def ages(self, number, by_hand):
        return [age for source in ([HAND] if by_hand else NODES)
                for age in self.record.ages.get((number, source), [])]

    def table(self, number):
        """One line for a phase."""
        caches = {k: n for (p, w, k), n in sorted(
            self.record.counts.items(), key=str) if p == number
                  and w == "cache" and k}
        statuses = {k: n for (p, w, k), n in sorted(
            self.record.counts.items(), key=str) if p == number
                    and w in ("status", "write") and k >= 500}
        words = [f"{self.name(number):22} {self.reads(number):8,} reads",
                 f"{self.count(number, 'write'):6,} writes",
                 f"{self.count(number, 'hand'):5,} by hand",
                 f"stale at the writer "
                 f"{self.count(number, 'finding', 'own_writes')}"]
        for by_hand, whose in ((False, "elsewhere"), (True, "of psql")):
            ages = self.ages(number, by_hand)
            words.append(
                f"{whose} {len(ages)} reads behind, ms p50 "
                f"{1000 * percentile(ages, 0.5):.1f} p99 "
                f"{1000 * percentile(ages, 0.99):.1f} max "
                f"{1000 * max(ages, default=0):.1f}")
        words.append(f"back {self.count(number, 'back')}")
        words.append(f"lost {self.count(number, 'lost')}")
        if statuses:
            words.append(f"failed {statuses}")
        if caches:
            words.append(" ".join(f"{k} {n}" for k, n in caches.items()))
        return "; ".join(words)

    def lines(self):
        yield from (self.table(number) for number in self.numbers)
        worst = [age for number in self.numbers for by_hand in (False, True)
                 for age in self.ages(number, by_hand)]
        stale = sum(self.count(n, "finding", "own_writes")
                    for n in self.numbers)
        yield (f"{sum(map(self.reads, self.numbers)):,} reads checked, "
               f"{stale} stale on a node that acknowledged the write, worst "
               f"age elsewhere {max(worst, default=0):.3f} s")

    def late(self, number):
        """The share of answers that are behind what a node has written for
        more than a moment."""
        late = sum(age > SOON for age in self.ages(number, False))
        return late / max(1, self.reads(number))

    def expect(self, suite, cache):
        for number, phase in enumerate(self.phases):
            suite.expect(self.reads(number) > 0, f"{phase.name}: was read",
                         [self.table(number)])
            if phase.strict:
                self.expect_soon(suite, number, phase.name, cache)
        for check in CHECKS:
            suite.expect(not self.found(check), check, self.found(check))
        for by_hand in (False, True):
            worst = max((max(self.ages(n, by_hand), default=0)
                         for n in self.numbers), default=0)
            suite.expect(worst < BOUND, "the worst age elsewhere is below "
                         f"{BOUND:.0f} s" + " of what psql wrote" * by_hand,
                         [worst])

    def expect_soon(self, suite, number, name, cache):
        """The suite has tested a cache, and it tells soon what has changed
        where nothing fails."""
        late = self.late(number)
        suite.expect(late < LATE, f"{name}: but for one in a thousand, no "
                     f"answer is behind by {1000 * SOON:.0f} ms", [late])
        for level in ("HIT", "REDIS", "MISS", "COALESCED") * cache:
            suite.expect(self.count(number, "cache", level) > 0,
                         f"{name}: there were answers by {level}",
                         [self.table(number)])
