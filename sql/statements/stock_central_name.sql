-- GET /api/v1/stock/central/ by name, without q ($1).  $2: nom; $3: the number
-- of rows; $4: "NAME:ID" after which the rows start.
WITH apres AS MATERIALIZED (
    SELECT regexp_replace($4::text, ':[0-9]+$', '') AS valeur,
           substring($4::text FROM ':([0-9]+)$')::bigint AS id
)
SELECT p.nom || ':' || p.id, p.id, p.nom, c.quantite
  FROM produit p
  JOIN stock_central c ON c.produit_id = p.id
 WHERE $1::text IS NULL
   AND $2::text = 'nom'
   AND (p.nom, p.id) > (coalesce((SELECT valeur FROM apres), ''),
                        coalesce((SELECT id FROM apres), 0))
 ORDER BY p.nom, p.id
 LIMIT $3::int
