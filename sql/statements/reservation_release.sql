-- POST /api/v1/reservations/{id}/release/.  $2: the stores of who asks; NULL: all.
-- The place and the products are NULL if the reservation was inserted after the
-- statement had started.
SELECT r.statut, r.emplacement, r.etag, r.detail, r.corps,
       d.magasin_id AS lieu,
       (SELECT array_agg(produit_id)
          FROM reservation_ligne
         WHERE reservation_id = d.id) AS produits,
       pg_current_xact_id_if_assigned() AS xid
  FROM reservation_rendre($1::bigint, $2::text, $3::text, $4::text, $5::text) r
  LEFT JOIN reservation d ON d.id = $1::bigint
