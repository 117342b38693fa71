"""The shapes in which the API shows what was written.

Each has a path, the registers that its answers show, in their order, and a
function that takes their values out of a body, or raises Wrong when the body
is not one that the database can ever have said.

Products 1 to 5 are adjusted, 6 to 8 are sold, 9 to 11 come from the central
stock, 12 to 16 are changed by long transactions at psql, 17 is counted, 18 is
reserved at psql for a moment, 19 is reserved and given back, 20 is sold and
brought back broken; 21 and 22 are archived and brought back, and have no stock.
Names carry a version that grows: "Produit 03 v17"."""

import json
import urllib.parse

STORES = range(1, 4)
ADJUSTED = range(1, 6)
SOLD = range(6, 9)
SUPPLIED = range(9, 12)
LATE = range(12, 17)
COUNTED = 17
PASSING = 18
HELD = 19
RETURNED = 20
STOCKED = range(1, 21)
COMING = range(21, 23)
SLOTS = range(1, 3)

FIRST = 100             # units of what grows
FULL = 60000            # units of what is sold and of the central stock

RESERVED = PASSING, HELD
FALLING = {*SOLD, *RESERVED, RETURNED}      # their stock does not grow

# By this name the nodes answer from Redis alone.
OTHER_HOST = "autre.example"

# In the place of a value: what is not shown is at the latest version that
# can be hidden there.
LATEST_ODD, LATEST_EVEN = -1, -2


class Wrong(Exception):
    """A body that never was true."""


def of_stock(product, quantity):
    """The register's value: it grows, whatever the quantity does."""
    return FULL - quantity if product in FALLING else quantity


def of_held(product, row):
    """The units that are held: of each version another number.  An even
    version holds none."""
    held = row["quantite"] - row["disponible"]
    if held == 0:
        return LATEST_EVEN
    if product not in RESERVED or held % 2 == 0:
        raise Wrong(f"{held} units of product {product} are held: {row}")
    return held


def held_of(product, rows):
    """Values of the registers that held_names() has."""
    found = [of_held(product, row) for row in rows]
    return found if product in RESERVED else []


def held_names(stores, product):
    return [("held", store, product) for store in stores] \
        if product in RESERVED else []


def version(name, start):
    words = name.rsplit(" v", 1)
    if len(words) != 2 or words[0] != start:
        raise Wrong(f"{name!r} is not {start} in any version")
    return int(words[1])


def product_name(product, number):
    return f"Produit {product:02} v{number}"


def product_version(product, name):
    return version(name, f"Produit {product:02}")


def slot_name(number):
    """After those of the other products."""
    return f"Variable-{number}."


def store_version(store, name):
    return version(name, f"Magasin {store}")


def which_product(name):
    return int(name[8:10])


def price(number):
    return f"{number // 100}.{number % 100:02}"


def description(number):
    return f"version {number}"


def whole_product(product, row):
    """Its version, the same in name and price."""
    number = product_version(product, row["nom"])
    if row["prix"] != price(number) \
            or row["description"] != description(number):
        raise Wrong(f"product {product} is half of one version: {row}")
    return number


def names():
    """All registers."""
    for store in STORES:
        yield "store", store            # version of its name
        yield "total", store            # sales, of one unit at 1.00 each
        yield "sale", store             # id of its newest sale
        for product in STOCKED:
            yield "stock", store, product
        for product in RESERVED:
            yield "held", store, product    # units; odd: of a reservation
    for product in STOCKED:
        yield "product", product        # version of its name and price
        yield "central", product        # units that have left
    for product in SUPPLIED:
        yield "demande", product        # newest request, twice; +1: decided
        yield "approved", product       # newest request that was approved
    for product in COMING:
        yield "coming", product         # version; odd: archived
    for slot in SLOTS:
        yield "slot", slot              # version; odd: deleted
    yield "sale", 0                     # of all stores; each id was there
    yield "demande", 0                  # the same
    yield "decided", 0                  # ids that were decided
    yield "created", 0                  # ids of products that stay
    yield "reserved", 0                 # ids of reservations
    yield "over", 0                     # of those that hold nothing any more
    yield "count", 0                    # ids of stock-takes
    yield "ended", 0                    # of those that were closed
    yield "returned", 0                 # ids of sales of which came back some


