-- GET /api/v1/counts/{id}/lines/ with what nobody has counted ($1): of an open
-- one the products of which its place has units, of a closed one what the close
-- has written down.  The parameters and the row without a line are those of
-- count_lines.sql.
SELECT l.produit_id,
       CASE WHEN l.produit_id IS NOT NULL
            THEN comptage_ligne_corps(
                     ROW(c.id, l.produit_id, c.magasin_id, false, l.compte,
                         l.present, true, l.instant, NULL)::comptage_ligne,
                     p.nom, l.cache) END,
       c.magasin_id
  FROM comptage c
  LEFT JOIN (
    (SELECT l.produit_id, l.compte, l.present, l.instant, false AS cache
       FROM comptage d
       JOIN comptage_ligne l ON l.comptage_id = d.id
      WHERE $1::text = 'oublis'
        AND d.id = $4::bigint
        AND l.oubliee
        AND l.produit_id > coalesce($3::bigint, -9223372036854775808)
      ORDER BY l.produit_id
      LIMIT $2::int)
     UNION ALL
    (SELECT s.produit_id, NULL, s.quantite, now(), comptage_cache(d)
       FROM comptage d
      CROSS JOIN LATERAL (
        SELECT produit_id, quantite
          FROM stock_local
         WHERE magasin_id = d.magasin_id
           AND quantite > 0
           AND produit_id > coalesce($3::bigint, -9223372036854775808)
         ORDER BY produit_id
      ) s
      WHERE d.id = $4::bigint
        AND d.statut = 'ouvert'
        AND (d.produits IS NULL OR s.produit_id = ANY (d.produits))
        AND (d.categorie IS NULL
             OR d.categorie = (SELECT categorie FROM produit
                                WHERE id = s.produit_id))
        AND NOT EXISTS (SELECT FROM comptage_ligne l
                         WHERE l.comptage_id = d.id
                           AND l.produit_id = s.produit_id)
      ORDER BY s.produit_id
      LIMIT $2::int)
     UNION ALL
    (SELECT s.produit_id, NULL, s.quantite, now(), comptage_cache(d)
       FROM comptage d
      CROSS JOIN LATERAL (
        SELECT produit_id, quantite
          FROM stock_central
         WHERE d.magasin_id IS NULL
           AND quantite > 0
           AND produit_id > coalesce($3::bigint, -9223372036854775808)
         ORDER BY produit_id
      ) s
      WHERE d.id = $4::bigint
        AND d.statut = 'ouvert'
        AND (d.produits IS NULL OR s.produit_id = ANY (d.produits))
        AND (d.categorie IS NULL
             OR d.categorie = (SELECT categorie FROM produit
                                WHERE id = s.produit_id))
        AND NOT EXISTS (SELECT FROM comptage_ligne l
                         WHERE l.comptage_id = d.id
                           AND l.produit_id = s.produit_id)
      ORDER BY s.produit_id
      LIMIT $2::int)
  ) l ON true
  LEFT JOIN produit p ON p.id = l.produit_id
 WHERE c.id = $4::bigint
 ORDER BY l.produit_id
 LIMIT $2::int
