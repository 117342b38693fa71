"""What checker.py asks of sales that say what they expect to pay, and of those
that sell goods which the record does not have."""

import bisect
import collections
import json

# The reason of an adjustment that a sale needs.
CORRECTION = "ecart_caisse"

TOLERANCE = 0.002


def cents(price):
    return int(price.replace(".", ""))


def exact(requests, db):
    """No sale has another total than it expected; who is refused is told what
    it costs, by the prices of then."""
    wrong = []
    prices = collections.defaultdict(list)
    for product, instant, price in db["priced"]:
        prices[product].append((instant, price))

    def had(product, price, sent, ended):
        """It was the price of the product between these instants."""
        changes = prices[product]
        last = bisect.bisect_right(changes, (ended + TOLERANCE, ""))
        for n in range(last - 1, -1, -1):
            if changes[n][1] == price:
                return True
            if changes[n][0] < sent - TOLERANCE:
                return False
        return price == f"{product}.99"     # as inventory.py has it

    for r in requests:
        if r.kind != "exact" or r.status() not in (201, 409):
            continue
        said = json.loads(r.final().body)
        if "total" not in said:
            continue
        expected = r.body["total_attendu"]
        if (r.status() == 201) != (said["total"] == expected) \
                or said.get("total_attendu", expected) != expected \
                or sum(line["quantite"] * cents(line["prix_unitaire"])
                       for line in said["lignes"]) != cents(said["total"]):
            wrong.append(f"{r}: {r.body} was answered {said}")
        sent = min(a.sent for s in db["by_key"].get(r.key, [r])
                   for a in s.attempts)
        given = {line.get("prix_unitaire") for line in r.body["lignes"]}
        wrong += [f"{r} was told {line}, and that was no price then"
                  for line in said["lignes"]
                  if line["prix_unitaire"] not in given
                  and not had(line["produit"], line["prix_unitaire"], sent,
                              r.final().ended)]
    return wrong


def forced(requests, db):
    """What a sale finds that the record does not have is what is missing, by
    the journal; and what is held stays held."""
    wrong = []
    owned = set()
    for r in requests:
        if r.kind == "forced":
            owned.update(db["marked"].get(r.mark(), []))
    claims = {d["vente"] for d in db["reservations"].values()}
    held = collections.Counter()
    found = {}
    left = {}       # what there was before and after, and what was held
    last = {}
    for row in db["journal"]:
        sale = None
        if (row.reference or "").startswith("vente/"):
            sale = int(row.reference.split("/")[1])
        if row.retenu is not None:
            held[row.place()] += row.retenu
        elif row.type == "vente":
            if sale in claims:
                held[row.place()] += row.delta
            before = left.get((sale, row.place()), [last.get(row.place(), 0)])
            left[sale, row.place()] = (before[0], row.quantite,
                                       held[row.place()])
        elif row.motif == CORRECTION:
            if row.type != "ajustement" or sale not in owned \
                    or (sale, row.place()) in found:
                wrong.append(f"nobody had these units in his hand: {row}")
            found[sale, row.place()] = row, held[row.place()]
        if row.delta is not None:
            last[row.place()] = row.quantite
    for n in owned & set(db["sales"]):
        sale = db["sales"][n]
        units = collections.Counter()
        for line in sale["lignes"]:
            units[sale["magasin"], line["produit"]] += line["quantite"]
        for place, sold in units.items():
            row, kept = found.pop((n, place), (None, 0))
            if row is None:
                before, there, kept = left.get((n, place), (0, -1, 0))
                if before - sold != there or there < kept:
                    wrong.append(f"sale {n} of {sold} has left {there} of "
                                 f"{before} at {place}, where {kept} are held")
                continue
            missing = sold - max(row.quantite - row.delta - kept, 0)
            if row.delta != missing:
                wrong.append(f"sale {n} of {sold} at {place}, where {kept} are "
                             f"held: {missing} are missing, and {row}")
    wrong += [f"no sale needed {row}" for row, _ in found.values()]
    return wrong


CHECKS = [exact, forced]
