-- Do the counts of the stock, of sales, of returns and of what is held agree
-- with what they count?  A line for each difference, none when all is well.  One
-- statement, and so one snapshot: a live database can be checked.

SET jit = off;
SET work_mem = '256MB';

SELECT format('%s: %s is %s, and there are %s', quoi, colonne, compte, present)
  FROM (
    SELECT magasin_id, coalesce('magasin ' || magasin_id, 'sales') AS quoi,
           colonne, compte::text, present::text
      FROM compte_ecarts()
     UNION ALL
    SELECT NULL, 'returns', colonne, compte::text, present::text
      FROM compte_retour_ecarts()
     UNION ALL
    SELECT magasin_id, 'magasin ' || magasin_id, colonne, compte, present
      FROM retenu_ecarts()
  ) e
 ORDER BY magasin_id NULLS FIRST, quoi, colonne;
