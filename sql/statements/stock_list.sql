-- GET /api/v1/stores/{id}/stock/list/.  $1: the store; $2: a part of the name,
-- $3: the quantity, both NULL for any; $4, $5: terms of the order; $6: the page
-- of ten rows, 0 for the last; $7: words of the name, in any order, without
-- regard to case and accents; $8: whether the statement may take long.  No row:
-- the page does not exist.  One row without an id: it would take long.
--
-- The number of rows of the store, which is kept, selects the way.
-- "quantites", for orders by quantity without a part of the name, counts the
-- rows of each quantity, and looks only at those whose quantity is on the page.
-- "noms" finds the name of each row.  "partie" and "mots" find the products
-- first, "mots" by the trigrams of the longest word.  "forme" has the products
-- that are found only when their name is in its composed form.
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
                THEN 'quantites'
                WHEN total <= CASE WHEN $7::text IS NOT NULL THEN 5000
                                   ELSE 20000 END
                  OR ($2::text IS NULL AND $7::text IS NULL)
                THEN 'noms'
                WHEN $7::text IS NOT NULL THEN 'mots'
                ELSE 'partie' END AS nom
      FROM nombre
     WHERE total > 0
), forme AS MATERIALIZED (
    SELECT id
      FROM produit
     WHERE $2::text IS NOT NULL
       AND nom <> texte_compare(nom)
       AND strpos(upper(texte_compare(nom)),
                  (SELECT upper(texte_compare($2::text)))) > 0
), possible AS MATERIALIZED (
    SELECT id, produit_id, quantite
      FROM stock_local
     WHERE (SELECT nom FROM voie) IN ('quantites', 'noms')
       AND magasin_id = $1::bigint
       AND ($3::int IS NULL OR quantite = $3::int)
), groupe AS MATERIALIZED (
    SELECT quantite, lignes,
           sum(lignes) OVER (ORDER BY CASE $4::text WHEN 'quantite'
                                                    THEN quantite
                                                    ELSE -quantite END)
           - lignes AS avant, sum(lignes) OVER () AS total
      FROM (
        SELECT quantite, count(*) AS lignes
          FROM possible
         WHERE (SELECT nom FROM voie) = 'quantites'
         GROUP BY quantite
      ) g
), utile AS MATERIALIZED (
    SELECT quantite, avant, total, rang
      FROM (
        SELECT groupe.*,
               CASE WHEN $6::bigint = 0
                    THEN greatest(total::bigint - 1, 0) / 10 * 10
                    ELSE ($6::bigint - 1) * 10 END AS rang
          FROM groupe
      ) g
     WHERE avant < rang + 10
       AND avant + lignes > rang
), stock AS MATERIALIZED (
    SELECT s.id, s.produit_id, s.quantite, p.nom
      FROM utile
      JOIN possible s ON s.quantite = utile.quantite
     CROSS JOIN LATERAL (
        SELECT (SELECT nom FROM produit WHERE id = s.produit_id) AS nom
         WHERE $5::text LIKE '%nom'
         UNION ALL
        SELECT NULL
         WHERE coalesce($5::text NOT LIKE '%nom', true)
      ) p
     UNION ALL
    SELECT s.id, s.produit_id, s.quantite, p.nom
      FROM possible s
     CROSS JOIN LATERAL (
        SELECT nom
          FROM produit
         WHERE id = s.produit_id
        OFFSET 0
      ) p
     WHERE (SELECT nom FROM voie) = 'noms'
       AND ($2::text IS NULL
            OR strpos(upper(p.nom),
                      (SELECT upper(texte_compare($2::text)))) > 0
            OR s.produit_id IN (SELECT id FROM forme))
       AND ($7::text IS NULL
            OR recherche(p.nom) LIKE ALL
               ((SELECT recherche_mots($7::text))::text[]))
     UNION ALL
    SELECT s.id, s.produit_id, s.quantite, p.nom
      FROM (
        SELECT id, nom
          FROM produit
         WHERE (SELECT nom FROM voie) = 'partie'
           AND (strpos(upper(nom),
                       (SELECT upper(texte_compare($2::text)))) > 0
                OR id IN (SELECT id FROM forme))
        OFFSET 0
      ) p
      JOIN stock_local s ON s.produit_id = p.id
     WHERE s.magasin_id = $1::bigint
       AND ($3::int IS NULL OR s.quantite = $3::int)
     UNION ALL
    SELECT s.id, s.produit_id, s.quantite, p.nom
      FROM (
        SELECT id, nom
          FROM produit
         WHERE (SELECT nom FROM voie) = 'mots'
           AND recherche(nom) LIKE (SELECT (recherche_mots($7::text))[1])
           AND ((SELECT cardinality(recherche_mots($7::text))) = 1
                OR recherche(nom) LIKE ALL
                   ((SELECT recherche_mots($7::text))::text[]))
           AND ($2::text IS NULL
                OR strpos(upper(nom),
                          (SELECT upper(texte_compare($2::text)))) > 0
                OR id IN (SELECT id FROM forme))
        OFFSET 0
      ) p
      JOIN stock_local s ON s.produit_id = p.id
     WHERE s.magasin_id = $1::bigint
       AND ($3::int IS NULL OR s.quantite = $3::int)
), compte AS MATERIALIZED (
    SELECT total, CASE WHEN $6::bigint = 0
                       THEN greatest(total - 1, 0) / 10 * 10
                       ELSE ($6::bigint - 1) * 10 END AS rang
      FROM (SELECT count(*) AS total FROM stock) c
     WHERE (SELECT nom FROM voie) <> 'quantites'
     UNION ALL
    SELECT max(total)::bigint, max(rang) - min(avant)::bigint
      FROM utile
    HAVING count(*) > 0
)
SELECT page.total, page.id, page.produit_id, $1::bigint AS magasin_id,
       page.quantite, (SELECT nom FROM produit WHERE id = page.produit_id),
       (SELECT nom FROM magasin WHERE id = $1::bigint)
  FROM (
    SELECT compte.total, trie.id, trie.produit_id, trie.quantite,
           row_number() OVER () AS place
      FROM compte
     CROSS JOIN LATERAL (
        SELECT *
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
        OFFSET compte.rang
      ) trie
     UNION ALL
    SELECT lignes, NULL, NULL, NULL, 0
      FROM voie
     WHERE voie.nom = 'long'
  ) page
 ORDER BY page.place
