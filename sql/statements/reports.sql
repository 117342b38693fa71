-- GET /api/v1/reports/.  $1: the store after which the rows start; $2: the
-- maximum number of stores.  The stores of one result have at most 5000 rows of
-- stock together, or it is only one store.  Part 0 is a store with its total,
-- which is NULL without sales; its last column is 1 if there are stores after
-- all of these.  Part 1 has the products that the store sold, in the order of
-- their first sale line.  Part 2 has its stock.  Equal names are summed store
-- by store, so that the statement needs no more memory than for one store.
WITH RECURSIVE m AS (
    SELECT premier.id, premier.nom, 1 AS compte, premier.lignes
      FROM (
        SELECT id, nom, (SELECT count(*)
                           FROM stock_local s
                          WHERE s.magasin_id = magasin.id) AS lignes
          FROM magasin
         WHERE id > $1::bigint
         ORDER BY id
         LIMIT 1
      ) premier
    UNION ALL
    SELECT suivant.id, suivant.nom, m.compte + 1, m.lignes + suivant.lignes
      FROM m
     CROSS JOIN LATERAL (
        SELECT id, nom, (SELECT count(*)
                           FROM stock_local s
                          WHERE s.magasin_id = magasin.id) AS lignes
          FROM magasin
         WHERE id > m.id
         ORDER BY id
         LIMIT 1
      ) suivant
     WHERE m.compte < $2::int
       AND m.lignes < 5000
       AND m.lignes + suivant.lignes <= 5000
)
SELECT m.id, 0 AS partie, m.nom,
       (SELECT sum(c.total)
          FROM cumul_vente c
         WHERE c.magasin_id = m.id)::text,
       (SELECT count(*)
          FROM (SELECT
                  FROM magasin
                 WHERE id > (SELECT max(id) FROM m)
                 LIMIT 1) reste) AS rang
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
