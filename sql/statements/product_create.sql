-- POST /api/v1/products/.  The last column is true if there was another product
-- with the name ($1).
SELECT statut, emplacement, etag, detail, corps,
       pg_current_xact_id_if_assigned() AS xid,
       EXISTS (SELECT FROM produit WHERE nom = $1::text) AS homonyme
  FROM produit_creer_code($1::text, $2::text, $3::numeric, $4::text,
                          $5::text, $6::text[], $7::text, $8::text, $9::text)
