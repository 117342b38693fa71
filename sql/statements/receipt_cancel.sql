-- POST /api/v1/receipts/{id}/cancel/.  $3, $4: the scopes and the stores of who
-- asks.  The place and the products are NULL if the receipt was inserted after
-- the statement had started.
SELECT r.statut, r.emplacement, r.etag, r.detail, r.corps,
       d.magasin_id AS lieu,
       (SELECT array_agg(DISTINCT produit_id)
          FROM reception_ligne
         WHERE reception_id = d.id) AS produits,
       pg_current_xact_id_if_assigned() AS xid
  FROM reception_annuler($1::bigint, $2::text, $3::text, $4::text, $5::text,
                         $6::text, $7::text) r
  LEFT JOIN reception d ON d.id = $1::bigint
