-- GET /api/v1/stock/central/{produit}/.
SELECT produit_id, quantite
  FROM stock_central
 WHERE produit_id = $1::bigint
