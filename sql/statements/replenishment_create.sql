-- POST /api/v1/replenishments/.
SELECT statut, emplacement, etag, detail, corps,
       pg_current_xact_id_if_assigned() AS xid
  FROM demande_creer($1::bigint, $2::bigint, $3::integer, $4::text, $5::text,
                     $6::text)
