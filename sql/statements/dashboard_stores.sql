-- Some stores of GET /api/v1/dashboard/.  $1: their ids; $2: true to return the
-- trends as JSON too; $3: the products whose name is that of another product,
-- or NULL to look for them.
--
-- The trends cover the last 168 hours, to the microsecond: the sums of
-- cumul_vente, which start at fenetre.bord, corrected by the sales between bord
-- and the exact start.  bord may be before or after the exact start, because
-- now() is slightly older than the snapshot of this statement.  The column
-- after the trends is the number of milliseconds for which the row stays valid
-- if nothing is sold: until the oldest sale of these hours leaves the window.
-- Then come the trends as JSON, or null, and $3 as it was found.
--
-- What came back is taken off, when it did: a sale or a return that leaves the
-- window changes the trends.
--
-- The correction is added, not joined: how many sales there are between the two
-- instants is not known when the plan is made.
--
-- How many products are out of stock comes from the counts of the stores
-- (compte_stock): no row of stock_local is read.
--
-- Names are compared only where three quantities do not decide, so that the
-- duration does not depend on the number of products sold.  Products with equal
-- names, which should not exist, are summed first.
WITH m AS MATERIALIZED (
    SELECT id, nom
      FROM magasin
     WHERE id = ANY ($1::bigint[])
     ORDER BY id
), limite AS MATERIALIZED (
    SELECT bord, now() - interval '168 hours' AS debut
      FROM fenetre
), ecart AS MATERIALIZED (
    SELECT m.id AS magasin_id, l.produit_id,
           sum(CASE WHEN v.date_vente < limite.debut THEN -l.quantite
                    ELSE l.quantite END) AS quantite
      FROM limite
     CROSS JOIN m
     CROSS JOIN LATERAL (
        SELECT id, date_vente
          FROM vente
         WHERE magasin_id = m.id
           AND date_vente >= least(limite.bord, limite.debut)
           AND date_vente < greatest(limite.bord, limite.debut)
        OFFSET 0
      ) v
     CROSS JOIN LATERAL (
        SELECT produit_id, quantite
          FROM ligne_vente
         WHERE vente_id = v.id
        OFFSET 0
      ) l
     GROUP BY m.id, l.produit_id
     UNION ALL
    SELECT m.id, l.produit_id,
           sum(CASE WHEN r.date_retour < limite.debut THEN l.quantite
                    ELSE -l.quantite END)
      FROM limite
     CROSS JOIN m
     CROSS JOIN LATERAL (
        SELECT id, date_retour
          FROM retour
         WHERE magasin_id = m.id
           AND date_retour >= least(limite.bord, limite.debut)
           AND date_retour < greatest(limite.bord, limite.debut)
        OFFSET 0
      ) r
     CROSS JOIN LATERAL (
        SELECT produit_id, quantite
          FROM retour_ligne
         WHERE retour_id = r.id
        OFFSET 0
      ) l
     GROUP BY m.id, l.produit_id
), homonyme AS MATERIALIZED (
    SELECT id, nom
      FROM produit
     WHERE id = ANY (coalesce($3::bigint[],
                              ARRAY(SELECT p.id
                                      FROM produit p
                                      JOIN (SELECT nom
                                              FROM produit
                                             GROUP BY nom
                                            HAVING count(*) > 1) n
                                        ON n.nom = p.nom)))
), compte AS MATERIALIZED (
    SELECT magasin_id, sum(ruptures)::bigint AS ruptures,
           sum(surstock)::bigint AS surstock
      FROM compte_stock
     WHERE magasin_id IN (SELECT id FROM m)
     GROUP BY magasin_id
)
SELECT m.id, m.nom, sommes.total, coalesce(compte.ruptures, 0),
       coalesce(compte.surstock, 0), ventes.texte,
       floor(extract(epoch FROM least(
                 (SELECT min(v.date_vente)
                    FROM vente v
                   WHERE v.magasin_id = m.id
                     AND v.date_vente >= limite.debut),
                 (SELECT min(r.date_retour)
                    FROM retour r
                   WHERE r.magasin_id = m.id
                     AND r.date_retour >= limite.debut)) - limite.debut)
             * 1000)::bigint,
       ventes.liste,
       ARRAY(SELECT id FROM homonyme)::text AS homonymes
  FROM m
 CROSS JOIN limite
  LEFT JOIN compte ON compte.magasin_id = m.id
 CROSS JOIN LATERAL (
    SELECT coalesce(sum(total), 0.00) AS total,
           array_agg(produit_id) FILTER (WHERE recente <> 0) AS produits,
           array_agg(recente) FILTER (WHERE recente <> 0) AS quantites
      FROM cumul_vente
     WHERE magasin_id = m.id
  ) sommes
 CROSS JOIN LATERAL (
    WITH recent AS MATERIALIZED (
        SELECT q.produit_id, sum(q.quantite)::bigint AS quantite
          FROM (
            SELECT u.produit_id, u.quantite
              FROM unnest(sommes.produits, sommes.quantites)
                   u (produit_id, quantite)
             UNION ALL
            SELECT produit_id, quantite
              FROM ecart
             WHERE magasin_id = m.id
          ) q
         GROUP BY q.produit_id
    )
    SELECT coalesce(string_agg(t.nom || ' (' || t.quantite || ')', ', '
                               ORDER BY t.quantite DESC, t.nom), '') AS texte,
           CASE WHEN $2::boolean
                THEN '[' || coalesce(
                         string_agg(row_to_json(t)::text, ','
                                    ORDER BY t.quantite DESC, t.nom), '')
                         || ']'
           END AS liste
      FROM (
        SELECT x.produit_id AS produit, coalesce(x.nom, p.nom) AS nom,
               x.quantite
          FROM (
            SELECT r.produit_id, NULL AS nom, r.quantite
              FROM recent r
             WHERE r.produit_id NOT IN (SELECT id FROM homonyme)
             UNION ALL
            SELECT NULL, h.nom, sum(r.quantite)::bigint
              FROM homonyme h
              JOIN recent r ON r.produit_id = h.id
             GROUP BY h.nom
             ORDER BY 3 DESC
             FETCH FIRST 3 ROWS WITH TIES
          ) x
          LEFT JOIN produit p ON p.id = x.produit_id
         WHERE x.quantite > 0
         ORDER BY x.quantite DESC, 2
         LIMIT 3
      ) t
  ) ventes
 ORDER BY m.id
