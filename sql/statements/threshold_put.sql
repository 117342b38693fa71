-- PUT /api/v1/stores/{id}/stock/{produit}/thresholds/.  The parameters are those
-- of seuil_poser().
SELECT statut, emplacement, etag, detail, corps,
       pg_current_xact_id_if_assigned() AS xid
  FROM seuil_poser($1::bigint, $2::bigint, $3::integer, $4::integer, $5::text,
                   $6::text, $7::text)
