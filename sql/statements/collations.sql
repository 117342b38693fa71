-- The collations that indexes of this database use and whose version in the
-- operating system is no longer that of the indexes: how many, and their names.
-- A collation without a recorded version is not compared.  The collations are
-- selected first: each comparison opens one of the library, and there are
-- hundreds.
WITH utilisees AS MATERIALIZED (
    SELECT oid, collname, collversion
      FROM pg_collation
     WHERE oid IN (SELECT k.oid
                     FROM pg_index i
                     JOIN pg_class c ON c.oid = i.indexrelid
                    CROSS JOIN unnest(i.indcollation::oid[]) AS k (oid)
                    WHERE c.relnamespace = 'public'::regnamespace)
), perimees AS (
    SELECT collname::text AS nom
      FROM utilisees
     WHERE collversion <> pg_collation_actual_version(oid)
     UNION ALL
    SELECT 'database ' || datname
      FROM pg_database
     WHERE datname = current_database()
       AND datcollversion <> pg_database_collation_actual_version(oid)
)
SELECT count(*), coalesce(string_agg(nom, ', ' ORDER BY nom), '') FROM perimees
