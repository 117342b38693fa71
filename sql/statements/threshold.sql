-- GET /api/v1/stores/{id}/stock/{produit}/thresholds/.  Without one of both the
-- first column is NULL, and the second one says whether it is the product.
SELECT CASE WHEN m.id IS NOT NULL AND p.id IS NOT NULL
            THEN seuil_corps(m.id, p) END,
       p.id IS NULL
  FROM (VALUES (true)) un
  LEFT JOIN magasin m ON m.id = $1::bigint
  LEFT JOIN produit p ON p.id = $2::bigint
