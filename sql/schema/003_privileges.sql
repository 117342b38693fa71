-- What the web tier may do: read everything, and change those columns of a
-- product that PUT /api/v1/products/{id}/ accepts.  Nothing else, so that a
-- fault in the web tier cannot invent stock or sales.

SET LOCAL ROLE magasin_owner;

GRANT SELECT ON magasin, produit, stock_local, stock_central, vente,
    ligne_vente, demande_reapprovisionnement TO magasin_web;
GRANT UPDATE (nom, categorie, prix, description) ON produit TO magasin_web;
