-- GET /api/v1/products/ of one category ($2), without q ($1), and those that
-- are not archived ($3).  The other parameters are those of products.sql.
SELECT nom, id, CASE WHEN entier THEN id END, CASE WHEN entier THEN nom END,
       CASE WHEN entier THEN categorie END, CASE WHEN entier THEN prix END,
       CASE WHEN entier THEN description END
  FROM (
    SELECT page.*,
           (row_number() OVER rang = 1
            OR sum(octet_length(nom) + octet_length(categorie)
                   + coalesce(octet_length(description), 0)) OVER rang
               <= 131072)
           AND ($7::text IS NULL OR (nom, id) <= ($7::text, $8::bigint))
           AS entier
      FROM (
        SELECT nom, id, categorie, prix, description
          FROM produit
         WHERE $1::text IS NULL
           AND NOT coalesce($3::boolean, false)
           AND archive_le IS NULL
           AND (categorie, nom, id)
               > ($2::text, coalesce($5::text, ''), coalesce($6::bigint, 0))
           AND categorie <= $2::text
         ORDER BY categorie, nom, id
         LIMIT $4::int
      ) page
    WINDOW rang AS (ORDER BY nom, id ROWS UNBOUNDED PRECEDING)
  ) mesure
 ORDER BY nom, id
