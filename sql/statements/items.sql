-- GET /api/v1/stores/{id}/items/ by name ($4), without q ($1) and categorie ($2),
-- and not only what is under its minimum ($3).  $5: the number of rows; $6, $7:
-- name and id after which the rows start; $8: the store.  A store without rows
-- has one without a name.
--
-- Either the names are read in order until the page is complete: so many as it
-- has rows, times the names for each row of the store.  Or all rows of a store
-- that has few of the names are sorted.
WITH voie AS MATERIALIZED (
    SELECT $5::int * greatest(noms, total) <= total * total AS avance
      FROM (
        SELECT coalesce(sum(lignes), 0)::numeric AS total
          FROM compte_stock
         WHERE magasin_id = $8::bigint
           AND lignes <> 0
      ) t
     CROSS JOIN (
        SELECT reltuples::numeric AS noms
          FROM pg_class
         WHERE oid = 'produit'::regclass
      ) c
     WHERE total > 0
       AND $1::text IS NULL
       AND $2::text IS NULL
       AND NOT coalesce($3::boolean, false)
       AND $4::text = 'nom'
), page AS MATERIALIZED (
    SELECT t.*
      FROM voie
     CROSS JOIN LATERAL (
        SELECT p.id, p.nom, p.categorie, s.quantite, s.retenu
          FROM produit p
         CROSS JOIN LATERAL (
            SELECT quantite, retenu
              FROM stock_local
             WHERE magasin_id = $8::bigint
               AND produit_id = p.id
            OFFSET 0
          ) s
         WHERE (p.nom, p.id) > (coalesce($6::text, ''), coalesce($7::bigint, 0))
         ORDER BY p.nom, p.id
         LIMIT $5::int
      ) t
     WHERE voie.avance
     UNION ALL
    SELECT t.*
      FROM voie
     CROSS JOIN LATERAL (
        SELECT p.id, p.nom, p.categorie, s.quantite, s.retenu
          FROM stock_local s
         CROSS JOIN LATERAL (
            SELECT id, nom, categorie
              FROM produit
             WHERE id = s.produit_id
            OFFSET 0
          ) p
         WHERE s.magasin_id = $8::bigint
           AND (p.nom, p.id) > (coalesce($6::text, ''), coalesce($7::bigint, 0))
         ORDER BY p.nom, p.id
         LIMIT $5::int
      ) t
     WHERE NOT voie.avance
)
SELECT p.nom, p.id, p.id, p.nom,
       (SELECT code FROM produit_code WHERE produit_id = p.id AND interne),
       p.quantite, greatest(p.quantite - p.retenu, 0), p.retenu,
       stock_en_transit($8::bigint, p.id),
       (SELECT coalesce(sum(d.quantite), 0)
          FROM demande_reapprovisionnement d
         WHERE d.magasin_id = $8::bigint
           AND d.produit_id = p.id
           AND d.statut = 'en_attente'),
       CASE WHEN a.minimum IS NOT NULL OR a.maximum IS NOT NULL THEN a.minimum
            WHEN b.minimum IS NOT NULL OR b.maximum IS NOT NULL THEN b.minimum
            ELSE c.minimum END,
       CASE WHEN a.minimum IS NOT NULL OR a.maximum IS NOT NULL THEN a.maximum
            WHEN b.minimum IS NOT NULL OR b.maximum IS NOT NULL THEN b.maximum
            ELSE c.maximum END,
       p.validite
  FROM magasin m
  LEFT JOIN (
    SELECT id, nom, categorie, quantite,
           CASE WHEN retenu = 0 THEN 0
                ELSE retenu_vivant($8::bigint, id, retenu) END AS retenu,
           CASE WHEN retenu <> 0
                THEN retenu_validite($8::bigint, id, retenu) END AS validite
      FROM page
  ) p ON true
  LEFT JOIN seuil a ON a.magasin_id = $8::bigint AND a.produit_id = p.id
  LEFT JOIN seuil_categorie b
    ON b.magasin_id = $8::bigint AND b.categorie = p.categorie
  LEFT JOIN seuil_categorie c
    ON c.magasin_id = $8::bigint AND c.categorie = ''
 WHERE m.id = $8::bigint
 ORDER BY p.nom, p.id
