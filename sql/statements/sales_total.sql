-- GET /api/v1/sales/ with a least total ($6).  The parameters are those of
-- sales.sql; $4 and $5 have statements of their own.  A total that few sales
-- have is found by the index of the totals; the sales of another one are met soon
-- in the order of the list.
WITH choix AS MATERIALIZED (
    SELECT id
      FROM vente
     WHERE total >= $6::numeric
     ORDER BY total DESC, id DESC
     LIMIT 1001
), rare AS MATERIALIZED (
    SELECT count(*) <= 1000 AS oui FROM choix
), borne AS MATERIALIZED (
    SELECT coalesce($2::timestamptz, '-infinity') AS depuis,
           least(coalesce($3::timestamptz, 'infinity'),
                 coalesce($8::timestamptz, 'infinity')) AS avant,
           CASE WHEN $8::timestamptz < coalesce($3::timestamptz, 'infinity')
                THEN $9::bigint ELSE 0 END AS avant_id
     WHERE coalesce($4::bigint::text, $5::text) IS NULL
), page AS (
    (SELECT v.*
       FROM rare
       JOIN choix ON rare.oui
       JOIN vente v USING (id)
      CROSS JOIN borne b
      WHERE v.magasin_id = coalesce($1::bigint, v.magasin_id)
        AND v.date_vente >= b.depuis
        AND (v.date_vente, v.id) < (b.avant, b.avant_id))
     UNION ALL
    (SELECT v.*
       FROM rare
      CROSS JOIN borne b
      CROSS JOIN LATERAL (
        SELECT *
          FROM vente
         WHERE total >= $6::numeric
           AND date_vente >= b.depuis
           AND (date_vente, id) < (b.avant, b.avant_id)
         ORDER BY date_vente DESC, id DESC
         LIMIT $7::int
      ) v
      WHERE NOT rare.oui AND $1::bigint IS NULL)
     UNION ALL
    (SELECT v.*
       FROM rare
      CROSS JOIN borne b
      CROSS JOIN LATERAL (
        SELECT *
          FROM vente
         WHERE magasin_id = $1::bigint
           AND total >= $6::numeric
           AND date_vente >= b.depuis
           AND (date_vente, id) < (b.avant, b.avant_id)
         ORDER BY date_vente DESC, id DESC
         LIMIT $7::int
      ) v
      WHERE NOT rare.oui AND $1::bigint IS NOT NULL)
)
SELECT date_vente, id, id, magasin_id, instant_texte(date_vente), total
  FROM page
 ORDER BY date_vente DESC, id DESC
 LIMIT $7::int
