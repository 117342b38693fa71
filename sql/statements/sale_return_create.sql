-- POST /api/v1/sales/{id}/returns/.  $2, $3: an element for each line; $6: the
-- stores of who asks, or NULL.  The place and the products are NULL if the sale
-- was inserted after the statement had started.
SELECT r.statut, r.emplacement, r.etag, r.detail, r.corps,
       v.magasin_id AS lieu,
       CASE WHEN v.id IS NOT NULL THEN $2::bigint[] END AS produits,
       pg_current_xact_id_if_assigned() AS xid
  FROM retour_creer($1::bigint, $2::bigint[], $3::integer[], $4::text,
                    $5::boolean, $6::text, $7::text, $8::text, $9::text) r
  LEFT JOIN vente v ON v.id = $1::bigint
