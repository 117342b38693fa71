-- GET /api/v1/receipts/ without store ($1) and reference ($2).  $3: the number
-- of rows; $4: the id before which the rows start.
SELECT id, '{' || reception_membres(d) || '}'
  FROM reception d
 WHERE $1::bigint IS NULL
   AND $2::text IS NULL
   AND id < coalesce($4::bigint, 9223372036854775807)
 ORDER BY id DESC
 LIMIT $3::int
