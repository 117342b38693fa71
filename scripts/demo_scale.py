#!/usr/bin/env python3
"""Write a retailer of any size as COPY commands with their rows, for
sql/demo_scale.sql to read.

usage: demo_scale.py LINES STORES PRODUCTS SEED [NOW]

Exactly LINES sale lines, over the three years up to NOW (seconds since 1970,
default the present).  The same numbers give the same rows, but for the dates,
which count from NOW, and for what the season makes of a sale.  When LINES
suffices, each store has sold each product.

Sales come in the order of their time, one block after the other, so that the
memory needed does not depend on LINES.
"""

import bisect
import datetime
import functools
import itertools
import math
import random
import signal
import sys
import time
import zoneinfo

ZONE = zoneinfo.ZoneInfo("America/Toronto")
DAYS = 3 * 365 + 1
WEEK = 7 * 86400


# The range.  A name is made of a noun, a quality, a brand and a format.
# Qualities fit both genders.


class Category:
    def __init__(self, name, share, seasons, quantities, nouns, qualities,
                 formats):
        self.name = name
        self.share = share              # of the products
        self.seasons = seasons          # how many times more are bought
        self.quantities = quantities    # of a line, any of them
        self.nouns = nouns              # with their lowest and highest price
        self.qualities = qualities
        self.formats = formats
        self.count = 0

    def next_name(self):
        """A name that was not given before, and the noun's prices."""
        parts = (self.nouns, self.qualities, BRANDS, self.formats)
        total = math.prod(len(part) for part in parts)
        stride = int(total * 0.618)
        while math.gcd(stride, total) > 1:
            stride += 1
        again, index = divmod(self.count, total)
        self.count += 1
        index = index * stride % total
        words = []
        for part in parts:
            index, at = divmod(index, len(part))
            words.append(part[at])
        (noun, lowest, highest), quality, brand, form = words
        name = " ".join(filter(None, (noun, quality, brand, form)))
        if again:
            name += f" n° {again + 1}"
        text = f"{noun} {quality} de la marque {brand}"
        return name, text + (f", {form}" if form else ""), lowest, highest


BRANDS = (
    "Boréal", "Laurier", "Rivage", "Mésange", "Grand-Duc", "Cap Nord",
    "Val Fleuri", "Petit Quai", "Belle Anse", "Moulin Vert", "Harfang",
    "Trois Lacs", "Érablière", "Côte Sud", "Vieux Port", "Aurore",
    "Sapinière", "Beau Temps", "Marée Haute", "Clé des Champs")

ONE = (1,)
FEW = (1, 1, 1, 1, 1, 1, 2, 2, 3)
SOME = (1, 1, 1, 1, 2, 2, 2, 3, 4, 6)

