-- GET /api/v1/products/ without q ($1) and categorie ($2), and those that are
-- not archived ($3); $4: the number of rows; $5, $6: name and id after which
-- the rows start; $7, $8: name and id of the last row of the page, if the page
-- is fetched in pieces.  A row that exceeds the size of a piece, 128 kB, or
-- that is after the last row, has only its keys. octet_length() does not read a
-- text that is stored out of line.
SELECT nom, id, CASE WHEN entier THEN id END, CASE WHEN entier THEN nom END,
       CASE WHEN entier THEN categorie END, CASE WHEN entier THEN prix END,
       CASE WHEN entier THEN description END
  FROM (
    SELECT page.*,
           (row_number() OVER rang = 1
            OR sum(octet_length(nom) + octet_length(categorie)
                   + coalesce(octet_length(description), 0)) OVER rang
               <= 131072)
           AND ($7::text IS NULL OR (nom, id) <= ($7::text, $8::bigint))
           AS entier
      FROM (
        SELECT nom, id, categorie, prix, description
          FROM produit
         WHERE $1::text IS NULL
           AND $2::text IS NULL
           AND NOT coalesce($3::boolean, false)
           AND archive_le IS NULL
           AND (nom, id) > (coalesce($5::text, ''), coalesce($6::bigint, 0))
         ORDER BY nom, id
         LIMIT $4::int
      ) page
    WINDOW rang AS (ORDER BY nom, id ROWS UNBOUNDED PRECEDING)
  ) mesure
 ORDER BY nom, id
