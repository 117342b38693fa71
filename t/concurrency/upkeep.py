"""What checker.py asks of what a shop keeps: its thresholds, its stores, and
the codes of its products.  What was acknowledged last is what stands, or what
overlapped it."""

import collections
import json


def may_stand(puts, first):
    """The values that may be there in the end, of (request, value): nobody was
    told of it, or nothing that began later was acknowledged."""
    told = [(r, v) for r, v in puts if r.told() is not None]
    latest = max((r.attempts[0].sent for r, _ in told), default=0)
    found = [v for r, v in puts if r.unsure()]
    found += [v for r, v in told if r.final().ended >= latest]
    return found if told else [*found, first]


def number_of(request):
    return int(request.path.split("/")[4])


def thresholds(requests, db):
    """What stands is what was put last; of the defaults of a store all lines
    of one request; and the journal leads there, with each request once."""
    wrong = []
    puts = collections.defaultdict(list)
    made = collections.Counter(
        row.categorie for row in db["seuils_journal"]
        if row.type == "seuil_modification"
        and row.categorie.startswith("lot "))
    for r in requests:
        told = r.told()
        if r.kind == "threshold":
            wanted = r.body["minimum"], r.body["maximum"]
            puts[r.place()].append((r, wanted))
            if told and wanted != (None, None) \
                    and (told["minimum"], told["maximum"],
                         told["origine"]) != (*wanted, "produit"):
                wrong.append(f"{r}: {r.body} was answered {told}")
        elif r.kind == "defaults":
            lines = {line["categorie"] or "": (line["minimum"],
                                               line["maximum"])
                     for line in r.body["lignes"]}
            puts[number_of(r)].append((r, lines))
            if told and {line["categorie"] or "": (line["minimum"],
                                                   line["maximum"])
                         for line in told["lignes"]} != lines:
                wrong.append(f"{r}: {r.body} was answered {told}")
            n = made.pop(f"lot {r.number}", 0)
            if n != 1 if told else n > r.unsure():
                wrong.append(f"{r} got {r.status()}, and was made {n} times")
    wrong += [f"nobody wanted the defaults {name}" for name in made]
    defaults = collections.defaultdict(dict)
    for (store, name), both in db["defauts"].items():
        defaults[store][name] = both
    for place, some in puts.items():
        if isinstance(place, tuple):
            there, first = db["seuils"].get(place, (None, None)), (None, None)
        else:
            there, first = defaults[place], {}
        if there not in may_stand(some, first):
            wrong.append(f"the thresholds of {place} are {there}")
    return wrong + chain(db)


def chain(db):
    """Each row of the journal begins where the one before it has ended, and
    the last one with what is there."""
    wrong = []
    state = collections.defaultdict(lambda: [None, None])
    for row in db["seuils_journal"]:
        place = row.magasin_id, (row.categorie if row.produit_id is None
                                 else row.produit_id)
        for n, change in enumerate((row.minimum, row.maximum)):
            if change:
                if state[place][n] != change[0]:
                    wrong.append(f"the threshold {row} was {state[place]}")
                state[place][n] = change[1]
    for place, both in {**db["seuils"], **db["defauts"]}.items():
        if tuple(state[place]) != both:
            wrong.append(f"the threshold of {place} is {both}, and the journal "
                         f"has {state[place]}")
    return wrong


def stores(requests, db):
    """A store that was opened is there once; a change of one that was
    acknowledged was made once, and the last one is what there is."""
    wrong = []
    named = collections.defaultdict(list)
    for n, store in db["magasins"].items():
        named[store.nom].append(n)
    made = collections.Counter(db["addresses"])
    open_ = collections.defaultdict(list)
    for r in requests:
        told = r.told()
        if r.kind == "open":
            there = named.pop(r.body["nom"], [])
            if there != [told["id"]] if told else len(there) > r.unsure():
                wrong.append(f"{r} got {r.status()}, and there is {there}")
            if told and r.final().location \
                    != f"/api/v1/stores/{told['id']}/":
                wrong.append(f"{r} is said to be at {r.final().location}")
        elif r.kind == "alter":
            if told and any(told[k] != v for k, v in r.body.items()):
                wrong.append(f"{r}: {r.body} was answered {told}")
            if "ouvert" in r.body:
                open_[number_of(r)].append((r, r.body["ouvert"]))
            if "adresse" in r.body:
                n = made.pop((number_of(r), r.body["adresse"]), 0)
                if n != 1 if told else n > r.unsure():
                    wrong.append(f"{r} got {r.status()} and was made {n} "
                                 "times")
    wrong += [f"nobody wanted {what}" for what in made]
    wrong += [f"nobody has opened {name}" for name in named
              if name.startswith("Magasin essai")]
    for n, last in dict(db["addresses"]).items():
        if db["magasins"][n].adresse != last:
            wrong.append(f"store {n} was at {last} at last, and is "
                         f"{db['magasins'][n]}")
    for n, store in db["magasins"].items():
        if store.ouvert not in may_stand(open_[n], True):
            wrong.append(f"store {n} is {store}")
    return wrong