CATEGORIES = (
    Category(
        "Informatique", 8, {"noel": 1.8, "rentree": 1.7}, ONE,
        (("Clavier", 19, 149), ("Souris", 12, 99), ("Webcam", 29, 129),
         ("Écouteurs", 19, 199), ("Haut-parleur", 25, 249),
         ("Clé USB", 8, 59), ("Disque externe", 69, 249),
         ("Casque d'écoute", 29, 299), ("Tablette", 129, 599),
         ("Imprimante", 79, 349), ("Écran", 119, 499),
         ("Routeur", 49, 229)),
        ("sans fil", "ergonomique", "économique", "de voyage", "de bureau",
         "à faible consommation", "pour débuter", "rechargeable"),
        ("", "édition limitée", "série 2", "série 3", "couleur ardoise",
         "couleur sable")),
    Category(
        "Accessoire", 8, {"noel": 1.4, "rentree": 1.3}, FEW,
        (("Câble", 6, 29), ("Chargeur", 12, 59), ("Étui", 9, 49),
         ("Support d'écran", 19, 89), ("Tapis de souris", 7, 35),
         ("Adaptateur", 8, 45), ("Housse", 12, 59), ("Pile externe", 19, 89),
         ("Lampe de bureau", 19, 99), ("Multiprise", 9, 39)),
        ("de tous les jours", "de voyage", "à charge rapide", "robuste",
         "pliable", "pour téléphone", "pour portable", "extensible"),
        ("", "1 m", "2 m", "couleur ardoise", "couleur sable",
         "lot de 2")),
    Category(
        "Boissons", 9, {"ete": 1.9, "noel": 1.3}, SOME,
        (("Café", 8, 24), ("Thé", 5, 18), ("Tisane", 4, 14),
         ("Jus de pomme", 3, 8), ("Limonade", 3, 7), ("Eau pétillante", 1, 4),
         ("Sirop", 5, 15), ("Chocolat chaud", 5, 14), ("Kombucha", 3, 8),
         ("Cidre sans alcool", 4, 12)),
        ("bio", "équitable", "à l'érable", "à la vanille", "aux petits fruits",
         "de tradition", "de la région", "sans sucre ajouté"),
        ("250 g", "500 g", "1 kg", "lot de 6", "lot de 12", "grand format")),
    Category(
        "Confiserie", 8, {"noel": 3.0}, SOME,
        (("Chocolat", 3, 19), ("Caramels", 3, 12), ("Nougat", 4, 14),
         ("Pralines", 6, 24), ("Guimauves", 2, 7), ("Réglisses", 2, 6),
         ("Sucre à la crème", 4, 12), ("Biscuits", 3, 11), ("Truffes", 7, 29),
         ("Pâtes de fruits", 4, 15)),
        ("au beurre", "à l'érable", "aux noisettes", "à la fleur de sel",
         "aux bleuets", "sans gluten", "de tradition", "bio"),
        ("100 g", "200 g", "400 g", "boîte cadeau", "sachet", "à partager")),
    Category(
        "Épicerie", 12, {"noel": 1.2}, SOME,
        (("Sirop d'érable", 7, 29), ("Miel", 6, 22), ("Confiture", 3, 9),
         ("Farine", 3, 12), ("Riz", 2, 14), ("Lentilles", 2, 8),
         ("Huile d'olive", 8, 34), ("Vinaigre de cidre", 3, 12),
         ("Moutarde", 2, 8), ("Pâtes", 2, 7), ("Granola", 5, 12),
         ("Soupe aux pois", 2, 6)),
        ("bio", "équitable", "de la ferme", "de tradition", "aux herbes",
         "à l'ancienne", "sans sel ajouté", "du terroir"),
        ("250 g", "500 g", "1 kg", "2 kg", "lot de 3", "format familial")),
    Category(
        "Papeterie", 9, {"rentree": 6.0}, SOME,
        (("Cahier", 1, 8), ("Stylos", 2, 19), ("Crayons de couleur", 3, 25),
         ("Agenda", 8, 29), ("Classeur", 3, 14), ("Règle", 1, 6),
         ("Colle", 1, 7), ("Ciseaux", 3, 15), ("Cartable", 25, 89),
         ("Trousse", 5, 25), ("Papier à lettres", 4, 18)),
        ("recyclable", "pour l'école", "pour le bureau", "pour gaucher",
         "de luxe", "grand modèle", "petit modèle", "à motifs"),
        ("", "lot de 3", "lot de 10", "couleur ardoise", "couleur lilas",
         "couleur menthe")),
    Category(
        "Jouets", 8, {"noel": 4.5}, ONE,
        (("Casse-tête", 9, 39), ("Jeu de société", 15, 69),
         ("Peluche", 9, 49), ("Blocs", 12, 99), ("Poupée", 12, 59),
         ("Petit train", 19, 129), ("Cerf-volant", 9, 39),
         ("Jeu de cartes", 4, 19), ("Pâte à modeler", 4, 19),
         ("Trousse de magie", 15, 49)),
        ("en bois", "pour toute la famille", "dès 3 ans", "dès 6 ans",
         "dès 9 ans", "de voyage", "de collection", "pour tout-petits"),
        ("", "petit modèle", "grand modèle", "édition limitée", "série 2",
         "boîte cadeau")),
    Category(
        "Maison", 10, {"noel": 1.6, "rentree": 1.2}, FEW,
        (("Bougie", 6, 29), ("Coussin", 12, 49), ("Nappe", 15, 59),
         ("Vase", 9, 69), ("Tasse", 5, 19), ("Assiettes", 15, 79),
         ("Couverture", 25, 119), ("Cadre", 7, 45), ("Horloge", 15, 79),
         ("Panier", 9, 39), ("Serviettes", 9, 49)),
        ("en lin", "en coton", "de tous les jours", "de fête",
         "rustique", "moderne", "pour enfant", "à motifs"),
        ("", "petit modèle", "grand modèle", "couleur sable",
         "couleur menthe", "lot de 2")),
    Category(
        "Cuisine", 8, {"noel": 1.9, "rentree": 1.1}, ONE,
        (("Poêle", 19, 119), ("Casserole", 19, 129), ("Couteau", 9, 99),
         ("Planche à découper", 9, 59), ("Théière", 15, 69),
         ("Cafetière", 19, 149), ("Moule à gâteau", 7, 29),
         ("Bol à mélanger", 8, 39), ("Balance", 15, 59),
         ("Tablier", 12, 39)),
        ("en acier", "en céramique", "en bois", "en fonte",
         "de chef", "de tous les jours", "pour le four", "pliable"),
        ("", "petit modèle", "grand modèle", "lot de 2", "couleur ardoise",
         "couleur menthe")),
    Category(
        "Jardin", 7, {"ete": 4.0, "noel": 0.2, "creux": 0.5}, FEW,
        (("Arrosoir", 9, 39), ("Pelle", 9, 45), ("Semences", 2, 7),
         ("Terreau", 5, 19), ("Pot de fleurs", 4, 49), ("Gants", 5, 25),
         ("Sécateur", 12, 59), ("Boyau d'arrosage", 19, 79),
         ("Mangeoire", 12, 49), ("Chaise longue", 39, 189)),
        ("rustique", "de balcon", "pour potager", "pour fleurs", "pliable",
         "robuste", "pour débuter", "écologique"),
        ("", "petit modèle", "grand modèle", "lot de 2", "lot de 4",
         "couleur menthe")),
    Category(
        "Sport", 7, {"ete": 2.2, "noel": 1.5}, ONE,
        (("Ballon", 9, 49), ("Raquette", 19, 149), ("Gourde", 9, 39),
         ("Sac à dos", 29, 149), ("Tapis de yoga", 15, 69),
         ("Corde à sauter", 5, 25), ("Casque de vélo", 29, 119),
         ("Bâtons de marche", 25, 99), ("Raquettes à neige", 79, 249),
         ("Tente", 79, 399)),
        ("pour enfant", "pour adulte", "pour débuter", "de compétition",
         "pliable", "robuste", "de randonnée", "toutes saisons"),
        ("", "petit modèle", "grand modèle", "édition limitée",
         "couleur ardoise", "couleur menthe")),
    Category(
        "Hygiène", 8, {}, SOME,
        (("Savon", 2, 12), ("Shampooing", 4, 18), ("Dentifrice", 2, 9),
         ("Crème pour les mains", 4, 19), ("Baume à lèvres", 2, 8),
         ("Brosse à dents", 2, 9), ("Bain moussant", 5, 19),
         ("Déodorant", 4, 13), ("Lingettes", 2, 9)),
        ("bio", "à la lavande", "à l'avoine", "sans parfum",
         "pour toute la famille", "pour peau sensible", "de voyage",
         "pour enfant"),
        ("100 ml", "250 ml", "500 ml", "lot de 2", "lot de 4",
         "recharge")),
    Category(
        "Livres", 8, {"noel": 2.2, "ete": 1.4, "rentree": 1.3}, ONE,
        (("Roman", 9, 34), ("Livre de recettes", 19, 49),
         ("Bande dessinée", 12, 29), ("Guide de voyage", 15, 39),
         ("Album illustré", 9, 29), ("Livre à colorier", 5, 15),
         ("Dictionnaire", 19, 69), ("Carnet de poésie", 9, 25),
         ("Atlas", 19, 79)),
        ("d'aventure", "d'ici", "pour la jeunesse", "pour toute la famille",
         "de nos régions", "du dimanche", "de chevet", "de collection"),
        ("", "tome 1", "tome 2", "tome 3", "format de poche",
         "édition reliée")),
)

