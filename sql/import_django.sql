-- Replace the content of this database by what import_django_source.sql has
-- left in the current directory.  One transaction: all of it, or nothing.
--
-- To the journal this is a change like any other: what was there goes, and
-- what is read comes.
--
-- Run by scripts/import_django.sh, which shows the refusal (the one error that
-- this raises) or the table at the end.

\set ON_ERROR_STOP on
\set VERBOSITY terse
\set SHOW_CONTEXT never
\set QUIET on

BEGIN;
SET LOCAL ROLE magasin_owner;

-- The types are wide enough for whatever the source can hold; whether a value
-- fits is found out below, and said with its table and id.
CREATE TEMPORARY TABLE lu_magasin (
    id bigint, nom text, adresse text
) ON COMMIT DROP;
CREATE TEMPORARY TABLE lu_produit (
    id bigint, nom text, categorie text, prix numeric, quantite_stock bigint,
    description text
) ON COMMIT DROP;
CREATE TEMPORARY TABLE lu_stock_local (
    id bigint, magasin_id bigint, produit_id bigint, quantite bigint
) ON COMMIT DROP;
CREATE TEMPORARY TABLE lu_stock_central (
    id bigint, produit_id bigint, quantite bigint
) ON COMMIT DROP;
CREATE TEMPORARY TABLE lu_vente (
    id bigint, magasin_id bigint, date_vente timestamptz, total numeric
) ON COMMIT DROP;
CREATE TEMPORARY TABLE lu_ligne_vente (
    id bigint, vente_id bigint, produit_id bigint, quantite bigint,
    prix_unitaire numeric
) ON COMMIT DROP;
CREATE TEMPORARY TABLE lu_demande_reapprovisionnement (
    id bigint, magasin_id bigint, produit_id bigint, quantite bigint,
    date timestamptz, statut text
) ON COMMIT DROP;

\copy lu_magasin FROM 'magasin'
\copy lu_produit FROM 'produit'
\copy lu_stock_local FROM 'stock_local'
\copy lu_stock_central FROM 'stock_central'
\copy lu_vente FROM 'vente'
\copy lu_ligne_vente FROM 'ligne_vente'
\copy lu_demande_reapprovisionnement FROM 'demande_reapprovisionnement'

ANALYZE lu_magasin, lu_produit, lu_stock_local, lu_stock_central, lu_vente,
    lu_ligne_vente, lu_demande_reapprovisionnement;

-- Why a value cannot be taken, or NULL when it can.  One function per kind of
-- value, so that the same fault reads the same in every table.

CREATE FUNCTION pg_temp.refus_texte(colonne text, valeur text, longueur integer)
    RETURNS text LANGUAGE sql IMMUTABLE
    RETURN CASE
        WHEN valeur IS NULL THEN format('%s is missing', colonne)
        WHEN valeur !~ '\S' THEN format('%s is blank', colonne)
        WHEN char_length(valeur) > longueur
            THEN format('%s has %s characters where %s are allowed', colonne,
                        char_length(valeur), longueur)
    END;

CREATE FUNCTION pg_temp.refus_entier(colonne text, valeur bigint, mini bigint)
    RETURNS text LANGUAGE sql IMMUTABLE
    RETURN CASE
        WHEN valeur IS NULL THEN format('%s is missing', colonne)
        WHEN valeur < mini
            THEN format('%s is %s where %s is the least', colonne, valeur, mini)
        WHEN valeur > 2147483647
            THEN format('%s is %s, which is too large', colonne, valeur)
    END;

CREATE FUNCTION pg_temp.refus_montant(colonne text, valeur numeric,
                                      maxi numeric)
    RETURNS text LANGUAGE sql IMMUTABLE
    RETURN CASE
        WHEN valeur IS NULL THEN format('%s is missing', colonne)
        WHEN valeur = 'NaN' THEN format('%s is not a number (NaN)', colonne)
        WHEN valeur < 0 THEN format('%s is negative (%s)', colonne, valeur)
        WHEN valeur > maxi
            THEN format('%s is %s, which is too large', colonne, valeur)
        WHEN valeur <> round(valeur, 2)
            THEN format('%s is %s, which is not in whole cents', colonne,
                        valeur)
    END;

