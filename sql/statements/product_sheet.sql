-- GET /api/v1/products/{id}/sheet/.  An archived product has one, too.
SELECT produit_fiche(p)
  FROM produit p
 WHERE id = $1::bigint