# The stores, the large ones first.
TOWNS = (
    "Montréal", "Québec", "Laval", "Gatineau", "Longueuil", "Sherbrooke",
    "Lévis", "Saguenay", "Trois-Rivières", "Terrebonne", "Saint-Jérôme",
    "Brossard", "Repentigny", "Drummondville", "Saint-Hyacinthe", "Granby",
    "Rimouski", "Victoriaville", "Joliette", "Shawinigan", "Blainville",
    "Boucherville", "Mascouche", "Mirabel", "Châteauguay", "Saint-Eustache",
    "Vaudreuil-Dorion", "Rouyn-Noranda", "Val-d'Or", "Alma", "Sept-Îles",
    "Thetford Mines", "Saint-Georges", "Sorel-Tracy", "Magog", "Cowansville",
    "Baie-Comeau", "Rivière-du-Loup", "Matane", "Gaspé", "Mont-Laurier",
    "Amos", "Lachute", "Montmagny", "La Tuque", "Roberval", "Sainte-Marie",
    "Bromont", "Percé", "Tadoussac")
STREETS = (
    "rue Principale", "rue Saint-Denis", "rue Notre-Dame", "rue de l'Église",
    "boulevard Laurier", "avenue du Parc", "rue King", "chemin du Lac",
    "rue Sainte-Catherine", "boulevard des Laurentides", "rue du Moulin",
    "avenue Cartier", "montée de la Source", "rue des Érables",
    "boulevard Taschereau", "rue Wellington", "place du Marché",
    "chemin Sainte-Foy", "rue de la Gare", "route Verte")

