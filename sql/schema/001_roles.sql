-- Who may do what.  magasin_owner owns every object and cannot log in;
-- magasin_web is the one the web tier logs in as, and owns nothing.
--
-- Roles belong to the whole cluster, not to one database: another database of
-- this cluster may have made them already.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'magasin_owner') THEN
        CREATE ROLE magasin_owner NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'magasin_web') THEN
        CREATE ROLE magasin_web LOGIN;
    END IF;

    -- The database's name is the operator's choice: it is asked for.
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO magasin_owner',
                   current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO magasin_web',
                   current_database());
END
$$;

ALTER SCHEMA public OWNER TO magasin_owner;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO magasin_web;
