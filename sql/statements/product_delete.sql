-- DELETE /api/v1/products/{id}/.
SELECT statut, emplacement, etag, detail, corps,
       pg_current_xact_id_if_assigned() AS xid
  FROM produit_supprimer($1::bigint, $2::text, $3::text)
