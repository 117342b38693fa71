-- POST /api/v1/counts/{id}/close/.  $2: what was not counted is not there; $4:
-- the stores of who asks, or NULL.
SELECT (r).statut, (r).emplacement, (r).etag, (r).detail, (r).corps, lieu,
       produits, pg_current_xact_id_if_assigned() AS xid
  FROM comptage_clore($1::bigint, $2::boolean, $3::text, $4::text, $5::text,
                      $6::text, $7::text)
