-- GET /api/v1/transfers/ from or to one store ($1), in any state.  The
-- parameters are those of transfers.sql.
SELECT id, '{' || transfert_membres(t) || '}'
  FROM (
    (SELECT *
       FROM transfert
      WHERE $2::text IS NULL
        AND (magasin_id, id)
            < ($1::bigint, coalesce($4::bigint, 9223372036854775807))
        AND magasin_id >= $1::bigint
      ORDER BY magasin_id DESC, id DESC
      LIMIT $3::int)
     UNION ALL
    (SELECT *
       FROM transfert
      WHERE $2::text IS NULL
        AND (vers_id, id)
            < ($1::bigint, coalesce($4::bigint, 9223372036854775807))
        AND vers_id >= $1::bigint
      ORDER BY vers_id DESC, id DESC
      LIMIT $3::int)
  ) t
 ORDER BY id DESC
 LIMIT $3::int
