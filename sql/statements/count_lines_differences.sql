-- GET /api/v1/counts/{id}/lines/ with what differs ($1), which a blind one does
-- not tell before its close.  The parameters and the row without a line are
-- those of count_lines.sql.
SELECT l.produit_id,
       CASE WHEN l.produit_id IS NOT NULL
            THEN comptage_ligne_corps(l.ligne, l.nom, false) END,
       d.magasin_id
  FROM comptage d
  LEFT JOIN LATERAL (
    SELECT l.produit_id, l AS ligne, p.nom
      FROM comptage_ligne l
      JOIN produit p ON p.id = l.produit_id
     WHERE $1::text = 'ecarts'
       AND l.comptage_id = d.id
       AND NOT comptage_cache(d)
       AND l.compte <> l.present
       AND l.produit_id > coalesce($3::bigint, -9223372036854775808)
     ORDER BY l.produit_id
     LIMIT $2::int
  ) l ON true
 WHERE d.id = $4::bigint
 ORDER BY l.produit_id
