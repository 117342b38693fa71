-- Make the counts of the stock, of sales, of returns and of what is held anew.
-- Changes of what is counted wait meanwhile, all else goes on.  A lock that is
-- waited for keeps them out as one that is held does: if somebody has changes
-- open for long, it is given up.

SET lock_timeout = '2s';
SET jit = off;

SELECT compte_stock_reconstruire() \g /dev/null
SELECT compte_vente_reconstruire() \g /dev/null
SELECT compte_retour_reconstruire() \g /dev/null
SELECT retenu_reconstruire() \g /dev/null
VACUUM (ANALYZE) compte_stock, compte_vente, compte_retour;
