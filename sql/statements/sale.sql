-- GET /api/v1/sales/{id}/.  magasin_id is not shown: who is bound to a store is
-- compared with it.
SELECT vente_corps(v.id, v.magasin_id, v.date_vente, v.total,
                   (SELECT string_agg(ligne_corps(l.produit_id, l.quantite,
                                                  l.prix_unitaire),
                                      ',' ORDER BY l.id)
                      FROM ligne_vente l
                     WHERE l.vente_id = v.id)),
       v.magasin_id
  FROM vente v
 WHERE v.id = $1::bigint