# Nobody knows before its answer what a write will make of these.
UNFORESEEN = {"sale", "demande", "approved", "decided", "created", "reserved",
              "over", "count", "ended", "returned"}


class Shape:
    """Of GET of a path.  often: how many times more than others."""

    def __init__(self, path, registers, parse, often=1, host=None,
                 may_be_absent=False):
        self.path = path
        self.registers = registers
        self.parse = parse
        self.often = often
        self.host = host
        self.may_be_absent = may_be_absent


def of_page(parse):
    """The link to what follows is on the host that was asked."""
    def page(text, host):
        data = json.loads(text)
        link = data["next"]
        if link and urllib.parse.urlsplit(link).netloc != host:
            raise Wrong(f"asked of {host}, and next is {link}")
        return parse(data)
    return page


def of_body(parse):
    return lambda text, _: parse(json.loads(text))


def by(rows, member):
    return {row[member]: row for row in rows}


def row_of(rows, key, what):
    try:
        return rows[key]
    except KeyError:
        raise Wrong(f"{what} {key} is missing") from None


# One row


def stock_item(store, product, host=None):
    def parse(data):
        if (data["magasin"], data["produit"]) != (store, product):
            raise Wrong(f"another row: {data}")
        return [of_stock(product, data["quantite"])] \
            + held_of(product, [data])
    return Shape(f"/api/v1/stores/{store}/stock/{product}/",
                 [("stock", store, product)] + held_names([store], product),
                 of_body(parse), 4, host)


def product_item(product, host=None):
    return Shape(f"/api/v1/products/{product}/", [("product", product)],
                 of_body(lambda data: [whole_product(product, data)]), 4,
                 host)


def coming_item(product):
    return Shape(f"/api/v1/products/{product}/", [("coming", product)],
                 of_body(lambda data: [whole_product(product, data)]), 8,
                 may_be_absent=True)


def store_item(store):
    return Shape(f"/api/v1/stores/{store}/", [("store", store)],
                 of_body(lambda data: [store_version(store, data["nom"])]))


# Pages and wholes


def stocks_and_names(store, products):
    return [("stock", store, p) for p in products] \
        + [("product", p) for p in products]


def stock(store):
    def parse(data):
        rows = by(data, "produit_id")
        found = [row_of(rows, p, "product") for p in STOCKED]
        return [of_stock(p, r["quantite"]) for p, r in zip(STOCKED, found)] \
            + [product_version(p, r["nom"]) for p, r in zip(STOCKED, found)]
    return Shape(f"/api/v1/stores/{store}/stock/",
                 stocks_and_names(store, STOCKED), of_body(parse), 2)


def stock_list(store, query, products, host=None):
    def parse(data):
        rows = by(data["results"], "produit")
        found = [row_of(rows, p, "product") for p in products]
        return [of_stock(p, r["quantite"]) for p, r in zip(products, found)] \
            + [product_version(p, r["produit_nom"])
               for p, r in zip(products, found)] \
            + [store_version(store, found[0]["magasin_nom"])]
    return Shape(f"/api/v1/stores/{store}/stock/list/{query}",
                 stocks_and_names(store, products) + [("store", store)],
                 of_page(parse), 1, host)


