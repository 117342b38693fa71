-- GET /api/v1/stores/{id}/stock/{produit}/thresholds/.
SELECT seuil_corps(m.id, p)
  FROM magasin m
 CROSS JOIN produit p
 WHERE m.id = $1::bigint
   AND p.id = $2::bigint
