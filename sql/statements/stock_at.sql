-- GET /api/v1/stores/{id}/stock/ at an instant ($5).  $1 to $3: as for stock.sql;
-- $4: the products, or NULL for all.  Where the journal does not go back to the
-- instant there is one row without a product; the last column says how far it
-- does.
SELECT produit, nom, quantite, instant_texte(debut) AS debut
  FROM stock_au($1::bigint, $5::timestamptz, $2::bigint, $3::int,
                $4::bigint[])
