-- GET /api/v1/products/ with $1: a code or barcode.  It finds one product at
-- most, an archived one too: who scans has it in the hand.  The other parameters
-- are those of products.sql.
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
         WHERE id = code_produit($1::text)
           AND ($2::text IS NULL OR categorie = $2::text)
           AND ($3::boolean IS NULL OR (archive_le IS NOT NULL) = $3::boolean)
           AND (nom, id) > (coalesce($5::text, ''), coalesce($6::bigint, 0))
         ORDER BY nom, id
         LIMIT $4::int
      ) page
    WINDOW rang AS (ORDER BY nom, id ROWS UNBOUNDED PRECEDING)
  ) mesure
 ORDER BY nom, id
