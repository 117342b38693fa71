-- Some rows of a batch.  $1: the batch; $2: the rows, as lot_recevoir() has
-- them.
SELECT lot_recevoir($1::bigint, $2::jsonb)
