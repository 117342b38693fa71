-- GET /api/v1/stores/{id}/.
SELECT magasin_corps(m)
  FROM magasin m
 WHERE id = $1::bigint
