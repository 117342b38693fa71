-- GET /api/v1/stores/{id}/stock/list/.  $1: the store; $2: a part of the name,
-- $3: the quantity, both NULL for any; $4, $5: terms of the order; $6: the page
-- of ten rows, 0 for the last; $7: words of the name, in any order, without
-- regard to case and accents.  No row: the page does not exist.
WITH stock AS MATERIALIZED (
    SELECT s.id, s.produit_id, s.magasin_id, s.quantite, p.nom
      FROM stock_local s
      JOIN produit p ON p.id = s.produit_id
     WHERE s.magasin_id = $1::bigint
       AND ($2::text IS NULL
            OR strpos(upper(p.nom),
                      (SELECT upper(texte_compare($2::text)))) > 0
            OR s.produit_id IN (
               SELECT id
                 FROM produit
                WHERE nom <> texte_compare(nom)
                  AND strpos(upper(texte_compare(nom)),
                             (SELECT upper(texte_compare($2::text)))) > 0))
       AND ($3::int IS NULL OR s.quantite = $3::int)
       AND ($7::text IS NULL OR s.produit_id IN (
               SELECT id
                 FROM produit
                WHERE recherche(nom) LIKE
                      (SELECT (recherche_mots($7::text))[1])
                  AND recherche(nom) LIKE ALL
                      ((SELECT recherche_mots($7::text))::text[])))
), compte AS (
    SELECT count(*) AS total FROM stock
)
SELECT compte.total, page.id, page.produit_id, page.magasin_id,
       page.quantite, page.nom, m.nom
  FROM compte
 CROSS JOIN LATERAL (
    SELECT trie.*, row_number() OVER () AS rang
      FROM (
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
  ) page
  JOIN magasin m ON m.id = page.magasin_id
 ORDER BY page.rang
