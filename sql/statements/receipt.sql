-- GET /api/v1/receipts/{id}/.  magasin_id is not shown: who is bound to a store
-- is compared with it.
SELECT reception_corps(d), d.magasin_id
  FROM reception d
 WHERE id = $1::bigint
