-- GET /api/v1/stores/{id}/items/ as CSV: the rows of some products ($2) of
-- items_order.sql, in their order, as they are now.  $1: the store.  The columns are
-- those of items.sql without the keys.
SELECT p.id, p.nom,
       (SELECT code FROM produit_code WHERE produit_id = p.id AND interne),
       p.quantite, greatest(p.quantite - p.retenu, 0), p.retenu,
       stock_en_transit($1::bigint, p.id),
       (SELECT coalesce(sum(d.quantite), 0)
          FROM demande_reapprovisionnement d
         WHERE d.magasin_id = $1::bigint
           AND d.produit_id = p.id
           AND d.statut = 'en_attente'),
       CASE WHEN a.minimum IS NOT NULL OR a.maximum IS NOT NULL THEN a.minimum
            WHEN b.minimum IS NOT NULL OR b.maximum IS NOT NULL THEN b.minimum
            ELSE c.minimum END,
       CASE WHEN a.minimum IS NOT NULL OR a.maximum IS NOT NULL THEN a.maximum
            WHEN b.minimum IS NOT NULL OR b.maximum IS NOT NULL THEN b.maximum
            ELSE c.maximum END
  FROM (
    SELECT u.place, p.id, p.nom, p.categorie, s.quantite,
           CASE WHEN s.retenu = 0 THEN 0
                ELSE retenu_vivant($1::bigint, p.id, s.retenu) END AS retenu
      FROM unnest($2::bigint[]) WITH ORDINALITY u (id, place)
     CROSS JOIN LATERAL (
        SELECT id, nom, categorie
          FROM produit
         WHERE id = u.id
        OFFSET 0
      ) p
     CROSS JOIN LATERAL (
        SELECT quantite, retenu
          FROM stock_local
         WHERE magasin_id = $1::bigint
           AND produit_id = u.id
        OFFSET 0
      ) s
  ) p
  LEFT JOIN seuil a ON a.magasin_id = $1::bigint AND a.produit_id = p.id
  LEFT JOIN seuil_categorie b
    ON b.magasin_id = $1::bigint AND b.categorie = p.categorie
  LEFT JOIN seuil_categorie c
    ON c.magasin_id = $1::bigint AND c.categorie = ''
 ORDER BY p.place
