-- GET /api/v1/replenishments/ of one product ($2).  The parameters are those of
-- replenishments.sql.  Store and state are compared so that no other index can
-- be used for them.
SELECT id, demande_corps(d)
  FROM demande_reapprovisionnement d
 WHERE magasin_id IS NOT DISTINCT FROM coalesce($1::bigint, magasin_id)
   AND statut IS NOT DISTINCT FROM coalesce($3::text, statut)
   AND (produit_id, id)
       < ($2::bigint, coalesce($5::bigint, 9223372036854775807))
   AND produit_id >= $2::bigint
 ORDER BY produit_id DESC, id DESC
 LIMIT $4::int
