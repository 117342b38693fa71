-- Does a sale name a store, or a line a sale or a product, that is not there?
-- A line for each; none when all is well.  Triggers see to it, so that only
-- those who wrote without triggers can have made such a row.

SELECT format('%s %s: there is no %s %s', nom_table, id, colonne, valeur)
  FROM reference_ecarts()
 ORDER BY nom_table, id, colonne;
