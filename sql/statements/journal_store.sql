-- GET /api/v1/journal/ of one store ($1), as a stream.  The parameters are
-- those of journal.sql.  This statement uses its own index.
SELECT xid, id, CASE WHEN entier THEN id END,
       CASE WHEN entier THEN instant_texte(instant) END, type, magasin_id,
       produit_id, delta, quantite, acteur, reference,
       CASE WHEN entier THEN motif END, CASE WHEN entier THEN details END
  FROM (
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
          FROM journal
         WHERE magasin_id = $1::bigint
           AND ($2::bigint IS NULL OR produit_id = $2::bigint)
           AND ($3::text IS NULL OR type = $3::text)
           AND ($4::timestamptz IS NULL OR instant >= $4::timestamptz)
           AND coalesce($5::text, 'id') = 'id'
           AND xid < pg_snapshot_xmin(pg_current_snapshot())
           AND (xid, id) > (coalesce($7::xid8, '0'), coalesce($8::bigint, 0))
         ORDER BY xid, id
         LIMIT $6::int
      ) page
    WINDOW rang AS (ORDER BY xid, id ROWS UNBOUNDED PRECEDING)
  ) mesure
 ORDER BY xid, id
