-- GET /api/v1/products/ without q ($1) and categorie ($2).  $3: archived ones;
-- $4: how many rows; $5, $6: name and id after which to go on.
SELECT nom, id, id, nom, categorie, prix, description
  FROM produit
 WHERE $1::text IS NULL
   AND $2::text IS NULL
   AND (archive_le IS NOT NULL) = coalesce($3::boolean, false)
   AND (nom, id) > (coalesce($5::text, ''), coalesce($6::bigint, 0))
 ORDER BY nom, id
 LIMIT $4::int
