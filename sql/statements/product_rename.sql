-- PUT /api/v1/products/{id}/ with a name, as product_update.sql.  The last
-- column is true if the name has changed.  Many clients send all four fields,
-- and a new price must not invalidate the answers that contain only the name.
WITH avant AS MATERIALIZED (
    SELECT nom
      FROM produit
     WHERE id = $1::bigint
       FOR NO KEY UPDATE
)
UPDATE produit p
   SET nom = coalesce($2::text, p.nom),
       categorie = coalesce($3::text, p.categorie),
       prix = coalesce($4::numeric, p.prix),
       description = coalesce($5::text, p.description)
  FROM avant, set_config('magasin.acteur', $6::text, true) AS acteur
 WHERE p.id = $1::bigint
   AND p.archive_le IS NULL
   AND acteur IS NOT NULL
RETURNING p.id, p.nom, p.categorie, p.prix, p.description, true,
          pg_current_xact_id() AS xid, p.nom <> avant.nom AS renomme
