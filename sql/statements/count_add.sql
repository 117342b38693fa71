-- POST /api/v1/counts/{id}/lines/.  $2 to $4: an element for each line; $5: the
-- stores of who asks, or NULL.
SELECT statut, emplacement, etag, detail, corps,
       pg_current_xact_id_if_assigned() AS xid
  FROM comptage_compter($1::bigint, $2::bigint[], $3::integer[],
                        $4::boolean[], $5::text, $6::text, $7::text, $8::text)
