-- GET /api/v1/reports/.  $1: the store after which the rows start; $2: the
-- maximum number of stores; $3: the products whose name is that of another
-- product, or NULL to look for them.
--
-- The stores of one result have at most 5000 rows of sums and of stock
-- together.  A store with more than that is alone in its result, and only part
-- 0 of it is here: reports_sold.sql and reports_stock.sql have its rows.  So no
-- result, and no sort, grows with a store.
--
-- Part 0 is a store with its total, which is NULL without sales; its last
-- column adds 1 if there are stores after all of these, and 2 if the store is
-- larger than a result.  The column before is $3 as it was found.  Part 1 has
-- the products that the store sold and that have not all come back, in the
-- order of their first sale line.
-- Part 2 has its stock.  Products with equal names are one row, at the place
-- of the first of them.
WITH RECURSIVE homonyme AS MATERIALIZED (
    SELECT id, nom
      FROM produit
     WHERE id = ANY (coalesce($3::bigint[],
                              ARRAY(SELECT p.id
                                      FROM produit p
                                      JOIN (SELECT nom
                                              FROM produit
                                             GROUP BY nom
                                            HAVING count(*) > 1) n
                                        ON n.nom = p.nom)))
), m AS (
    SELECT premier.id, premier.nom, 1 AS compte, premier.lignes
      FROM (
        SELECT id, nom, (SELECT count(*)
                           FROM (SELECT FROM stock_local s
                                  WHERE s.magasin_id = magasin.id
                                  LIMIT 5001) l)
                      + (SELECT count(*)
                           FROM (SELECT FROM cumul_vente c
                                  WHERE c.magasin_id = magasin.id
                                  LIMIT 5001) l) AS lignes
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
                           FROM (SELECT FROM stock_local s
                                  WHERE s.magasin_id = magasin.id
                                  LIMIT 5001) l)
                      + (SELECT count(*)
                           FROM (SELECT FROM cumul_vente c
                                  WHERE c.magasin_id = magasin.id
                                  LIMIT 5001) l) AS lignes
          FROM magasin
         WHERE id > m.id
         ORDER BY id
         LIMIT 1
      ) suivant
     WHERE m.compte < $2::int
       AND m.lignes < 5000
       AND m.lignes + suivant.lignes <= 5000
), court AS (
    SELECT id FROM m WHERE lignes <= 5000
)
SELECT m.id, 0 AS partie, m.nom,
       (SELECT sum(c.total)
          FROM cumul_vente c
         WHERE c.magasin_id = m.id)::text,
       ARRAY(SELECT id FROM homonyme)::text AS homonymes,
       (SELECT count(*)
          FROM (SELECT
                  FROM magasin
                 WHERE id > (SELECT max(id) FROM m)
                 LIMIT 1) reste)
       + CASE WHEN m.lignes > 5000 AND m.compte = 1 THEN 2 ELSE 0 END AS rang
  FROM m
UNION ALL
SELECT court.id, 1, vendu.nom, vendu.quantite::text, NULL, vendu.premiere
  FROM court
 CROSS JOIN LATERAL (
    SELECT p.nom, c.quantite, c.premiere
      FROM cumul_vente c
      JOIN produit p ON p.id = c.produit_id
     WHERE c.magasin_id = court.id
       AND c.quantite <> 0
       AND c.produit_id NOT IN (SELECT id FROM homonyme)
    UNION ALL
    SELECT h.nom, sum(c.quantite), min(c.premiere)
      FROM homonyme h
      JOIN cumul_vente c ON c.magasin_id = court.id AND c.produit_id = h.id
     GROUP BY h.nom
    HAVING sum(c.quantite) <> 0
  ) vendu
UNION ALL
SELECT court.id, 2, stock.nom, stock.quantite::text, NULL, stock.premier
  FROM court
 CROSS JOIN LATERAL (
    SELECT p.nom, s.quantite, s.produit_id AS premier
      FROM stock_local s
      JOIN produit p ON p.id = s.produit_id
     WHERE s.magasin_id = court.id
       AND s.produit_id NOT IN (SELECT id FROM homonyme)
    UNION ALL
    SELECT h.nom, sum(s.quantite), min(s.produit_id)
      FROM homonyme h
      JOIN stock_local s ON s.magasin_id = court.id AND s.produit_id = h.id
     GROUP BY h.nom
  ) stock
 ORDER BY 1, 2, 6
