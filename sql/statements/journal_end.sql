-- The end of the stream of GET /api/v1/journal/: transaction and id of its last
-- row, NULL if there is none; whether there are rows that are not in the stream
-- yet, since a transaction that still runs may add rows before them; and whether
-- $1, $2, the transaction and id of a row that was read before, are still a row.
-- Without $1 there is nothing to be missed.
SELECT fin.xid, fin.id,
       (SELECT true
          FROM journal
         WHERE xid >= horizon
         ORDER BY xid, id
         LIMIT 1) IS NOT NULL AS attente,
       $1::xid8 IS NULL
       OR EXISTS (SELECT
                    FROM journal
                   WHERE xid = $1::xid8
                     AND id = $2::bigint) AS connue
  FROM (
    SELECT journal_place((SELECT max(vie) FROM journal_vie),
                         pg_snapshot_xmin(pg_current_snapshot())) AS horizon
  ) un
  LEFT JOIN LATERAL (
    SELECT xid, id
      FROM journal
     WHERE xid < horizon
     ORDER BY xid DESC, id DESC
     LIMIT 1
  ) fin ON true
