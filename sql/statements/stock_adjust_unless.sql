-- POST /api/v1/stores/{id}/stock/{produit}/adjust/ with If-None-Match.  $1 to
-- $10: as for stock_adjust.sql; $11: the quantities of the header, separated by
-- commas, or "*".
SELECT statut, emplacement, etag, detail, corps,
       pg_current_xact_id_if_assigned() AS xid
  FROM stock_ajuster_sauf($1::bigint, $2::bigint, $3::integer, $4::integer,
                          $5::integer, $6::text, $7::text, $8::text, $9::text,
                          $10::text, $11::text)