CREATE FUNCTION pg_temp.refus_instant(colonne text, valeur timestamptz)
    RETURNS text LANGUAGE sql IMMUTABLE
    RETURN CASE
        WHEN valeur IS NULL THEN format('%s is missing', colonne)
        WHEN valeur < '0001-01-01 00:00:00+00'::timestamptz
             OR valeur >= '10000-01-01 00:00:00+00'::timestamptz
            THEN format('%s is outside the years 1 to 9999', colonne)
    END;

CREATE FUNCTION pg_temp.refus_lien(colonne text, valeur bigint, vers text,
                                   existe boolean)
    RETURNS text LANGUAGE sql IMMUTABLE
    RETURN CASE
        WHEN valeur IS NULL THEN format('%s is missing', colonne)
        WHEN NOT existe
            THEN format('%s is %s, but there is no %s with this id', colonne,
                        valeur, vers)
    END;

-- Django writes the statuses with their accents.
CREATE FUNCTION pg_temp.statut(valeur text)
    RETURNS text LANGUAGE sql IMMUTABLE
    RETURN CASE normalize(valeur, NFC)
        WHEN 'en_attente' THEN 'en_attente'
        WHEN 'approuvée' THEN 'approuvee'
        WHEN 'approuvee' THEN 'approuvee'
        WHEN 'refusée' THEN 'refusee'
        WHEN 'refusee' THEN 'refusee'
    END;

CREATE TEMPORARY TABLE refus (
    rang integer, nom_table text, id bigint, raison text
) ON COMMIT DROP;

INSERT INTO refus
SELECT 1, 'magasin_magasin', id, raison
  FROM lu_magasin
 CROSS JOIN LATERAL (
           SELECT coalesce(pg_temp.refus_texte('nom', nom, 100),
                           pg_temp.refus_texte('adresse', adresse, 255))
       ) AS r (raison)
 WHERE raison IS NOT NULL;

INSERT INTO refus
SELECT 2, 'magasin_produit', id, raison
  FROM lu_produit
 CROSS JOIN LATERAL (
           SELECT coalesce(
                      pg_temp.refus_texte('nom', nom, 100),
                      pg_temp.refus_texte('categorie', categorie, 100),
                      pg_temp.refus_montant('prix', prix, 99999999.99),
                      pg_temp.refus_entier('quantite_stock', quantite_stock, 0))
       ) AS r (raison)
 WHERE raison IS NOT NULL;

INSERT INTO refus
SELECT 3, 'magasin_stocklocal', s.id, raison
  FROM lu_stock_local AS s
  LEFT JOIN (SELECT DISTINCT id FROM lu_magasin) AS m ON m.id = s.magasin_id
  LEFT JOIN (SELECT DISTINCT id FROM lu_produit) AS p ON p.id = s.produit_id
 CROSS JOIN LATERAL (
           SELECT coalesce(
                      pg_temp.refus_lien('magasin_id', s.magasin_id,
                                         'magasin_magasin', m.id IS NOT NULL),
                      pg_temp.refus_lien('produit_id', s.produit_id,
                                         'magasin_produit', p.id IS NOT NULL),
                      pg_temp.refus_entier('quantite', s.quantite, 0))
       ) AS r (raison)
 WHERE raison IS NOT NULL;

INSERT INTO refus
SELECT 4, 'magasin_stockcentral', s.id, raison
  FROM lu_stock_central AS s
  LEFT JOIN (SELECT DISTINCT id FROM lu_produit) AS p ON p.id = s.produit_id
 CROSS JOIN LATERAL (
           SELECT coalesce(
                      pg_temp.refus_lien('produit_id', s.produit_id,
                                         'magasin_produit', p.id IS NOT NULL),
                      pg_temp.refus_entier('quantite', s.quantite, 0))
       ) AS r (raison)
 WHERE raison IS NOT NULL;

