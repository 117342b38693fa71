-- GET /api/v1/replenishments/ of one state ($3), without store ($1) and product
-- ($2).  The parameters are those of replenishments.sql.
SELECT id, demande_corps(d)
  FROM demande_reapprovisionnement d
 WHERE $1::bigint IS NULL
   AND $2::bigint IS NULL
   AND (statut, id) < ($3::text, coalesce($5::bigint, 9223372036854775807))
   AND statut >= $3::text
 ORDER BY statut DESC, id DESC
 LIMIT $4::int
