-- GET /api/v1/counts/ of one store ($1) in one state ($2).  The parameters are
-- those of counts.sql.  The state is compared with the id, so that no other
-- index has their order.
SELECT id, '{' || comptage_membres(d) || '}'
  FROM comptage d
 WHERE magasin_id = $1::bigint
   AND (statut, id)
       < ($2::text, coalesce($4::bigint, 9223372036854775807))
   AND statut >= $2::text
 ORDER BY statut DESC, id DESC
 LIMIT $3::int
