-- What a sale costs.  Of a sale of one line a seventh was for the foreign keys
-- of its rows, which PostgreSQL checks one row at a time, although a batch has
-- locked the products and the store already; another part was for texts that
-- were compared by the rules of a language in order to find equal ones.

SET LOCAL ROLE magasin_owner;

-- In the order in which sales with keys lock them.
LOCK TABLE idempotence, produit, magasin, vente, ligne_vente, journal
    IN ACCESS EXCLUSIVE MODE;


-- vente.magasin_id, ligne_vente.vente_id and ligne_vente.produit_id are checked
-- by statements: the rows that new ones name are locked against their deletion
-- (FOR KEY SHARE), all at once.  A batch does not check again what it has
-- locked or made itself (magasin.lot, as 011_lot.sql has it).  On the other
-- side nothing has changed: a row that others name can neither go nor change
-- its id.  The errors are those of the constraints, with their names.
--
-- As with foreign keys, nothing is checked in a replica session.

ALTER TABLE ligne_vente
    DROP CONSTRAINT ligne_vente_vente_id_fkey,
    DROP CONSTRAINT ligne_vente_produit_id_fkey;
ALTER TABLE vente DROP CONSTRAINT vente_magasin_id_fkey;

COMMENT ON COLUMN vente.magasin_id IS
    'a row of magasin: reference_ventes(), reference_quittee()';
COMMENT ON COLUMN ligne_vente.vente_id IS
    'a row of vente: reference_lignes(), reference_quittee()';
COMMENT ON COLUMN ligne_vente.produit_id IS
    'a row of produit: reference_lignes(), reference_quittee()';

CREATE FUNCTION reference_absente(nom_table text, colonne text, valeur bigint,
                                  cible text) RETURNS void
    LANGUAGE plpgsql
AS $$
DECLARE
    contrainte  text := nom_table || '_' || colonne || '_fkey';
BEGIN
    RAISE foreign_key_violation
        USING MESSAGE = format('insert or update on table "%s" violates'
                               ' foreign key constraint "%s"', nom_table,
                               contrainte),
              DETAIL = format('Key (%s)=(%s) is not present in table "%s".',
                              colonne, valeur, cible),
              SCHEMA = 'public', TABLE = nom_table, CONSTRAINT = contrainte;
END
$$;

CREATE FUNCTION reference_ventes() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    PERFORM public.reference_vente_magasin_id(
        ARRAY(SELECT DISTINCT magasin_id FROM nouvelles));

    RETURN NULL;
END
$$;

CREATE FUNCTION reference_lignes() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    PERFORM public.reference_ligne_vente_vente_id(
        ARRAY(SELECT DISTINCT vente_id FROM nouvelles));
    PERFORM public.reference_ligne_vente_produit_id(
        ARRAY(SELECT DISTINCT produit_id FROM nouvelles));

    RETURN NULL;
END
$$;

CREATE FUNCTION reference_changee() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF TG_TABLE_NAME = 'vente' THEN
        IF NEW.magasin_id <> OLD.magasin_id THEN
            PERFORM public.reference_vente_magasin_id(ARRAY[NEW.magasin_id]);
        END IF;

        RETURN NULL;
    END IF;

    IF NEW.vente_id <> OLD.vente_id THEN
        PERFORM public.reference_ligne_vente_vente_id(ARRAY[NEW.vente_id]);
    END IF;

    IF NEW.produit_id <> OLD.produit_id THEN
        PERFORM public.reference_ligne_vente_produit_id(ARRAY[NEW.produit_id]);
    END IF;

    RETURN NULL;
END
$$;

-- A row has gone, or its id has changed.  Whoever has named it and not
-- committed has it locked, and was waited for; what was committed then is seen
-- by READ COMMITTED alone.
CREATE FUNCTION reference_quittee() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    nomme       boolean;
    contrainte  text := TG_ARGV[0] || '_' || TG_ARGV[1] || '_fkey';
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.id = OLD.id THEN
        RETURN NULL;
    END IF;

    IF current_setting('transaction_isolation')
       IN ('repeatable read', 'serializable')
    THEN
        RAISE 'rows of % go or change their id in READ COMMITTED only',
              TG_TABLE_NAME
            USING ERRCODE = 'feature_not_supported';
    END IF;

    -- A row that others name may have come in its place.
    EXECUTE format('SELECT EXISTS (SELECT FROM public.%I WHERE %I = $1)'
                   ' AND NOT EXISTS (SELECT FROM public.%I WHERE id = $1)',
                   TG_ARGV[0], TG_ARGV[1], TG_TABLE_NAME)
       INTO nomme USING OLD.id;

    IF nomme THEN
        RAISE foreign_key_violation
            USING MESSAGE = format('update or delete on table "%s" violates'
                                   ' foreign key constraint "%s" on table'
                                   ' "%s"', TG_TABLE_NAME, contrainte,
                                   TG_ARGV[0]),
                  DETAIL = format('Key (id)=(%s) is still referenced from'
                                  ' table "%s".', OLD.id, TG_ARGV[0]),
                  SCHEMA = 'public', TABLE = TG_ARGV[0],
                  CONSTRAINT = contrainte;
    END IF;

    RETURN NULL;
