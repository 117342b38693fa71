-- GET /api/v1/stock/central/ with $1: words of the name.  The other parameters
-- are those of stock_central_order.sql.
WITH apres AS MATERIALIZED (
    SELECT regexp_replace($4::text, ':[0-9]+$', '') AS valeur,
           substring($4::text FROM ':([0-9]+)$')::bigint AS id
), trouve AS MATERIALIZED (
    SELECT p.id, p.nom, c.quantite
      FROM produit p
      JOIN stock_central c ON c.produit_id = p.id
     WHERE recherche(p.nom) LIKE (SELECT (recherche_mots($1::text))[1])
       AND recherche(p.nom) LIKE ALL
           ((SELECT recherche_mots($1::text))::text[])
), trie AS (
    SELECT id, nom, quantite,
           CASE $2::text WHEN 'quantite' THEN quantite::bigint
                         WHEN '-quantite' THEN -quantite::bigint
                         ELSE 0 END AS rang
      FROM trouve
)
SELECT CASE WHEN $2::text IN ('nom', '-nom') THEN nom
            ELSE rang::text END || ':' || id,
       id, nom, quantite
  FROM trie
 WHERE $4::text IS NULL
    OR CASE $2::text
         WHEN 'nom' THEN (nom, id) > ((SELECT valeur FROM apres),
                                      (SELECT id FROM apres))
         WHEN '-nom' THEN nom < (SELECT valeur FROM apres)
                       OR (nom = (SELECT valeur FROM apres)
                           AND id > (SELECT id FROM apres))
         ELSE (rang, id) > ((SELECT valeur FROM apres)::bigint,
                            (SELECT id FROM apres))
       END
 ORDER BY rang,
          CASE $2::text WHEN 'nom' THEN nom END,
          CASE $2::text WHEN '-nom' THEN nom END DESC,
          id
 LIMIT $3::int
