"""Answers that are wrong on purpose: what each check is there for.

A lie is told to the checker in the place of some answers, as if a node had
said it; the check that it is for has to find it."""

import re

from readers import ETAG

QUANTITY = re.compile(rb'"quantite":\d+')
PRICE = re.compile(rb'"prix":"(\d+)')


class Lie:
    def __init__(self, names):
        self.lies = [LIES[name][0] for name in names]
        self.first = {}     # by shape: head and body as they were once
        self.last = {}      # as they were before the last time

    def __call__(self, reader, question, status, head, body):
        view = question.view
        if view is None:
            if missing in self.lies and reader.random.random() < 0.2:
                return 404, head, b"{}"
            return status, head, body
        if status == 200 and question.kind == "GET":
            self.first.setdefault(view, (head, body))
            kept = self.last.setdefault(view, [])
            if (head, body) not in kept[-1:]:
                kept.append((head, body))
                del kept[:-2]
            if reader.random.random() < 0.2:
                return reader.random.choice(self.lies)(
                    self, view, status, head, body)
        return status, head, body


def old(lie, view, status, _head, _body):
    return status, *lie.first[view]


def previous(lie, view, status, _head, _body):
    return status, *lie.last[view][0]


def invented(_lie, _view, status, head, body):
    return status, untagged(head), QUANTITY.sub(b'"quantite":55555', body)


def torn(_lie, _view, status, head, body):
    return status, untagged(head), PRICE.sub(b'"prix":"77', body)


def mistagged(_lie, _view, status, head, body):
    return status, ETAG.sub(b'\r\nETag: "1"\r\n', head), body


def unasked(_lie, _view, _status, head, _body):
    return 304, head, b""


def broken(_lie, _view, _status, head, _body):
    return 500, head, b"{}"


def gone(_lie, _view, _status, head, _body):
    return 404, head, b"{}"


def missing(_lie, _view, status, head, body):
    """Of things that are asked for by their number."""
    return status, head, body


def untagged(head):
    return ETAG.sub(b"\r\n", head)


LIES = {
    "old": (old, "own_writes"),
    "old-elsewhere": (old, "elsewhere"),
    "old-miss": (old, "misses"),
    "previous": (previous, "never_back"),
    "invented": (invented, "never_ahead"),
    "torn": (torn, "bodies"),
    "gone": (gone, "bodies"),
    "mistagged": (mistagged, "etags"),
    "unasked": (unasked, "etags"),
    "broken": (broken, "statuses"),
    "missing": (missing, "own_writes"),
}
