-- GET /api/v1/counts/ of one store ($1), in any state.  The parameters are
-- those of counts.sql.
SELECT id, '{' || comptage_membres(d) || '}'
  FROM comptage d
 WHERE $2::text IS NULL
   AND (magasin_id, id)
       < ($1::bigint, coalesce($4::bigint, 9223372036854775807))
   AND magasin_id >= $1::bigint
 ORDER BY magasin_id DESC, id DESC
 LIMIT $3::int
