-- What a role that is no superuser needs before 001_roles.sql: it may make
-- magasin_owner, but what it gives away has to be given to a role that it is a
-- member of, and to one that may create in the database.  A managed PostgreSQL
-- has no superuser for its users.  scripts/migrate.sh applies this once.

DO $$
BEGIN
    IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        RETURN;
    END IF;

    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'magasin_owner') THEN
        CREATE ROLE magasin_owner NOLOGIN;
    END IF;

    IF NOT pg_has_role('magasin_owner', 'MEMBER') THEN
        EXECUTE format('GRANT magasin_owner TO %I', current_user);
    END IF;

    EXECUTE format('GRANT CREATE ON DATABASE %I TO magasin_owner',
                   current_database());
END
$$;