INSERT INTO refus
SELECT 5, 'magasin_vente', v.id, raison
  FROM lu_vente AS v
  LEFT JOIN (SELECT DISTINCT id FROM lu_magasin) AS m ON m.id = v.magasin_id
 CROSS JOIN LATERAL (
           SELECT coalesce(
                      pg_temp.refus_lien('magasin_id', v.magasin_id,
                                         'magasin_magasin', m.id IS NOT NULL),
                      pg_temp.refus_instant('date_vente', v.date_vente),
                      pg_temp.refus_montant('total', v.total, 999999999999.99))
       ) AS r (raison)
 WHERE raison IS NOT NULL;

INSERT INTO refus
SELECT 6, 'magasin_lignevente', l.id, raison
  FROM lu_ligne_vente AS l
  LEFT JOIN (SELECT DISTINCT id FROM lu_vente) AS v ON v.id = l.vente_id
  LEFT JOIN (SELECT DISTINCT id FROM lu_produit) AS p ON p.id = l.produit_id
 CROSS JOIN LATERAL (
           SELECT coalesce(
                      pg_temp.refus_lien('vente_id', l.vente_id,
                                         'magasin_vente', v.id IS NOT NULL),
                      pg_temp.refus_lien('produit_id', l.produit_id,
                                         'magasin_produit', p.id IS NOT NULL),
                      pg_temp.refus_entier('quantite', l.quantite, 1),
                      pg_temp.refus_montant('prix_unitaire', l.prix_unitaire,
                                            99999999.99))
       ) AS r (raison)
 WHERE raison IS NOT NULL;

INSERT INTO refus
SELECT 7, 'magasin_demandereapprovisionnement', d.id, raison
  FROM lu_demande_reapprovisionnement AS d
  LEFT JOIN (SELECT DISTINCT id FROM lu_magasin) AS m ON m.id = d.magasin_id
  LEFT JOIN (SELECT DISTINCT id FROM lu_produit) AS p ON p.id = d.produit_id
 CROSS JOIN LATERAL (
           SELECT coalesce(
                      pg_temp.refus_lien('magasin_id', d.magasin_id,
                                         'magasin_magasin', m.id IS NOT NULL),
                      pg_temp.refus_lien('produit_id', d.produit_id,
                                         'magasin_produit', p.id IS NOT NULL),
                      pg_temp.refus_entier('quantite', d.quantite, 1),
                      pg_temp.refus_instant('date', d.date),
                      CASE WHEN pg_temp.statut(d.statut) IS NULL
                           THEN format('statut is %L, which is none of '
                                       'en_attente, approuvée, refusée',
                                       d.statut)
                      END)
       ) AS r (raison)
 WHERE raison IS NOT NULL;

-- A source without primary keys can have an id twice, or none.
INSERT INTO refus
SELECT rang, nom_table, id,
       CASE WHEN id IS NULL THEN 'the id is missing'
            ELSE 'the id appears more than once' END
  FROM (SELECT 1 AS rang, 'magasin_magasin' AS nom_table, id FROM lu_magasin
        UNION ALL
        SELECT 2, 'magasin_produit', id FROM lu_produit
        UNION ALL
        SELECT 3, 'magasin_stocklocal', id FROM lu_stock_local
        UNION ALL
        SELECT 4, 'magasin_stockcentral', id FROM lu_stock_central
        UNION ALL
        SELECT 5, 'magasin_vente', id FROM lu_vente
        UNION ALL
        SELECT 6, 'magasin_lignevente', id FROM lu_ligne_vente
        UNION ALL
        SELECT 7, 'magasin_demandereapprovisionnement', id
          FROM lu_demande_reapprovisionnement) AS toutes
 GROUP BY rang, nom_table, id
HAVING count(*) > 1 OR id IS NULL;

