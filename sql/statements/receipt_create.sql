-- POST /api/v1/receipts/.  $4 to $6: an element for each line.
SELECT statut, emplacement, etag, detail, corps,
       pg_current_xact_id_if_assigned() AS xid
  FROM reception_creer($1::bigint, $2::text, $3::text, $4::bigint[],
                       $5::integer[], $6::numeric[], $7::text, $8::text,
                       $9::text)
