-- GET /api/v1/replenishments/.  $1: the store; $2: the product; $3: the state;
-- $4: the number of rows; $5: the id before which the rows start.
SELECT id, demande_corps(d)
  FROM demande_reapprovisionnement d
 WHERE ($1::bigint IS NULL OR magasin_id = $1::bigint)
   AND ($2::bigint IS NULL OR produit_id = $2::bigint)
   AND ($3::text IS NULL OR statut = $3::text)
   AND ($5::bigint IS NULL OR id < $5::bigint)
 ORDER BY id DESC
 LIMIT $4::int
