-- GET /api/v1/stores/{id}/stock/{produit}/.
SELECT magasin_id, produit_id, quantite
  FROM stock_local
 WHERE magasin_id = $1::bigint
   AND produit_id = $2::bigint
