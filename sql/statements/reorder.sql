-- GET /api/v1/stores/{id}/reorder/.  $1: the number of rows; $2, $3: name and
-- id after which the rows start; $4: the store.  A store that needs nothing has
-- one row without a name.
--
-- Names are read in order, so many that a page of a store that needs most of
-- its products is complete.  If it is not, and there are more names, all needs
-- of the store are looked for.  Either way codes and the central stock are
-- those of the page alone.
WITH noms AS MATERIALIZED (
    SELECT id, nom, categorie, row_number() OVER (ORDER BY nom, id) AS rang
      FROM produit
     WHERE archive_le IS NULL
       AND (nom, id) > (coalesce($2::text, ''), coalesce($3::bigint, 0))
     ORDER BY nom, id
     LIMIT 4 * $1::int
), marche AS MATERIALIZED (
    SELECT p.id AS produit, p.nom, b.disponible, b.en_transit, b.demande,
           b.minimum, b.maximum, b.suggere
      FROM (SELECT * FROM noms ORDER BY rang OFFSET 0) p
     CROSS JOIN LATERAL besoin_produit($4::bigint, p.id, p.categorie) b
     ORDER BY p.rang
     LIMIT $1::int
), etat AS MATERIALIZED (
    SELECT (SELECT count(*) FROM marche) = $1::int
           OR (SELECT count(*) FROM noms) < 4 * $1::int AS complet
), page AS MATERIALIZED (
    SELECT *
      FROM marche
     WHERE (SELECT complet FROM etat)
     UNION ALL
    (SELECT b.*
       FROM (SELECT * FROM besoins_magasin($4::bigint) OFFSET 0) b
      WHERE NOT (SELECT complet FROM etat)
        AND (nom, produit)
            > (coalesce($2::text, ''), coalesce($3::bigint, 0))
      ORDER BY nom, produit
      LIMIT $1::int)
)
SELECT p.nom, p.produit, p.produit, p.nom,
       (SELECT k.code FROM produit_code k
         WHERE k.produit_id = p.produit AND k.interne),
       disponible, en_transit, demande, minimum, maximum, suggere,
       coalesce((SELECT k.quantite FROM stock_central k
                  WHERE k.produit_id = p.produit), 0)
  FROM magasin m
  LEFT JOIN page p ON true
 WHERE m.id = $4::bigint
 ORDER BY p.nom, p.produit
