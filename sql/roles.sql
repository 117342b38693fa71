-- What the web tier's role may not do, beyond having no rights: applied by
-- scripts/migrate.sh each time, since the role can undo some of it, and since
-- it takes a superuser (or CREATEROLE) that the last run may not have had.
-- What is as it should be is left alone.  docs/SECURITY.md tells of it.

SELECT has_language_privilege('plpgsql', 'USAGE') AS possible \gset
\if :possible

DO $$
DECLARE
    -- Of the role; what a session asks for when it begins goes before.
    voulus CONSTANT jsonb := '{
        "idle_in_transaction_session_timeout": "10s",
        "statement_timeout": "60s"
    }';
    moi      pg_roles;
    web      pg_roles;
    reglage  record;
    retires  text[];
BEGIN
    SELECT * INTO moi FROM pg_roles WHERE rolname = current_user;
    SELECT * INTO web FROM pg_roles WHERE rolname = 'magasin_web';

    IF NOT (moi.rolsuper OR moi.rolcreaterole) THEN
        RAISE WARNING 'roles: % may not change magasin_web: its settings and'
            ' its CONNECTION LIMIT are left as they are', current_user;
        RETURN;
    END IF;

    IF web.rolsuper OR web.rolcreaterole OR web.rolcreatedb
       OR web.rolreplication OR web.rolbypassrls
       OR EXISTS (SELECT FROM pg_auth_members WHERE member = web.oid)
    THEN
        RAISE WARNING 'roles: magasin_web has attributes or is a member of'
            ' roles: it should have none and be none (docs/SECURITY.md)';
    END IF;

    -- A role may change its own settings and nobody can forbid it: whatever
    -- it could have set is its own doing.  Settings that an operator wants
    -- are those of the database (ALTER DATABASE ... SET).
    FOR reglage IN
        SELECT d.datname, split_part(c, '=', 1) AS nom
          FROM pg_db_role_setting s
          LEFT JOIN pg_database d ON d.oid = s.setdatabase
         CROSS JOIN unnest(s.setconfig) c
          LEFT JOIN pg_settings g ON g.name = split_part(c, '=', 1)
         WHERE s.setrole = web.oid
           AND coalesce(g.context, 'user') IN ('user', 'backend')
           AND NOT (d.datname IS NULL
                    AND voulus ->> split_part(c, '=', 1)
                        IS NOT DISTINCT FROM
                        substr(c, strpos(c, '=') + 1))
    LOOP
        EXECUTE format('ALTER ROLE magasin_web %s RESET %I',
            CASE WHEN reglage.datname IS NULL THEN ''
                 ELSE format('IN DATABASE %I', reglage.datname) END,
            reglage.nom);
        retires := retires || reglage.nom;
    END LOOP;

    IF retires IS NOT NULL THEN
        RAISE WARNING 'roles: magasin_web had settings of its own, which are'
            ' taken away: % (docs/SECURITY.md)',
            array_to_string(retires, ', ');
    END IF;

    FOR reglage IN
        SELECT key AS nom, value AS valeur
          FROM jsonb_each_text(voulus)
         WHERE NOT EXISTS (SELECT FROM pg_db_role_setting
                            WHERE setrole = web.oid AND setdatabase = 0
                              AND key || '=' || value = ANY (setconfig))
    LOOP
        EXECUTE format('ALTER ROLE magasin_web SET %I = %L',
                       reglage.nom, reglage.valeur);
    END LOOP;

    -- Some connections are left for whoever has to put things right.  An
    -- operator's own limit stays; -1 asks for this one.
    IF web.rolconnlimit = -1 THEN
        EXECUTE format('ALTER ROLE magasin_web CONNECTION LIMIT %s',
            greatest(1, (current_setting('max_connections')::integer
             - current_setting('superuser_reserved_connections')::integer)
             * 9 / 10));
    END IF;
END
$$;

-- Functions of PostgreSQL that everybody may call and the web tier never
-- does: in this database they are for superusers, and what the owner's own
-- functions need is the owner's.
DO $$
DECLARE
    fonction  regprocedure;
BEGIN
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        IF has_function_privilege('public', 'lo_create(oid)', 'EXECUTE') THEN
            RAISE WARNING 'roles: % is no superuser: what PostgreSQL lets'
                ' everybody do (large objects, advisory locks, ending'
                ' sessions, DO) is left as it is', current_user;
        END IF;
        RETURN;
    END IF;

    -- Nobody but a superuser can change this one, not even the role itself.
    IF NOT EXISTS (SELECT FROM pg_db_role_setting
                    WHERE setrole = 'magasin_web'::regrole AND setdatabase = 0
                      AND 'temp_file_limit=1GB' = ANY (setconfig))
    THEN
        ALTER ROLE magasin_web SET temp_file_limit = '1GB';
    END IF;

    FOR fonction IN
        SELECT p.oid
          FROM pg_proc p
         WHERE pronamespace = 'pg_catalog'::regnamespace
           AND (proname ~ '^lo_' OR proname IN ('loread', 'lowrite')
                OR proname ~ '^pg_(try_)?advisory_'
                OR proname IN ('pg_terminate_backend', 'pg_cancel_backend',
                               'pg_logical_emit_message', 'pg_notify'))
           AND has_function_privilege('public', p.oid, 'EXECUTE')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', fonction);
    END LOOP;

    IF NOT has_function_privilege('magasin_owner',
        'pg_try_advisory_xact_lock(bigint)', 'EXECUTE')
    THEN
        GRANT EXECUTE ON FUNCTION pg_try_advisory_xact_lock(bigint)
            TO magasin_owner;
    END IF;

    -- Without it there is no DO, and so no loop that never ends.
    IF has_language_privilege('public', 'plpgsql', 'USAGE') THEN
        REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;
    END IF;
    IF NOT has_language_privilege('magasin_owner', 'plpgsql', 'USAGE') THEN
        GRANT USAGE ON LANGUAGE plpgsql TO magasin_owner;
    END IF;
END
$$;

\else
\warn roles: this role may not use plpgsql: magasin_web is left as it is
\endif
