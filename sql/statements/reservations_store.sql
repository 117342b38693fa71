-- GET /api/v1/reservations/ of one store ($1), with any reference.  The
-- parameters are those of reservations.sql.
SELECT id, '{' || reservation_membres(d, reservation_etat(d)) || '}',
       reservation_validite(d) AS validite
  FROM reservation d
 WHERE $2::text IS NULL
   AND (magasin_id, id)
       < ($1::bigint, coalesce($4::bigint, 9223372036854775807))
   AND magasin_id >= $1::bigint
 ORDER BY magasin_id DESC, id DESC
 LIMIT $3::int
