-- Do the sums of the sales agree with the sales?  A line for each difference,
-- none when all is well.  One statement, and so one snapshot: a live database
-- can be checked.

SET jit = off;
SET work_mem = '256MB';

SELECT format('magasin %s, produit %s: %s is %s, and the sales add up to %s',
              magasin_id, produit_id, colonne, coalesce(cumul, 'missing'),
              coalesce(ventes, 'nothing'))
  FROM cumul_ecarts()
 UNION ALL
SELECT format('%s, magasin %s, produit %s: %s, and the sales add up to %s',
              periode, magasin_id, coalesce(produit_id::text, 'all'), somme,
              ventes)
  FROM vente_periode_ecarts()
 ORDER BY 1;
