-- GET /api/v1/dashboard/: the stores.  $1: the store after which they start;
-- $2: how many; $3: true if the answer has details, which is here for the
-- cache's key alone.
SELECT id, $3::boolean AS detail
  FROM magasin
 WHERE id > $1::bigint
 ORDER BY id
 LIMIT $2::int
