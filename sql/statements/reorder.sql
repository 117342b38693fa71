-- GET /api/v1/stores/{id}/reorder/.  $1: the number of rows; $2, $3: name and
-- id after which the rows start; $4: the store.
SELECT nom, produit, produit, nom, code, disponible, en_transit, demande,
       minimum, maximum, suggere, central
  FROM besoins($4::bigint)
 WHERE (nom COLLATE magasin_fr, produit)
       > (coalesce($2::text, ''), coalesce($3::bigint, 0))
 ORDER BY nom COLLATE magasin_fr, produit
 LIMIT $1::int