-- Two rows for one shelf are one row here, if their sum fits.
CREATE TEMPORARY TABLE somme_local ON COMMIT DROP AS
SELECT min(id) AS id, magasin_id, produit_id, sum(quantite) AS quantite,
       count(*) AS lignes
  FROM lu_stock_local
 GROUP BY magasin_id, produit_id;

CREATE TEMPORARY TABLE somme_central ON COMMIT DROP AS
SELECT min(id) AS id, produit_id, sum(quantite) AS quantite,
       count(*) AS lignes
  FROM lu_stock_central
 GROUP BY produit_id;

INSERT INTO refus
SELECT rang, nom_table, id,
       format('quantite adds up to %s with its duplicates, which is too large',
              quantite)
  FROM (SELECT 3 AS rang, 'magasin_stocklocal' AS nom_table, id, quantite
          FROM somme_local WHERE lignes > 1
        UNION ALL
        SELECT 4, 'magasin_stockcentral', id, quantite
          FROM somme_central WHERE lignes > 1) AS sommes
 WHERE quantite > 2147483647;

DO $$
DECLARE
    premier record;
    autres bigint;
BEGIN
    SELECT * INTO premier FROM refus ORDER BY rang, id, raison LIMIT 1;
    IF FOUND THEN
        SELECT count(*) - 1 INTO autres
          FROM (SELECT DISTINCT rang, id FROM refus) AS lignes;
        RAISE '%, id %: %', premier.nom_table,
            coalesce(premier.id::text, 'none'),
            premier.raison
            || CASE WHEN autres > 0
                    THEN format(' (faulty rows besides: %s)', autres)
                    ELSE '' END;
    END IF;
END
$$;

-- Writers wait from here on; readers go on with the old content until COMMIT,
-- which TRUNCATE would not let them.
LOCK TABLE magasin, produit, stock_local, stock_central, vente, ligne_vente,
    demande_reapprovisionnement, reception, reception_ligne, transfert,
    transfert_ligne, reservation, reservation_ligne, retour, retour_ligne,
    comptage, comptage_ligne IN SHARE ROW EXCLUSIVE MODE;

SET LOCAL magasin.motif = 'import-django';

-- What was answered before names sales that are no more, by ids that others
-- will have.
DELETE FROM idempotence;

-- The sums of the sales are made once, at the end, and not line by line.
ALTER TABLE ligne_vente
    DISABLE TRIGGER cumul_creation,
    DISABLE TRIGGER cumul_suppression;
ALTER TABLE vente
    DISABLE TRIGGER cumul_suppression;

-- The old system had no receipts, transfers, reservations, returns or
-- stock-takes.  What is in transit here never comes.
INSERT INTO journal (type, magasin_id, produit_id, reference, details)
SELECT 'transfert_ecart', vers_id, produit_id, 'transfert/' || transfert_id,
       jsonb_build_object('ecart', quantite)
  FROM transfert_ligne
 WHERE en_transit
 ORDER BY transfert_id, produit_id;

DELETE FROM reservation_ligne;
DELETE FROM reservation;
DELETE FROM retour_ligne;
DELETE FROM retour;
DELETE FROM comptage_ligne;
DELETE FROM comptage;
DELETE FROM reception_ligne;
DELETE FROM reception;
DELETE FROM transfert_ligne;
DELETE FROM transfert;
DELETE FROM demande_reapprovisionnement;
DELETE FROM ligne_vente;
DELETE FROM vente;
DELETE FROM stock_local;
DELETE FROM stock_central;
DELETE FROM produit;
DELETE FROM magasin;

INSERT INTO magasin (id, nom, adresse)
SELECT id, nom, adresse FROM lu_magasin ORDER BY id;

-- A description may be longer than those that the API takes.
ALTER TABLE produit
    DISABLE TRIGGER produit_description_longueur;

INSERT INTO produit (id, nom, categorie, prix, quantite_stock, description)
SELECT id, nom, categorie, prix, quantite_stock, description
  FROM lu_produit ORDER BY id;

ALTER TABLE produit
    ENABLE ALWAYS TRIGGER produit_description_longueur;

