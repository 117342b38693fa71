-- GET /api/v1/counts/{id}/.  magasin_id is not shown: who is bound to a store
-- is compared with it.
SELECT comptage_corps(d), d.magasin_id
  FROM comptage d
 WHERE id = $1::bigint
