-- POST /api/v1/stock/batch/, when all rows are there.  $1: the batch; $2: how
-- many; $3: all or nothing; $4: the stores of who asks.
SELECT (r).statut, (r).emplacement, (r).etag, (r).detail, (r).corps, changes,
       pg_current_xact_id_if_assigned() AS xid
  FROM stock_lot($1::bigint, $2::integer, $3::boolean, $4::text, $5::text,
                 $6::text, $7::text)
