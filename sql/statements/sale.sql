-- GET /api/v1/sales/{id}/.
SELECT vente_corps(v.id, v.magasin_id, v.date_vente, v.total,
                   (SELECT string_agg(ligne_corps(l.produit_id, l.quantite,
                                                  l.prix_unitaire),
                                      ',' ORDER BY l.id)
                      FROM ligne_vente l
                     WHERE l.vente_id = v.id))
  FROM vente v
 WHERE v.id = $1::bigint
