-- Read a Django database of the reference, all of it as of one instant, into
-- the current directory: one file per table, in COPY's text format.
--
-- Run by scripts/import_django.sh; sql/import_django.sql takes the files up.

\set ON_ERROR_STOP on
\set VERBOSITY terse
\set SHOW_CONTEXT never
\set QUIET on

BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;

-- What is missing is looked for first, to be told in words of ours.
DO $$
DECLARE
    manque text;
BEGIN
    SELECT CASE
               WHEN to_regclass(attendu.nom_table) IS NULL
                   THEN format('the source has no table %s', nom_table)
               WHEN type_oid IS NULL
                   THEN format('the source has no column %s.%s',
                               nom_table, colonne)
               ELSE format('the column %s.%s of the source is of type %s',
                           nom_table, colonne, format_type(type_oid, NULL))
           END
      INTO manque
      FROM (VALUES
               ('magasin_magasin', 'id', 'entier'),
               ('magasin_magasin', 'nom', 'texte'),
               ('magasin_magasin', 'adresse', 'texte'),
               ('magasin_produit', 'id', 'entier'),
               ('magasin_produit', 'nom', 'texte'),
               ('magasin_produit', 'categorie', 'texte'),
               ('magasin_produit', 'prix', 'decimal'),
               ('magasin_produit', 'quantite_stock', 'entier'),
               ('magasin_produit', 'description', 'texte'),
               ('magasin_stocklocal', 'id', 'entier'),
               ('magasin_stocklocal', 'magasin_id', 'entier'),
               ('magasin_stocklocal', 'produit_id', 'entier'),
               ('magasin_stocklocal', 'quantite', 'entier'),
               ('magasin_stockcentral', 'id', 'entier'),
               ('magasin_stockcentral', 'produit_id', 'entier'),
               ('magasin_stockcentral', 'quantite', 'entier'),
               ('magasin_vente', 'id', 'entier'),
               ('magasin_vente', 'magasin_id', 'entier'),
               ('magasin_vente', 'date_vente', 'instant'),
               ('magasin_vente', 'total', 'decimal'),
               ('magasin_lignevente', 'id', 'entier'),
               ('magasin_lignevente', 'vente_id', 'entier'),
               ('magasin_lignevente', 'produit_id', 'entier'),
               ('magasin_lignevente', 'quantite', 'entier'),
               ('magasin_lignevente', 'prix_unitaire', 'decimal'),
               ('magasin_demandereapprovisionnement', 'id', 'entier'),
               ('magasin_demandereapprovisionnement', 'magasin_id', 'entier'),
               ('magasin_demandereapprovisionnement', 'produit_id', 'entier'),
               ('magasin_demandereapprovisionnement', 'quantite', 'entier'),
               ('magasin_demandereapprovisionnement', 'date', 'instant'),
               ('magasin_demandereapprovisionnement', 'statut', 'texte')
           ) AS attendu (nom_table, colonne, genre)
      LEFT JOIN LATERAL (
               SELECT atttypid
                 FROM pg_attribute
                WHERE attrelid = to_regclass(nom_table)
                  AND attname = colonne
                  AND attnum > 0
                  AND NOT attisdropped
           ) AS trouve (type_oid) ON true
     WHERE type_oid IS NULL
        OR type_oid <> ALL (
               CASE genre
                   WHEN 'entier' THEN '{int8,int4,int2}'::regtype[]
                   WHEN 'texte' THEN '{text,varchar,bpchar}'::regtype[]
                   WHEN 'decimal' THEN '{numeric}'::regtype[]
                   WHEN 'instant' THEN '{timestamptz}'::regtype[]
               END::oid[])
     ORDER BY nom_table, colonne
     LIMIT 1;

    IF manque IS NOT NULL THEN
        RAISE '%', manque;
    END IF;
END
$$;

\copy (SELECT id, nom, adresse FROM magasin_magasin) TO 'magasin'
\copy (SELECT id, nom, categorie, prix, quantite_stock, description FROM magasin_produit) TO 'produit'
\copy (SELECT id, magasin_id, produit_id, quantite FROM magasin_stocklocal) TO 'stock_local'
\copy (SELECT id, produit_id, quantite FROM magasin_stockcentral) TO 'stock_central'
\copy (SELECT id, magasin_id, date_vente, total FROM magasin_vente) TO 'vente'
\copy (SELECT id, vente_id, produit_id, quantite, prix_unitaire FROM magasin_lignevente) TO 'ligne_vente'
\copy (SELECT id, magasin_id, produit_id, quantite, date, statut FROM magasin_demandereapprovisionnement) TO 'demande_reapprovisionnement'

COMMIT;
