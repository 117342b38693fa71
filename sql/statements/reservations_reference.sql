-- GET /api/v1/reservations/ with one reference ($2), without store.  The
-- parameters are those of reservations.sql.
SELECT id, '{' || reservation_membres(d, reservation_etat(d)) || '}',
       reservation_validite(d) AS validite
  FROM reservation d
 WHERE $1::bigint IS NULL
   AND reference = $2::text
   AND id < coalesce($4::bigint, 9223372036854775807)
 ORDER BY reference DESC, id DESC
 LIMIT $3::int
