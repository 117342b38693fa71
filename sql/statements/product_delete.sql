-- DELETE /api/v1/products/{id}/.
SELECT statut, emplacement, etag, detail, corps
  FROM produit_supprimer($1::bigint, $2::text, $3::text)
