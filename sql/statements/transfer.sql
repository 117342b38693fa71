-- GET /api/v1/transfers/{id}/.  magasin_id and vers_id are not shown: who is
-- bound to stores is compared with them.
SELECT transfert_corps(t), t.magasin_id, t.vers_id
  FROM transfert t
 WHERE id = $1::bigint