INSERT INTO stock_local (id, magasin_id, produit_id, quantite)
SELECT id, magasin_id, produit_id, quantite FROM somme_local ORDER BY id;

INSERT INTO stock_central (id, produit_id, quantite)
SELECT id, produit_id, quantite FROM somme_central ORDER BY id;

INSERT INTO vente (id, magasin_id, date_vente, total)
SELECT id, magasin_id, date_vente, total FROM lu_vente ORDER BY id;

INSERT INTO ligne_vente (id, vente_id, produit_id, quantite, prix_unitaire)
SELECT id, vente_id, produit_id, quantite, prix_unitaire
  FROM lu_ligne_vente ORDER BY id;

ALTER TABLE ligne_vente
    ENABLE ALWAYS TRIGGER cumul_creation,
    ENABLE ALWAYS TRIGGER cumul_suppression;
ALTER TABLE vente
    ENABLE ALWAYS TRIGGER cumul_suppression;
SELECT cumul_reconstruire() \g /dev/null

INSERT INTO demande_reapprovisionnement
    (id, magasin_id, produit_id, quantite, date_demande, statut)
SELECT id, magasin_id, produit_id, quantite, date, pg_temp.statut(statut)
  FROM lu_demande_reapprovisionnement ORDER BY id;

-- The next row of each table comes after those that brought their own id.
DO $$
DECLARE
    nom_table text;
    suivant bigint;
BEGIN
    FOREACH nom_table IN ARRAY ARRAY[
        'magasin', 'produit', 'stock_local', 'stock_central', 'vente',
        'ligne_vente', 'demande_reapprovisionnement']
    LOOP
        EXECUTE format('SELECT greatest(max(id), 0) + 1 FROM %I', nom_table)
            INTO suivant;
        PERFORM setval(pg_get_serial_sequence(nom_table, 'id'),
                       coalesce(suivant, 1), false);
    END LOOP;
END
$$;

SELECT nom_table AS "table", lues AS "read", ecrites AS "written",
       lues - ecrites AS "merged"
  FROM (VALUES
           (1, 'magasin', (SELECT count(*) FROM lu_magasin),
            (SELECT count(*) FROM magasin)),
           (2, 'produit', (SELECT count(*) FROM lu_produit),
            (SELECT count(*) FROM produit)),
           (3, 'stock_local', (SELECT count(*) FROM lu_stock_local),
            (SELECT count(*) FROM stock_local)),
           (4, 'stock_central', (SELECT count(*) FROM lu_stock_central),
            (SELECT count(*) FROM stock_central)),
           (5, 'vente', (SELECT count(*) FROM lu_vente),
            (SELECT count(*) FROM vente)),
           (6, 'ligne_vente', (SELECT count(*) FROM lu_ligne_vente),
            (SELECT count(*) FROM ligne_vente)),
           (7, 'demande_reapprovisionnement',
            (SELECT count(*) FROM lu_demande_reapprovisionnement),
            (SELECT count(*) FROM demande_reapprovisionnement))
       ) AS bilan (rang, nom_table, lues, ecrites)
 ORDER BY rang
\g (format=aligned footer=off tuples_only=off)

SELECT format('merged: %s rows for magasin %s, produit %s are now id %s with %s',
              lignes, magasin_id, produit_id, id, quantite)
  FROM somme_local WHERE lignes > 1 ORDER BY id
\g (format=unaligned tuples_only=on)
SELECT format('merged: %s central rows for produit %s are now id %s with %s',
              lignes, produit_id, id, quantite)
  FROM somme_central WHERE lignes > 1 ORDER BY id
\g (format=unaligned tuples_only=on)

COMMIT;

-- The old rows are still on the pages, and the planner knows only them.
RESET ROLE;
VACUUM (ANALYZE) magasin, produit, stock_local, stock_central, vente,
    ligne_vente, demande_reapprovisionnement, cumul_vente, fenetre,
    compte_stock, compte_vente, journal;
