-- GET /api/v1/stores/.  $1: the number of rows; $2: the id after which the rows
-- start; $3: the id of the last row of the page, if the page is fetched in
-- pieces.  A row that exceeds the size of a piece, 128 kB, or that is after the
-- last row, has only its key.
SELECT id, CASE WHEN entier THEN id END, CASE WHEN entier THEN nom END,
       CASE WHEN entier THEN adresse END, CASE WHEN entier THEN ouvert END,
       CASE WHEN entier THEN fuseau END
  FROM (
    SELECT page.*,
           sum(octet_length(nom) + octet_length(adresse)) OVER rang <= 131072
           AND ($3::bigint IS NULL OR id <= $3::bigint)
           AS entier
      FROM (
        SELECT id, nom, adresse, ouvert, fuseau
          FROM magasin
         WHERE id > coalesce($2::bigint, 0)
         ORDER BY id
         LIMIT $1::int
      ) page
    WINDOW rang AS (ORDER BY id ROWS UNBOUNDED PRECEDING)
  ) mesure
 ORDER BY id
