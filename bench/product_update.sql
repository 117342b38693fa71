-- One change in a call of its own, which batches are compared with.  $1: the
-- product; $2 to $5: the fields, NULL for a field that does not change; $6: the
-- actor, for the journal.
UPDATE produit
   SET nom = coalesce($2::text, nom),
       categorie = coalesce($3::text, categorie),
       prix = coalesce($4::numeric, prix),
       description = coalesce($5::text, description)
  FROM set_config('magasin.acteur', $6::text, true) AS acteur
 WHERE id = $1::bigint
   AND archive_le IS NULL
   AND acteur IS NOT NULL
RETURNING id, nom, categorie, prix, description, true,
          pg_current_xact_id() AS xid
