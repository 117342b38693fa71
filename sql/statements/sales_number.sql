-- GET /api/v1/sales/ with a number ($4).  The other parameters are those of
-- sales.sql; $5: the id of a product, or one of its codes.
SELECT date_vente, id, id, magasin_id, instant_texte(date_vente), total
  FROM vente
 WHERE id = $4::bigint
   AND magasin_id = coalesce($1::bigint, magasin_id)
   AND date_vente >= coalesce($2::timestamptz, '-infinity')
   AND date_vente < coalesce($3::timestamptz, 'infinity')
   AND total >= coalesce($6::numeric, 0)
   AND ($5::text IS NULL
        OR EXISTS (SELECT
                     FROM ligne_vente
                    WHERE vente_id = $4::bigint
                      AND produit_id = vente_produit($5::text)))
   AND (date_vente, id) < (coalesce($8::timestamptz, 'infinity'),
                           coalesce($9::bigint, 0))
 LIMIT $7::int
