-- GET /api/v1/stores/{id}/stock/list/ in the order of the names ($4), without
-- filters ($2, $3 and $7 are NULL).  The parameters and the columns are those
-- of stock_list.sql.
--
-- The number of rows of the store, which is kept, selects the way.  "avance"
-- and "recul" read the names in the order of their index, from the end of the
-- list that is nearer to the page, until the page is complete; so many names
-- are read as rows precede the page, times the names per row.  "tri" sorts the
-- rows of a store that has few of the names.  A read that takes neither is
-- "long".
WITH nombre AS MATERIALIZED (
    SELECT coalesce(sum(lignes), 0)::bigint AS total
      FROM compte_stock
     WHERE magasin_id = $1::bigint
       AND lignes <> 0
), page AS MATERIALIZED (
    SELECT total, rang, greatest(total - rang - 10, 0) AS reste,
           greatest((SELECT reltuples::bigint
                       FROM pg_class
                      WHERE oid = 'produit'::regclass), total) AS noms
      FROM nombre
     CROSS JOIN LATERAL (
        SELECT CASE WHEN $6::bigint = 0
                    THEN greatest(total - 1, 0) / 10 * 10
                    ELSE ($6::bigint - 1) * 10 END
      ) r (rang)
     WHERE rang < total
), voie AS MATERIALIZED (
    SELECT total, rang, least(rang, reste) AS avant,
           least(total - rang, 10) AS lignes,
           CASE WHEN reste < rang THEN -1 ELSE 1 END AS sens,
           CASE WHEN (least(rang, reste) + 40) * noms
                     <= total * CASE WHEN $8::boolean THEN total * 2
                                     ELSE least(total * 2, 500) END
                THEN CASE WHEN (reste < rang) = ($4::text = 'produit__nom')
                          THEN 'recul' ELSE 'avance' END
                WHEN total <= 600 OR $8::boolean THEN 'tri'
                ELSE 'long' END AS nom
      FROM page
     WHERE $2::text IS NULL
       AND $3::int IS NULL
       AND $7::text IS NULL
)
SELECT voie.total, ligne.id, ligne.produit_id, $1::bigint AS magasin_id,
       ligne.quantite, ligne.nom, (SELECT nom
                                     FROM magasin
                                    WHERE id = $1::bigint)
  FROM (
    SELECT trie.*, row_number() OVER () AS rang
      FROM voie
     CROSS JOIN LATERAL (
        SELECT s.id, s.produit_id, s.quantite, p.nom
          FROM produit p
         CROSS JOIN LATERAL (
            SELECT id, produit_id, quantite
              FROM stock_local
             WHERE magasin_id = $1::bigint
               AND produit_id = p.id
            OFFSET 0
          ) s
         ORDER BY p.nom,
                  voie.sens * CASE $5::text WHEN 'quantite' THEN quantite
                                            WHEN '-quantite' THEN -quantite
                                            ELSE 0 END,
                  voie.sens * s.id
         LIMIT voie.lignes
        OFFSET voie.avant
      ) trie
     WHERE voie.nom = 'avance'
     UNION ALL
    SELECT trie.*, row_number() OVER () AS rang
      FROM voie
     CROSS JOIN LATERAL (
        SELECT s.id, s.produit_id, s.quantite, p.nom
          FROM produit p
         CROSS JOIN LATERAL (
            SELECT id, produit_id, quantite
              FROM stock_local
             WHERE magasin_id = $1::bigint
               AND produit_id = p.id
            OFFSET 0
          ) s
         ORDER BY p.nom DESC,
                  voie.sens * CASE $5::text WHEN 'quantite' THEN quantite
                                            WHEN '-quantite' THEN -quantite
                                            ELSE 0 END,
                  voie.sens * s.id
         LIMIT voie.lignes
        OFFSET voie.avant
      ) trie
     WHERE voie.nom = 'recul'
     UNION ALL
    SELECT trie.*, row_number() OVER () AS rang
      FROM voie
     CROSS JOIN LATERAL (
        SELECT s.id, s.produit_id, s.quantite, p.nom
          FROM stock_local s
         CROSS JOIN LATERAL (
            SELECT nom
              FROM produit
             WHERE id = s.produit_id
            OFFSET 0
          ) p
         WHERE s.magasin_id = $1::bigint
         ORDER BY CASE $4::text WHEN 'produit__nom' THEN nom END,
                  CASE $4::text WHEN '-produit__nom' THEN nom END DESC,
                  CASE $5::text WHEN 'quantite' THEN quantite
                                WHEN '-quantite' THEN -quantite END,
                  id
         LIMIT voie.lignes
        OFFSET voie.rang
      ) trie
     WHERE voie.nom = 'tri'
     UNION ALL
    SELECT NULL, NULL, NULL, NULL, 0
      FROM voie
     WHERE voie.nom = 'long'
  ) ligne
 CROSS JOIN voie
 ORDER BY CASE WHEN voie.nom = 'tri' THEN 1 ELSE voie.sens END * ligne.rang
