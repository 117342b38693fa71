-- What sql/statements/reports.sql has to answer, from the sale lines alone.
WITH m AS MATERIALIZED (
    SELECT id, nom
      FROM magasin
     WHERE id > $1::bigint
     ORDER BY id
     LIMIT $2::int
), vendu AS MATERIALIZED (
    SELECT v.magasin_id, l.produit_id, min(l.id) AS premiere,
           sum(l.quantite) AS quantite,
           sum(l.quantite * l.prix_unitaire) AS total
      FROM m
      JOIN vente v ON v.magasin_id = m.id
      JOIN ligne_vente l ON l.vente_id = v.id
     GROUP BY v.magasin_id, l.produit_id
)
SELECT m.id, 0 AS partie, m.nom, sum(vendu.total)::text,
       (EXISTS (SELECT FROM magasin
                 WHERE id > (SELECT max(id) FROM m)))::int AS rang
  FROM m
  LEFT JOIN vendu ON vendu.magasin_id = m.id
 GROUP BY m.id, m.nom
UNION ALL
SELECT vendu.magasin_id, 1, p.nom, sum(vendu.quantite)::text,
       min(vendu.premiere)
  FROM vendu
  JOIN produit p ON p.id = vendu.produit_id
 GROUP BY vendu.magasin_id, p.nom
UNION ALL
SELECT s.magasin_id, 2, p.nom, sum(s.quantite)::text, min(s.produit_id)
  FROM m
  JOIN stock_local s ON s.magasin_id = m.id
  JOIN produit p ON p.id = s.produit_id
 GROUP BY s.magasin_id, p.nom
 ORDER BY 1, 2, 5
