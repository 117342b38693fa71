-- Make the sums of the sales anew.  Sales wait meanwhile, reports do not.

SET jit = off;
SET work_mem = '256MB';

SELECT cumul_reconstruire() \g /dev/null
VACUUM (ANALYZE) cumul_vente;
