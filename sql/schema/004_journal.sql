-- The journal: one append-only table that every change of stock, product,
-- store, sale and replenishment adds to, by triggers, so that a change made
-- with psql is there too.  For each stock row the sum of its deltas is its
-- quantity, at every instant.
--
-- Who and why come from settings of the transaction, which the functions of
-- the API make and a person may make by hand:
--   magasin.acteur     who; the role that logged in when it is empty
--   magasin.type       why; "manuel" when it is empty
--   magasin.reference  on account of what, as "vente/12"
--   magasin.motif      in somebody's words
-- The triggers fire in a replica session too (ENABLE ALWAYS) and run as the
-- owner, so that no role needs to be let write here.

-- For the search of products; both are trusted extensions.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS unaccent;

SET LOCAL ROLE magasin_owner;

-- From here on a function is for nobody until it is granted.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

CREATE FUNCTION contexte(nom text, defaut text) RETURNS text
    LANGUAGE sql STABLE
    RETURN coalesce(nullif(current_setting('magasin.' || nom, true), ''),
                    defaut);

-- By (xid, id), since ids alone are not in the order of anything: rows whose
-- transaction is older than all that still run can be read in this order
-- without one being missed.  No foreign keys: the journal outlives what it
-- tells of.
CREATE TABLE journal (
    xid         xid8 NOT NULL DEFAULT pg_current_xact_id(),
    id          bigint GENERATED ALWAYS AS IDENTITY,
    instant     timestamptz NOT NULL DEFAULT clock_timestamp(),
    type        text NOT NULL DEFAULT contexte('type', 'manuel'),
    magasin_id  bigint,
    produit_id  bigint,
    delta       integer,
    quantite    integer,
    acteur      text NOT NULL DEFAULT contexte('acteur', session_user),
    reference   text DEFAULT contexte('reference', NULL),
    motif       text DEFAULT contexte('motif', NULL),
    details     jsonb,
    PRIMARY KEY (xid, id)
);

CREATE INDEX journal_produit ON journal (produit_id, xid, id);
CREATE INDEX journal_magasin ON journal (magasin_id, xid, id);
CREATE INDEX journal_instant ON journal USING brin (instant);

COMMENT ON COLUMN journal.delta IS
    'units that came (or went, below 0); NULL: no movement of stock';
COMMENT ON COLUMN journal.quantite IS 'units there were after it';
COMMENT ON COLUMN journal.magasin_id IS
    'NULL: the central stock, or no store in particular';

-- Nobody changes what was written.  To throw old rows away, as after an
-- archive of them was made, a maintainer says so: SET magasin.entretien = 'oui'
CREATE FUNCTION journal_defendre() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    IF public.contexte('entretien', '') <> 'oui' THEN
        RAISE 'the journal is append-only'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER journal_ajout_seul
    BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION journal_defendre();
ALTER TABLE journal ENABLE ALWAYS TRIGGER journal_ajout_seul;

-- Movements of stock.  A row that changes its store or product leaves one
-- place and comes to the other.
CREATE FUNCTION journal_stock_local() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE'
       AND NEW.magasin_id = OLD.magasin_id
       AND NEW.produit_id = OLD.produit_id
    THEN
        INSERT INTO public.journal (magasin_id, produit_id, delta, quantite)
        VALUES (NEW.magasin_id, NEW.produit_id, NEW.quantite - OLD.quantite,
                NEW.quantite);
        RETURN NULL;
    END IF;

    IF TG_OP <> 'INSERT' THEN
        INSERT INTO public.journal (magasin_id, produit_id, delta, quantite)
        VALUES (OLD.magasin_id, OLD.produit_id, -OLD.quantite, 0);
    END IF;

    IF TG_OP <> 'DELETE' THEN
        INSERT INTO public.journal (magasin_id, produit_id, delta, quantite)
        VALUES (NEW.magasin_id, NEW.produit_id, NEW.quantite, NEW.quantite);
    END IF;

    RETURN NULL;
END
$$;

CREATE FUNCTION journal_stock_central() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.produit_id = OLD.produit_id THEN
        INSERT INTO public.journal (produit_id, delta, quantite)
        VALUES (NEW.produit_id, NEW.quantite - OLD.quantite, NEW.quantite);
        RETURN NULL;
    END IF;

    IF TG_OP <> 'INSERT' THEN
        INSERT INTO public.journal (produit_id, delta, quantite)
        VALUES (OLD.produit_id, -OLD.quantite, 0);
    END IF;

    IF TG_OP <> 'DELETE' THEN
        INSERT INTO public.journal (produit_id, delta, quantite)
        VALUES (NEW.produit_id, NEW.quantite, NEW.quantite);
    END IF;

    RETURN NULL;
