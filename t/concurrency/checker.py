"""What has to be true after the storm, whoever was killed meanwhile.

Each check is a function of what the clients wrote down and of what the
database holds, and returns sentences about what is wrong: none when all is
well.  They touch nothing, so that a planted bug can be shown to them.

The first argument is a list of Request; the second is what observe() of
observer.py has found, by these names:

  calm       nobody was killed: every request has to have a true answer
  initial    units by (store, product) before; store None is the central stock
  stock      the same afterwards
  sales      sales by id, as GET shows them, without the id
  marked     ids of sales by the price that marks their request
  hand       sales made at psql
  demandes   replenishment requests by id, as GET shows them
  receptions, transferts, reservations   documents by id, as GET shows them
  holds      counters of held units that are wrong
  comptages  stock-takes by id, as GET shows them
  comptage_lignes            lines by (stock-take, product): compte, present
             and oubliee, which the close has written
  retours    returns of goods by id, as they are answered
  transit    units in transit by (store, product), as the lists count them
  journal    all rows of the journal, by id
  changes    (product, description) of all changes of one, by id
  described  descriptions by product
  priced     (product, instant, price) of all changes of one, by id
  tariff     prices by product
  seuils, defauts            thresholds by (store, product), and the defaults by
             (store, category)
  seuils_journal             the journal's rows of both, by id
  magasins   stores by id: nom, adresse, ouvert
  addresses  (store, address) of all changes of one, by id
  codes      (code, product, whether it is the shop's own)
  codes_journal              (type, instant, product, code) of all changes, by id
  prices     where the journal does not lead from one price to the next, and to
             that of the product
  order      the ids of the journal in the order of its stream
  stream     the ids as somebody read them meanwhile, page by page
  replayed   the answers to keys that were sent once more at the end
  ledger, rollups            what sql/checks says
  complaints, server_log     alarming lines of nginx and PostgreSQL
"""

import bisect
import collections
import json

import batches
import counts
import holds
import movements
import refunds
import requests_for_stock
import tills
import upkeep

STILL_RUNNING = "est encore en cours".encode()
KNOWN = {200, 201, 204, 400, 404, 409, 422}
PASSING = {503, 504}

# What comes of a request that is right; what belongs to a product that
# somebody else deletes meanwhile may get the second set, too.
EXPECTED = {
    "sale": ({201, 409}, {400}),
    "forced": ({201, 409}, {400}),
    "exact": ({201, 409}, set()),
    "adjust": ({200, 409}, {404}),
    "central": ({200, 409}, {404}),
    "request": ({201, 409}, set()),
    "decide": ({200, 400, 409}, set()),
    "decisions": ({200}, set()),
    "amend": ({200, 409}, set()),
    "withdraw": ({200, 409}, set()),
    "count": ({201}, set()),
    "scan": ({200, 409}, set()),
    "close": ({200, 409}, set()),
    "drop": ({200, 409}, set()),
    "receipt": ({201}, set()),
    "cancel": ({200, 409}, set()),
    "transfer": ({201, 409}, set()),
    "receive": ({200, 409}, set()),
    "return": ({200, 409}, set()),
    "reserve": ({201, 409}, set()),
    "claim": ({201, 409}, set()),
    "giveback": ({200, 409}, set()),
    "refund": ({201, 409}, set()),
    "create": ({201}, set()),
    "change": ({200}, {404}),
    "prices": ({200}, set()),
    "restock": ({200}, set()),
    "delete": ({204, 404}, set()),
    "read": ({200}, {404}),
    "price": ({200}, set()),
    "threshold": ({200}, set()),
    "defaults": ({200}, set()),
    "reorder": ({200, 201}, set()),
    "open": ({201}, set()),
    "alter": ({200}, set()),
    "code": ({200, 409}, set()),
}

# Kinds of sales, and of adjustments.
SALES = {"sale", "forced", "exact"}
ADJUSTMENTS = {"adjust", "central"}

