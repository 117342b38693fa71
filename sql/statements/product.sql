-- GET /api/v1/products/{id}/.  $1: the products of all waiting requests.
SELECT id, nom, categorie, prix, description
  FROM produit
 WHERE id = ANY ($1::bigint[])
   AND archive_le IS NULL
