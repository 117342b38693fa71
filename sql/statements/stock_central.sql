-- GET /api/v1/stock/central/.  $1: how many rows; $2: the product after which
-- to go on.
SELECT c.produit_id, c.produit_id, p.nom, c.quantite
  FROM stock_central c
  JOIN produit p ON p.id = c.produit_id
 WHERE c.produit_id > coalesce($2::bigint, 0)
 ORDER BY c.produit_id
 LIMIT $1::int