# Clocks of one machine, read in two processes and cut to microseconds.
TOLERANCE = 0.002


class Attempt:
    """One time that a request was sent.  Status 0: the connection broke.  The
    node is whose answer it is; with an age it may be as old as that."""

    def __init__(self, sent, ended, status=0, body=b"", location=None,
                 node=None, age=None):
        self.sent = sent
        self.ended = ended
        self.status = status
        self.body = body
        self.location = location
        self.node = node
        self.age = age

    def still_running(self):
        return self.status == 409 and STILL_RUNNING in self.body

    def final(self):
        return self.status not in PASSING and self.status != 0 \
            and not self.still_running()

    def answer(self):
        return self.status, self.body, self.location


class Request:
    """One thing that a client wanted, however often it had to ask."""

    def __init__(self, number, kind, method, path, body=None, key=None,
                 fleeting=False, wrong=False):
        self.number = number
        self.kind = kind
        self.method = method
        self.path = path
        self.body = body
        self.key = key
        self.fleeting = fleeting    # of a product that may be deleted
        self.wrong = wrong          # the key belongs to another request
        self.attempts = []

    def __str__(self):
        return f"{self.method} {self.path} (number {self.number})"

    def finals(self):
        """Answers that say what came of it."""
        return [a for a in self.attempts if a.final()]

    def final(self):
        return next(iter(self.finals()), None)

    def status(self):
        """Of the final answer, or None."""
        final = self.final()
        return final.status if final else None

    def told(self):
        """The body of a success, its last line if it has lines, or None."""
        final = self.final()
        if final is None or final.status not in (200, 201):
            return None
        return json.loads(final.body.splitlines()[-1])

    def unsure(self):
        """It may have been done, and nobody was told."""
        return bool(self.attempts) and not self.finals()

    def mark(self):
        """The price that no other sale has, if it was given one."""
        if self.kind not in SALES:
            return None
        return self.body["lignes"][0].get("prix_unitaire")

    def motif(self):
        return f"essai {self.number}"

    def place(self):
        """Whose stock a path is about, as /stores/1/stock/2/adjust/ or
        /stock/central/2/adjust/."""
        words = self.path.split("/")
        if words[4] == "central":
            return None, int(words[5])
        return int(words[4]), int(words[6])


class Hand:
    """A sale made at psql: True, False, or None when nobody was told."""

    def __init__(self, mark, store, product, quantity, made=None):
        self.mark = mark
        self.store = store
        self.product = product
        self.quantity = quantity
        self.made = made


def by_key(requests):
    """Requests of each key: twins have the same."""
    found = collections.defaultdict(list)
    for r in requests:
        if r.key:
            found[r.key].append(r)
    return found


def one_of_each(requests):
    """Requests, each key once: the one that knows its fate, if any does."""
    found = [r for r in requests if not r.key and not r.wrong]
    for same in by_key(r for r in requests if not r.wrong).values():
        found.append(next((r for r in same if r.final()), same[0]))
    return found


def statuses(requests, db):
    """Nothing but what the API knows, and what this request may get."""
    wrong = []
    for r in requests:
        right, fleeting = EXPECTED[r.kind]
        if r.fleeting:
            right = right | fleeting
        if r.wrong:
            right = {422}
        for a in r.attempts:
            if a.status in PASSING or a.status == 0:
                fine = not db["calm"]
            else:
                fine = a.status in KNOWN and (a.status in right
                                              or a.still_running()
                                              or a.status == 422)
            if not fine:
                wrong.append(f"{r} got {a.status}: {a.body[:200]!r}")
    return wrong


def unanswered(requests, _):
    """What has a key is asked again until it is answered."""
    return [f"{r} has no answer" for r in requests
            if r.key and not r.finals()]


