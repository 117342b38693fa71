-- POST /api/v1/replenishments/decisions/.
SELECT (r).statut, (r).emplacement, (r).etag, (r).detail, (r).corps, changees,
       pg_current_xact_id_if_assigned() AS xid
  FROM demandes_decider($1::bigint[], $2::bigint[], $3::text, $4::text,
                        $5::text, $6::text)
