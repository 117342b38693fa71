-- GET /api/v1/journal/, as a stream, without store ($1), product ($2) and type
-- ($3).  $4: the start time; $5: ordering, unused; $6: the number of rows; $7,
-- $8: transaction and id after which the rows start.  Rows of transactions that
-- are younger than a running transaction are not returned yet: the running one
-- may still add rows before them.  $9, $10: transaction and id of the last row
-- of the page, if the page is fetched in pieces.  A row that exceeds the size
-- of a piece, or that is after the last row, has only its keys.  A compressed
-- value counts as 16 kB, because its size is known only after it is read.
--
-- The rows of a start time begin after the last mark of journal_repere that is
-- older: no row up to it is newer.  The key and the mark are combined to one
-- lower bound, so that the scan of the index starts there.
--
-- A key is the place of a row.  Without such a row there is one row, of nulls.
WITH cle AS MATERIALIZED (
    SELECT $7::xid8 IS NULL
           OR EXISTS (SELECT
                        FROM journal
                       WHERE xid = $7::xid8
                         AND id = $8::bigint) AS connue,
           journal_place((SELECT max(vie) FROM journal_vie),
                         pg_snapshot_xmin(pg_current_snapshot())) AS horizon
), debut AS MATERIALIZED (
    SELECT xid, id
      FROM (
        SELECT coalesce($7::xid8, '0'), coalesce($8::bigint, 0)
         UNION ALL
        (SELECT xid, id
           FROM journal_repere
          WHERE instant < $4::timestamptz
          ORDER BY instant DESC, xid DESC, id DESC
          LIMIT 1)
      ) d (xid, id)
     ORDER BY xid DESC, id DESC
     LIMIT 1
)
SELECT xid, id, CASE WHEN entier THEN id END,
       CASE WHEN entier THEN instant_texte(instant) END, type, magasin_id,
       produit_id, delta, quantite, acteur, reference,
       CASE WHEN entier THEN motif END, CASE WHEN entier THEN details END
  FROM cle
  LEFT JOIN (
    SELECT page.*,
           (row_number() OVER rang = 1
            OR sum(coalesce(octet_length(motif), 0)
                   + CASE WHEN pg_column_compression(details) IS NULL
                          THEN coalesce(pg_column_size(details), 0)
                          ELSE 16384 END) OVER rang
               <= 131072)
           AND ($9::xid8 IS NULL OR (xid, id) <= ($9::xid8, $10::bigint))
           AS entier
      FROM (
        SELECT xid, id, instant, type, magasin_id, produit_id, delta, quantite,
               acteur, reference, motif, details
          FROM journal_suite(
                   false, (SELECT xid FROM debut), (SELECT id FROM debut),
                   (SELECT horizon FROM cle), 0,
                   CASE WHEN (SELECT connue FROM cle) THEN $6::int ELSE 0 END,
                   $4::timestamptz)
         WHERE coalesce($5::text, 'id') = 'id'
           AND $1::bigint IS NULL
           AND $2::bigint IS NULL
           AND $3::text IS NULL
      ) page
    WINDOW rang AS (ORDER BY xid, id ROWS UNBOUNDED PRECEDING)
  ) mesure ON true
 WHERE xid IS NOT NULL
    OR NOT connue
 ORDER BY xid, id