def refused_keys(requests, _):
    """422 is for another request under the key, and always for it; "still
    running" is for what overlaps with an attempt that may be running."""
    wrong = []
    for key, same in by_key(requests).items():
        attempts = [(r, a) for r in same for a in r.attempts]
        for r, a in attempts:
            if (a.status == 422) != r.wrong and a.final():
                wrong.append(f"{r}, key {key}, got {a.status}")
            if a.still_running() and not any(
                    b is not a and b.sent < a.ended
                    and (b.ended > a.sent - TOLERANCE or b.status == 0
                         or b.status in PASSING)
                    for _, b in attempts):
                wrong.append(f"{r}, key {key}: nothing else was running")
    wrong += [f"{r} without a key: {a.body[:100]!r}" for r in requests
              if not r.key for a in r.attempts
              if a.still_running() or a.status == 422]
    return wrong


def not_below_zero(_, db):
    wrong = [f"{place}: {n}" for place, n in db["stock"].items() if n < 0]
    wrong += [f"the journal had {row.quantite} at {row.id}"
              for row in db["journal"]
              if row.quantite is not None and row.quantite < 0]
    return wrong


def lines_wanted(body):
    """Lines of one product at one price become one, where the first was."""
    merged = {}
    for line in body["lignes"]:
        what = line["produit"], line.get("prix_unitaire")
        merged[what] = merged.get(what, 0) + line["quantite"]
    return [(product, quantity, price)
            for (product, price), quantity in merged.items()]


def sales_are_there(requests, db):
    """Every acknowledged sale, once, as its answer said and was asked."""
    wrong = []
    seen = {}
    for r in requests:
        sale = r.told() if r.kind in SALES else None
        if sale is None:
            continue
        number = sale.pop("id")
        other = seen.setdefault(number, r)
        if other is not r and (r.key is None or r.key != other.key):
            wrong.append(f"sale {number} is the answer to two requests")
        if r.final().location != f"/api/v1/sales/{number}/":
            wrong.append(f"sale {number} is said to be at "
                         f"{r.final().location}")
        there = db["sales"].get(number)
        if there is None:
            wrong.append(f"sale {number} was acknowledged and is lost")
            continue
        if there != sale:
            wrong.append(f"sale {number} is {there}, not {sale}")
        wanted = lines_wanted(r.body)
        lines = there["lignes"]
        if there["magasin"] != r.body["magasin"] \
                or [(line["produit"], line["quantite"]) for line in lines] \
                != [(product, quantity) for product, quantity, _ in wanted] \
                or any(price and price != line["prix_unitaire"]
                       for (_, _, price), line in zip(wanted, lines)):
            wrong.append(f"sale {number} is {there}, wanted {r.body}")
        cents = sum(line["quantite"]
                    * int(line["prix_unitaire"].replace(".", ""))
                    for line in lines)
        if int(there["total"].replace(".", "")) != cents:
            wrong.append(f"sale {number} does not add up: {there}")
    return wrong


def no_other_sales(requests, db):
    """Each sale belongs to one request, which knows it or knows nothing."""
    wrong = []
    owners = {}
    for r in one_of_each(requests):
        if r.kind not in SALES:
            continue
        found = db["marked"].get(r.mark(), []) if r.mark() else []
        sale = r.told()
        if sale is not None:
            owners[sale["id"]] = r
            if r.mark() and found != [sale["id"]]:
                wrong.append(f"{r}: answered with sale {sale['id']}, "
                             f"and there is {found}")
        elif r.unsure():
            if len(found) > 1:
                wrong.append(f"{r}: nobody knows, and there are {found}")
        elif found:
            wrong.append(f"{r}: refused with {r.status()}, and there is "
                         f"{found}")
        owners.update((n, r) for n in found)
    for h in db["hand"]:
        owners.update((n, h) for n in db["marked"].get(h.mark, []))
    owners.update((d["vente"], d) for d in db["reservations"].values())
    wrong += [f"sale {n} is nobody's: {db['sales'][n]}"
              for n in sorted(set(db["sales"]) - set(owners))]
    return wrong


