-- What sql/statements/reports.sql has to answer, from the lines of sales and of
-- returns alone.
WITH m AS MATERIALIZED (
    SELECT id, nom
      FROM magasin
     WHERE id > $1::bigint
     ORDER BY id
     LIMIT $2::int
), vendu AS MATERIALIZED (
    SELECT l.magasin_id, l.produit_id, min(l.id) AS premiere,
           sum(l.quantite) AS quantite,
           sum(l.quantite * l.prix_unitaire) AS total
      FROM m
      JOIN (
        SELECT v.magasin_id, l.id, l.produit_id, l.quantite, l.prix_unitaire
          FROM vente v
          JOIN ligne_vente l ON l.vente_id = v.id
         UNION ALL
        SELECT v.magasin_id, NULL, r.produit_id, -r.quantite, r.prix_unitaire
          FROM retour_ligne r
          JOIN ligne_vente l ON l.id = r.ligne_id
          JOIN vente v ON v.id = l.vente_id
      ) l ON l.magasin_id = m.id
     GROUP BY l.magasin_id, l.produit_id
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
HAVING sum(vendu.quantite) <> 0
UNION ALL
SELECT s.magasin_id, 2, p.nom, sum(s.quantite)::text, min(s.produit_id)
  FROM m
  JOIN stock_local s ON s.magasin_id = m.id
  JOIN produit p ON p.id = s.produit_id
 GROUP BY s.magasin_id, p.nom
 ORDER BY 1, 2, 5
