-- GET /api/v1/stores/{id}/stock/.  $1: the store; $2: the product after which
-- the rows start; $3: the number of rows.
SELECT s.produit_id, p.nom, s.quantite
  FROM stock_local s
  JOIN produit p ON p.id = s.produit_id
 WHERE s.magasin_id = $1::bigint
   AND s.produit_id > $2::bigint
 ORDER BY s.produit_id
 LIMIT $3::int
