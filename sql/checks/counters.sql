-- Do the counts of the stock and of the sales agree with what they count?  A
-- line for each difference, none when all is well.  One statement, and so one
-- snapshot: a live database can be checked.

SET jit = off;
SET work_mem = '256MB';

SELECT format('%s: %s is %s, and there are %s',
              coalesce('magasin ' || magasin_id, 'sales'), colonne, compte,
              present)
  FROM compte_ecarts()
 ORDER BY magasin_id NULLS FIRST, colonne;
