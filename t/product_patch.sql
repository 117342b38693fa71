-- What t/batch_sql.t compares changes of products in a batch with.  $1: the
-- product; $2 to $5: the fields, NULL for a field that does not change; $6: the
-- actor, for the journal; $7: true to archive the product, false to restore it,
-- or NULL; $8: the digests of If-Match, separated by commas, or "*", or NULL.
-- The sixth column is false if the product does not match If-Match; the last
-- one is true if the name has changed.
WITH avant AS MATERIALIZED (
    SELECT nom
      FROM produit
     WHERE id = $1::bigint
       FOR NO KEY UPDATE
), fait AS (
    UPDATE produit p
       SET nom = coalesce($2::text, p.nom),
           categorie = coalesce($3::text, p.categorie),
           prix = coalesce($4::numeric, p.prix),
           description = coalesce($5::text, p.description),
           archive_le = CASE $7::boolean
                        WHEN true THEN coalesce(p.archive_le, now())
                        WHEN false THEN NULL
                        ELSE p.archive_le END
      FROM avant, set_config('magasin.acteur', $6::text, true) AS acteur
     WHERE p.id = $1::bigint
       AND (p.archive_le IS NULL OR NOT $7::boolean)
       AND acteur IS NOT NULL
       AND ($8::text IS NULL OR $8::text = '*'
            OR produit_etag(p.nom, p.categorie, p.prix, p.description)
               = ANY (string_to_array($8::text, ',')))
    RETURNING p.id, p.nom, p.categorie, p.prix, p.description,
              p.nom <> avant.nom AS renomme
)
SELECT id, nom, categorie, prix, description, true,
       pg_current_xact_id_if_assigned() AS xid, renomme
  FROM fait
 UNION ALL
SELECT id, nom, categorie, prix, description, false, NULL, NULL
  FROM produit
 WHERE id = $1::bigint
   AND $8::text IS NOT NULL
   AND (archive_le IS NULL OR NOT $7::boolean)
   AND NOT EXISTS (SELECT FROM fait)
