-- What bench/run, bench/soak and bench/reload work on: a thousand products, a
-- hundred stores with 35 stock rows each, a thousand sales.  It replaces
-- whatever the database holds, which is their own and nobody else's, and the
-- journal begins anew.
--
-- Nothing is random, so that two runs measure the same data.

SET LOCAL ROLE magasin_owner;

TRUNCATE magasin, produit, stock_local, stock_central, vente, ligne_vente,
    demande_reapprovisionnement RESTART IDENTITY CASCADE;

-- After the tables, whose emptying the journal has just been told.
SET LOCAL magasin.entretien = 'oui';
TRUNCATE journal, idempotence RESTART IDENTITY;
SET LOCAL magasin.entretien = '';

SET LOCAL magasin.type = 'ouverture';

INSERT INTO magasin (id, nom, adresse)
SELECT n, format('Magasin n° %s', n), format('%s Rue Principale', n)
  FROM generate_series(1, 100) n;

INSERT INTO produit (id, nom, categorie, prix, quantite_stock, description)
SELECT n,
       format('Clavier mécanique n° %s', n),
       (ARRAY['Informatique', 'Accessoire', 'Boissons', 'Confiserie'])
           [1 + n % 4],
       (1 + n * 37 % 9999)::numeric / 100,
       n % 100,
       'Clavier rétroéclairé RGB'
  FROM generate_series(1, 1000) n;

-- 29 and 1000 have no common divisor: 35 different products in each store.
INSERT INTO stock_local (magasin_id, produit_id, quantite)
SELECT m, 1 + (m * 7 + k * 29) % 1000, (m + k * 3) % 40
  FROM generate_series(1, 100) m, generate_series(0, 34) k;

INSERT INTO vente (id, magasin_id, date_vente, total)
SELECT n, 1 + n % 100, now() - n * interval '1 hour', 59.97
  FROM generate_series(1, 1000) n;

INSERT INTO ligne_vente (vente_id, produit_id, quantite, prix_unitaire)
SELECT n, 1 + (n * 13 + k * 29) % 1000, 1 + k, 19.99
  FROM generate_series(1, 1000) n, generate_series(0, 1) k;

-- Rows with a given id have not moved these.
SELECT setval(pg_get_serial_sequence('magasin', 'id'), max(id)) FROM magasin;
SELECT setval(pg_get_serial_sequence('produit', 'id'), max(id)) FROM produit;
SELECT setval(pg_get_serial_sequence('vente', 'id'), max(id)) FROM vente;

-- The week ends now, not when the database was made.
SELECT cumul_reconstruire();

SET LOCAL magasin.type = '';
