-- What the suites start from: the reference's five stores and fifteen products,
-- with sales whose age counts from now.  Loaded by t/inc/MagasinTest.pm in one
-- transaction, with the statements of a suite behind it.  The journal begins
-- anew with what is loaded here.

SET client_min_messages = warning;
SET lock_timeout = '10s';

-- The maintenance of a server that still runs has its turn before or after,
-- unless a suite has the turn itself (MagasinTest::hold).
DO $$
BEGIN
    IF NOT EXISTS (SELECT
                     FROM pg_locks
                     JOIN pg_stat_activity USING (pid)
                    WHERE relation = 'entretien_tour'::regclass
                      AND mode = 'ExclusiveLock'
                      AND application_name LIKE 'held-%')
    THEN
        LOCK TABLE entretien_tour IN EXCLUSIVE MODE;
    END IF;
END
$$;

-- All tables at once or none: one after the other, a node that runs, or prepares
-- its statements, may hold the next one and wait for the one before.
DO $$
DECLARE
    tables  text := (SELECT string_agg(oid::regclass::text, ', ' ORDER BY oid)
                       FROM pg_class
                      WHERE relnamespace = 'public'::regnamespace
                        AND relkind IN ('r', 'p')
                        AND NOT relispartition
                        AND relname <> 'entretien_tour');
    until   timestamptz := clock_timestamp() + interval '10 s';
BEGIN
    LOOP
        BEGIN
            EXECUTE 'LOCK TABLE ' || tables
                    || ' IN ACCESS EXCLUSIVE MODE NOWAIT';
            EXIT;
        EXCEPTION
            WHEN lock_not_available THEN
                IF clock_timestamp() > until THEN
                    RAISE;
                END IF;
        END;
        PERFORM pg_sleep(0.005);
    END LOOP;
END
$$;

TRUNCATE magasin, produit, stock_local, stock_central, vente, ligne_vente,
         demande_reapprovisionnement RESTART IDENTITY CASCADE;

-- After the tables, whose emptying the journal has just been told.
SET LOCAL magasin.entretien = 'oui';
TRUNCATE journal, idempotence RESTART IDENTITY;
SET LOCAL magasin.entretien = '';

SET LOCAL magasin.type = 'ouverture';

INSERT INTO magasin (id, nom, adresse) VALUES
    (1, 'Magasin Centre-Ville', '123 Rue Principale'),
    (2, 'Magasin Nord', '456 Boulevard Nord'),
    (3, 'Magasin Est', '789 Avenue Est'),
    (4, 'Magasin Sud', '321 Chemin Sud'),
    (5, 'Magasin Ouest', '654 Route Ouest');

INSERT INTO produit (id, nom, categorie, prix, quantite_stock, description)
VALUES
    (1, 'Clavier mécanique', 'Informatique', 89.99, 50,
     'Clavier rétroéclairé RGB'),
    (2, 'Souris optique', 'Informatique', 25.50, 80,
     'Souris ergonomique sans fil'),
    (3, 'Tapis de souris XL', 'Accessoire', 19.99, 120,
     'Surface antidérapante et étendue'),
    (4, 'Café Premium Bio', 'Boissons', 15.99, 100,
     'Café arabica de qualité supérieure'),
    (5, 'Café Espresso Intenso', 'Boissons', 18.50, 75,
     'Café corsé pour espresso'),
    (6, 'Thé Vert Sencha', 'Boissons', 12.99, 60,
     'Thé vert japonais authentique'),
    (7, 'Thé Earl Grey', 'Boissons', 14.75, 45,
     'Thé noir parfumé à la bergamote'),
    (8, 'Chocolat Noir 70%', 'Confiserie', 8.99, 90,
     'Chocolat noir intense et raffiné'),
    (9, 'Chocolat au Lait', 'Confiserie', 6.50, 110,
     'Chocolat doux et crémeux'),
    (10, 'Écouteurs Bluetooth', 'Informatique', 45.99, 35,
     'Écouteurs sans fil haute qualité'),
    (11, 'Webcam HD 1080p', 'Informatique', 79.99, 25,
     'Caméra haute définition pour visioconférence'),
    (12, 'Support d''écran ergonomique', 'Accessoire', 32.99, 40,
     'Support réglable pour moniteur'),
    (13, 'Câble USB-C 2m', 'Accessoire', 12.99, 150,
     'Câble de charge et transfert rapide'),
    (14, 'Chargeur sans fil', 'Accessoire', 24.99, 55,
     'Station de charge par induction'),
    (15, 'Thé Rooibos Vanille', 'Boissons', 13.50, 30,
     'Infusion sans théine à la vanille');

INSERT INTO stock_central (id, quantite, produit_id) VALUES
    (1, 200, 1), (2, 300, 2), (3, 150, 3), (4, 400, 4), (5, 300, 5),
    (6, 250, 6), (7, 180, 7), (8, 350, 8), (9, 400, 9), (10, 120, 10),
    (11, 80, 11), (12, 150, 12), (13, 500, 13), (14, 200, 14),
    (15, 100, 15);

-- The row of product 1 in store 2 is the last one, as in the reference's dump.
INSERT INTO stock_local (id, quantite, magasin_id, produit_id) VALUES
    (1, 20, 1, 1), (2, 35, 1, 2), (3, 15, 1, 3), (4, 30, 1, 4),
    (5, 25, 1, 5), (6, 18, 1, 6), (7, 12, 1, 7), (8, 22, 1, 8),
    (9, 28, 1, 9), (10, 8, 1, 10), (11, 5, 1, 11), (12, 14, 1, 12),
    (13, 42, 1, 13), (14, 16, 1, 14), (15, 9, 1, 15), (17, 22, 2, 4),
    (18, 15, 2, 6), (19, 31, 2, 8), (20, 12, 2, 10), (21, 28, 3, 2),
    (22, 19, 3, 5), (23, 16, 3, 7), (24, 33, 3, 9), (25, 7, 3, 11),
    (26, 24, 4, 3), (27, 21, 4, 6), (28, 26, 4, 8), (29, 11, 4, 12),
    (30, 38, 4, 13), (31, 17, 5, 1), (32, 23, 5, 4), (33, 9, 5, 10),
    (34, 13, 5, 14), (35, 6, 5, 15), (16, 0, 2, 1);

INSERT INTO vente (id, date_vente, total, magasin_id) VALUES
    (1, now() - interval '0.1 days', 301.95, 1),
    (2, now() - interval '2 days', 172.45, 1),
    (3, now() - interval '8 days', 2550.00, 1),
    (4, now() - interval '6.9 days', 8.99, 2),
    (5, now() - interval '7.1 days', 9.20, 2),
    (6, now() - interval '1 days', 99999999.99, 3);

INSERT INTO ligne_vente (id, quantite, prix_unitaire, produit_id, vente_id)
VALUES
    (1, 3, 89.99, 1, 1), (2, 2, 15.99, 4, 1), (3, 5, 15.99, 4, 2),
    (4, 5, 18.50, 5, 2), (5, 100, 25.50, 2, 3), (6, 1, 8.99, 8, 4),
    (7, 1, 8.50, 8, 5), (8, 7, 0.10, 10, 5), (9, 1, 99999999.99, 9, 6);

SELECT setval('magasin_id_seq', 5), setval('produit_id_seq', 15),
       setval('stock_central_id_seq', 15), setval('stock_local_id_seq', 35),
       setval('vente_id_seq', 6), setval('ligne_vente_id_seq', 9);

-- Whatever an earlier suite has done to the edge of the window.
SELECT cumul_reconstruire();

SET LOCAL magasin.type = '';
