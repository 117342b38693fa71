-- GET /api/v1/stores/{id}/items/ with $1: words of the name, or the beginning of
-- a code or barcode; $2: the category; $3: true for those of which no more is
-- available than the minimum; $4: the order.  The other parameters are those of
-- items.sql, but that $6 is the name or the quantity (below 0 in the order
-- -quantite), and that $9 are the ids of the products.
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
       AND ($9::bigint[] IS NULL OR p.id = ANY ($9::bigint[]))
     UNION ALL
    SELECT p.id, p.nom, p.categorie, s.quantite, s.retenu AS compte
      FROM stock_local s
      JOIN produit p ON p.id = s.produit_id
     WHERE $1::text IS NULL
       AND $9::bigint[] IS NULL
       AND s.magasin_id = $8::bigint
       AND ($2::text IS NULL OR p.categorie = $2::text)
     UNION ALL
    SELECT p.id, p.nom, p.categorie, s.quantite, s.retenu AS compte
      FROM stock_local s
      JOIN produit p ON p.id = s.produit_id
     WHERE $1::text IS NULL
       AND s.produit_id = ANY ($9::bigint[])
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
), page AS MATERIALIZED (
    SELECT *
      FROM trie
     WHERE (NOT coalesce($3::boolean, false) OR quantite - retenu <= minimum)
       AND CASE WHEN $6::text IS NULL THEN true ELSE CASE $4::text
             WHEN 'nom' THEN (nom, id) > ($6::text, $7::bigint)
             WHEN '-nom' THEN nom < $6::text
                           OR (nom = $6::text AND id > $7::bigint)
             ELSE (rang, id) > ($6::text::bigint, $7::bigint)
           END END
     ORDER BY rang,
              CASE $4::text WHEN 'nom' THEN nom END,
              CASE $4::text WHEN '-nom' THEN nom END DESC,
              id
     LIMIT $5::int
)
SELECT CASE WHEN $4::text LIKE '%nom' THEN p.nom ELSE p.rang::text END,
       p.id, p.id, p.nom,
       (SELECT code FROM produit_code WHERE produit_id = p.id AND interne),
       p.quantite, greatest(p.quantite - p.retenu, 0), p.retenu,
       stock_en_transit($8::bigint, p.id),
       (SELECT coalesce(sum(d.quantite), 0)
          FROM demande_reapprovisionnement d
         WHERE d.magasin_id = $8::bigint
           AND d.produit_id = p.id
           AND d.statut = 'en_attente'),
       p.minimum, p.maximum,
       CASE WHEN p.compte <> 0
            THEN retenu_validite($8::bigint, p.id, p.compte)
            END AS validite
  FROM magasin m
  LEFT JOIN page p ON true
 WHERE m.id = $8::bigint
 ORDER BY p.rang,
          CASE $4::text WHEN 'nom' THEN p.nom END,
          CASE $4::text WHEN '-nom' THEN p.nom END DESC,
          p.id
