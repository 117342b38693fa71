-- What sql/statements/dashboard_stores.sql has to answer, from the sale lines alone.
SELECT m.id, m.nom, ventes.total, stock.ruptures, stock.surstock,
       tendances.texte,
       (SELECT floor(1000 * extract(epoch FROM date_vente - now()
                                               + interval '168 hours'))
          FROM vente
         WHERE magasin_id = m.id
           AND date_vente >= now() - interval '168 hours'
         ORDER BY date_vente
         LIMIT 1),
       tendances.liste
  FROM (
    SELECT id, nom
      FROM magasin
     WHERE id > $1::bigint
     ORDER BY id
     LIMIT $2::int
  ) m
 CROSS JOIN LATERAL (
    SELECT coalesce(sum(l.quantite * l.prix_unitaire), 0.00) AS total
      FROM vente v
      JOIN ligne_vente l ON l.vente_id = v.id
     WHERE v.magasin_id = m.id
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
          FROM vente v
          JOIN ligne_vente l ON l.vente_id = v.id
          JOIN produit p ON p.id = l.produit_id
         WHERE v.magasin_id = m.id
           AND v.date_vente >= now() - interval '168 hours'
         GROUP BY p.nom
         ORDER BY sum(l.quantite) DESC, p.nom
         LIMIT 3
      ) t
  ) tendances
 ORDER BY m.id
