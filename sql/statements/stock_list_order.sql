-- GET /api/v1/stores/{id}/stock/list/ as CSV: the order of all rows, which
-- stock_list_rows.sql then looks up.  $1 to $5 are those of stock_list.sql; $6: the
-- number of rows; $7: words of the name; $8, $9, $10: quantity (below 0 in a
-- falling order), name and id after which the rows start.  A row for each 2000
-- rows of the list: their ids in order, and these three of the last one.
WITH sens AS MATERIALIZED (
    SELECT $4::text LIKE '%quantite' AS quantite_avant,
           CASE WHEN 'produit__nom' IN ($4::text, $5::text) THEN 1
                WHEN '-produit__nom' IN ($4::text, $5::text) THEN -1
                ELSE 0 END AS nom,
           CASE WHEN 'quantite' IN ($4::text, $5::text) THEN 1
                WHEN '-quantite' IN ($4::text, $5::text) THEN -1
                ELSE 0 END AS quantite
), mots AS MATERIALIZED (
    SELECT recherche_mots($7::text) AS tous,
           upper(texte_compare($2::text)) AS partie
), trouve AS (
    SELECT s.id, s.produit_id, s.quantite, p.nom,
           s.quantite::bigint * (SELECT quantite FROM sens) AS rang
      FROM stock_local s
      JOIN produit p ON p.id = s.produit_id
     WHERE s.magasin_id = $1::bigint
       AND ($3::int IS NULL OR s.quantite = $3::int)
       AND ($2::text IS NULL
            OR strpos(upper(p.nom), (SELECT partie FROM mots)) > 0
            OR (p.nom <> texte_compare(p.nom)
                AND strpos(upper(texte_compare(p.nom)),
                           (SELECT partie FROM mots)) > 0))
       AND ($7::text IS NULL
            OR recherche(p.nom) LIKE ALL ((SELECT tous FROM mots)::text[]))
), suite AS MATERIALIZED (
    SELECT t.id, t.nom, t.rang, row_number() OVER () AS place
      FROM (
        SELECT t.id, t.nom, t.rang
          FROM trouve t
         CROSS JOIN sens
         WHERE $10::bigint IS NULL
            OR CASE WHEN quantite_avant AND rang <> $8::bigint
                    THEN rang > $8::bigint
                    WHEN sens.nom = 1 AND t.nom <> $9::text
                    THEN t.nom > $9::text
                    WHEN sens.nom = -1 AND t.nom <> $9::text
                    THEN t.nom < $9::text
                    ELSE (rang, t.id) > ($8::bigint, $10::bigint) END
         ORDER BY CASE WHEN quantite_avant THEN rang END,
                  CASE sens.nom WHEN 1 THEN t.nom END,
                  CASE sens.nom WHEN -1 THEN t.nom END DESC,
                  rang, t.id
         LIMIT $6::int
      ) t
)
SELECT b.ids, s.rang, s.nom, s.id
  FROM (
    SELECT max(place) AS place,
           '{' || string_agg(id::text, ',' ORDER BY place) || '}' AS ids
      FROM suite
     GROUP BY (place - 1) / 2000
  ) b
  JOIN suite s ON s.place = b.place
 ORDER BY b.place
