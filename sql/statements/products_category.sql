-- GET /api/v1/products/ of one category ($2), without q ($1).  The other
-- parameters are those of products.sql.
SELECT nom, id, id, nom, categorie, prix, description
  FROM produit
 WHERE $1::text IS NULL
   AND categorie = $2::text
   AND (archive_le IS NOT NULL) = coalesce($3::boolean, false)
   AND (nom, id) > (coalesce($5::text, ''), coalesce($6::bigint, 0))
 ORDER BY nom, id
 LIMIT $4::int
