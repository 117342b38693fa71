-- GET /api/v1/stores/{id}/stock/list/ as CSV: the rows of some ids ($2) of
-- stock_list_order.sql, in their order, as they are now.  $1: the store.
SELECT s.id, s.produit_id, $1::bigint, s.quantite,
       (SELECT nom FROM produit WHERE id = s.produit_id),
       (SELECT nom FROM magasin WHERE id = $1::bigint)
  FROM unnest($2::bigint[]) WITH ORDINALITY u (id, place)
 CROSS JOIN LATERAL (
    SELECT id, produit_id, quantite
      FROM stock_local
     WHERE id = u.id
       AND magasin_id = $1::bigint
    OFFSET 0
  ) s
 ORDER BY u.place
