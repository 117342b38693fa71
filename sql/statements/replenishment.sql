-- GET /api/v1/replenishments/{id}/.
SELECT demande_corps(d)
  FROM demande_reapprovisionnement d
 WHERE id = $1::bigint
