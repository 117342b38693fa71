-- Drop the partition journal_:numero, the oldest one, if the standard input has
-- its rows as CSV.  One transaction, run by scripts/archive_journal.sh: at no
-- moment do the journal and the stock differ.

\set VERBOSITY terse
\set SHOW_CONTEXT never
\set partie journal_:numero

SET LOCAL lock_timeout = '10s';
SET LOCAL magasin.entretien = 'oui';
SET LOCAL magasin.type = 'ouverture';
SET LOCAL magasin.motif = 'archive';

LOCK TABLE :"partie" IN SHARE MODE;

CREATE TEMPORARY TABLE relue (LIKE :"partie") ON COMMIT DROP;
\copy relue FROM pstdin (FORMAT csv, HEADER)

SELECT (SELECT (count(*), sum(hashtextextended(r::text, 0)::numeric))
          FROM relue r)
       IS DISTINCT FROM
       (SELECT (count(*), sum(hashtextextended(r::text, 0)::numeric))
          FROM :"partie" r) AS differe \gset
\if :differe
    DO $$ BEGIN RAISE 'the file does not have these rows'; END $$;
\endif

-- What was there: of each place and product one row, with the id of the last
-- movement that it stands for, so that the next one goes on from it.  Its xid
-- is 0, so that it is the place of no row that a reader may have seen.  A
-- product of which a store has nothing is in its stock as of an instant.
CREATE TEMPORARY TABLE ouverture ON COMMIT DROP AS
SELECT max(id) AS id, max(instant) AS instant, magasin_id, produit_id,
       sum(delta) AS quantite
  FROM (
    SELECT id, instant, magasin_id, produit_id, delta
      FROM journal_0
     WHERE xid = '0'
     UNION ALL
    SELECT id, instant, magasin_id, produit_id, delta
      FROM :"partie"
  ) j
 WHERE delta IS NOT NULL
 GROUP BY magasin_id, produit_id
HAVING sum(delta) <> 0
    OR EXISTS (SELECT FROM stock_local s
                WHERE s.magasin_id = j.magasin_id
                  AND s.produit_id = j.produit_id);

DELETE FROM journal_0 WHERE xid = '0';

INSERT INTO journal_0 (xid, id, instant, magasin_id, produit_id, delta,
                       quantite)
OVERRIDING SYSTEM VALUE
SELECT '0', id, instant, magasin_id, produit_id, quantite, quantite
  FROM ouverture;

-- The maintenance may be writing the first mark behind these rows.
LOCK TABLE entretien_tour IN EXCLUSIVE MODE;

SELECT fin FROM journal_partie WHERE numero = :numero \gset
DELETE FROM journal_repere WHERE xid < :'fin';
SELECT stock_archiver(:'fin', (SELECT max(instant) FROM :"partie"))
\g /dev/null

-- Writers wait from here to the end, and for as long as this waits for readers.
SET LOCAL lock_timeout = '200ms';
LOCK TABLE journal IN ACCESS EXCLUSIVE MODE;
ALTER TABLE journal DETACH PARTITION :"partie";
DROP TABLE :"partie";
ALTER TABLE journal DETACH PARTITION journal_0;
ALTER TABLE journal ATTACH PARTITION journal_0
    FOR VALUES FROM (MINVALUE) TO (:'fin');
DELETE FROM journal_partie WHERE numero = :numero;
