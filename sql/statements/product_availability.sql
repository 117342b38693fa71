-- GET /api/v1/products/{id}/availability/.  A row for each store that has
-- some; one with NULL for the store when none has.
SELECT p.id, p.nom, coalesce(c.quantite, 0), m.id, m.nom, s.quantite
  FROM produit p
  LEFT JOIN stock_central c ON c.produit_id = p.id
  LEFT JOIN (stock_local s JOIN magasin m ON m.id = s.magasin_id)
         ON s.produit_id = p.id AND s.quantite > 0
 WHERE p.id = $1::bigint
   AND p.archive_le IS NULL
 ORDER BY m.id
