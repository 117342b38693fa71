-- The products that one store sold, for GET /api/v1/reports/ of a store that is
-- larger than one result of reports.sql.  $1: the store; $2: the first sale
-- line after which to continue; $3: how many rows; $4: the products whose name
-- is that of another product.  Of products with equal names the first has the
-- sum; the third column is null for the others, and where all of it has come
-- back.  OFFSET 0: the planner does not know $3, and would read all products for
-- it.
WITH c AS MATERIALIZED (
    SELECT produit_id, premiere, quantite
      FROM cumul_vente
     WHERE magasin_id = $1::bigint
       AND premiere > $2::bigint
     ORDER BY premiere
     LIMIT $3::int
), homonyme AS MATERIALIZED (
    SELECT p.nom, sum(a.quantite) AS quantite, min(a.premiere) AS premiere
      FROM produit p
      JOIN cumul_vente a ON a.magasin_id = $1::bigint AND a.produit_id = p.id
     WHERE p.id = ANY ($4::bigint[])
     GROUP BY p.nom
)
SELECT c.premiere, p.nom,
       nullif(CASE WHEN h.nom IS NULL THEN c.quantite
                   WHEN h.premiere = c.premiere THEN h.quantite END, 0)
       AS quantite
  FROM c
 CROSS JOIN LATERAL (
    SELECT nom FROM produit WHERE id = c.produit_id OFFSET 0
  ) p
  LEFT JOIN homonyme h ON h.nom = p.nom
 ORDER BY c.premiere
