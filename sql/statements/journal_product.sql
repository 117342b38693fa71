-- GET /api/v1/journal/ of one product ($2), as a stream.  The parameters are
-- those of journal.sql.  This statement uses its own index.
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
          FROM journal_suite_produit(
                   false, (SELECT xid FROM debut), (SELECT id FROM debut),
                   (SELECT horizon FROM cle), 0,
                   CASE WHEN (SELECT connue FROM cle) THEN $6::int ELSE 0 END,
                   $4::timestamptz,
                   $1::bigint, $2::bigint, $3::text)
         WHERE coalesce($5::text, 'id') = 'id'
      ) page
    WINDOW rang AS (ORDER BY xid, id ROWS UNBOUNDED PRECEDING)
  ) mesure ON true
 WHERE xid IS NOT NULL
    OR NOT connue
 ORDER BY xid, id
