-- POST /api/v1/replenishments/{id}/approve/ and /reject/.  $2: true for
-- approve, false for reject; $3: the units that are granted, or NULL.
SELECT r.statut, r.emplacement, r.etag, r.detail, r.corps, d.magasin_id,
       d.produit_id, pg_current_xact_id_if_assigned() AS xid
  FROM demande_decider($1::bigint, $2::boolean, $3::integer, $4::text,
                       $5::text, $6::text) r
  LEFT JOIN demande_reapprovisionnement d ON d.id = $1::bigint