def hand_sales(_, db):
    """What psql said was committed is there once, in a replica session too."""
    wrong = []
    for h in db["hand"]:
        found = db["marked"].get(h.mark, [])
        least = 1 if h.made else 0
        most = 0 if h.made is False else 1
        if not least <= len(found) <= most:
            wrong.append(f"the sale at {h.mark} by hand (made: {h.made}) is "
                         f"there {len(found)} times")
        for n in found:
            if db["sales"].get(n, {}).get("lignes") != [
                    {"produit": h.product, "quantite": h.quantity,
                     "prix_unitaire": h.mark}]:
                wrong.append(f"sale {n} by hand has become "
                             f"{db['sales'].get(n)}")
    return wrong


def delta_of(request):
    """What an adjustment that succeeded has done, by what it asked for."""
    body = request.body
    return body["delta"] if "delta" in body \
        else body["quantite"] - body["attendu"]


def of_batch(row):
    return (row.reference or "").startswith("lot/")


def asked(row):
    """The reason of an adjustment as its request has it."""
    return " ".join(row.motif.split()[:2]) if of_batch(row) else row.motif


def adjustments(requests, db):
    """One movement for each that succeeded, from and to what was said."""
    wrong = []
    rows = collections.defaultdict(list)
    for row in db["journal"]:
        if row.type == "ajustement" and not of_batch(row) \
                and row.motif != tills.CORRECTION:
            rows[row.motif].append(row)
    for r in one_of_each(requests):
        if r.kind not in ADJUSTMENTS:
            continue
        found = rows.pop(r.motif(), [])
        told = r.told()
        if told is None:
            if len(found) > (1 if r.unsure() else 0):
                wrong.append(f"{r}: {r.status()}, and {found}")
            continue
        if len(found) != 1:
            wrong.append(f"{r}: {told}, and {found}")
            continue
        row = found[0]
        if (row.place(), row.delta, row.quantite) \
                != (r.place(), delta_of(r), told["quantite"]):
            wrong.append(f"{r}: {r.body} was answered {told}, and {row}")
    wrong += [f"nobody asked for {row}" for found in rows.values()
              for row in found]
    return wrong


def moved(requests, db):
    """What should have moved, by the clients' own records."""
    units = collections.Counter()
    for sale in db["sales"].values():
        for line in sale["lignes"]:
            units[sale["magasin"], line["produit"]] -= line["quantite"]
    known = set()
    for r in one_of_each(requests):
        if r.kind in ADJUSTMENTS and r.told() is not None:
            units[r.place()] += delta_of(r)
            known.add(r.motif())
    for r, place, quantity in batches.moves(one_of_each(requests)):
        units[place] += quantity
        known.add(r.motif())
    for demande in db["demandes"].values():
        if demande["statut"] == "approuvee":
            product = demande["produit"]
            units[demande["magasin"], product] += demande["quantite"]
            units[None, product] -= demande["quantite"]
    for place, product, quantity in movements.places(db)[0]:
        units[place, product] += quantity
    for row in db["journal"]:
        # A deletion takes what there is; an adjustment whose answer was lost
        # has been looked at by adjustments(), one that a sale needed by
        # forced().
        if row.type == "suppression" \
                or row.type == "ajustement" and asked(row) not in known:
            units[row.place()] += row.delta
    return units


def units_are_conserved(requests, db):
    """Initial - sold + adjusted + supplied = final, for each place."""
    wrong = []
    units = moved(requests, db)
    for place in set(db["initial"]) | set(db["stock"]) | set(units):
        first = db["initial"].get(place, 0)
        found = db["stock"].get(place, 0)
        if first + units[place] != found:
            wrong.append(f"{place}: {first} at first, {first + units[place]} "
                         f"expected, {found} found")
    return wrong


