-- GET /api/v1/products/{id}/.  $1: the product.
SELECT nom, categorie, prix, description
  FROM produit
 WHERE id = $1::bigint
