-- The end of the stream of GET /api/v1/journal/: transaction and id of its last
-- row, NULL if there is none, and whether there are rows that are not in the
-- stream yet, since a transaction that still runs may add rows before them.
SELECT fin.xid, fin.id,
       (SELECT true
          FROM journal
         WHERE xid >= pg_snapshot_xmin(pg_current_snapshot())
         ORDER BY xid, id
         LIMIT 1) IS NOT NULL AS attente
  FROM (VALUES (true)) un
  LEFT JOIN LATERAL (
    SELECT xid, id
      FROM journal
     WHERE xid < pg_snapshot_xmin(pg_current_snapshot())
     ORDER BY xid DESC, id DESC
     LIMIT 1
  ) fin ON true