# Of a sale, any of these: how many lines it has.
SIZES = ([1] * 30 + [2] * 25 + [3] * 16 + [4] * 11 + [5] * 8 + [6] * 5
         + [7] * 3 + [8] * 2)

# Opening hours and how busy a day is, from Monday on; how busy an hour is.
OPEN = ((9, 18, 0.8), (9, 18, 0.85), (9, 18, 0.9), (9, 21, 1.0),
        (9, 21, 1.25), (9, 17, 1.6), (10, 17, 0.95))
HOURS = {9: 0.5, 10: 0.8, 11: 1.0, 12: 1.35, 13: 1.1, 14: 0.95, 15: 1.0,
         16: 1.25, 17: 1.45, 18: 1.1, 19: 0.9, 20: 0.6}
SEASONS = ("", "creux", "ete", "rentree", "noel")


def season(day):
    """What the season is, and how much is bought then."""
    at = (day.month, day.day)
    if at in ((12, 25), (1, 1)):
        return "noel", 0
    if (11, 20) <= at <= (12, 24):
        days = (day - datetime.date(day.year, 11, 20)).days
        return "noel", 1.2 + days / 30
    if at > (12, 25):
        return "", 1.5
    if at < (3, 1):
        return "creux", 0.75
    if (6, 10) <= at < (8, 10):
        return "ete", 1.1
    if (8, 10) <= at <= (9, 12):
        return "rentree", 1.35
    return "", 1


