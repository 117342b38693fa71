-- GET /api/v1/stores/.  $1: how many rows; $2: the id after which to go on.
SELECT id, id, nom, adresse, ouvert
  FROM magasin
 WHERE id > coalesce($2::bigint, 0)
 ORDER BY id
 LIMIT $1::int