def products(requests, db):
    """A product that was created is there once, whatever came of it then."""
    wrong = []
    made = collections.Counter(row.reference for row in db["journal"]
                               if row.type == "produit_creation")
    told = set()
    unsure = 0
    for r in one_of_each(requests):
        if r.kind == "create":
            unsure += r.unsure()
            if r.told():
                told.add(f"produit/{r.told()['id']}")
    wrong += [f"{name} was made {made[name]} times" for name in told
              if made[name] != 1]
    others = sum(made.values()) - len(told)
    if others > unsure + db["products_before"]:
        wrong.append(f"{others - db['products_before']} products are nobody's")
    return wrong


def changes(requests, db):
    """A change of a product that was acknowledged was made once; the last one
    is what there is."""
    wrong = []
    made = collections.Counter(what for what in db["changes"]
                               if not what[1].startswith("lot "))
    for r in requests:
        if r.kind != "change" or "archive" in r.body:
            continue
        told = r.told()
        if told and any(told[k] != v for k, v in r.body.items()):
            wrong.append(f"{r}: {r.body} was answered {told}")
        if "description" not in r.body:
            continue
        what = int(r.path.split("/")[4]), r.body["description"]
        n = made.pop(what, 0)
        if (n != 1 if told else n > r.unsure()):
            wrong.append(f"{r} got {r.status()} and was made {n} times")
    wrong += [f"nobody wanted {what}" for what in made]
    for product, last in dict(db["changes"]).items():
        if db["described"].get(product, last) != last:
            wrong.append(f"product {product} was {last} at last, and is "
                         f"{db['described'][product]}")
    return wrong


def keys_are_kept(requests, db):
    """All answers to one key are the same bytes, then and now, at any node.

    What was not found is not kept: it may be there the next time."""
    wrong = []
    for key, same in by_key(requests).items():
        finals = [a.answer() for r in same if not r.wrong
                  for a in r.finals() if a.status != 404]
        finals += [a.answer() for a in db["replayed"].get(key, [])]
        for other in finals[1:]:
            if other != finals[0]:
                wrong.append(f"key {key} got {finals[0]} and {other}")
                break
    return wrong


def journal_tells_sales(_, db):
    """Units sold by the journal are those of the lines, for each sale."""
    wrong = []
    created = collections.Counter()
    units = collections.Counter()
    hand = collections.Counter()
    for row in db["journal"]:
        if row.type == "vente_creation":
            created[row.reference] += 1
        elif row.type == "vente":
            units[row.reference, row.place()] -= row.delta
        elif row.type == "manuel":
            hand[row.place()] -= row.delta
    by_hand = {n for h in db["hand"] for n in db["marked"].get(h.mark, [])}
    for n, sale in db["sales"].items():
        if created.pop(f"vente/{n}", 0) != 1:
            wrong.append(f"sale {n} is not once in the journal")
        for line in sale["lignes"]:
            place = sale["magasin"], line["produit"]
            if n in by_hand:
                hand[place] -= line["quantite"]
            else:
                units[f"vente/{n}", place] -= line["quantite"]
    wrong += [f"{name}, {place}: {n} units more in the journal than in lines"
              for (name, place), n in units.items() if n]
    wrong += [f"by hand, {place}: {n} units more in the journal than in lines"
              for place, n in hand.items() if n]
    wrong += [f"the journal tells of {name}, which is not there"
              for name in created]
    return wrong


class Timeline:
    """What there was of a product in a place, and from when on."""

    def __init__(self):
        self.instants = []
        self.quantities = []
        self.acknowledged = []      # when the client of this change knew it

    def had(self, quantity, sent, ended):
        """A request that locks has seen it between these instants."""
        # Instants of one place are in order: its changes wait for each other.
        last = bisect.bisect_right(self.instants, ended + TOLERANCE)
        for n in range(last - 1, -1, -1):
            if self.quantities[n] == quantity:
                return True
            if self.instants[n] < sent - TOLERANCE:
                return False
        return quantity == 0

    def could_be_read(self, quantity, sent, ended):
        """One that does not lock may see what was replaced meanwhile, but
        nothing whose replacement was acknowledged before it was sent."""
        last = bisect.bisect_right(self.instants, ended + TOLERANCE)
        for n in range(last - 1, -1, -1):
            if self.quantities[n] == quantity:
                return True
            if self.acknowledged[n] < sent:
                return False
        return quantity == 0