class Calendar:
    """The hours in which the stores are open, and how many sales fall before
    the end of each: at() turns a share of all sales into an instant."""

    def __init__(self, now):
        first = now - DAYS * 86400
        day = datetime.datetime.fromtimestamp(first, ZONE).date()
        self.start, self.length, self.season, self.until = [], [], [], []
        total = 0.0
        for n in range(DAYS + 1):
            what, busy = season(day)
            opens, closes, weight = OPEN[day.weekday()]
            # The clocks change at night, when nobody sells.
            begin = datetime.datetime.combine(day, datetime.time(opens),
                                              ZONE).timestamp()
            growth = 1 + 0.08 * n / 365
            for hour in range(opens, closes):
                start = max(begin + (hour - opens) * 3600, first)
                end = min(begin + (hour - opens + 1) * 3600, now)
                share = busy * weight * growth * HOURS[hour] * (end - start)
                if share > 0:
                    total += share
                    self.start.append(start)
                    self.length.append(end - start)
                    self.season.append(SEASONS.index(what))
                    self.until.append(total)
            day += datetime.timedelta(1)

    def at(self, share):
        wanted = share * self.until[-1]
        n = min(bisect.bisect_right(self.until, wanted), len(self.until) - 1)
        before = self.until[n - 1] if n else 0.0
        part = (wanted - before) / (self.until[n] - before)
        # Not the very end, which rounding could bring after now.
        return self.start[n] + min(part, 0.999999) * self.length[n], \
            self.season[n]


class Output:
    def __init__(self):
        # Not sys.stdout: its own idea of encodings and line ends.
        self.out = open(1, "wb", buffering=1 << 20, closefd=False)

    def copy(self, table, columns, rows):
        """rows: lines of text, with their ends."""
        self.out.write(
            f"COPY {table} ({columns}) FROM STDIN (FREEZE);\n".encode())
        self.out.write("".join(rows).encode())
        self.out.write(b"\\.\n")


