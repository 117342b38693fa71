-- GET /api/v1/replenishments/{id}/.  magasin_id is not shown: who is bound to a
-- store is compared with it.
SELECT demande_corps(d), d.magasin_id
  FROM demande_reapprovisionnement d
 WHERE id = $1::bigint
