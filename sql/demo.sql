-- The demonstration: the five stores and fifteen products of the reference,
-- and sixty days of trade, so that every report has something to show.
--
-- For an empty database only (the identifiers are given).  Nothing is random:
-- what looks like chance comes from a hash of the row's number, so that two
-- loads differ only by the day they were made on.

SET LOCAL ROLE magasin_owner;
SET LOCAL TIME ZONE 'America/Toronto';

-- To the journal all of this has always been there.
SET LOCAL magasin.type = 'ouverture';
SET LOCAL magasin.acteur = 'demonstration';

\ir demo_mark.sql

DO $$
BEGIN
    IF EXISTS (SELECT FROM magasin) OR EXISTS (SELECT FROM produit) THEN
        RAISE 'the database is not empty: the demonstration stays out of it';
    END IF;
END
$$;

-- hasard(key, n): an evenly spread integer in 0 .. n - 1
CREATE FUNCTION pg_temp.hasard(cle text, n integer) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT
    RETURN (('x' || substr(md5(cle), 1, 8))::bit(32)::bigint % n)::integer;

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

-- Codes of the shop, and barcodes with the prefix that is for one's own use.
INSERT INTO produit_code (code, produit_id, interne)
SELECT upper(left(categorie, 3)) || '-' || lpad(id::text, 3, '0'), id, true
  FROM produit
 ORDER BY id;

INSERT INTO produit_code (code, produit_id, rang)
SELECT code, id, 1
  FROM (SELECT '20000000' || lpad(id::text, 4, '0') || chiffre AS code, id
          FROM produit
         CROSS JOIN generate_series(0, 9) chiffre) c
 WHERE gtin(code)
 ORDER BY id;

INSERT INTO seuil_categorie (magasin_id, categorie, minimum, maximum)
SELECT id, categorie, minimum, maximum
  FROM magasin
 CROSS JOIN (VALUES ('', 5, 30), ('Boissons', 10, 40), ('Informatique', 3, 20))
            s (categorie, minimum, maximum)
 ORDER BY id, categorie;

INSERT INTO stock_central (produit_id, quantite) VALUES
    (1, 200),
    (2, 300),
    (3, 150),
    (4, 400),
    (5, 300),
    (6, 250),
    (7, 180),
    (8, 350),
    (9, 400),
    (10, 120),
    (11, 80),
    (12, 150),
    (13, 500),
    (14, 200),
    (15, 100);

-- What the reference has on its shelves ...
INSERT INTO stock_local (magasin_id, produit_id, quantite) VALUES
    (1, 1, 20), (1, 2, 35), (1, 3, 15), (1, 4, 30), (1, 5, 25),
    (1, 6, 18), (1, 7, 12), (1, 8, 22), (1, 9, 28), (1, 10, 8),
    (1, 11, 5), (1, 12, 14), (1, 13, 42), (1, 14, 16), (1, 15, 9),
    (2, 1, 0), (2, 4, 22), (2, 6, 15), (2, 8, 31), (2, 10, 12),
    (3, 2, 28), (3, 5, 19), (3, 7, 16), (3, 9, 33), (3, 11, 7),
    (4, 3, 24), (4, 6, 21), (4, 8, 26), (4, 12, 11), (4, 13, 38),
    (5, 1, 17), (5, 4, 23), (5, 10, 9), (5, 14, 13), (5, 15, 6);

-- ... and the rest of the range, of which one in eight is sold out.
INSERT INTO stock_local (magasin_id, produit_id, quantite)
SELECT magasin.id, produit.id,
       CASE hasard.de_huit WHEN 0 THEN 0 ELSE 3 + hasard.de_trente END
  FROM magasin
 CROSS JOIN produit
 CROSS JOIN LATERAL (
           SELECT pg_temp.hasard(
                      format('rayon %s %s', magasin.id, produit.id), 8),
                  pg_temp.hasard(
                      format('stock %s %s', magasin.id, produit.id), 30)
       ) AS hasard (de_huit, de_trente)
 WHERE NOT EXISTS (SELECT FROM stock_local
                    WHERE stock_local.magasin_id = magasin.id
                      AND stock_local.produit_id = produit.id)
 ORDER BY magasin.id, produit.id;

