-- DELETE /api/v1/products/{id}/.  $2 and $4: the digests of If-Match and of
-- If-None-Match, separated by commas, or "*", or NULL.
SELECT statut, emplacement, etag, detail, corps,
       pg_current_xact_id_if_assigned() AS xid
  FROM produit_supprimer_sauf($1::bigint, $2::text, $3::text, $4::text)
