-- GET /api/v1/replenishments/ without store ($1), product ($2) and state ($3).
-- $4: the number of rows; $5: the id before which the rows start.
SELECT id, demande_corps(d)
  FROM demande_reapprovisionnement d
 WHERE $1::bigint IS NULL
   AND $2::bigint IS NULL
   AND $3::text IS NULL
   AND id < coalesce($5::bigint, 9223372036854775807)
 ORDER BY id DESC
 LIMIT $4::int
