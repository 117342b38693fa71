-- POST /api/v1/counts/{id}/cancel/.  $3: the stores of who asks, or NULL.
SELECT statut, emplacement, etag, detail, corps,
       pg_current_xact_id_if_assigned() AS xid
  FROM comptage_annuler($1::bigint, $2::text, $3::text, $4::text, $5::text,
                        $6::text)
