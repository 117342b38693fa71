-- Replace the content by what scripts/demo_scale.py writes to the standard
-- input: COPY commands with their rows.  One transaction: all of it, or
-- nothing.  :lignes is how many sale lines there have to be.
--
-- Run by scripts/demo_scale.sh, as a superuser: foreign keys are not looked
-- at row by row, and the rows are right by the way they are made.

\set ON_ERROR_STOP on
\set VERBOSITY terse
\set SHOW_CONTEXT never
\set QUIET on

BEGIN;
\ir demo_mark.sql

\o /dev/null
SET LOCAL client_min_messages = warning;
SET LOCAL session_replication_role = replica;
SET LOCAL work_mem = '128MB';
SET LOCAL maintenance_work_mem = '256MB';

-- In the order in which a sale takes them, so that one that is under way ends
-- first.
LOCK TABLE stock_local, produit, magasin, vente, ligne_vente, stock_central,
    demande_reapprovisionnement, cumul_vente, fenetre, vente_periode,
    retour, retour_ligne, compte_stock, compte_vente, journal, journal_repere,
    idempotence
    IN ACCESS EXCLUSIVE MODE;
SELECT pg_temp.demo_refuser();

-- Triggers stand still, and indexes that no constraint needs are built when
-- the rows are there.  Whatever these are is found in the catalogue, and put
-- back as it was; should anything fail, nothing has happened to them.
CREATE TEMPORARY TABLE remplie ON COMMIT DROP AS
SELECT unnest(ARRAY['magasin', 'produit', 'stock_local', 'stock_central',
                    'vente', 'ligne_vente', 'demande_reapprovisionnement',
                    'cumul_vente', 'compte_stock', 'compte_vente', 'journal',
                    'journal_repere', 'idempotence'])::regclass
       AS nom_table
 UNION ALL
SELECT inhrelid::regclass
  FROM pg_inherits
 WHERE inhparent = 'journal'::regclass;

CREATE TEMPORARY TABLE declencheur ON COMMIT DROP AS
SELECT nom_table, tgname AS nom,
       CASE tgenabled WHEN 'A' THEN 'ENABLE ALWAYS'
                      WHEN 'R' THEN 'ENABLE REPLICA'
                      ELSE 'ENABLE' END AS etat
  FROM remplie
  JOIN pg_trigger ON tgrelid = nom_table
 WHERE NOT tgisinternal AND tgenabled <> 'D';

CREATE TEMPORARY TABLE index_secondaire ON COMMIT DROP AS
SELECT indexrelid::regclass AS nom, pg_get_indexdef(indexrelid) AS definition
  FROM remplie
  JOIN pg_index ON indrelid = nom_table
  JOIN pg_class c ON c.oid = nom_table
 WHERE c.relkind = 'r'
   AND NOT c.relispartition
   AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid);

SELECT format('ALTER TABLE %s DISABLE TRIGGER %I', nom_table, nom)
  FROM declencheur \gexec
SELECT format('DROP INDEX %s', nom) FROM index_secondaire \gexec

TRUNCATE magasin, produit, stock_local, stock_central, vente, ligne_vente,
    demande_reapprovisionnement, cumul_vente, compte_stock, compte_vente,
    journal, journal_repere, stock_marque, stock_repere, idempotence
    RESTART IDENTITY CASCADE;

\i /dev/stdin

SELECT count(*) <> :lignes AS faux FROM ligne_vente \gset
\if :faux
    DO $$ BEGIN RAISE 'not all of the sale lines have arrived'; END $$;
\endif

\echo demo-scale: building the indexes
SELECT definition FROM index_secondaire \gexec
ANALYZE magasin, produit, stock_local, vente, ligne_vente;

-- Without triggers nobody has looked.
SELECT EXISTS (SELECT FROM reference_ecarts()) AS faux \gset
\if :faux
    DO $$ BEGIN RAISE 'a sale or a line names a row that is not there'; END $$;
\endif

\echo demo-scale: adding up the sales
SELECT cumul_reconstruire();
SELECT vente_periode_remplir();
SELECT compte_stock_reconstruire();
SELECT compte_vente_reconstruire();

\echo demo-scale: opening the journal
SELECT set_config('magasin.type', 'ouverture', true),
       set_config('magasin.acteur', 'demo-scale', true);
INSERT INTO journal (magasin_id, produit_id, delta, quantite)
SELECT magasin_id, produit_id, quantite, quantite
  FROM stock_local ORDER BY magasin_id, produit_id;
INSERT INTO journal (produit_id, delta, quantite)
SELECT produit_id, quantite, quantite FROM stock_central ORDER BY produit_id;
UPDATE stock_histoire SET debut = clock_timestamp();

-- Rows with a given id have not moved these.
SELECT format('SELECT setval(pg_get_serial_sequence(%L, ''id''), max(id))'
              ' FROM %s', nom_table, nom_table)
  FROM remplie
 WHERE EXISTS (SELECT FROM pg_attribute
                WHERE attrelid = nom_table AND attidentity = 'd') \gexec

SELECT format('ALTER TABLE %s %s TRIGGER %I', nom_table, etat, nom)
  FROM declencheur \gexec
SELECT pg_temp.demo_marquer();
COMMIT;

\echo demo-scale: vacuum and statistics
VACUUM (ANALYZE) magasin, produit, stock_local, stock_central, vente,
    ligne_vente, demande_reapprovisionnement, cumul_vente, fenetre,
    compte_stock, compte_vente, vente_heure, vente_heure_produit, vente_jour,
    vente_jour_produit, journal, idempotence;
\o

SELECT format('demo-scale: %s stores, %s products, %s sales with %s lines,'
              ' from %s to now',
              (SELECT count(*) FROM magasin), (SELECT count(*) FROM produit),
              (SELECT count(*) FROM vente), (SELECT count(*) FROM ligne_vente),
              (SELECT min(date_vente)::date FROM vente));
