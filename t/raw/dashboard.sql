-- What sql/statements/dashboard_stores.sql has to answer, from the lines of
-- sales and of returns alone.
SELECT m.id, m.nom, ventes.total, stock.ruptures, stock.surstock,
       tendances.texte,
       (SELECT floor(1000 * extract(epoch FROM min(fait) - now()
                                               + interval '168 hours'))
          FROM (SELECT date_vente AS fait FROM vente
                 WHERE magasin_id = m.id
                 UNION ALL
                SELECT date_retour FROM retour
                 WHERE magasin_id = m.id) f
         WHERE fait >= now() - interval '168 hours'),
       tendances.liste
  FROM (
    SELECT id, nom
      FROM magasin
     WHERE id > $1::bigint
     ORDER BY id
     LIMIT $2::int
  ) m
 CROSS JOIN LATERAL (
    SELECT coalesce((SELECT sum(l.quantite * l.prix_unitaire)
                       FROM vente v
                       JOIN ligne_vente l ON l.vente_id = v.id
                      WHERE v.magasin_id = m.id), 0.00)
           - coalesce((SELECT sum(l.quantite * l.prix_unitaire)
                         FROM retour r
                         JOIN retour_ligne l ON l.retour_id = r.id
                        WHERE r.magasin_id = m.id), 0.00) AS total
  ) ventes
 CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE s.quantite = 0) AS ruptures,
           count(*) FILTER (WHERE s.quantite > 10) AS surstock
      FROM stock_local s
     WHERE s.magasin_id = m.id
  ) stock
 CROSS JOIN LATERAL (
    SELECT coalesce(string_agg(t.nom || ' (' || t.quantite || ')', ', '
                               ORDER BY t.quantite DESC, t.nom), '') AS texte,
           '[' || coalesce(string_agg(row_to_json(t)::text, ','
                                      ORDER BY t.quantite DESC, t.nom), '')
               || ']' AS liste
      FROM (
        SELECT CASE (SELECT count(*) FROM produit WHERE nom = p.nom)
                 WHEN 1 THEN min(p.id)
               END AS produit,
               p.nom, sum(l.quantite) AS quantite
          FROM (
            SELECT v.magasin_id, v.date_vente AS fait, l.produit_id, l.quantite
              FROM vente v
              JOIN ligne_vente l ON l.vente_id = v.id
             UNION ALL
            SELECT r.magasin_id, r.date_retour, l.produit_id, -l.quantite
              FROM retour r
              JOIN retour_ligne l ON l.retour_id = r.id
          ) l
          JOIN produit p ON p.id = l.produit_id
         WHERE l.magasin_id = m.id
           AND l.fait >= now() - interval '168 hours'
         GROUP BY p.nom
        HAVING sum(l.quantite) > 0
         ORDER BY sum(l.quantite) DESC, p.nom
         LIMIT 3
      ) t
  ) tendances
 ORDER BY m.id
