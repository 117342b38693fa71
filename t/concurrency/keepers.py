"""Clients that keep a shop: its thresholds, what it orders, its stores and the
codes of its products."""

from checker import Request

OPENED = 200        # stores that a storm opens at most
CODES = 6           # that all products claim


class Keepers:
    """Part of a Storm."""

    def keep_shop(self, client):
        client.random.choice([
            self.want, self.want, self.want_by_default, self.order,
            self.order, self.keep_store, self.keep_store,
            self.give_code, self.give_code])(client)

    def want(self, client):
        """What a store wants of a product; or the defaults are to hold."""
        rng = client.random
        number = next(client.numbers)
        least = rng.randint(0, 60)
        body = {"minimum": least, "maximum": least + 1 + number % 97}
        if rng.random() < 0.2:
            body = {"minimum": None, "maximum": None}
        client.ask("threshold", "PUT",
                   f"/api/v1/stores/{rng.randint(1, self.stores)}/stock/"
                   f"{rng.randint(1, self.products)}/thresholds/", body,
                   number=number)

    def want_by_default(self, client):
        """One of the categories is that of no product, nor of another
        request."""
        rng = client.random
        number = next(client.numbers)
        lines = [{"categorie": name, "minimum": least, "maximum": least + more}
                 for name, least, more in (
                     ("Essai", rng.randint(0, 30), rng.randint(0, 20)),
                     (None, rng.randint(0, 20), rng.randint(0, 20)))
                 if rng.random() < 0.7]
        lines.append({"categorie": f"lot {number}", "minimum": 1,
                      "maximum": None})
        client.ask("defaults", "PUT",
                   f"/api/v1/stores/{rng.randint(1, self.stores)}/thresholds/",
                   {"lignes": lines}, number=number)

    def order(self, client):
        """What the store should ask for, or so much of these.  With a key: it
        is not known otherwise what an answer that was lost asked for."""
        rng = client.random
        number = next(client.numbers)
        path = f"/api/v1/stores/{rng.randint(1, self.stores)}/reorder/"
        if rng.random() < 0.5:
            body = {"lignes": [
                {"produit": p, "quantite": rng.randint(1, 20)}
                for p in rng.sample(range(1, self.products + 1),
                                    rng.randint(1, 3))]}
            told = self.write(client, number, "reorder", path, body).told()
        else:
            key = f"cle-{number}"
            asked = [Request(number, "reorder", "POST", path, {}, key)
                     for _ in range(rng.choice([1, 1, 2]))]
            client.together(*asked)
            told = asked[0].told()
        if told:
            self.demandes.extend(d["id"] for d in told["demandes"])

    def keep_store(self, client):
        """Somebody opens a store, or closes one while it sells."""
        rng = client.random
        number = next(client.numbers)
        if rng.random() < 0.3:
            client.ask("alter", "PATCH",
                       f"/api/v1/stores/{rng.randint(1, self.stores)}/",
                       {"adresse": f"adresse {number}"}, number=number)
            return
        store = self.pick(rng, self.opened, 0)
        if store is None or rng.random() < 0.4 and len(self.opened) < OPENED:
            told = self.write(
                client, number, "open", "/api/v1/stores/",
                {"nom": f"Magasin essai {number}",
                 "adresse": f"adresse {number}"}).told()
            if told is None:
                return
            store = told["id"], rng.randint(1, self.products)
            number = next(client.numbers)
            self.write(client, number, "adjust",
                       f"/api/v1/stores/{store[0]}/stock/{store[1]}/adjust/",
                       {"delta": 60, "motif": f"essai {number}"})
            self.opened.append(store)
            return
        asked = [self.sell_at(client, *store)
                 for _ in range(rng.randint(1, 2))]
        if rng.random() < 0.5:
            number = next(client.numbers)
            body = {"ouvert": rng.random() < 0.5}
            if rng.random() < 0.3:
                body["adresse"] = f"adresse {number}"
            asked.append(Request(number, "alter", "PATCH",
                                 f"/api/v1/stores/{store[0]}/", body))
        client.together(*asked)

    def give_code(self, client):
        """Some products claim one code, or give theirs away."""
        rng = client.random
        code = f"K-{rng.randint(1, CODES)}"
        asked = []
        for product in rng.sample(range(1, self.products + 1),
                                  rng.randint(1, 2)):
            asked.append(Request(
                next(client.numbers), "code", "PATCH",
                f"/api/v1/products/{product}/",
                {"code": code if rng.random() < 0.8 else None}))
        client.together(*asked)
