-- GET /api/v1/counts/ in one state ($2), without store.  The parameters are
-- those of counts.sql.
SELECT id, '{' || comptage_membres(d) || '}'
  FROM comptage d
 WHERE $1::bigint IS NULL
   AND statut = $2::text
   AND id < coalesce($4::bigint, 9223372036854775807)
 ORDER BY statut DESC, id DESC
 LIMIT $3::int
