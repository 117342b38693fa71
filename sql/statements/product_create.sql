-- POST /api/v1/products/.
SELECT statut, emplacement, etag, detail, corps,
       pg_current_xact_id_if_assigned() AS xid
  FROM produit_creer($1::text, $2::text, $3::numeric, $4::text, $5::text,
                     $6::text, $7::text)
