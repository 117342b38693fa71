-- GET /api/v1/sales/ with a product ($5: its id, or one of its codes).  The
-- other parameters are those of sales.sql; a number ($4) has its own statement.
-- The rows are in the order of the ids, which is that of an index.
SELECT v.date_vente, v.id, v.id, v.magasin_id, instant_texte(v.date_vente),
       v.total
  FROM (
    SELECT DISTINCT vente_id
      FROM ligne_vente
     WHERE $4::bigint IS NULL
       AND produit_id = (SELECT vente_produit($5::text))
       AND vente_id < CASE WHEN $8::timestamptz IS NULL
                           THEN 9223372036854775807 ELSE $9::bigint END
     ORDER BY vente_id DESC
    OFFSET 0
  ) l
 CROSS JOIN LATERAL (
    SELECT *
      FROM vente
     WHERE id = l.vente_id
       AND magasin_id = coalesce($1::bigint, magasin_id)
       AND date_vente >= coalesce($2::timestamptz, '-infinity')
       AND date_vente < coalesce($3::timestamptz, 'infinity')
       AND total >= coalesce($6::numeric, 0)
    OFFSET 0
  ) v
 ORDER BY l.vente_id DESC
 LIMIT $7::int
