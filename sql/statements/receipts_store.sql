-- GET /api/v1/receipts/ of one store ($1).  The parameters are those of
-- receipts.sql.  The reference is compared so that no other index can be used
-- for it.
SELECT id, '{' || reception_membres(d) || '}'
  FROM reception d
 WHERE reference IS NOT DISTINCT FROM coalesce($2::text, reference)
   AND (magasin_id, id)
       < ($1::bigint, coalesce($4::bigint, 9223372036854775807))
   AND magasin_id >= $1::bigint
 ORDER BY magasin_id DESC, id DESC
 LIMIT $3::int
