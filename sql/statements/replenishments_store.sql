-- GET /api/v1/replenishments/ of one store ($1), without product ($2).  The
-- parameters are those of replenishments.sql.  The state is compared so that no
-- other index can be used for it.
SELECT id, demande_corps(d)
  FROM demande_reapprovisionnement d
 WHERE $2::bigint IS NULL
   AND statut IS NOT DISTINCT FROM coalesce($3::text, statut)
   AND (magasin_id, id)
       < ($1::bigint, coalesce($5::bigint, 9223372036854775807))
   AND magasin_id >= $1::bigint
 ORDER BY magasin_id DESC, id DESC
 LIMIT $4::int
