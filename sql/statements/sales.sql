-- GET /api/v1/sales/, all stores ($1 is NULL).  $2, $3: the start and the end
-- of the range, of which the end is excluded; $4: the number of rows; $5, $6:
-- date and id before which the rows start.  The end of the range and the key
-- are combined to one upper bound, so that the scan of the index starts there.
SELECT date_vente, id, id, magasin_id, instant_texte(date_vente), total
  FROM vente
 WHERE $1::bigint IS NULL
   AND date_vente >= coalesce($2::timestamptz, '-infinity')
   AND (date_vente, id)
       < (least(coalesce($3::timestamptz, 'infinity'),
                coalesce($5::timestamptz, 'infinity')),
          CASE WHEN $5::timestamptz < coalesce($3::timestamptz, 'infinity')
               THEN $6::bigint ELSE 0 END)
 ORDER BY date_vente DESC, id DESC
 LIMIT $4::int