END
$$;

-- Everything else: what happened to which row; of a change also what was
-- there before, as {"prix": ["19.99", "21.50"]}: money is text, as everywhere
-- in the API, and instants are in UTC whoever changes them.  An update that
-- leaves a row as it was is no change.
CREATE FUNCTION journal_fait() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    avant    jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    apres    jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    ligne    jsonb := coalesce(apres, avant);
    change   jsonb;
    statut   text;
    fait     text;
BEGIN
    fait := CASE TG_OP WHEN 'INSERT' THEN 'creation'
                       WHEN 'UPDATE' THEN 'modification'
                       ELSE 'suppression' END;

    IF TG_OP = 'UPDATE' THEN
        SELECT jsonb_object_agg(key,
                   CASE WHEN key IN ('prix', 'total')
                        THEN jsonb_build_array(avant ->> key, apres ->> key)
                        ELSE jsonb_build_array(avant -> key, value) END)
          INTO change
          FROM jsonb_each(apres)
         WHERE value IS DISTINCT FROM avant -> key;

        IF change IS NULL THEN
            RETURN NULL;
        END IF;

        IF TG_TABLE_NAME = 'demande_reapprovisionnement' THEN
            statut := change #>> '{statut,1}';
            fait := CASE statut WHEN 'approuvee' THEN 'approbation'
                                WHEN 'refusee' THEN 'refus'
                                ELSE fait END;
        ELSIF change ? 'archive_le' THEN
            fait := CASE WHEN ligne ->> 'archive_le' IS NULL
                         THEN 'restauration' ELSE 'archivage' END;
        END IF;
    END IF;

    INSERT INTO public.journal (type, magasin_id, produit_id, reference,
                                details)
    VALUES (TG_ARGV[0] || '_' || fait,
            CASE WHEN TG_TABLE_NAME = 'magasin' THEN (ligne ->> 'id')::bigint
                 ELSE (ligne ->> 'magasin_id')::bigint END,
            CASE WHEN TG_TABLE_NAME = 'produit' THEN (ligne ->> 'id')::bigint
                 ELSE (ligne ->> 'produit_id')::bigint END,
            TG_ARGV[0] || '/' || (ligne ->> 'id'),
            change);

    RETURN NULL;
END
$$;

-- A sale is frequent and its row is never looked into: no jsonb for it.
CREATE FUNCTION journal_vente_creation() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    INSERT INTO public.journal (type, magasin_id, reference)
    VALUES ('vente_creation', NEW.magasin_id, 'vente/' || NEW.id);

    RETURN NULL;
END
$$;

-- Lines: of a sale that the API makes its own row and the movements of stock
-- say enough.
CREATE FUNCTION journal_lignes() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    fait  text := CASE TG_OP WHEN 'INSERT' THEN 'creation'
                             WHEN 'UPDATE' THEN 'modification'
                             ELSE 'suppression' END;
BEGIN
    IF TG_OP = 'INSERT' AND public.contexte('type', '') = 'vente' THEN
        RETURN NULL;
    END IF;

    IF TG_OP <> 'INSERT' THEN
        INSERT INTO public.journal (type, magasin_id, produit_id, reference)
        SELECT DISTINCT 'ligne_' || fait, v.magasin_id, l.produit_id,
               'vente/' || l.vente_id
          FROM anciennes l
          LEFT JOIN public.vente v ON v.id = l.vente_id;
    END IF;

    IF TG_OP = 'INSERT' THEN
        INSERT INTO public.journal (type, magasin_id, produit_id, reference)
        SELECT DISTINCT 'ligne_' || fait, v.magasin_id, l.produit_id,
               'vente/' || l.vente_id
          FROM nouvelles l
          LEFT JOIN public.vente v ON v.id = l.vente_id;
    END IF;

    IF TG_OP = 'UPDATE' THEN
        INSERT INTO public.journal (type, magasin_id, produit_id, reference)
        SELECT DISTINCT 'ligne_' || fait, v.magasin_id, l.produit_id,
               'vente/' || l.vente_id
          FROM (SELECT produit_id, vente_id FROM nouvelles
                EXCEPT
                SELECT produit_id, vente_id FROM anciennes) l
          LEFT JOIN public.vente v ON v.id = l.vente_id;
    END IF;

    RETURN NULL;
END
$$;

