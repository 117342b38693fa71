-- POST /api/v1/stores/{id}/reorder/.  The parameters are those of
-- besoins_demander().
SELECT statut, emplacement, etag, detail, corps,
       pg_current_xact_id_if_assigned() AS xid
  FROM besoins_demander($1::bigint, $2::bigint[], $3::integer[], $4::text,
                        $5::text, $6::text)
