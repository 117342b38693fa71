-- GET /api/v1/receipts/ with one reference ($2), without store.  The parameters
-- are those of receipts.sql.
SELECT id, '{' || reception_membres(d) || '}'
  FROM reception d
 WHERE $1::bigint IS NULL
   AND reference = $2::text
   AND id < coalesce($4::bigint, 9223372036854775807)
 ORDER BY reference DESC, id DESC
 LIMIT $3::int
