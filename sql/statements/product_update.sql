-- PUT /api/v1/products/{id}/.  $1: the product; then the fields, NULL for
-- those that stay.
UPDATE produit
   SET nom = coalesce($2::text, nom),
       categorie = coalesce($3::text, categorie),
       prix = coalesce($4::numeric, prix),
       description = coalesce($5::text, description)
 WHERE id = $1::bigint
RETURNING id, nom, categorie, prix, description
