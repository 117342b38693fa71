-- GET /api/v1/journal/ of one product ($2), as a stream.  The parameters are
-- those of journal.sql; this one has an index.
SELECT xid, id, id, instant_texte(instant), type, magasin_id, produit_id,
       delta, quantite, acteur, reference, motif, details
  FROM journal
 WHERE ($1::bigint IS NULL OR magasin_id = $1::bigint)
   AND produit_id = $2::bigint
   AND ($3::text IS NULL OR type = $3::text)
   AND ($4::timestamptz IS NULL OR instant >= $4::timestamptz)
   AND coalesce($5::text, 'id') = 'id'
   AND xid < pg_snapshot_xmin(pg_current_snapshot())
   AND (xid, id) > (coalesce($7::xid8, '0'), coalesce($8::bigint, 0))
 ORDER BY xid, id
 LIMIT $6::int
