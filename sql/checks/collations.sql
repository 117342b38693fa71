-- Do the indexes sort as the system does?  The statements that put right what
-- does not, in their order; none when all is well.  After an upgrade of the
-- system an ICU or libc collation may have another version, and what is built
-- with the old order is searched in the new one.

WITH utilisee AS MATERIALIZED (
    SELECT oid, collname, collnamespace::regnamespace AS schema, collversion
      FROM pg_collation
     WHERE oid IN (SELECT k.oid
                     FROM pg_index i
                    CROSS JOIN unnest(i.indcollation::oid[]) AS k (oid))
), perimee AS (
    SELECT oid, format('ALTER COLLATION %s.%I REFRESH VERSION;', schema,
                       collname) AS remede
      FROM utilisee
     WHERE collversion <> pg_collation_actual_version(oid)
     UNION ALL
    -- 100 is the collation "default": that of the database.
    SELECT 100, format('ALTER DATABASE %I REFRESH COLLATION VERSION;', datname)
      FROM pg_database
     WHERE datname = current_database()
       AND datcollversion <> pg_database_collation_actual_version(oid)
)
SELECT ligne
  FROM (
    SELECT DISTINCT 1 AS rang,
           format('REINDEX INDEX CONCURRENTLY %s;', i.indexrelid::regclass)
           AS ligne
      FROM pg_index i
      JOIN pg_class c ON c.oid = i.indexrelid
     WHERE c.relnamespace = 'public'::regnamespace
       AND EXISTS (SELECT FROM perimee
                    WHERE perimee.oid = ANY (i.indcollation::oid[]))
     UNION ALL
    SELECT 2, remede FROM perimee
  ) etapes
 ORDER BY rang, ligne;
