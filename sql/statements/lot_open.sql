-- POST /api/v1/products/batch/ and /api/v1/stock/batch/, before the rows: the
-- answer of a known key, or a number for the batch.
SELECT (r).statut, (r).emplacement, (r).etag, (r).detail, (r).corps, lot
  FROM lot_ouvrir($1::text, $2::text, $3::text)