-- TRUNCATE fires no trigger for rows: the movements are written before it.
-- It empties the table of rows, too, that an older snapshot does not show.
CREATE FUNCTION journal_vidage() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF TG_TABLE_NAME IN ('stock_local', 'stock_central')
       AND current_setting('transaction_isolation')
           IN ('repeatable read', 'serializable')
    THEN
        RAISE 'TRUNCATE of % needs READ COMMITTED', TG_TABLE_NAME
            USING ERRCODE = 'feature_not_supported',
                  DETAIL = 'The journal could not tell what was there.';
    END IF;

    IF TG_TABLE_NAME = 'stock_local' THEN
        INSERT INTO public.journal (magasin_id, produit_id, delta, quantite)
        SELECT magasin_id, produit_id, -quantite, 0
          FROM public.stock_local;
    ELSIF TG_TABLE_NAME = 'stock_central' THEN
        INSERT INTO public.journal (produit_id, delta, quantite)
        SELECT produit_id, -quantite, 0 FROM public.stock_central;
    ELSE
        INSERT INTO public.journal (type, reference)
        VALUES (TG_ARGV[0] || '_vidage', NULL);
    END IF;

    RETURN NULL;
END
$$;

CREATE TRIGGER journal_mouvement
    AFTER INSERT OR UPDATE OR DELETE ON stock_local
    FOR EACH ROW EXECUTE FUNCTION journal_stock_local();
CREATE TRIGGER journal_mouvement
    AFTER INSERT OR UPDATE OR DELETE ON stock_central
    FOR EACH ROW EXECUTE FUNCTION journal_stock_central();

CREATE TRIGGER journal_fait
    AFTER INSERT OR UPDATE OR DELETE ON magasin
    FOR EACH ROW EXECUTE FUNCTION journal_fait('magasin');
CREATE TRIGGER journal_fait
    AFTER INSERT OR UPDATE OR DELETE ON produit
    FOR EACH ROW EXECUTE FUNCTION journal_fait('produit');
CREATE TRIGGER journal_fait
    AFTER INSERT OR UPDATE OR DELETE ON demande_reapprovisionnement
    FOR EACH ROW EXECUTE FUNCTION journal_fait('demande');
CREATE TRIGGER journal_fait
    AFTER UPDATE OR DELETE ON vente
    FOR EACH ROW EXECUTE FUNCTION journal_fait('vente');
CREATE TRIGGER journal_creation
    AFTER INSERT ON vente
    FOR EACH ROW EXECUTE FUNCTION journal_vente_creation();

CREATE TRIGGER journal_lignes_creation
    AFTER INSERT ON ligne_vente REFERENCING NEW TABLE AS nouvelles
    FOR EACH STATEMENT EXECUTE FUNCTION journal_lignes();
CREATE TRIGGER journal_lignes_modification
    AFTER UPDATE ON ligne_vente
    REFERENCING OLD TABLE AS anciennes NEW TABLE AS nouvelles
    FOR EACH STATEMENT EXECUTE FUNCTION journal_lignes();
CREATE TRIGGER journal_lignes_suppression
    AFTER DELETE ON ligne_vente REFERENCING OLD TABLE AS anciennes
    FOR EACH STATEMENT EXECUTE FUNCTION journal_lignes();

DO $$
DECLARE
    t  text;
    g  text;
BEGIN
    FOREACH t IN ARRAY ARRAY['magasin', 'produit', 'stock_local',
                             'stock_central', 'vente', 'ligne_vente',
                             'demande_reapprovisionnement']
    LOOP
        EXECUTE format('CREATE TRIGGER journal_vidage BEFORE TRUNCATE ON %I'
                       ' FOR EACH STATEMENT'
                       ' EXECUTE FUNCTION journal_vidage(%L)', t,
                       CASE t WHEN 'ligne_vente' THEN 'ligne'
                              WHEN 'demande_reapprovisionnement'
                              THEN 'demande' ELSE t END);

        FOR g IN SELECT tgname FROM pg_trigger
                  WHERE tgrelid = t::regclass AND NOT tgisinternal
        LOOP
            EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER %I', t, g);
        END LOOP;
    END LOOP;
END
$$;

-- What was there before the journal was.
SELECT set_config('magasin.type', 'ouverture', true);
INSERT INTO journal (magasin_id, produit_id, delta, quantite)
SELECT magasin_id, produit_id, quantite, quantite
  FROM stock_local ORDER BY magasin_id, produit_id;
INSERT INTO journal (produit_id, delta, quantite)
SELECT produit_id, quantite, quantite FROM stock_central ORDER BY produit_id;
SELECT set_config('magasin.type', '', true);

GRANT SELECT ON journal TO magasin_web;
