-- Do the sums of the sales agree with the sales?  A line for each difference,
-- none when all is well.  One statement, and so one snapshot: a live database
-- can be checked.

SET jit = off;
SET work_mem = '256MB';

SELECT format('magasin %s, produit %s: %s is %s, and the sales add up to %s',
              magasin_id, produit_id, colonne, coalesce(cumul, 'missing'),
              coalesce(ventes, 'nothing'))
  FROM cumul_ecarts()
 ORDER BY magasin_id, produit_id, colonne;
