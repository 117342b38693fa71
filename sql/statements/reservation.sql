-- GET /api/v1/reservations/{id}/.  magasin_id is not shown: who is bound to a
-- store is compared with it.  validite: for how many milliseconds the state holds,
-- if nobody writes.
SELECT reservation_corps(d), d.magasin_id, reservation_validite(d) AS validite
  FROM reservation d
 WHERE id = $1::bigint
