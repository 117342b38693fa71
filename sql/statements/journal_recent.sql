-- GET /api/v1/journal/?ordering=-id: the newest rows first.  The parameters are
-- those of journal.sql, except $7, $8: transaction and id before which the rows
-- start.
WITH cle AS MATERIALIZED (
    SELECT $7::xid8 IS NULL
           OR EXISTS (SELECT
                        FROM journal
                       WHERE xid = $7::xid8
                         AND id = $8::bigint) AS connue
), debut AS MATERIALIZED (
    SELECT xid, id
      FROM (
        SELECT '0'::xid8, 0::bigint
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
           AND ($9::xid8 IS NULL OR (xid, id) >= ($9::xid8, $10::bigint))
           AS entier
      FROM (
        SELECT xid, id, instant, type, magasin_id, produit_id, delta, quantite,
               acteur, reference, motif, details
          FROM journal_suite(
                   true, (SELECT xid FROM debut), (SELECT id FROM debut),
                   coalesce($7::xid8, '18446744073709551615'),
                   coalesce($8::bigint, 0),
                   CASE WHEN (SELECT connue FROM cle) THEN $6::int ELSE 0 END,
                   $4::timestamptz)
         WHERE coalesce($5::text, 'id') = '-id'
           AND $1::bigint IS NULL
           AND $2::bigint IS NULL
           AND $3::text IS NULL
      ) page
    WINDOW rang AS (ORDER BY xid DESC, id DESC ROWS UNBOUNDED PRECEDING)
  ) mesure ON true
 WHERE xid IS NOT NULL
    OR NOT connue
 ORDER BY xid DESC, id DESC
