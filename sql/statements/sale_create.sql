-- POST /api/v1/sales/.
SELECT statut, emplacement, etag, detail, corps,
       pg_current_xact_id_if_assigned() AS xid
  FROM vente_creer($1::bigint, $2::bigint[], $3::integer[], $4::numeric[],
                   $5::text, $6::text, $7::text)
