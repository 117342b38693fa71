-- POST /api/v1/transfers/.  $3, $4: an element for each line.
SELECT statut, emplacement, etag, detail, corps,
       pg_current_xact_id_if_assigned() AS xid
  FROM transfert_creer($1::bigint, $2::bigint, $3::bigint[], $4::integer[],
                       $5::text, $6::text, $7::text, $8::text)