# How the journal names what a request has done: the type, and the reference
# before its number.
JOURNALED = {
    "sale": ("vente", "vente"),
    "forced": ("vente", "vente"),
    "exact": ("vente", "vente"),
    "adjust": ("ajustement", None),
    "central": ("ajustement", None),
    "restock": ("ajustement", None),
    "decide": ("reapprovisionnement", "demande"),
    "receipt": ("reception", "reception"),
    "cancel": ("reception_annulation", "reception"),
    "transfer": ("transfert_depart", "transfert"),
    "receive": ("transfert_arrivee", "transfert"),
    "return": ("transfert_annulation", "transfert"),
    "close": ("comptage", "comptage"),
    "refund": ("retour", "retour"),
}


def timelines(requests, db, free=False):
    """Of each place what there was; with `free`, what was not held of it."""
    known = {}
    for r in requests:
        if r.told() is None:
            continue
        ended = min(a.ended for a in r.finals())
        kind, name = JOURNALED.get(r.kind, (None, None))
        if kind:
            what = kind, f"{name}/{r.told()['id']}" if name else r.motif()
            known[what] = min(ended, known.get(what, ended))
    found = collections.defaultdict(Timeline)
    held = collections.Counter()
    there = collections.Counter()
    claims = {f"vente/{d['vente']}" for d in db["reservations"].values()}
    for row in db["journal"]:
        if row.retenu is not None:
            held[row.place()] += row.retenu
        elif row.delta is not None:
            there[row.place()] = row.quantite
            if row.type == "vente" and row.reference in claims:
                held[row.place()] += row.delta
        if row.delta is not None or free and row.retenu is not None:
            line = found[row.place()]
            line.instants.append(row.instant)
            line.quantities.append(
                max(there[row.place()] - held[row.place()], 0) if free
                else row.quantite)
            line.acknowledged.append(known.get(
                ("retour" if row.type == "retour_perte" else row.type,
                 asked(row) if row.type == "ajustement"
                 else row.reference), float("inf")))
    return found


def refusals_are_true(requests, db):
    """Who is refused for want of stock is told what there was just then."""
    wrong = []
    quantities = timelines(requests, db)
    free = timelines(requests, db, True)
    for r in requests:
        if r.status() != 409 or r.kind not in SALES | ADJUSTMENTS | {
                "decide", "transfer", "cancel", "reserve"}:
            continue
        lines = quantities if r.kind in ADJUSTMENTS else free
        said = json.loads(r.final().body)
        attempts = [a for s in requests_of(r, db) for a in s.attempts]
        sent = min(a.sent for a in attempts)
        ended = r.final().ended
        if r.kind in ADJUSTMENTS and "attendu" in said:
            claims = [(r.place(), said["quantite"])]
            if said["attendu"] == said["quantite"] \
                    or said["attendu"] != r.body["attendu"]:
                wrong.append(f"{r} was refused for nothing: {said}")
        else:
            store = {**dict.fromkeys(SALES, lambda: r.body["magasin"]),
                     **dict.fromkeys(ADJUSTMENTS, lambda: r.place()[0]),
                     "decide": lambda: None,
                     "reserve": lambda: r.body["magasin"],
                     "transfer": lambda: r.body["de"],
                     "cancel": lambda: db["receptions"][
                         movements.number_of(r)]["lieu"]}[r.kind]()
            claims = []
            for p in said.get("produits", []):
                if "disponible" not in p:       # archived
                    continue
                claims.append(((store, p["produit"]), p["disponible"]))
                if p["demande"] <= p["disponible"]:
                    wrong.append(f"{r} was refused for nothing: {said}")
        for place, quantity in claims:
            if not lines[place].had(quantity, sent, ended):
                wrong.append(f"{r} was told that {place} has {quantity}, and "
                             "it had not then")
    return wrong


