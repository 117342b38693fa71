-- GET /api/v1/products/{id}/availability/.  $2: the store after which the rows
-- start; $3: the number of rows.  Returns a row for each store that has units
-- of the product, or one row with NULL as the store if no store has any.  validite:
-- for how many milliseconds what is held holds, if nobody writes.
SELECT p.id, p.nom, coalesce(c.quantite, 0), m.id, m.nom, m.quantite,
       CASE WHEN m.retenu = 0 THEN m.quantite
            ELSE stock_disponible(m.id, p.id, m.quantite, m.retenu)
            END AS disponible,
       CASE WHEN m.retenu <> 0 THEN retenu_validite(m.id, p.id, m.retenu)
            END AS validite
  FROM produit p
  LEFT JOIN stock_central c ON c.produit_id = p.id
  LEFT JOIN LATERAL (
    SELECT magasin.id, magasin.nom, s.quantite, s.retenu
      FROM stock_local s
      JOIN magasin ON magasin.id = s.magasin_id
     WHERE s.produit_id = p.id
       AND s.magasin_id > $2::bigint
       AND s.quantite > 0
     ORDER BY s.magasin_id
     LIMIT $3::int
  ) m ON true
 WHERE p.id = $1::bigint
   AND p.archive_le IS NULL
 ORDER BY m.id
