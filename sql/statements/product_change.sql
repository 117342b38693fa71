-- PATCH /api/v1/products/{id}/ with codes or with If-Match.  The parameters are
-- those of produit_changer().  The sixth column is true if the name has changed.
SELECT (f.r).statut, (f.r).emplacement, (f.r).etag, (f.r).detail, (f.r).corps,
       f.renomme, pg_current_xact_id_if_assigned() AS xid
  FROM produit_changer($1::bigint, $2::text, $3::text, $4::numeric, $5::text,
                       $6::boolean, $7::boolean, $8::boolean, $9::text,
                       $10::text[], $11::text, $12::text, $13::text) f
