-- GET /api/v1/products/ with $1: what the name contains, word by word in any
-- order.  The other parameters are those of products.sql.  The names are found
-- first, by the trigrams of the longest word: PostgreSQL would else walk
-- through all of them in order.
WITH trouve AS MATERIALIZED (
    SELECT nom, id, categorie, prix, description
      FROM produit
     WHERE recherche(nom) LIKE (SELECT (recherche_mots($1::text))[1])
       AND recherche(nom) LIKE ALL ((SELECT recherche_mots($1::text))::text[])
       AND ($2::text IS NULL OR categorie = $2::text)
       AND (archive_le IS NOT NULL) = coalesce($3::boolean, false)
       AND (nom, id) > (coalesce($5::text, ''), coalesce($6::bigint, 0))
)
SELECT nom, id, id, nom, categorie, prix, description
  FROM trouve
 ORDER BY nom, id
 LIMIT $4::int
