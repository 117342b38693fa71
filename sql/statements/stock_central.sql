-- GET /api/v1/stock/central/ without q ($1) and ordering ($2).  $3: the number
-- of rows; $4: the product after which the rows start.
SELECT c.produit_id, c.produit_id, p.nom, c.quantite
  FROM stock_central c
  JOIN produit p ON p.id = c.produit_id
 WHERE $1::text IS NULL
   AND $2::text IS NULL
   AND c.produit_id > coalesce($4::text, '0')::bigint
 ORDER BY c.produit_id
 LIMIT $3::int
