-- GET /api/v1/products/ without q ($1) and categorie ($2).  $3: archived ones;
-- $4: how many rows; $5, $6: name and id after which to go on.
SELECT nom, id, id, nom, categorie, prix, description
  FROM produit
 WHERE $1::text IS NULL
   AND $2::text IS NULL
   AND (archive_le IS NOT NULL) = coalesce($3::boolean, false)
   AND ($5::text IS NULL OR (nom, id) > ($5::text, $6::bigint))
 ORDER BY nom, id
 LIMIT $4::int
