-- The business numbers for /metrics.  $1: the number of stores with their own
-- row.  These are the stores with the lowest ids, so that they stay the same.
-- The other stores are summed in the first row, which also has the numbers that
-- are not per store: what was sold, the requests that wait, and the partitions
-- of the journal behind the one that is written, of which entretien() keeps two.
--
-- The numbers are counted where they change (010_comptes.sql).  No table with a
-- row for each store and product is read.
WITH stock AS MATERIALIZED (
    SELECT magasin_id, sum(ruptures)::bigint AS ruptures,
           sum(surstock)::bigint AS surstock
      FROM compte_stock
     GROUP BY magasin_id
), m AS MATERIALIZED (
    SELECT m.id, coalesce(s.ruptures, 0) AS ruptures,
           coalesce(s.surstock, 0) AS surstock,
           row_number() OVER (ORDER BY m.id) AS rang, m.nom
      FROM magasin m
      LEFT JOIN stock s ON s.magasin_id = m.id
)
SELECT NULL::bigint AS id, coalesce(sum(m.ruptures), 0)::bigint AS ruptures,
       coalesce(sum(m.surstock), 0)::bigint AS surstock, count(m.id) AS autres,
       v.unites, v.chiffre_affaires, d.en_attente, j.parties, r.retours,
       r.unites AS unites_rendues, r.remboursements, NULL::text AS nom
  FROM (
    SELECT coalesce(sum(unites), 0)::bigint AS unites,
           coalesce(sum(total), 0.00) AS chiffre_affaires
      FROM compte_vente
  ) v
 CROSS JOIN (
    SELECT coalesce(sum(retours), 0)::bigint AS retours,
           coalesce(sum(unites), 0)::bigint AS unites,
           coalesce(sum(total), 0.00) AS remboursements
      FROM compte_retour
  ) r
 CROSS JOIN (
    SELECT count(*) AS en_attente
      FROM demande_reapprovisionnement
     WHERE statut = 'en_attente'
  ) d
 CROSS JOIN (
    SELECT count(*) AS parties
      FROM journal_partie
     WHERE debut > journal_place((SELECT max(vie) FROM journal_vie),
                                 pg_snapshot_xmax(pg_current_snapshot()))
  ) j
  LEFT JOIN m ON m.rang > $1::bigint
 GROUP BY v.unites, v.chiffre_affaires, d.en_attente, j.parties, r.retours,
          r.unites, r.remboursements
 UNION ALL
SELECT id, ruptures, surstock, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       nom
  FROM m
 WHERE rang <= $1::bigint
