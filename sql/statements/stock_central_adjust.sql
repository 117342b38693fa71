-- POST /api/v1/stock/central/{produit}/adjust/.  $2 to $5: delta, or quantite
-- and attendu, and motif; $6 and $10: the quantities of If-Match and of
-- If-None-Match, separated by commas, or "*", or NULL.
SELECT statut, emplacement, etag, detail, corps,
       pg_current_xact_id_if_assigned() AS xid
  FROM central_ajuster($1::bigint, $2::integer, $3::integer, $4::integer,
                       $5::text, $6::text, $7::text, $8::text, $9::text,
                       $10::text)
