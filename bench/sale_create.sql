-- One sale in a call of its own, which the server's batches are compared with.
SELECT statut, emplacement, etag, detail, corps,
       pg_current_xact_id_if_assigned() AS xid
  FROM vente_creer($1::bigint, $2::bigint[], $3::integer[], $4::numeric[],
                   $5::text, $6::text, $7::text)
