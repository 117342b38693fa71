-- GET /api/v1/stores/{id}/stock/{produit}/.  validite: for how many milliseconds
-- what is held holds, if nobody writes.
SELECT magasin_id, produit_id, quantite,
       CASE WHEN retenu = 0 THEN quantite
            ELSE stock_disponible(magasin_id, produit_id, quantite, retenu)
            END AS disponible,
       CASE WHEN retenu <> 0
            THEN retenu_validite(magasin_id, produit_id, retenu)
            END AS validite
  FROM stock_local
 WHERE magasin_id = $1::bigint
   AND produit_id = $2::bigint
