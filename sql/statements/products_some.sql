-- GET /api/v1/products/ with $1: the ids of those that are asked for.  The
-- other parameters are those of products.sql.
SELECT nom, id, id, nom, categorie, prix, description
  FROM produit
 WHERE id = ANY ($1::bigint[])
   AND ($2::text IS NULL OR categorie = $2::text)
   AND (archive_le IS NOT NULL) = coalesce($3::boolean, false)
   AND (nom, id) > (coalesce($5::text, ''), coalesce($6::bigint, 0))
 ORDER BY nom, id
 LIMIT $4::int