-- Ten sales or so a day, more on Fridays and Saturdays, fewer on Sundays and
-- Mondays; the stores in the centre and in the west sell the most.  An hour of
-- today that has not come yet is taken from the first day instead.
CREATE TEMPORARY TABLE vendu ON COMMIT DROP AS
SELECT row_number() OVER (ORDER BY quand, jour, rang) AS id, magasin_id,
       quand AS date_vente
  FROM (SELECT jour, rang,
               (ARRAY[1, 1, 1, 2, 2, 3, 3, 4, 5, 5])
                   [1 + pg_temp.hasard(format('lieu %s %s', jour, rang), 10)]
                   AS magasin_id,
               CASE WHEN instant < now() - interval '1 minute' THEN instant
                    ELSE instant - interval '60 days' END AS quand
          FROM generate_series(0, 59) AS jour
         CROSS JOIN LATERAL (SELECT current_date - jour) AS le (jour_civil)
         CROSS JOIN LATERAL generate_series(
                   1,
                   (ARRAY[7, 7, 9, 9, 11, 14, 14])
                       [1 + extract(dow FROM jour_civil)::integer]
                   + pg_temp.hasard(format('affluence %s', jour), 3) - 1)
               AS rang
         CROSS JOIN LATERAL (
                   SELECT jour_civil + time '09:00'
                          + make_interval(secs => pg_temp.hasard(
                                format('heure %s %s', jour, rang), 12 * 3600))
               ) AS a (heure_locale)
         CROSS JOIN LATERAL (SELECT heure_locale::timestamptz) AS t (instant)
       ) AS vendu;

-- One to four lines each.  Coffee and accessories go fastest, and tea gains on
-- them in the last three weeks.  Until a month ago prices were 5 % lower.
CREATE TEMPORARY TABLE ligne_vendue ON COMMIT DROP AS
SELECT vente.id AS vente_id, produit.id AS produit_id,
       sum(choix.quantite)::integer AS quantite,
       CASE WHEN vente.date_vente < now() - interval '30 days'
            THEN round(produit.prix * 0.95, 2) ELSE produit.prix END
       AS prix_unitaire
  FROM vendu AS vente
 CROSS JOIN LATERAL generate_series(
           1, 1 + pg_temp.hasard(format('lignes %s', vente.id), 4)) AS ligne
 CROSS JOIN LATERAL (
           SELECT CASE WHEN vente.date_vente > now() - interval '21 days'
                       THEN ARRAY[1, 2, 3, 4, 4, 4, 5, 5, 6, 6, 6, 6, 7, 7, 8,
                                  9, 10, 11, 12, 13, 13, 14, 15, 15]
                       ELSE ARRAY[1, 2, 2, 3, 3, 4, 4, 4, 4, 4, 5, 5, 5, 6, 7,
                                  8, 8, 9, 10, 11, 12, 13, 13, 13, 14, 15]
                  END
       ) AS gamme (produits)
 CROSS JOIN LATERAL (
           SELECT produits[1 + pg_temp.hasard(
                      format('choix %s %s', vente.id, ligne),
                      cardinality(produits))],
                  1 + pg_temp.hasard(
                          format('combien %s %s', vente.id, ligne), 3)
       ) AS choix (produit_id, quantite)
  JOIN produit ON produit.id = choix.produit_id
 GROUP BY vente.id, vente.date_vente, produit.id, produit.prix;

INSERT INTO vente (id, magasin_id, date_vente, total)
SELECT id, magasin_id, date_vente,
       (SELECT sum(quantite * prix_unitaire)
          FROM ligne_vendue
         WHERE vente_id = vendu.id)
  FROM vendu
 ORDER BY id;

INSERT INTO ligne_vente (vente_id, produit_id, quantite, prix_unitaire)
SELECT vente_id, produit_id, quantite, prix_unitaire
  FROM ligne_vendue
 ORDER BY vente_id, produit_id;

-- Whoever has nothing left has asked for more; older requests were decided.
INSERT INTO demande_reapprovisionnement
    (magasin_id, produit_id, quantite, date_demande, statut)
SELECT magasin_id, produit_id, 20,
       now() - 3 * row_number() OVER (ORDER BY id) * interval '1 hour',
       'en_attente'
  FROM stock_local
 WHERE quantite = 0
 ORDER BY id;

INSERT INTO demande_reapprovisionnement
    (magasin_id, produit_id, quantite, date_demande, statut, date_decision,
     decideur)
SELECT magasin_id, produit_id, quantite, demandee, statut,
       demandee + interval '5 hours', 'siege'
  FROM (VALUES
           (1, 11, 15, now() - interval '12 days', 'approuvee'),
           (3, 4, 40, now() - interval '9 days', 'approuvee'),
           (4, 13, 1000, now() - interval '8 days', 'refusee'),
           (5, 15, 25, now() - interval '5 days', 'approuvee')
       ) AS decision (magasin_id, produit_id, quantite, demandee, statut);

-- Rows with a given id have not moved these.
SELECT setval(pg_get_serial_sequence('magasin', 'id'), max(id)) FROM magasin;
SELECT setval(pg_get_serial_sequence('produit', 'id'), max(id)) FROM produit;
SELECT setval(pg_get_serial_sequence('vente', 'id'), max(id)) FROM vente;

-- The week ends now, however long ago the schema was made.
SELECT cumul_reconstruire();

-- What came in and moved before: the stock has it already.
INSERT INTO reception (id, magasin_id, fournisseur, reference, date_reception,
                       recue_par)
