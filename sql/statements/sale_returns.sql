-- GET /api/v1/sales/{id}/returns/.  $1: the number of rows; $2: the id before
-- which the rows start; $3: the id of the last row of the page, if the page is
-- fetched in pieces; $4: the sale.  A row that exceeds the size of a piece,
-- 128 kB, or that is after the last row, has only its key.  The sale has one row
-- if it has no returns; who is bound to a store is compared with it.
SELECT r.id, CASE WHEN r.entier THEN r.corps END, v.magasin_id
  FROM vente v
  LEFT JOIN LATERAL (
    SELECT mesure.id, mesure.entier,
           CASE WHEN mesure.entier
                THEN (SELECT retour_corps(t) FROM retour t
                       WHERE t.id = mesure.id)
           END AS corps
      FROM (
        SELECT page.id,
               (row_number() OVER rang = 1
                OR sum(1000 + 80 * (SELECT count(*) FROM retour_ligne l
                                     WHERE l.retour_id = page.id)) OVER rang
                   <= 131072)
               AND ($3::bigint IS NULL OR page.id >= $3::bigint) AS entier
          FROM (
            SELECT id
              FROM retour
             WHERE (vente_id, id)
                   < (v.id, coalesce($2::bigint, 9223372036854775807))
               AND vente_id >= v.id
             ORDER BY vente_id DESC, id DESC
             LIMIT $1::int
          ) page
        WINDOW rang AS (ORDER BY page.id DESC ROWS UNBOUNDED PRECEDING)
      ) mesure
  ) r ON true
 WHERE v.id = $4::bigint
 ORDER BY r.id DESC
