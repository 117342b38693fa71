-- GET /api/v1/reservations/ of one store ($1) with one reference ($2).  The
-- parameters are those of reservations.sql.  The reference is compared with the
-- id, so that no index of the store alone has their order.
SELECT id, '{' || reservation_membres(d, reservation_etat(d)) || '}',
       reservation_validite(d) AS validite
  FROM reservation d
 WHERE magasin_id = $1::bigint
   AND (reference, id)
       < ($2::text, coalesce($4::bigint, 9223372036854775807))
   AND reference >= $2::text
 ORDER BY reference DESC, id DESC
 LIMIT $3::int
