-- POST /api/v1/counts/.
SELECT statut, emplacement, etag, detail, corps,
       pg_current_xact_id_if_assigned() AS xid
  FROM comptage_ouvrir($1::bigint, $2::text, $3::bigint[], $4::boolean,
                       $5::text, $6::text, $7::text, $8::text)