def availability(product):
    def parse(data):
        rows = by(data["magasins"], "magasin")
        found = [row_of(rows, s, "store") for s in STORES]
        return [product_version(product, data["nom"]),
                FULL - data["central"]] \
            + [of_stock(product, r["quantite"]) for r in found] \
            + [store_version(s, r["nom"]) for s, r in zip(STORES, found)] \
            + held_of(product, found)
    return Shape(f"/api/v1/products/{product}/availability/",
                 [("product", product), ("central", product)]
                 + [("stock", s, product) for s in STORES]
                 + [("store", s) for s in STORES]
                 + held_names(STORES, product), of_body(parse), 2)


def items(store):
    def parse(data):
        rows = by(data["results"], "produit")
        found = [row_of(rows, p, "product") for p in STOCKED]
        return [of_stock(p, r["quantite"]) for p, r in zip(STOCKED, found)] \
            + [product_version(p, r["nom"]) for p, r in zip(STOCKED, found)] \
            + [n for p in STOCKED for n in held_of(p, [rows[p]])]
    return Shape(f"/api/v1/stores/{store}/items/?limit=50",
                 stocks_and_names(store, STOCKED)
                 + [n for p in RESERVED for n in held_names([store], p)],
                 of_page(parse), 2)


def stock_at_first(store):
    """Whatever comes, what was there then was there then."""
    def parse(data):
        rows = by(data, "produit_id")
        found = [row_of(rows, p, "product") for p in STOCKED]
        for p, row in zip(STOCKED, found):
            if row["quantite"] != at_the_beginning(p):
                raise Wrong(f"at first it was {at_the_beginning(p)}: {row}")
        return [product_version(p, r["nom"]) for p, r in zip(STOCKED, found)]
    return Shape(f"/api/v1/stores/{store}/stock/?au={BEGINNING[-1]}",
                 [("product", p) for p in STOCKED], of_body(parse))


def central(query="", host=None):
    def parse(data):
        rows = by(data["results"], "produit")
        found = [row_of(rows, p, "product") for p in STOCKED]
        return [FULL - r["quantite"] for r in found] \
            + [product_version(p, r["nom"]) for p, r in zip(STOCKED, found)]
    return Shape(f"/api/v1/stock/central/{query}",
                 [("central", p) for p in STOCKED]
                 + [("product", p) for p in STOCKED], of_page(parse), 2, host)


def products(query="", stocked=STOCKED, coming=COMING, host=None):
    def parse(data):
        rows = by(data["results"], "id")
        return [whole_product(p, row_of(rows, p, "product"))
                for p in stocked] \
            + [whole_product(p, rows[p]) if p in rows else LATEST_ODD
               for p in coming]
    return Shape(f"/api/v1/products/{query}",
                 [("product", p) for p in stocked]
                 + [("coming", p) for p in coming], of_page(parse), 2, host)


def archived():
    def parse(data):
        rows = by(data["results"], "id")
        return [whole_product(p, rows[p]) if p in rows else LATEST_EVEN
                for p in COMING]
    return Shape("/api/v1/products/?archive=true",
                 [("coming", p) for p in COMING], of_page(parse))


def slot(number):
    """What is created and deleted, found by its name; or an empty list."""
    start = slot_name(number)

    def parse(data):
        if len(data["results"]) > 1:
            raise Wrong(f"there were never two: {data['results']}")
        return [version(r["nom"], start) for r in data["results"]] \
            or [LATEST_ODD]
    return Shape("/api/v1/products/?q=" + urllib.parse.quote(start + " v"),
                 [("slot", number)], of_page(parse), 2)


def stores():
    def parse(data):
        rows = by(data["results"], "id")
        return [store_version(s, row_of(rows, s, "store")["nom"])
                for s in STORES]
    return Shape("/api/v1/stores/", [("store", s) for s in STORES],
                 of_page(parse))


def newest(rows):
    return max((row["id"] for row in rows), default=0)


def sales(store, query, host=None):
    """Ids are nearly in the order of dates: the newest of twenty."""
    return Shape(f"/api/v1/sales/?{query}", [("sale", store)],
                 of_page(lambda data: [newest(data["results"])]), 2, host)


