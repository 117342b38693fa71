-- GET /api/v1/products/ with $1: the words that the name contains, in any
-- order.  The other parameters are those of products.sql.  The names are
-- searched first, by the trigrams of the longest word.  Otherwise PostgreSQL
-- would read all names in order.  The form of a name that is searched in is
-- costly, so it is computed a second time only for a second word.
WITH trouve AS MATERIALIZED (
    SELECT nom, id, categorie, prix, description
      FROM produit
     WHERE recherche(nom) LIKE (SELECT (recherche_mots($1::text))[1])
       AND ((SELECT cardinality(recherche_mots($1::text))) = 1
            OR recherche(nom)
               LIKE ALL ((SELECT (recherche_mots($1::text))[2:])::text[]))
       AND ($2::text IS NULL OR categorie = $2::text)
       AND (archive_le IS NOT NULL) = coalesce($3::boolean, false)
       AND (nom, id) > (coalesce($5::text, ''), coalesce($6::bigint, 0))
)
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
          FROM trouve
         ORDER BY nom, id
         LIMIT $4::int
      ) page
    WINDOW rang AS (ORDER BY nom, id ROWS UNBOUNDED PRECEDING)
  ) mesure
 ORDER BY nom, id
