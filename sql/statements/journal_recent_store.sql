-- GET /api/v1/journal/ of one store ($1), the newest first.  The parameters are
-- those of journal_recent.sql; this one has an index.
SELECT xid, id, id, instant_texte(instant), type, magasin_id, produit_id,
       delta, quantite, acteur, reference, motif, details
  FROM journal
 WHERE magasin_id = $1::bigint
   AND ($2::bigint IS NULL OR produit_id = $2::bigint)
   AND ($3::text IS NULL OR type = $3::text)
   AND ($4::timestamptz IS NULL OR instant >= $4::timestamptz)
   AND coalesce($5::text, 'id') = '-id'
   AND (xid, id) < (coalesce($7::xid8, '18446744073709551615'),
                    coalesce($8::bigint, 0))
 ORDER BY xid DESC, id DESC
 LIMIT $6::int
