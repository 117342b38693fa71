-- POST /api/v1/transfers/{id}/cancel/.  $3, $4: the scopes and the stores of
-- who asks.  The place and the products are NULL if the transfer was inserted
-- after the statement had started.
SELECT r.statut, r.emplacement, r.etag, r.detail, r.corps,
       t.magasin_id AS lieu,
       (SELECT array_agg(produit_id)
          FROM transfert_ligne
         WHERE transfert_id = t.id) AS produits,
       pg_current_xact_id_if_assigned() AS xid
  FROM transfert_annuler($1::bigint, $2::text, $3::text, $4::text, $5::text,
                         $6::text, $7::text) r
  LEFT JOIN transfert t ON t.id = $1::bigint