END
$$;

-- After TRUNCATE of all the tables that it names.  Rows that an older snapshot
-- does not show are there, too.
CREATE FUNCTION reference_videe() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    nomme  boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', TG_ARGV[0])
       INTO nomme;

    IF nomme
       OR (current_setting('transaction_isolation')
           IN ('repeatable read', 'serializable')
           AND pg_relation_size(format('public.%I', TG_ARGV[0])) > 0)
    THEN
        RAISE 'cannot truncate a table that %.% refers to', TG_ARGV[0],
              TG_ARGV[1]
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'Truncate that table at the same time.';
    END IF;

    RETURN NULL;
END
$$;

-- reference_vente_magasin_id(ids) and its like lock the rows of the table that
-- have these ids, and fail when one has none.  What counts is what was locked,
-- and not what a second look finds.  No id is there twice.
DO $$
DECLARE
    r  record;
BEGIN
    FOR r IN
        SELECT *
          FROM (VALUES ('vente', 'magasin_id', 'magasin'),
                       ('ligne_vente', 'vente_id', 'vente'),
                       ('ligne_vente', 'produit_id', 'produit'))
               v (nom_table, colonne, cible)
    LOOP
        EXECUTE format($f$
CREATE FUNCTION reference_%1$s_%2$s(ids bigint[]) RETURNS void
    LANGUAGE plpgsql
AS $corps$
DECLARE
    n  bigint;
BEGIN
    PERFORM FROM public.%3$I
      WHERE id = ANY (ids)
      ORDER BY id
        FOR KEY SHARE;

    GET DIAGNOSTICS n = ROW_COUNT;

    IF n < cardinality(ids) THEN
        PERFORM public.reference_absente(%1$L, %2$L, coalesce((
            SELECT min(u.id)
              FROM unnest(ids) u (id)
             WHERE NOT EXISTS (SELECT FROM public.%3$I WHERE id = u.id)),
            ids[1]), %3$L);
    END IF;
END
$corps$
$f$,
                       r.nom_table, r.colonne, r.cible);

        EXECUTE format(
            'CREATE TRIGGER reference_quittee AFTER DELETE OR UPDATE OF id'
            ' ON %I FOR EACH ROW EXECUTE FUNCTION reference_quittee(%L, %L)',
            r.cible, r.nom_table, r.colonne);
        EXECUTE format(
            'CREATE TRIGGER reference_videe AFTER TRUNCATE ON %I'
            ' FOR EACH STATEMENT EXECUTE FUNCTION reference_videe(%L, %L)',
            r.cible, r.nom_table, r.colonne);
    END LOOP;
END
$$;

CREATE TRIGGER reference_creation
    AFTER INSERT ON vente REFERENCING NEW TABLE AS nouvelles
    FOR EACH STATEMENT
    WHEN (current_setting('magasin.lot', true)
          IS DISTINCT FROM pg_trigger_depth()::text
          OR current_user::text <> 'magasin_owner')
    EXECUTE FUNCTION reference_ventes();
CREATE TRIGGER reference_creation
    AFTER INSERT ON ligne_vente REFERENCING NEW TABLE AS nouvelles
    FOR EACH STATEMENT
    WHEN (current_setting('magasin.lot', true)
          IS DISTINCT FROM pg_trigger_depth()::text
          OR current_user::text <> 'magasin_owner')
    EXECUTE FUNCTION reference_lignes();
CREATE TRIGGER reference_modification
    AFTER UPDATE OF magasin_id ON vente
    FOR EACH ROW EXECUTE FUNCTION reference_changee();
CREATE TRIGGER reference_modification
    AFTER UPDATE OF vente_id, produit_id ON ligne_vente
    FOR EACH ROW EXECUTE FUNCTION reference_changee();

-- Rows that name one that is not there; none when all is well: after triggers
-- were off, or a replica session has written.
CREATE FUNCTION reference_ecarts()
    RETURNS TABLE (nom_table text, colonne text, id bigint, valeur bigint)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'vente', 'magasin_id', v.id, v.magasin_id
      FROM vente v
     WHERE NOT EXISTS (SELECT FROM magasin m WHERE m.id = v.magasin_id)
     UNION ALL
    SELECT 'ligne_vente', 'vente_id', l.id, l.vente_id
      FROM ligne_vente l
     WHERE NOT EXISTS (SELECT FROM vente v WHERE v.id = l.vente_id)
     UNION ALL
    SELECT 'ligne_vente', 'produit_id', l.id, l.produit_id
      FROM ligne_vente l
     WHERE NOT EXISTS (SELECT FROM produit p WHERE p.id = l.produit_id);
END;


