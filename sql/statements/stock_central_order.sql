-- GET /api/v1/stock/central/ in the order of $2 (nom or quantite; a leading "-"
-- reverses the order), without q ($1).  $3: the number of rows; $4: "VALUE:ID"
-- after which the rows start.  VALUE is the value of the column of the order.
WITH apres AS MATERIALIZED (
    SELECT regexp_replace($4::text, ':[0-9]+$', '') AS valeur,
           substring($4::text FROM ':([0-9]+)$')::bigint AS id
), trouve AS (
    SELECT p.id, p.nom, c.quantite
      FROM stock_central c
      JOIN produit p ON p.id = c.produit_id
     WHERE $1::text IS NULL
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
