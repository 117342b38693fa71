-- GET /api/v1/products/ of one category ($2), without q ($1).  The other
-- parameters are those of products.sql.
SELECT nom, id, id, nom, categorie, prix, description
  FROM produit
 WHERE $1::text IS NULL
   AND categorie = $2::text
   AND (archive_le IS NOT NULL) = coalesce($3::boolean, false)
   AND ($5::text IS NULL OR (nom, id) > ($5::text, $6::bigint))
 ORDER BY nom, id
 LIMIT $4::int
