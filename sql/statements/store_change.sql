-- PATCH /api/v1/stores/{id}/.  The parameters are those of magasin_changer().
SELECT statut, emplacement, etag, detail, corps,
       pg_current_xact_id_if_assigned() AS xid
  FROM magasin_changer($1::bigint, $2::text, $3::text, $4::boolean, $5::text,
                       $6::text, $7::text, $8::text)
