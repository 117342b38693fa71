-- GET /api/v1/counts/ without store ($1) and state ($2).  $3: the number of
-- rows; $4: the id before which the rows start.
SELECT id, '{' || comptage_membres(d) || '}'
  FROM comptage d
 WHERE $1::bigint IS NULL
   AND $2::text IS NULL
   AND id < coalesce($4::bigint, 9223372036854775807)
 ORDER BY id DESC
 LIMIT $3::int
