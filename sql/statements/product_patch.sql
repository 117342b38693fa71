-- PATCH /api/v1/products/{id}/, and PUT with If-Match.  $1 to $6 as for
-- product_update; $7: archive it, bring it back, or NULL; $8: the digests of
-- If-Match with commas between, "*", or NULL.  The last column is false when
-- the product is another one than If-Match names.
WITH fait AS (
    UPDATE produit
       SET nom = coalesce($2::text, nom),
           categorie = coalesce($3::text, categorie),
           prix = coalesce($4::numeric, prix),
           description = coalesce($5::text, description),
           archive_le = CASE $7::boolean
                        WHEN true THEN coalesce(archive_le, now())
                        WHEN false THEN NULL
                        ELSE archive_le END
      FROM set_config('magasin.acteur', $6::text, true) AS acteur
     WHERE id = $1::bigint
       AND (archive_le IS NULL OR NOT $7::boolean)
       AND acteur IS NOT NULL
       AND ($8::text IS NULL OR $8::text = '*'
            OR produit_etag(nom, categorie, prix, description)
               = ANY (string_to_array($8::text, ',')))
    RETURNING id, nom, categorie, prix, description
)
SELECT id, nom, categorie, prix, description, true,
       pg_current_xact_id_if_assigned() AS xid
  FROM fait
 UNION ALL
SELECT id, nom, categorie, prix, description, false, NULL
  FROM produit
 WHERE id = $1::bigint
   AND $8::text IS NOT NULL
   AND (archive_le IS NULL OR NOT $7::boolean)
   AND NOT EXISTS (SELECT FROM fait)