def reservations(query=""):
    return Shape(f"/api/v1/reservations/?limit=20{query}", [("reserved", 0)],
                 of_page(lambda data: [newest(data["results"])]))


def stock_takes():
    return Shape("/api/v1/counts/?limit=20", [("count", 0)],
                 of_page(lambda data: [newest(data["results"])]))


def demandes():
    return Shape("/api/v1/replenishments/?limit=20", [("demande", 0)],
                 of_page(lambda data: [newest(data["results"])]))


def demandes_of(product):
    def parse(data):
        for row in data["results"]:
            return [2 * row["id"] + (row["statut"] != "en_attente")]
        return [1]
    return Shape(f"/api/v1/replenishments/?produit={product}&limit=1",
                 [("demande", product)], of_page(parse))


def approved_of(product):
    return Shape(f"/api/v1/replenishments/?produit={product}"
                 "&statut=approuvee&limit=1", [("approved", product)],
                 of_page(lambda data: [newest(data["results"])]))


def waiting_of(product):
    """Requests of a product wait one at a time; none: all are decided."""
    def parse(data):
        for row in data["results"]:
            return [2 * row["id"]]
        return [LATEST_ODD]
    return Shape(f"/api/v1/replenishments/?produit={product}"
                 "&statut=en_attente", [("demande", product)], of_page(parse))


def units(text):
    whole, cents = f"{text:.2f}".split(".") if not isinstance(text, str) \
        else text.split(".")
    if cents != "00":
        raise Wrong(f"a total of {text}")
    return int(whole)


def reports(host=None):
    def parse(data):
        found = []
        if len(data) != len(STORES):
            raise Wrong(f"{len(data)} stores")
        for store, row in zip(STORES, data):
            there = {which_product(n): (n, q)
                     for n, q in row["stock_local"].items()}
            sold = {which_product(n): q
                    for n, q in row["produits_vendus"].items()}
            found += [store_version(store, row["magasin"]),
                      units(row["total"])]
            if sum(sold.get(p, 0) for p in SOLD) != found[-1]:
                raise Wrong(f"{found[-1]} sales, and {sold} units")
            for p in STOCKED:
                name, quantity = row_of(there, p, "product")
                found += [of_stock(p, quantity), product_version(p, name)]
                if p in SOLD and of_stock(p, quantity) != sold[p]:
                    raise Wrong(f"{quantity} units of product {p} are left "
                                f"of {FULL}, and {sold[p]} are sold")
        return found
    return Shape("/api/v1/reports/",
                 [name for s in STORES for name in
                  [("store", s), ("total", s)]
                  + [n for p in STOCKED
                     for n in (("stock", s, p), ("product", p))]],
                 of_body(parse), 2, host)


def dashboard():
    def parse(data):
        found = []
        if len(data) != len(STORES):
            raise Wrong(f"{len(data)} stores")
        for store, row in zip(STORES, data):
            trends = {}
            for text in row["tendances"].split(", "):
                name, _, quantity = text.rpartition(" (")
                trends[which_product(name)] = name, int(quantity[:-1])
            found += [store_version(store, row["magasin"]),
                      units(row["chiffre_affaires"])]
            for p in SOLD:
                name, quantity = row_of(trends, p, "product")
                found += [quantity, product_version(p, name)]
        return found
    return Shape("/api/v1/dashboard/",
                 [name for s in STORES for name in
                  [("store", s), ("total", s)]
                  + [n for p in SOLD
                     for n in (("stock", s, p), ("product", p))]],
                 of_body(parse), 2)


def journal(store, product):
    """The newest quantity; of one place they are in their order."""
    def parse(data):
        return [max(of_stock(product, r["quantite"])
                    for r in data["results"] if r["quantite"] is not None)]
    return Shape(f"/api/v1/journal/?ordering=-id&magasin={store}"
                 f"&produit={product}&limit=20", [("stock", store, product)],
                 of_page(parse))


