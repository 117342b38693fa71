-- The products that the body of a write names by codes.  $1: the codes; $2: the
-- actor; $3: the Idempotency-Key, or NULL.  The second column is true if the key
-- is known.
SELECT produit, connue
  FROM codes_produits($1::text[], $2::text, $3::text)
