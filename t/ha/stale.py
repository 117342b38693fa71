"""Reads, against what was acknowledged: the node that has acknowledged a write
shows it, and the others do after a second."""

import collections
import copy

from checker import timelines

BOUND = 1.0         # seconds for which another node may be behind


def known_at(requests, node):
    """The requests, as this node has to know of them: what others have
    acknowledged, a second later."""
    found = []
    for request in requests:
        if request.kind == "read":
            continue
        known = copy.copy(request)
        known.attempts = []
        for attempt in request.attempts:
            attempt = copy.copy(attempt)
            if attempt.node != node:
                attempt.ended += BOUND
            known.attempts.append(attempt)
        found.append(known)
    return found


def reads_of(requests):
    """(request, its answer), by the node that has answered."""
    found = collections.defaultdict(list)
    for request in requests:
        if request.kind == "read" and request.told():
            found[request.final().node].append((request, request.final()))
    return found


def reads_are_fresh(requests, db):
    wrong = []
    for node, reads in reads_of(requests).items():
        lines = timelines(known_at(requests, node), db)
        for request, final in reads:
            # With an age it is what a directive allows.
            if final.age is None and not lines[
                    request.place()].could_be_read(
                        request.told()["quantite"], final.sent, final.ended):
                wrong.append(f"{request} was told {request.told()} by "
                             f"{node}, and that was over")
    return wrong


def counts(requests):
    """(answers of reads, those that are marked as old)."""
    finals = [final for reads in reads_of(requests).values()
              for _, final in reads]
    return len(finals), sum(f.age is not None for f in finals)
