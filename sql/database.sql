-- The database of an instance of its own, on a cluster that has nothing else;
-- for psql on the database postgres, as a superuser.

SELECT 'CREATE DATABASE magasin'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'magasin') \gexec

-- Those of the cluster are for those who look after it.
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', datname)
  FROM pg_database
 WHERE datname IN ('postgres', 'template1')
   AND has_database_privilege('public', oid, 'CONNECT') \gexec