def all_shapes():
    found = [reports(), reports(OTHER_HOST), dashboard(), stores(),
             demandes(), reservations(), stock_takes(), archived(), central(),
             central("?limit=50", OTHER_HOST), products(),
             products("?categorie=Essai"),
             products("?limit=5", range(1, 6), ()),
             products("?limit=5", range(1, 6), (), OTHER_HOST),
             products("?q=produit%2003", [3], ()),
             sales(0, "limit=20"), sales(0, "limit=20", OTHER_HOST)]
    for store in STORES:
        found += [stock(store), store_item(store), items(store),
                  stock_at_first(store),
                  stock_list(store, "", range(1, 11)),
                  stock_list(store, "?page=2", range(11, 21)),
                  stock_list(store, "?page=1&ordering=produit__nom",
                             range(1, 11)),
                  stock_list(store, "?produit__nom=Produit%2003", [3]),
                  sales(store, f"magasin={store}&limit=20")]
        found += [stock_item(store, product) for product in STOCKED]
        found += [journal(store, 1), journal(store, 12)]
    found.append(stock_list(1, "", range(1, 11), OTHER_HOST))
    found += [stock_item(1, product, OTHER_HOST) for product in STOCKED]
    found += [product_item(product, OTHER_HOST) for product in STOCKED]
    for product in STOCKED:
        found += [product_item(product), availability(product)]
    for product in SUPPLIED:
        found += [demandes_of(product), approved_of(product),
                  waiting_of(product)]
    found += [coming_item(product) for product in COMING]
    found += [slot(number) for number in SLOTS]
    return found


CONTENT = f"""
    INSERT INTO magasin (nom, adresse)
    SELECT 'Magasin ' || n || ' v0', 'Rue ' || n
      FROM generate_series(1, {len(STORES)}) n;
    INSERT INTO produit (nom, categorie, prix, description)
    SELECT 'Produit ' || to_char(n, 'FM00') || ' v0', 'Essai', 0, 'version 0'
      FROM generate_series(1, {COMING[-1]}) n;
    INSERT INTO stock_local (magasin_id, produit_id, quantite)
    SELECT m.id, p.id, CASE WHEN p.id BETWEEN {SOLD[0]} AND {SOLD[-1]}
                            THEN {FULL} - 1
                            WHEN p.id BETWEEN {PASSING} AND {RETURNED}
                            THEN {FULL} ELSE {FIRST} END
      FROM magasin m CROSS JOIN produit p
     WHERE p.id <= {STOCKED[-1]};
    INSERT INTO stock_central (produit_id, quantite)
    SELECT id, {FULL} FROM produit WHERE id <= {STOCKED[-1]};
    INSERT INTO vente (magasin_id, total)
    SELECT id, {len(SOLD)} FROM magasin ORDER BY id;
    INSERT INTO ligne_vente (vente_id, produit_id, quantite, prix_unitaire)
    SELECT v.id, p.id, 1, 1
      FROM vente v CROSS JOIN produit p
     WHERE p.id BETWEEN {SOLD[0]} AND {SOLD[-1]};"""


# The instant of each refill.
BEGINNING = []


def at_the_beginning(product):
    """The units of each store then."""
    return of_stock(product, 1) if product in SOLD \
        else FULL if product in FALLING else FIRST


def at_first(database, board):
    """Fill the database, and tell the board."""
    database.refill(CONTENT)
    BEGINNING.append(database.sql(
        """SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC',
                          'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""))
    values = [(("sale", 0), len(STORES))]
    values += [(("slot", number), 1) for number in SLOTS]
    values += [(("demande", product), 1) for product in SUPPLIED]
    for store in STORES:
        values += [(("total", store), len(SOLD)), (("sale", store), store)]
        values += [(("stock", store, p),
                    of_stock(p, at_the_beginning(p))) for p in STOCKED]
    board.acknowledge(2, values)
