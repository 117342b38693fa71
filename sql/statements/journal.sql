-- GET /api/v1/journal/, as a stream.  $1: the store; $2: the product; $3: the
-- type; $4: from when on; $5: ordering, of no use here; $6: how many rows;
-- $7, $8: transaction and id after which to go on.  Rows of transactions that
-- are younger than one that still runs wait: it may add rows before them.
SELECT xid, id, id, instant_texte(instant), type, magasin_id, produit_id,
       delta, quantite, acteur, reference, motif, details
  FROM journal
 WHERE ($1::bigint IS NULL OR magasin_id = $1::bigint)
   AND ($2::bigint IS NULL OR produit_id = $2::bigint)
   AND ($3::text IS NULL OR type = $3::text)
   AND ($4::timestamptz IS NULL OR instant >= $4::timestamptz)
   AND coalesce($5::text, 'id') = 'id'
   AND xid < pg_snapshot_xmin(pg_current_snapshot())
   AND (xid, id) > (coalesce($7::xid8, '0'), coalesce($8::bigint, 0))
 ORDER BY xid, id
 LIMIT $6::int
