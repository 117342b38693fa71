-- GET /api/v1/reports/.  $1: the store after which to go on; $2: how many
-- stores.  Part 0 is a store with its total, NULL when it sold nothing;
-- part 1 what it sold, in the order of the first sale line, part 2 what it
-- has.  Equal names are added up, store by store, so that it takes no more
-- memory than one store needs.
WITH m AS MATERIALIZED (
    SELECT id, nom
      FROM magasin
     WHERE id > $1::bigint
     ORDER BY id
     LIMIT $2::int
)
SELECT m.id, 0 AS partie, m.nom,
       (SELECT sum(c.total)
          FROM cumul_vente c
         WHERE c.magasin_id = m.id)::text, 0 AS rang
  FROM m
UNION ALL
SELECT m.id, 1, vendu.nom, vendu.quantite::text, vendu.premiere
  FROM m
 CROSS JOIN LATERAL (
    SELECT p.nom, sum(c.quantite) AS quantite, min(c.premiere) AS premiere
      FROM cumul_vente c
      JOIN produit p ON p.id = c.produit_id
     WHERE c.magasin_id = m.id
     GROUP BY p.nom
  ) vendu
UNION ALL
SELECT m.id, 2, stock.nom, stock.quantite::text, stock.premier
  FROM m
 CROSS JOIN LATERAL (
    SELECT p.nom, sum(s.quantite) AS quantite, min(s.produit_id) AS premier
      FROM stock_local s
      JOIN produit p ON p.id = s.produit_id
     WHERE s.magasin_id = m.id
     GROUP BY p.nom
  ) stock
 ORDER BY 1, 2, 5