VALUES (1, NULL, 'Brûlerie du Port', 'BL-1984', now() - interval '40 days',
        'siege'),
       (2, 1, 'Papeterie Lavoie', 'F-20931', now() - interval '11 days',
        'quai-1');
INSERT INTO reception_ligne (reception_id, produit_id, quantite,
                             cout_unitaire)
VALUES (1, 4, 240, 7.90), (1, 5, 120, 9.20), (1, 15, 60, NULL),
       (2, 3, 30, 8.40), (2, 12, 12, 14.75);
SELECT setval(pg_get_serial_sequence('reception', 'id'), 2);

INSERT INTO transfert (id, magasin_id, vers_id, date_depart, expedie_par,
                       statut, date_cloture, cloture_par)
VALUES (1, 1, 4, now() - interval '6 days', 'quai-1', 'recu',
        now() - interval '5 days', 'quai-4');
INSERT INTO transfert_ligne (transfert_id, produit_id, vers_id, quantite,
                             en_transit, recu)
VALUES (1, 8, 4, 24, false, 23), (1, 9, 4, 24, false, 24);
SELECT setval(pg_get_serial_sequence('transfert', 'id'), 1);

-- What has come into the central stock today, and is on its way to a store.
SELECT FROM reception_creer(NULL, 'Câblerie Est', 'BL-2041', ARRAY[13],
                            ARRAY[20], ARRAY[4.10], 'demonstration', NULL,
                            NULL);
SELECT FROM transfert_creer(NULL, 3, ARRAY[13], ARRAY[20], 'réassort',
                            'demonstration', NULL, NULL);

-- What is held for a customer until tomorrow, and what was given back.
SELECT FROM reservation_creer(1, ARRAY[13, 4], ARRAY[2, 1], 86400,
                              'Commande 118', 'demonstration');
SELECT FROM reservation_creer(2, ARRAY[8], ARRAY[3], 900, 'Panier 7',
                              'demonstration');
SELECT FROM reservation_rendre((SELECT max(id) FROM reservation), NULL,
                               'demonstration', NULL, NULL);
-- What was brought back today: of a sale of last week, and of one of yesterday,
-- broken.
SELECT FROM (
    SELECT v.id, (array_agg(l.produit_id ORDER BY l.id))[1] AS produit
      FROM vente v
      JOIN ligne_vente l ON l.vente_id = v.id
     WHERE v.date_vente < now() - interval '7 days'
     GROUP BY v.id
     ORDER BY v.id DESC
     LIMIT 1
  ) v
 CROSS JOIN LATERAL retour_creer(v.id, ARRAY[v.produit], ARRAY[1],
                                 'ne convient pas', true, NULL,
                                 'demonstration', NULL, NULL) r;
SELECT FROM (
    SELECT v.id, (array_agg(l.produit_id ORDER BY l.id))[1] AS produit
      FROM vente v
      JOIN ligne_vente l ON l.vente_id = v.id
     WHERE v.date_vente < now() - interval '1 day'
     GROUP BY v.id
     ORDER BY v.id DESC
     LIMIT 1
  ) v
 CROSS JOIN LATERAL retour_creer(v.id, ARRAY[v.produit], ARRAY[1], 'cassé',
                                 false, NULL, 'demonstration', NULL, NULL) r;

-- A stock-take that was closed, and one that is under way.
INSERT INTO comptage (id, magasin_id, categorie, motif, date_ouverture,
                      ouvert_par, statut, date_cloture, cloture_par, comptes,
                      ecarts, en_plus, en_moins, non_comptes)
VALUES (1, 1, 'Boissons', 'inventaire tournant', now() - interval '9 days',
        'rayon-1', 'clos', now() - interval '9 days' + interval '2 hours',
        'chef-1', 3, 2, 1, 4, 1);
INSERT INTO comptage_ligne (comptage_id, produit_id, magasin_id, ouverte,
                            compte, present, oubliee, instant, compte_par)
SELECT 1, produit, 1, false, compte, present, compte IS NULL,
       now() - interval '9 days' + interval '1 hour',
       CASE WHEN compte IS NOT NULL THEN 'rayon-1' END
  FROM (VALUES (4, 26, 30), (5, 25, 25), (6, 19, 18), (7, NULL, 12))
       l (produit, compte, present);
SELECT setval(pg_get_serial_sequence('comptage', 'id'), 1);

SELECT FROM comptage_ouvrir(3, NULL, NULL, true, 'inventaire annuel',
                            'demonstration', NULL, NULL);
SELECT FROM comptage_compter(2, ARRAY[1, 2, 3], ARRAY[14, 40, 22],
                             ARRAY[false, false, false], NULL,
                             'demonstration', NULL, NULL);

-- So that "make demo-scale" knows what it may replace.
SELECT pg_temp.demo_marquer();
