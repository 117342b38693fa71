-- GET /api/v1/stores/{id}/stock/ of the products whose ids are $4.  The other
-- parameters are those of stock.sql.
SELECT s.produit_id, p.nom, s.quantite
  FROM stock_local s
  JOIN produit p ON p.id = s.produit_id
 WHERE s.magasin_id = $1::bigint
   AND s.produit_id = ANY ($4::bigint[])
   AND s.produit_id > $2::bigint
 ORDER BY s.produit_id
 LIMIT $3::int
