-- Before each migration, in its transaction.  From PostgreSQL 17 on, a table
-- takes no new column while the parsed body of a function names its row type:
-- the bodies of such functions become texts, with qualified names.

SET LOCAL search_path = pg_catalog;

DO $$
DECLARE
    f      record;
    texte  text;
BEGIN
    IF current_setting('server_version_num')::integer < 170000 THEN
        RETURN;
    END IF;

    FOR f IN
        SELECT p.oid, p.proowner::regrole AS proprietaire,
               pg_get_functiondef(p.oid) AS definition,
               pg_get_function_sqlbody(p.oid) AS corps
          FROM pg_proc p
         WHERE p.pronamespace = to_regnamespace('public')
           AND p.prosqlbody IS NOT NULL
           AND EXISTS (
               SELECT FROM unnest(p.proargtypes) a
                 JOIN pg_type t ON t.oid = a
                 JOIN pg_class c ON c.oid = t.typrelid
                WHERE c.relkind IN ('r', 'p'))
    LOOP
        texte := CASE
            WHEN f.corps LIKE 'RETURN %'
            THEN 'SELECT ' || substr(f.corps, length('RETURN ') + 1)
            ELSE regexp_replace(f.corps, '^BEGIN ATOMIC|END$', '', 'g') END;
        EXECUTE format('SET LOCAL ROLE %s', f.proprietaire);
        EXECUTE left(f.definition, strpos(f.definition, f.corps) - 1)
                || 'AS ' || quote_literal(texte);
        RESET ROLE;
    END LOOP;
END
$$;

RESET search_path;
