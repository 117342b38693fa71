-- PATCH /api/v1/replenishments/{id}/.  $4, $5: the digests of If-Match and of
-- If-None-Match, separated by commas, or "*", or NULL; $6: the stores of who
-- asks, or NULL.
SELECT statut, emplacement, etag, detail, corps,
       pg_current_xact_id_if_assigned() AS xid
  FROM demande_modifier($1::bigint, $2::integer, $3::text, $4::text, $5::text,
                        $6::text, $7::text)
