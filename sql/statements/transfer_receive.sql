-- POST /api/v1/transfers/{id}/receive/.  $2, $3: an element for each line, or
-- NULL; $5, $6: the scopes and the stores of who asks.  The place and the
-- products are NULL if the transfer was inserted after the statement had
-- started.
SELECT r.statut, r.emplacement, r.etag, r.detail, r.corps,
       t.vers_id AS lieu,
       (SELECT array_agg(produit_id)
          FROM transfert_ligne
         WHERE transfert_id = t.id) AS produits,
       pg_current_xact_id_if_assigned() AS xid
  FROM transfert_recevoir($1::bigint, $2::bigint[], $3::integer[], $4::text,
                          $5::text, $6::text, $7::text, $8::text, $9::text) r
  LEFT JOIN transfert t ON t.id = $1::bigint