-- For /metrics.
GRANT SELECT ON journal_partie TO magasin_web;


-- Keys are looked for and never sorted for a reader.  The functions whose
-- bodies name these columns become texts, as they are.

DO $$
DECLARE
    f  record;
BEGIN
    FOR f IN
        SELECT pg_get_functiondef(p.oid) AS definition,
               pg_get_function_sqlbody(p.oid) AS corps
          FROM pg_proc p
         WHERE p.prosqlbody IS NOT NULL
           AND p.oid IN (SELECT objid
                           FROM pg_depend
                          WHERE classid = 'pg_proc'::regclass
                            AND refclassid = 'pg_class'::regclass
                            AND refobjid = 'idempotence'::regclass)
    LOOP
        EXECUTE replace(f.definition, f.corps, format('AS %L',
                    regexp_replace(regexp_replace(f.corps, '^RETURN ',
                                                  'SELECT '),
                                   '^BEGIN ATOMIC(.*)END$', '\1')));
    END LOOP;
END
$$;

ALTER TABLE idempotence
    ALTER acteur TYPE text COLLATE "C",
    ALTER cle TYPE text COLLATE "C";

-- As 014_journal_vie.sql has them, by the indexes of 025_journal_index.sql.

CREATE OR REPLACE FUNCTION journal_suite_produit(recents boolean,
    apres_xid xid8, apres_id bigint, avant_xid xid8, avant_id bigint, n integer,
    p_depuis timestamptz, p_magasin bigint,
    p_produit bigint, p_type text) RETURNS SETOF journal
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, public, pg_temp
    SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    IF recents THEN
        RETURN QUERY
        SELECT *
          FROM public.journal j
         WHERE (j.produit_id, j.xid, j.id) > (p_produit, apres_xid, apres_id)
           AND (j.produit_id, j.xid, j.id) < (p_produit, avant_xid, avant_id)
           AND j.produit_id IS NOT NULL
           AND j.xid >= apres_xid
           AND j.xid <= avant_xid
           AND (p_depuis IS NULL OR timestamptz_ge(j.instant, p_depuis))
           AND (p_magasin IS NULL OR int8eq(j.magasin_id, p_magasin))
           AND (p_type IS NULL OR texteq(j.type, p_type))
         ORDER BY j.produit_id DESC, j.xid DESC, j.id DESC
         LIMIT n;
    ELSE
        RETURN QUERY
        SELECT *
          FROM public.journal j
         WHERE (j.produit_id, j.xid, j.id) > (p_produit, apres_xid, apres_id)
           AND (j.produit_id, j.xid, j.id) < (p_produit, avant_xid, avant_id)
           AND j.produit_id IS NOT NULL
           AND j.xid >= apres_xid
           AND j.xid <= avant_xid
           AND (p_depuis IS NULL OR timestamptz_ge(j.instant, p_depuis))
           AND (p_magasin IS NULL OR int8eq(j.magasin_id, p_magasin))
           AND (p_type IS NULL OR texteq(j.type, p_type))
         ORDER BY j.produit_id, j.xid, j.id
         LIMIT n;
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION journal_suite_type(recents boolean, apres_xid xid8,
    apres_id bigint, avant_xid xid8, avant_id bigint, n integer,
    p_depuis timestamptz, p_magasin bigint,
    p_produit bigint, p_type text) RETURNS SETOF journal
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, public, pg_temp
    SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    IF recents THEN
        RETURN QUERY
        SELECT *
          FROM public.journal j
         WHERE (j.type COLLATE "C", j.xid, j.id)
               > (p_type, apres_xid, apres_id)
           AND (j.type COLLATE "C", j.xid, j.id)
               < (p_type, avant_xid, avant_id)
           AND j.xid >= apres_xid
           AND j.xid <= avant_xid
           AND (p_depuis IS NULL OR timestamptz_ge(j.instant, p_depuis))
           AND (p_magasin IS NULL OR int8eq(j.magasin_id, p_magasin))
           AND (p_produit IS NULL OR int8eq(j.produit_id, p_produit))
         ORDER BY j.type COLLATE "C" DESC, j.xid DESC, j.id DESC
         LIMIT n;
    ELSE
        RETURN QUERY
        SELECT *
          FROM public.journal j
         WHERE (j.type COLLATE "C", j.xid, j.id)
               > (p_type, apres_xid, apres_id)
           AND (j.type COLLATE "C", j.xid, j.id)
               < (p_type, avant_xid, avant_id)
           AND j.xid >= apres_xid
           AND j.xid <= avant_xid
           AND (p_depuis IS NULL OR timestamptz_ge(j.instant, p_depuis))
           AND (p_magasin IS NULL OR int8eq(j.magasin_id, p_magasin))
           AND (p_produit IS NULL OR int8eq(j.produit_id, p_produit))
         ORDER BY j.type COLLATE "C", j.xid, j.id
         LIMIT n;
    END IF;
END
$$;
