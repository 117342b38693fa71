-- GET /api/v1/stores/{id}/stock/list/.  $1: the store; $2: a part of the name,
-- $3: the quantity, both NULL for any; $4, $5: terms of the order; $6: the page
-- of ten rows, 0 for the last; $7: words of the name, in any order, without
-- regard to case and accents; $8: whether the statement may take long.  No row:
-- the page does not exist.  One row without an id: it would take long.
--
-- The number of rows of the store, which is kept, selects the way.
-- "quantites" needs the names of the page only.  "noms" finds the name of each
-- row, "tout" those of all products.
WITH nombre AS MATERIALIZED (
    SELECT coalesce(sum(lignes), 0)::bigint AS total
      FROM compte_stock
     WHERE magasin_id = $1::bigint
       AND lignes <> 0
), voie AS MATERIALIZED (
    SELECT total AS lignes,
           CASE WHEN NOT $8::boolean
                 AND total > CASE WHEN $7::text IS NOT NULL THEN 100
                                  WHEN $2::text IS NOT NULL THEN 500
                                  ELSE 1000 END
                THEN 'long'
                WHEN $2::text IS NULL AND $7::text IS NULL
                 AND $4::text LIKE '%quantite'
                 AND coalesce($5::text NOT LIKE '%nom', true)
                THEN 'quantites'
                WHEN total <= 1000
                  OR ($2::text IS NULL AND $7::text IS NULL
                      AND $3::int IS NOT NULL)
                THEN 'noms'
                ELSE 'tout' END AS nom
      FROM nombre
     WHERE total > 0
), stock AS MATERIALIZED (
    SELECT s.id, s.produit_id, s.quantite, NULL AS nom
      FROM voie
     CROSS JOIN LATERAL (
        SELECT id, produit_id, quantite
          FROM stock_local
         WHERE magasin_id = $1::bigint
           AND ($3::int IS NULL OR quantite = $3::int)
        OFFSET 0
      ) s
     WHERE voie.nom = 'quantites'
     UNION ALL
    SELECT s.id, s.produit_id, s.quantite, p.nom
      FROM voie
     CROSS JOIN LATERAL (
        SELECT id, produit_id, quantite
          FROM stock_local
         WHERE magasin_id = $1::bigint
           AND ($3::int IS NULL OR quantite = $3::int)
        OFFSET 0
      ) s
     CROSS JOIN LATERAL (
        SELECT nom
          FROM produit
         WHERE id = s.produit_id
        OFFSET 0
      ) p
     WHERE voie.nom = 'noms'
       AND ($2::text IS NULL
            OR strpos(upper(p.nom), upper(texte_compare($2::text))) > 0
            OR s.produit_id IN (
               SELECT id
                 FROM produit
                WHERE nom <> texte_compare(nom)
                  AND strpos(upper(texte_compare(nom)),
                             upper(texte_compare($2::text))) > 0))
       AND ($7::text IS NULL
            OR recherche(p.nom) LIKE ALL
               ((SELECT recherche_mots($7::text))::text[]))
     UNION ALL
    SELECT s.id, s.produit_id, s.quantite, p.nom
      FROM voie
     CROSS JOIN LATERAL (
        SELECT id, nom
          FROM produit
         WHERE ($2::text IS NULL
                OR strpos(upper(nom), upper(texte_compare($2::text))) > 0
                OR id IN (
                   SELECT id
                     FROM produit
                    WHERE nom <> texte_compare(nom)
                      AND strpos(upper(texte_compare(nom)),
                                 upper(texte_compare($2::text))) > 0))
           AND ($7::text IS NULL OR id IN (
                   SELECT id
                     FROM produit
                    WHERE recherche(nom) LIKE
                          (SELECT (recherche_mots($7::text))[1])
                      AND recherche(nom) LIKE ALL
                          ((SELECT recherche_mots($7::text))::text[])))
        OFFSET 0
      ) p
      JOIN stock_local s ON s.produit_id = p.id
     WHERE voie.nom = 'tout'
       AND s.magasin_id = $1::bigint
       AND ($3::int IS NULL OR s.quantite = $3::int)
), compte AS MATERIALIZED (
    SELECT count(*) AS total FROM stock
), page AS MATERIALIZED (
    SELECT trie.*, row_number() OVER () AS rang
      FROM compte
     CROSS JOIN LATERAL (
        SELECT stock.*
          FROM stock
         ORDER BY CASE $4::text WHEN 'quantite' THEN quantite
                                WHEN '-quantite' THEN -quantite END,
                  CASE $4::text WHEN 'produit__nom' THEN nom END,
                  CASE $4::text WHEN '-produit__nom' THEN nom END DESC,
                  CASE $5::text WHEN 'quantite' THEN quantite
                                WHEN '-quantite' THEN -quantite END,
                  CASE $5::text WHEN 'produit__nom' THEN nom END,
                  CASE $5::text WHEN '-produit__nom' THEN nom END DESC,
                  id
         LIMIT 10
        OFFSET CASE WHEN $6::bigint = 0
                    THEN greatest(compte.total - 1, 0) / 10 * 10
                    ELSE ($6::bigint - 1) * 10 END
      ) trie
)
SELECT compte.total, page.id, page.produit_id, $1::bigint AS magasin_id,
       page.quantite, coalesce(page.nom, p.nom), m.nom
  FROM compte
 CROSS JOIN page
 CROSS JOIN LATERAL (
    SELECT nom
      FROM produit
     WHERE id = page.produit_id
    OFFSET 0
  ) p
  JOIN magasin m ON m.id = $1::bigint
 UNION ALL
SELECT lignes, NULL, NULL, NULL, NULL, NULL, NULL
  FROM voie
 WHERE voie.nom = 'long'
