-- POST /api/v1/stores/.
SELECT statut, emplacement, etag, detail, corps,
       pg_current_xact_id_if_assigned() AS xid
  FROM magasin_creer($1::text, $2::text, $3::boolean, $4::text, $5::text,
                     $6::text, $7::text)
