-- GET /api/v1/stores/{id}/thresholds/.
SELECT seuils_corps(id)
  FROM magasin
 WHERE id = $1::bigint
