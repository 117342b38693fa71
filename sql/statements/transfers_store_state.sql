-- GET /api/v1/transfers/ from or to one store ($1) in one state ($2).  The
-- parameters are those of transfers.sql.  The state is compared with the id,
-- so that no other index has their order.
SELECT id, '{' || transfert_membres(t) || '}'
  FROM (
    (SELECT *
       FROM transfert
      WHERE magasin_id = $1::bigint
        AND (statut, id)
            < ($2::text, coalesce($4::bigint, 9223372036854775807))
        AND statut >= $2::text
      ORDER BY statut DESC, id DESC
      LIMIT $3::int)
     UNION ALL
    (SELECT *
       FROM transfert
      WHERE vers_id = $1::bigint
        AND (statut, id)
            < ($2::text, coalesce($4::bigint, 9223372036854775807))
        AND statut >= $2::text
      ORDER BY statut DESC, id DESC
      LIMIT $3::int)
  ) t
 ORDER BY id DESC
 LIMIT $3::int
