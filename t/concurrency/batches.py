"""What checker.py asks of batches of rows: of mode=all all rows are written or
none, of mode=valid those that are right, each once, and the answer says which.

A batch of prices gives its products a description that no other has; one of
adjustments has a reason that no other has, at times with a word after it."""

import collections
import json
import re

KINDS = {"prices", "restock"}
NOBODY = 10 ** 9        # the id of what is not there
SHORT = re.compile(r"demandé (\d+), disponible (\d+)")


def mode(request):
    return request.path.partition("?mode=")[2] or "all"


def wrong_rows(request):
    """The lines that are wrong whatever the stock is."""
    return {n for n, row in enumerate(request.body, 1)
            if NOBODY in row.values() or row.get("prix") == "x"}


def answer(request):
    """The errors by line, and the summary; None: nobody was told."""
    if request.told() is None:
        return None
    *lines, summary = map(json.loads, request.final().body.splitlines())
    return {line["ligne"]: line["erreurs"] for line in lines}, summary


def place(row):
    return row["magasin"], row["produit"]


def written(db):
    """What was written, by the batch and the row: deltas, or descriptions."""
    found = collections.defaultdict(list)
    for row in db["journal"]:
        if (row.reference or "").startswith("lot/") and row.delta is not None:
            number = int(row.motif.split()[1])
            found[number, row.place()].append(row.delta)
    for product, text in db["changes"]:
        if text.startswith("lot "):
            found[int(text.split()[1]), product].append(text)
    return found


def found_of(request, found):
    """What was written of each row."""
    return [found[request.number,
                  row.get("id") if request.kind == "prices" else place(row)]
            for row in request.body]


def batches(requests):
    return [r for r in requests if r.kind in KINDS]


def batches_are_whole(requests, db):
    """The rows that were written are those that the answer says; and without
    an answer all that are right, or none."""
    wrong = []
    found = written(db)
    for r in batches(requests):
        there = [bool(f) for f in found_of(r, found)]
        said = answer(r)
        if said is None:
            right = [n not in wrong_rows(r)
                     for n in range(1, len(r.body) + 1)]
            torn = any(there) and there != right
            if mode(r) == "all" and wrong_rows(r) and any(there) \
                    or torn and (mode(r) == "all" or r.kind == "prices") \
                    or any(there) and not r.unsure():
                wrong.append(f"{r} got {r.status()}, and of {r.body} there "
                             f"is {there}")
            continue
        errors, summary = said
        right = [n not in errors and not (errors and mode(r) == "all")
                 for n in range(1, len(r.body) + 1)]
        if there != right or summary != {
                "mode": mode(r), "lignes": len(r.body), "ecrites": sum(right),
                "creees": 0, "refusees": len(errors)}:
            wrong.append(f"{r}: {r.body} was told {said}, and there is "
                         f"{there}")
        if not wrong_rows(r) <= set(errors) \
                or r.kind == "prices" and wrong_rows(r) != set(errors):
            wrong.append(f"{r}: of {r.body} was refused {errors}")
    return wrong


def batches_once(requests, db):
    """No row is written twice, and none that nobody has sent."""
    wrong = []
    found = written(db)
    for r in batches(requests):
        for row in r.body:
            rows = found.pop((r.number, row.get("id")
                              if r.kind == "prices" else place(row)), [])
            if len(rows) > 1:
                wrong.append(f"{r} has written {row} {len(rows)} times")
    return wrong + [f"nobody has sent {what}" for what in found if found[what]]


def batches_add(requests, db):
    """Each row adds what it says, and is refused only for what is so."""
    wrong = []
    found = written(db)
    for r in batches(requests):
        if r.kind != "restock":
            continue
        for row, deltas in zip(r.body, found_of(r, found)):
            if set(deltas) - {row["delta"]}:
                wrong.append(f"{r} has made {deltas} of {row}")
    wrong += [f"{r} was refused {row} for {quantity}"
              for r, row, quantity in refused(requests)
              if -row["delta"] <= quantity]
    return wrong


def refused(requests):
    """(request, row, what was said to be there) for want of stock."""
    some = []
    for r in batches(requests):
        errors, _ = answer(r) or ({}, None)
        for n, messages in errors.items():
            short = SHORT.search(" ".join(messages.get("delta", [])))
            if short:
                some.append((r, r.body[n - 1], int(short[2])))
    return some


def moves(requests):
    """(request, place, units) of all rows that were told to be written."""
    return [(r, place(row), row["delta"])
            for r in batches(requests) if r.kind == "restock" and answer(r)
            for n, row in enumerate(r.body, 1)
            if n not in answer(r)[0]
            and not (answer(r)[0] and mode(r) == "all")]


CHECKS = [batches_are_whole, batches_once, batches_add]
