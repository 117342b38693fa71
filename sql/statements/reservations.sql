-- GET /api/v1/reservations/ without store ($1) and reference ($2).  $3: the number
-- of rows; $4: the id before which the rows start.  validite: for how many
-- milliseconds the state of the row holds, if nobody writes.
SELECT id, '{' || reservation_membres(d, reservation_etat(d)) || '}',
       reservation_validite(d) AS validite
  FROM reservation d
 WHERE $1::bigint IS NULL
   AND $2::text IS NULL
   AND id < coalesce($4::bigint, 9223372036854775807)
 ORDER BY id DESC
 LIMIT $3::int
