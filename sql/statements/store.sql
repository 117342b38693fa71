-- GET /api/v1/stores/{id}/.
SELECT id, nom, adresse, ouvert
  FROM magasin
 WHERE id = $1::bigint
