-- Make the sums of the sales anew.  Sales are refused meanwhile, all else goes
-- on.  A lock that is waited for keeps the sales out as one that is held does:
-- if somebody has sales open for long, it is given up.

SET lock_timeout = '2s';
SET jit = off;
SET work_mem = '256MB';

SELECT cumul_reconstruire() \g /dev/null
VACUUM (ANALYZE) cumul_vente;

-- The nodes add the sales to the hours and days, and until then a report adds
-- them itself.
SELECT vente_periode_reconstruire() \g /dev/null
