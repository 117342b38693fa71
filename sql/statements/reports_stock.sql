-- The stock of one store, for GET /api/v1/reports/ of a store that is larger
-- than one result of reports.sql.  $1: the store; $2: the product after which
-- to continue; $3 and $4: as for reports_sold.sql.
WITH s AS MATERIALIZED (
    SELECT produit_id, quantite
      FROM stock_local
     WHERE magasin_id = $1::bigint
       AND produit_id > $2::bigint
     ORDER BY produit_id
     LIMIT $3::int
), homonyme AS MATERIALIZED (
    SELECT p.nom, sum(a.quantite) AS quantite, min(a.produit_id) AS premier
      FROM produit p
      JOIN stock_local a ON a.magasin_id = $1::bigint AND a.produit_id = p.id
     WHERE p.id = ANY ($4::bigint[])
     GROUP BY p.nom
)
SELECT s.produit_id, p.nom,
       CASE WHEN h.nom IS NULL THEN s.quantite
            WHEN h.premier = s.produit_id THEN h.quantite END AS quantite
  FROM s
 CROSS JOIN LATERAL (
    SELECT nom FROM produit WHERE id = s.produit_id OFFSET 0
  ) p
  LEFT JOIN homonyme h ON h.nom = p.nom
 ORDER BY s.produit_id