class Progress:
    """A bar on a terminal, elsewhere a line each tenth."""

    def __init__(self, total):
        self.total = total
        self.started = self.shown = time.monotonic()
        self.tenth = 0
        self.terminal = sys.stderr.isatty()

    def show(self, done):
        now = time.monotonic()
        text = (f"{100 * done // self.total:3} %  {done:,} lines, "
                f"{now - self.started:.0f} s")
        if self.terminal:
            if done < self.total and now - self.shown < 0.1:
                return
            self.shown = now
            bar = "#" * (40 * done // self.total)
            print(f"\r[{bar:40}] {text}", end="", file=sys.stderr, flush=True)
            if done == self.total:
                print(file=sys.stderr)
        elif 10 * done // self.total > self.tenth:
            self.tenth = 10 * done // self.total
            print(f"demo-scale: {text}", file=sys.stderr, flush=True)


@functools.lru_cache(16)
def date_text(day):
    """Of a number of days since 1970."""
    return (datetime.date(1970, 1, 1) + datetime.timedelta(day)).isoformat()


def stamp(instant):
    """An instant for COPY; faster than what the library has."""
    second, micro = divmod(int(instant * 1000000), 1000000)
    day, second = divmod(second, 86400)
    minute, second = divmod(second, 60)
    return (f"{date_text(day)} {minute // 60:02}:{minute % 60:02}:{second:02}"
            f".{micro:06}+00")


def money(cents):
    return f"{cents // 100}.{cents % 100:02}"


def portions(total, weights):
    """Whole numbers in proportion to the weights, of this sum."""
    whole = sum(weights)
    done, passed, result = 0, 0.0, []
    for weight in weights:
        passed += weight
        until = min(total, round(total * passed / whole))
        result.append(until - done)
        done = until
    result[-1] += total - done
    return result


def portion(total, n, parts):
    """How much of the total falls on the n-th part."""
    return total * (n + 1) // parts - total * n // parts


class Retailer:
    def __init__(self, lines, stores, products, seed, now):
        self.lines = lines
        self.stores = stores
        self.products = products
        self.now = now
        self.random = random.Random(seed).random
        self.calendar = Calendar(now)
        self.make_stores()
        self.make_products()

    def any_of(self, things):
        return things[int(self.random() * len(things))]

    def make_stores(self):
        self.store_rows, self.store_weights = [], []
        for n in range(self.stores):
            again, at = divmod(n, len(TOWNS))
            name = f"Magasin {TOWNS[at]}" + (f" {again + 1}" if again else "")
            address = (f"{1 + int(self.random() * 4000)} "
                       f"{self.any_of(STREETS)}, {TOWNS[at]}")
            self.store_rows.append(f"{n + 1}\t{name}\t{address}\n")
            self.store_weights.append(
                (0.7 + 0.6 * self.random()) / (at + 3) ** 0.6)

    def make_products(self):
        shares = list(itertools.accumulate(c.share for c in CATEGORIES))
        self.category, self.price, self.trend = [], [], []
        self.product_rows = []
        for n in range(self.products):
            at = bisect.bisect_right(shares, self.random() * shares[-1])
            category = CATEGORIES[at]
            name, text, lowest, highest = category.next_name()
            dollars = lowest * (highest / lowest) ** self.random()
            cents = 100 * int(dollars) + self.any_of((29, 49, 50, 79, 95, 99))
            text = "\\N" if self.random() < 0.1 else text
            self.product_rows.append(
                f"{n + 1}\t{name}\t{category.name}\t{money(cents)}\t"
                f"{int(self.random() * 200)}\t{text}\n")
            self.category.append(at)
            self.price.append(cents)
            # How much the price grows in a year.
            self.trend.append(self.random() * 0.09 - 0.02)

        # Popular products have low and high numbers alike: the ranks are
        # shuffled.  The first tenth makes about half of the sales.
        ranks = list(range(self.products))
        for n in range(self.products - 1, 0, -1):
            other = int(self.random() * (n + 1))
            ranks[n], ranks[other] = ranks[other], ranks[n]
        self.popularity = [
            list(itertools.accumulate(
                CATEGORIES[at].seasons.get(what, 1) / (rank + 5) ** 0.9
                for at, rank in zip(self.category, ranks)))
            for what in SEASONS]

    def write(self, output, progress):
        output.copy("magasin", "id, nom, adresse", self.store_rows)
        output.copy("produit", "id, nom, categorie, prix, quantite_stock, "
                    "description", self.product_rows)
        self.write_stock(output)
        self.write_sales(output, progress)

    def write_stock(self, output):
        chance = self.random
        output.copy("stock_central", "id, produit_id, quantite", (
            f"{n}\t{n}\t"
            f"{0 if chance() < 0.03 else 20 + int(chance() * 980)}\n"
            for n in range(1, self.products + 1)))

        demands = []
        for store in range(1, self.stores + 1):
            rows = []
            before = (store - 1) * self.products
            for product in range(1, self.products + 1):
                draw = chance()
                if draw < 0.06:
                    quantity = 0
                    # Whoever has nothing left has asked for more.
                    if chance() < 0.6:
                        demands.append((self.now - chance() * 10 * 86400,
                                        store, product, 20, None))
                elif draw < 0.55:
                    quantity = 1 + int(chance() * 10)
                else:
                    quantity = 11 + int(chance() ** 2 * 60)
                rows.append(f"{before + product}\t{store}\t{product}\t"
                            f"{quantity}\n")
            output.copy("stock_local", "id, magasin_id, produit_id, quantite",
                        rows)

            # Older ones, one in eleven days, were decided in a day or two.
            for _ in range(100):
                asked = self.now - (10 + chance() * (DAYS - 10)) * 86400
                demands.append((
                    asked, store, 1 + int(chance() * self.products),
                    5 * (1 + int(chance() * 12)),
                    ("approuvee" if chance() < 0.85 else "refusee",
                     asked + (1 + chance() * 47) * 3600)))
        demands.sort(key=lambda demand: demand[0])
        output.copy(
            "demande_reapprovisionnement", "id, magasin_id, produit_id, "
            "quantite, date_demande, statut, date_decision, decideur", (
                f"{n}\t{store}\t{product}\t{quantity}\t{stamp(asked)}\t"
                + (f"{decision[0]}\t{stamp(decision[1])}\tsiege\n"
                   if decision else "en_attente\t\\N\t\\N\n")
                for n, (asked, store, product, quantity, decision)
                in enumerate(demands, 1)))

    def price_of(self, product, week):
        """Cents so many weeks ago.  A price changes each quarter, those of
        different products in different weeks; now and then it is a fifth off
        for a week."""
        quarters = (week + product % 13) // 13
        cents = self.price[product] / (1 + self.trend[product]) ** (
            quarters / 4)
        if (product * 7919 + week * 104729) % 1009 < 30 and week > 0:
            cents *= 0.8
        return max(1, round(cents))

    def write_sales(self, output, progress):
        stores, products = self.stores, self.products
        chance = self.random

        # With enough lines each store sells each product: so many lines of
        # each store take the next product of a list of its own, in which the
        # products are shuffled by a step without a common divisor.
        each = products if self.lines >= stores * products else 0
        lines = [each + more for more in portions(
            self.lines - each * stores, self.store_weights)]
        following, step = [], []
        for _ in range(stores):
            following.append(int(chance() * products))
            stride = 1 + int(chance() * products)
            while math.gcd(stride, products) > 1:
                stride += 1
            step.append(stride)

        popularity = self.popularity
        total_popularity = [p[-1] for p in popularity]
        quantities = [CATEGORIES[at].quantities for at in self.category]
        search = bisect.bisect_right
        sale_id = line_id = 0
        week, prices = None, {}

        blocks = max(1, self.lines // max(20000, 100 * stores))
        for block in range(blocks):
            sales = []
            for store in range(stores):
                left = portion(lines[store], block, blocks)
                due = portion(each, block, blocks)
                while left:
                    size = min(left, SIZES[int(chance() * len(SIZES))])
                    first = min(due, size)
                    sales.append((chance(), store, size, first))
                    left -= size
                    due -= first
            sales.sort()

            sale_rows, line_rows = [], []
            for share, store, size, first in sales:
                instant, what = self.calendar.at((block + share) / blocks)
                ago = int((self.now - instant) / WEEK)
                if ago != week:
                    week, prices = ago, {}
                chosen = []
                for _ in range(first):
                    chosen.append(following[store])
                    following[store] = (following[store]
                                        + step[store]) % products
                while len(chosen) < size:
                    product = search(popularity[what],
                                     chance() * total_popularity[what])
                    while product in chosen:
                        product = (product + 1) % products
                    chosen.append(product)

                sale_id += 1
                total = 0
                for product in chosen:
                    if product not in prices:
                        cents = self.price_of(product, week)
                        prices[product] = cents, money(cents)
                    cents, text = prices[product]
                    some = quantities[product]
                    quantity = some[int(chance() * len(some))]
                    total += quantity * cents
                    line_id += 1
                    line_rows.append(f"{line_id}\t{sale_id}\t{product + 1}\t"
                                     f"{quantity}\t{text}\n")
                sale_rows.append(f"{sale_id}\t{store + 1}\t{stamp(instant)}\t"
                                 f"{money(total)}\n")
            output.copy("vente", "id, magasin_id, date_vente, total",
                        sale_rows)
            output.copy("ligne_vente", "id, vente_id, produit_id, quantite, "
                        "prix_unitaire", line_rows)
            progress.show(line_id)


def main():
    if len(sys.argv) not in (5, 6):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    lines, stores, products, seed = map(int, sys.argv[1:5])
    now = float(sys.argv[5]) if len(sys.argv) == 6 else time.time()
    output = Output()
    try:
        Retailer(lines, stores, products, seed, now).write(
            output, Progress(lines))
        output.out.flush()
    except BrokenPipeError:
        # The reader has gone, and says why.
        return 1
    return 0


sys.exit(main())
