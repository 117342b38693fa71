-- GET /api/v1/sales/, all stores ($1 is NULL).  $2, $3: the start and the end
-- of the range, of which the end is excluded; $4 to $6: the number, the product
-- and the least total, which have statements of their own; $7: the number of
-- rows; $8, $9: date and id before which the rows start.  The end of the range
-- and the key are combined to one upper bound, so that the scan of the index
-- starts there.
SELECT date_vente, id, id, magasin_id, instant_texte(date_vente), total
  FROM vente
 WHERE $1::bigint IS NULL
   AND coalesce($4::bigint::text, $5::text, $6::numeric::text) IS NULL
   AND date_vente >= coalesce($2::timestamptz, '-infinity')
   AND (date_vente, id)
       < (least(coalesce($3::timestamptz, 'infinity'),
                coalesce($8::timestamptz, 'infinity')),
          CASE WHEN $8::timestamptz < coalesce($3::timestamptz, 'infinity')
               THEN $9::bigint ELSE 0 END)
 ORDER BY date_vente DESC, id DESC
 LIMIT $7::int