def requests_of(request, db):
    """The request itself and its twins."""
    if request.key is None:
        return [request]
    return [r for r in db["by_key"][request.key] if not r.wrong]


def reads_are_fresh(requests, db):
    """Nobody reads what somebody knew to be over, at whichever node."""
    wrong = []
    lines = timelines(requests, db)
    for r in requests:
        told = r.told() if r.kind == "read" else None
        if told is None:
            continue
        final = r.final()
        if not lines[r.place()].could_be_read(told["quantite"], final.sent,
                                              final.ended):
            wrong.append(f"{r} was told {told}, and that was over")
    return wrong


def counts_saw_what_was_there(requests, db):
    """A line keeps what could be read at its moment."""
    wrong = []
    lines = timelines(requests, db)
    for r in requests:
        told = r.told() if r.kind == "scan" else None
        if told is None:
            continue
        place = db["comptages"][told["comptage"]]["lieu"]
        sent = min(a.sent for s in requests_of(r, db) for a in s.attempts)
        for line in told["lignes"]:
            if line["present"] is not None \
                    and not lines[place, line["produit"]].could_be_read(
                        line["present"], sent, r.final().ended):
                wrong.append(f"{r} was told {line}, and that was over")
    return wrong


def batches_saw_what_was_there(requests, db):
    """A row that is refused for want of stock is told what there was."""
    wrong = []
    lines = timelines(requests, db)
    for r, row, quantity in batches.refused(requests):
        sent = min(a.sent for s in requests_of(r, db) for a in s.attempts)
        if not lines[batches.place(row)].had(quantity, sent, r.final().ended):
            wrong.append(f"{r} was told that {row} has {quantity}, and it had "
                         "not then")
    return wrong


def stream(_, db):
    """Who follows the journal page by page has it whole, in its order."""
    if db["stream"] is None or db["stream"] == db["order"]:
        return []
    seen = collections.Counter(db["stream"])
    wrong = [f"row {n} was shown {k} times" for n, k in seen.items() if k > 1]
    wrong += [f"row {n} was missed" for n in db["order"] if n not in seen]
    there = set(db["order"])
    wrong += [f"row {n} was shown and is not there" for n in seen
              if n not in there]
    return wrong or ["the order of the stream is not that of the journal"]


def ledger(_, db):
    return [f"the journal: {line}" for line in db["ledger"]]


def prices(_, db):
    return [f"the prices: {line}" for line in db["prices"]]


def rollups(_, db):
    return [f"the sums: {line}" for line in db["rollups"]]


def logs(_, db):
    return ([f"nginx says: {line}" for line in db["complaints"]]
            + [f"PostgreSQL says: {line}" for line in db["server_log"]])


def of_each(check):
    """One of another file: of each key one request."""
    def named(requests, db):
        return check(one_of_each(requests), db)
    named.__name__ = check.__name__
    return named


CHECKS = [statuses, unanswered, refused_keys, not_below_zero, sales_are_there,
          no_other_sales, hand_sales, adjustments, units_are_conserved,
          products, changes, prices, keys_are_kept,
          journal_tells_sales, refusals_are_true, reads_are_fresh, stream,
          counts_saw_what_was_there, batches_saw_what_was_there, ledger, rollups, logs,
           *map(of_each, movements.CHECKS + holds.CHECKS + counts.CHECKS
                + requests_for_stock.CHECKS + refunds.CHECKS
                + batches.CHECKS + tills.CHECKS + upkeep.CHECKS)]


def check(requests, db, names=None):
    """Sentences by the name of the check that wrote them; of these alone."""
    db["by_key"] = by_key(requests)
    return {c.__name__: c(requests, db) for c in CHECKS
            if names is None or c.__name__ in names}
