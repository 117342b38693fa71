-- Sales, reservations and their claims, adjustments and changes of products,
-- POST /api/v1/sales/, /api/v1/reservations/, /api/v1/reservations/{id}/claim/ and
-- /api/v1/stores/{id}/stock/{produit}/adjust/, PUT and PATCH
-- /api/v1/products/{id}/: all that wait at a time are one run.  $1 to $8 and
-- $14 to $17: an element for each of them, in the order in which they came; $9
-- to $13: one for each line, $9 the number of whose line it is, from 1; $18:
-- whether to wait for rows that others have locked.  One row for each, in their
-- order; `manque` is true if a row was locked, and then nothing of it was done.
-- The columns from id on are the product's, of PUT and PATCH; of a claim id is the
-- store and description its products.  A reservation or a claim alone has a way
-- of its own.
SELECT statut, emplacement, etag, detail, corps, n, manque,
       pg_current_xact_id_if_assigned() AS xid,
       id, nom, categorie, prix, description, concorde, renomme
  FROM lot_ecrire($1::text[], $2::text[], $3::text[], $4::text[],
                  $5::bigint[], $6::text[], $7::integer[], $8::text[],
                  $9::integer[], $10::bigint[], $11::integer[],
                  $12::integer[], $13::numeric[], $14::text[], $15::text[],
                  $16::text[], $17::boolean[], $18::boolean)
 WHERE cardinality($1::text[]) > 1
    OR ($1::text[])[1] NOT IN ('reservation', 'reclamation')
 UNION ALL
SELECT statut, emplacement, etag, detail, corps, n, manque,
       pg_current_xact_id_if_assigned(), id, nom, categorie, prix,
       description, concorde, renomme
  FROM lot_seul($1::text[], $2::text[], $3::text[], $4::text[],
                $5::bigint[], $6::text[], $7::integer[], $8::text[],
                $9::integer[], $10::bigint[], $11::integer[],
                $12::integer[], $13::numeric[], $14::text[], $15::text[],
                $16::text[], $17::boolean[], $18::boolean)
 WHERE cardinality($1::text[]) = 1
   AND ($1::text[])[1] IN ('reservation', 'reclamation')
