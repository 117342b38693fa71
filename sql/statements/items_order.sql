-- GET /api/v1/stores/{id}/items/ as CSV: the order of all rows, which
-- items_rows.sql then looks up.  The parameters are those of items_some.sql.  A
-- row for each 2000 rows of the list: the ids of their products in order, and name
-- or quantity and id of the last one.  A store without rows has one of NULL.
WITH cherche AS MATERIALIZED (
    SELECT id
      FROM produit
     WHERE $1::text IS NOT NULL
       AND recherche(nom) LIKE (SELECT (recherche_mots($1::text))[1])
       AND recherche(nom) LIKE ALL ((SELECT recherche_mots($1::text))::text[])
     UNION
    SELECT produit_id
      FROM produit_code
     WHERE code >= code_forme($1::text)
       AND code < code_forme($1::text) || chr(1114111)
     UNION
    SELECT code_produit($1::text)
     WHERE $1::text IS NOT NULL
), trouve AS MATERIALIZED (
    SELECT p.id, p.nom, p.categorie, s.quantite, s.retenu AS compte
      FROM cherche c
      JOIN produit p ON p.id = c.id
      JOIN stock_local s ON s.produit_id = p.id
     WHERE s.magasin_id = $8::bigint
       AND ($2::text IS NULL OR p.categorie = $2::text)
     UNION ALL
    SELECT p.id, p.nom, p.categorie, s.quantite, s.retenu AS compte
      FROM stock_local s
      JOIN produit p ON p.id = s.produit_id
     WHERE $1::text IS NULL
       AND s.magasin_id = $8::bigint
       AND ($2::text IS NULL OR p.categorie = $2::text)
), trie AS (
    SELECT t.*,
           CASE WHEN compte = 0 THEN 0
                ELSE retenu_vivant($8::bigint, id, compte) END AS retenu,
           CASE $4::text WHEN 'quantite' THEN t.quantite::bigint
                         WHEN '-quantite' THEN -t.quantite::bigint
                         ELSE 0 END AS rang,
           CASE WHEN a.minimum IS NOT NULL OR a.maximum IS NOT NULL
                THEN a.minimum
                WHEN b.minimum IS NOT NULL OR b.maximum IS NOT NULL
                THEN b.minimum
                ELSE c.minimum END AS minimum,
           CASE WHEN a.minimum IS NOT NULL OR a.maximum IS NOT NULL
                THEN a.maximum
                WHEN b.minimum IS NOT NULL OR b.maximum IS NOT NULL
                THEN b.maximum
                ELSE c.maximum END AS maximum
      FROM trouve t
      LEFT JOIN seuil a ON a.magasin_id = $8::bigint AND a.produit_id = t.id
      LEFT JOIN seuil_categorie b
        ON b.magasin_id = $8::bigint AND b.categorie = t.categorie
      LEFT JOIN seuil_categorie c
        ON c.magasin_id = $8::bigint AND c.categorie = ''
), suite AS MATERIALIZED (
    SELECT id, nom, rang, row_number() OVER () AS place
      FROM (
        SELECT id, CASE WHEN $4::text LIKE '%nom' THEN nom END AS nom, rang
          FROM trie t
         WHERE (NOT coalesce($3::boolean, false)
                OR quantite - retenu <= minimum)
           AND CASE WHEN $6::text IS NULL THEN true ELSE CASE $4::text
                 WHEN 'nom' THEN (t.nom, id) > ($6::text, $7::bigint)
                 WHEN '-nom' THEN t.nom < $6::text
                               OR (t.nom = $6::text AND id > $7::bigint)
                 ELSE (rang, id) > ($6::text::bigint, $7::bigint)
               END END
         ORDER BY rang,
                  CASE $4::text WHEN 'nom' THEN t.nom END,
                  CASE $4::text WHEN '-nom' THEN t.nom END DESC,
                  id
         LIMIT $5::int
      ) t
)
SELECT b.ids, coalesce(s.nom, s.rang::text), s.id
  FROM magasin m
  LEFT JOIN (
    SELECT max(place) AS place,
           '{' || string_agg(id::text, ',' ORDER BY place) || '}' AS ids
      FROM suite
     GROUP BY (place - 1) / 2000
  ) b ON true
  LEFT JOIN suite s ON s.place = b.place
 WHERE m.id = $8::bigint
 ORDER BY b.place
