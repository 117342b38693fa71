-- GET /api/v1/counts/{id}/lines/ with what was counted.  $1: which lines; $2:
-- the number of rows; $3: the product after which the rows start; $4: the
-- stock-take.  It has one row if there are no lines; who is bound to a store is
-- compared with it.
SELECT l.produit_id,
       CASE WHEN l.produit_id IS NOT NULL
            THEN comptage_ligne_corps(l.ligne, l.nom, comptage_cache(d)) END,
       d.magasin_id
  FROM comptage d
  LEFT JOIN LATERAL (
    SELECT l.produit_id, l AS ligne, p.nom
      FROM comptage_ligne l
      JOIN produit p ON p.id = l.produit_id
     WHERE coalesce($1::text, 'comptes') = 'comptes'
       AND l.comptage_id = d.id
       AND NOT l.oubliee
       AND l.produit_id > coalesce($3::bigint, -9223372036854775808)
     ORDER BY l.produit_id
     LIMIT $2::int
  ) l ON true
 WHERE d.id = $4::bigint
 ORDER BY l.produit_id