def closed_stores(requests, db):
    """A store does not sell from when it was told to be closed until somebody
    opens it; and who is refused for that was not told otherwise before."""
    wrong = []
    changes = collections.defaultdict(list)
    for r in requests:
        if r.kind == "alter" and "ouvert" in r.body \
                and (r.told() or r.unsure()):
            changes[number_of(r)].append(
                (r.attempts[0].sent,
                 r.final().ended if r.told() else float("inf"),
                 r.body["ouvert"]))

    def surely(store, state, sent, ended):
        """It was in this state all the time between these instants: somebody
        knew it, and nobody has changed it since."""
        since = max((begun for begun, done, what in changes[store]
                     if what == state and done < sent), default=None)
        if since is None and not state:
            return False
        return not any(what != state and begun < ended
                       and done > (since or 0)
                       for begun, done, what in changes[store])

    for r in requests:
        if r.kind != "sale" or r.body["magasin"] not in changes \
                or r.status() not in (201, 409):
            continue
        store = r.body["magasin"]
        sent = min(a.sent for s in db["by_key"].get(r.key, [r])
                   for a in s.attempts)
        refused = r.status() == 409 and "magasin" in json.loads(r.final().body)
        if (refused or r.told()) and surely(store, refused, sent,
                                            r.final().ended):
            wrong.append(f"{r} got {r.status()} of a store that was "
                         f"{'open' if refused else 'closed'}")
    return wrong


def codes(requests, db):
    """A code is that of one product at a time; what was acknowledged last is
    what a product has, and who is refused is told who has the code."""
    wrong = []
    owners = {}
    claims = collections.defaultdict(list)      # by (product, code): [from, to]
    for row in db["codes_journal"]:
        if row.type == "produit_code_ajout":
            if row.code in owners:
                wrong.append(f"{row}, and it was that of {owners[row.code]}")
            owners[row.code] = row.produit_id
            claims[row.produit_id, row.code].append([row.instant, None])
        elif row.type == "produit_code_retrait":
            if owners.pop(row.code, None) != row.produit_id:
                wrong.append(f"{row}, and it was not its")
            else:
                claims[row.produit_id, row.code][-1][1] = row.instant
    there = {code: product for code, product, _ in db["codes"]}
    if there != owners:
        wrong.append(f"there are {there}, and the journal has {owners}")
    own = {product: code for code, product, own in db["codes"] if own}
    puts = collections.defaultdict(list)
    for r in requests:
        if r.kind == "code":
            puts[number_of(r)].append((r, r.body["code"]))
        elif r.kind == "create" and r.told() and "code" in r.body:
            product = r.told()["id"]
            if product in db["described"] and (
                    there.get(r.body["code"]) != product
                    or there.get(r.body["codes_barres"][0]) != product):
                wrong.append(f"{r} was told {r.told()}, and its codes are not "
                             "there")
    for product, some in puts.items():
        if own.get(product) not in may_stand(some, None):
            wrong.append(f"product {product} has the code {own.get(product)}")
        for r, code in some:
            if r.status() == 409:
                wrong += [f"{r} was told {p}, which had it not"
                          for p in json.loads(r.final().body)["produits"]
                          if p["code"] != code or not had(
                              claims[p["produit"], code],
                              puts[p["produit"]], r)]
    return wrong


def had(spans, others, refused):
    """Somebody had a code while one was refused it.  It has a product until
    its request is answered that has given it away."""
    for since, until in spans:
        if since > refused.final().ended + 0.002:
            continue
        if until is None:
            return True
        enders = [r for r, _ in others if r.told() is not None
                  and r.attempts[0].sent - 0.002 <= until
                  <= r.final().ended + 0.002]
        until = max((r.final().ended for r in enders), default=float("inf"))
        if until >= refused.attempts[0].sent:
            return True
    return False


CHECKS = [thresholds, stores, closed_stores, codes]
