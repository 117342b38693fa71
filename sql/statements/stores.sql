-- GET /api/v1/stores/.  $1: the number of rows; $2: the id after which the rows
-- start.
SELECT id, id, nom, adresse, ouvert
  FROM magasin
 WHERE id > coalesce($2::bigint, 0)
 ORDER BY id
 LIMIT $1::int
