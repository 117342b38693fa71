"""Clients that take stock, that change their minds about requests, and that
send batches."""

from batches import NOBODY
from checker import Request


class Takers:
    """Part of a Storm."""

    def take_stock(self, client):
        """Somebody opens a stock-take, some count in it, some end it."""
        rng = client.random
        if rng.random() < 0.25 or not self.counts:
            return self.open_count(client)
        if rng.random() < 0.6:
            count = self.pick(rng, self.counts, 0)
            return count and self.scan(client, count)
        return self.end_count(client)

    def open_count(self, client):
        rng = client.random
        number = next(client.numbers)
        body = {"lieu": rng.choice([None, *range(1, self.stores + 1)]),
                "motif": f"essai {number}", "aveugle": rng.random() < 0.2}
        if rng.random() < 0.3:
            body["produits"] = rng.sample(range(1, self.products + 1), 2)
        told = self.write(client, number, "count", "/api/v1/counts/",
                          body).told()
        if told:
            self.counts.append(told)
            self.scan(client, told)

    def scan(self, client, count):
        """Of a product with an even number each line adds, of another one it
        replaces."""
        rng = client.random
        products = count["produits"] or range(1, self.products + 1)
        lines = [{"produit": p, "quantite": rng.randint(0, 9),
                  "ajoute": p % 2 == 0}
                 for p in rng.sample(list(products), rng.randint(1, 2))]
        self.write(client, next(client.numbers), "scan",
                   f"/api/v1/counts/{count['id']}/lines/", {"lignes": lines})

    def end_count(self, client):
        """Some people at once, who do not agree."""
        rng = client.random
        count = self.pick(rng, self.counts, 0.7)
        if count is None:
            return
        asked = []
        for _ in range(rng.randint(1, 3)):
            number = next(client.numbers)
            kind, word, body = "close", "close", None
            if rng.random() < 0.2:
                kind, word = "drop", "cancel"
            elif count["produits"] and rng.random() < 0.5:
                body = {"non_comptes_a_zero": True}
            asked.append(Request(
                number, kind, "POST", f"/api/v1/counts/{count['id']}/{word}/",
                body, f"cle-{number}" if rng.random() < 0.8 else None))
        client.together(*asked)
        # What has to be counted again is in nobody else's count until then.
        if all(r.status() == 409 and b'"statut"' not in r.final().body
               for r in asked):
            self.counts.append(count)

    def reconsider(self, client):
        """A request is changed or withdrawn, or many are decided."""
        rng = client.random
        demande = self.pick(rng, self.demandes, 0)
        if demande is None:
            return
        number = next(client.numbers)
        path = f"/api/v1/replenishments/{demande}/"
        dice = rng.random()
        if dice < 0.4:
            client.ask("amend", "PATCH", path,
                       {"quantite": rng.randint(1, 20), "motif": "essai"},
                       number=number)
        elif dice < 0.6:
            self.write(client, number, "withdraw", f"{path}cancel/")
        else:
            ids = {self.pick(rng, self.demandes, 0.3) for _ in range(6)}
            ids = sorted(ids - {None}, key=lambda _: rng.random())
            if ids:
                some = rng.randint(0, len(ids))
                self.write(client, number, "decisions",
                           "/api/v1/replenishments/decisions/",
                           {"approuver": ids[some:], "refuser": ids[:some]})

    def send_batch(self, client):
        """Prices, or adjustments, in any order; often with a row that is
        wrong."""
        rng = client.random
        number = next(client.numbers)
        products = rng.sample(range(1, self.products + 1), rng.randint(2, 5))
        if rng.random() < 0.4:
            kind, path = "prices", "/api/v1/products/batch/"
            rows = [{"id": p, "prix": f"{rng.randint(1, 99)}.25",
                     "description": f"lot {number}"} for p in products]
            wrong = rng.choice([{"id": NOBODY}, {"prix": "x"}])
        else:
            kind, path = "restock", "/api/v1/stock/batch/"
            words = rng.choice([[""], ["", " bis"]])
            rows = [{"magasin": rng.randint(1, self.stores), "produit": p,
                     "delta": rng.choice([-25, -1, 4, 30]),
                     "motif": f"essai {number}{rng.choice(words)}"}
                    for p in products]
            wrong = {"magasin": NOBODY}
        if rng.random() < 0.4:
            rng.choice(rows).update(wrong)
        self.write(client, number, kind,
                   path + rng.choice(["", "?mode=all", "?mode=valid"]), rows)

    @staticmethod
    def pick(rng, things, take):
        """One of them, which with this probability is nobody else's any more;
        None where there is none."""
        try:
            return things.popleft() if rng.random() < take \
                else rng.choice(list(things))
        except IndexError:
            return None
