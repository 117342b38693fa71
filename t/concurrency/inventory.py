"""The database of this suite, with little of everything."""

from servers import Database

STORES, PRODUCTS, STOCK, CENTRAL = 4, 12, 400, 300


class Inventory(Database):
    def __init__(self):
        super().__init__("concurrency")

    def fresh(self, extra=""):
        """Stores with little of everything, and no history."""
        self.refill(f"""
            INSERT INTO magasin (nom, adresse)
            SELECT 'Magasin ' || n, 'Rue ' || n
              FROM generate_series(1, {STORES}) n;
            INSERT INTO produit (nom, categorie, prix)
            SELECT 'Produit ' || n, 'Essai', n + 0.99
              FROM generate_series(1, {PRODUCTS}) n;
            INSERT INTO stock_local (magasin_id, produit_id, quantite)
            SELECT m.id, p.id, {STOCK} FROM magasin m CROSS JOIN produit p;
            INSERT INTO stock_central (produit_id, quantite)
            SELECT id, {CENTRAL} FROM produit;
            {extra}""")
