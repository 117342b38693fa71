-- The query of the poller of the cache.  $1: the snapshot of the previous poll,
-- or NULL; $2: the maximum number of rows of the journal.  Returns the current
-- snapshot, an identifier of the server, its timeline, its start and its
-- database, whether there may be more rows than $2, and one row for each change
-- in transactions that are visible now and were not visible in $1.  Without a
-- change it returns one row whose change is NULL.  The last column is where the
-- log ends, in bytes: all that this snapshot shows is before that.
--
-- genre is the kind of a change, one letter; 'x' is any other change.  Only
-- ngx_http_magasin_tags.c defines what a kind invalidates, for writes of the
-- API and for these rows.
--
-- Not visible in $1 are transactions that were running then and those that
-- began later.  A comparison with a number that only grows would miss those
-- that were running.  ORDER BY and LIMIT make PostgreSQL use the index,
-- whatever it estimates for the bounds.  Above its number, the xid of a row has
-- the life of the database; the transactions of a snapshot are of the present
-- one.
--
-- It reads the journal alone: a lock on another table, as of a migration, must
-- not stop the poll.  It fails on a server that is not a primary.
WITH ligne AS MATERIALIZED (
    (SELECT *
       FROM journal
      WHERE xid >= journal_place(journal_vie(),
                                 pg_snapshot_xmax($1::pg_snapshot))
      ORDER BY xid, id
      LIMIT $2::int)
     UNION ALL
    (SELECT j.*
       FROM pg_snapshot_xip($1::pg_snapshot) AS x
      CROSS JOIN LATERAL (
        SELECT *
          FROM journal
         WHERE xid = journal_place(journal_vie(), x)
         ORDER BY xid, id
         LIMIT $2::int
      ) j
      LIMIT $2::int)
), change AS (
    SELECT xid,
           CASE WHEN type LIKE '%\_vidage' THEN 'x'
                WHEN delta IS NOT NULL THEN 's'
                WHEN details ? 'id' THEN 'x'
                WHEN type = 'produit_creation' THEN 'c'
                WHEN type LIKE 'produit\_%' THEN 'p'
                WHEN type LIKE 'magasin\_%' THEN 'm'
                WHEN type LIKE 'seuil\_%' THEN 'l'
                WHEN type LIKE 'demande\_%' THEN 'd'
                WHEN type LIKE 'reception\_%' THEN 'r'
                WHEN type LIKE 'transfert\_%' THEN 't'
                WHEN type LIKE 'comptage\_%' THEN 'k'
                WHEN type IN ('reservation', 'reservation_reclamee',
                              'reservation_rendue', 'reservation_expiree')
                THEN 'h'
                WHEN type LIKE 'ligne\_%' OR type LIKE 'retour\_%' THEN 'v'
                WHEN type LIKE 'vente\_%'
                 AND NOT coalesce(details ? 'magasin_id', false)
                THEN 'v'
                ELSE 'x' END AS genre,
           magasin_id, produit_id,
           CASE WHEN delta IS NOT NULL THEN NULL
                WHEN type LIKE 'retour\_%' THEN details ->> 'vente'
                ELSE substring(reference FROM '^[a-z]+/([0-9]+)$')
                END AS objet,
           type = 'produit_suppression' OR coalesce(details ? 'nom', false)
               AS nom,
           type = 'produit_suppression' AS presence,
           instant
      FROM ligne
)
SELECT pg_current_snapshot(),
       (SELECT system_identifier FROM pg_control_system())
       || '/' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)
       || '/' || extract(epoch FROM pg_postmaster_start_time())
       || '/' || (SELECT oid FROM pg_database
                   WHERE datname = current_database()),
       (SELECT count(*) FROM ligne) >= $2::int,
       c.*,
       pg_current_wal_insert_lsn() - '0/0'::pg_lsn
  FROM (VALUES (true)) un
  LEFT JOIN (
    SELECT (xid::text::bigint & ((1::bigint << 48) - 1)) AS xid, genre,
           magasin_id, produit_id, objet, bool_or(nom),
           bool_or(presence),
           (extract(epoch FROM clock_timestamp() - min(instant))
            * 1000000)::bigint
      FROM change
     GROUP BY xid, genre, magasin_id, produit_id, objet
  ) c ON true
