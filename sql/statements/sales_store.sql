-- GET /api/v1/sales/ of one store ($1).  The other parameters are those of
-- sales.sql.
SELECT date_vente, id, id, magasin_id, instant_texte(date_vente), total
  FROM vente
 WHERE coalesce($4::bigint::text, $5::text, $6::numeric::text) IS NULL
   AND magasin_id = $1::bigint
   AND date_vente >= coalesce($2::timestamptz, '-infinity')
   AND (date_vente, id)
       < (least(coalesce($3::timestamptz, 'infinity'),
                coalesce($8::timestamptz, 'infinity')),
          CASE WHEN $8::timestamptz < coalesce($3::timestamptz, 'infinity')
               THEN $9::bigint ELSE 0 END)
 ORDER BY date_vente DESC, id DESC
 LIMIT $7::int
