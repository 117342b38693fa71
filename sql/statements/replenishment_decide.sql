-- POST /api/v1/replenishments/{id}/approve/ and /reject/.  $2: which of them.
SELECT statut, emplacement, etag, detail, corps
  FROM demande_decider($1::bigint, $2::boolean, $3::text, $4::text, $5::text)
