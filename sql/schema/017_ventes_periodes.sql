-- What each store sold in each hour and on each day of its own time zone, and
-- of which product: GET /api/v1/reports/sales/ reads these rows, so that its
-- cost depends on the time that is asked for and not on how many lines were
-- sold in it.
--
-- A sale does not write them.  entretien() adds the sales up to an edge,
-- vente_periode.bord, which is two minutes old in general; a report adds the
-- lines after the edge to the rows.  When nobody calls entretien() the answer
-- stays exact and takes longer.  No foreign keys: the sales have them.
--
-- Store 0 has the sums of all stores, so that these are read without one row of
-- each store.

SET LOCAL ROLE magasin_owner;

CREATE TABLE vente_heure (
    magasin_id  bigint NOT NULL,
    heure       timestamptz NOT NULL,
    quantite    bigint NOT NULL,
    total       numeric NOT NULL,
    PRIMARY KEY (magasin_id, heure)
);
COMMENT ON COLUMN vente_heure.heure IS
    'when it begins: in some time zones not at a full hour of UTC';

CREATE TABLE vente_heure_produit (
    magasin_id  bigint NOT NULL,
    heure       timestamptz NOT NULL,
    produit_id  bigint NOT NULL,
    quantite    bigint NOT NULL,
    total       numeric NOT NULL,
    PRIMARY KEY (magasin_id, heure, produit_id)
);

CREATE TABLE vente_jour (
    magasin_id  bigint NOT NULL,
    jour        date NOT NULL,
    quantite    bigint NOT NULL,
    total       numeric NOT NULL,
    PRIMARY KEY (magasin_id, jour)
);
COMMENT ON COLUMN vente_jour.jour IS
    'by the time zone that the store had when the sale was added';

CREATE TABLE vente_jour_produit (
    magasin_id  bigint NOT NULL,
    jour        date NOT NULL,
    produit_id  bigint NOT NULL,
    quantite    bigint NOT NULL,
    total       numeric NOT NULL,
    PRIMARY KEY (magasin_id, jour, produit_id)
);

-- One row.  Sales before `bord` are in the tables above, others are not.
-- `suivant` becomes the edge when `horizon` and all transactions before it are
-- over.
CREATE TABLE vente_periode (
    seule    boolean PRIMARY KEY DEFAULT true CHECK (seule),
    bord     timestamptz NOT NULL,
    suivant  timestamptz NOT NULL,
    horizon  xid8 NOT NULL
);

INSERT INTO vente_periode (bord, suivant, horizon)
VALUES ('-infinity', '-infinity', '0');

-- The hour of a store and its day, of an instant.
CREATE FUNCTION heure_locale(instant timestamptz, fuseau text)
    RETURNS timestamptz
    LANGUAGE sql STABLE STRICT
    RETURN date_trunc('hour', instant, fuseau);

CREATE FUNCTION jour_local(instant timestamptz, fuseau text) RETURNS date
    LANGUAGE sql IMMUTABLE STRICT
    RETURN (instant AT TIME ZONE fuseau)::date;

-- An instant by RFC 3339 with the offset that a time zone has then.
CREATE FUNCTION instant_local(instant timestamptz, fuseau text) RETURNS text
    LANGUAGE sql STABLE STRICT
    RETURN (SELECT to_char(ici, 'YYYY-MM-DD"T"HH24:MI:SS')
                || CASE WHEN ecart < 0 THEN '-' ELSE '+' END
                || to_char(abs(ecart) / 60, 'FM00') || ':'
                || to_char(abs(ecart) % 60, 'FM00')
              FROM (SELECT instant AT TIME ZONE fuseau AS ici,
                           (extract(epoch FROM instant AT TIME ZONE fuseau)
                            - extract(epoch FROM instant AT TIME ZONE 'UTC')
                           )::integer / 60 AS ecart) decale);

-- Add lines of sales to the rows; a line of less than 0 units takes away.  The
-- rows are written in one order.  The body is a text: pg_dump of PostgreSQL 15
-- gets names wrong in a parsed one with ON CONFLICT in a WITH.
CREATE FUNCTION vente_periode_ajouter(magasins bigint[],
                                      instants timestamptz[],
                                      produits bigint[], quantites bigint[],
                                      totaux numeric[])
    RETURNS void
    LANGUAGE sql
AS $$
    WITH ligne AS MATERIALIZED (
        SELECT heure_locale(l.instant, m.fuseau) AS heure,
               jour_local(l.instant, m.fuseau) AS jour,
               lieu.magasin_id, l.produit_id, l.quantite, l.total
          FROM unnest(magasins, instants, produits, quantites, totaux)
               l (magasin_id, instant, produit_id, quantite, total)
          JOIN magasin m ON m.id = l.magasin_id
         CROSS JOIN LATERAL (VALUES (l.magasin_id), (0)) lieu (magasin_id)
    ), h AS (
        INSERT INTO vente_heure AS t (magasin_id, heure, quantite, total)
        SELECT magasin_id, heure, sum(quantite), sum(total)
          FROM ligne
         GROUP BY magasin_id, heure
         ORDER BY magasin_id, heure
        ON CONFLICT (magasin_id, heure) DO UPDATE
           SET quantite = t.quantite + excluded.quantite,
               total = t.total + excluded.total
    ), hp AS (
        INSERT INTO vente_heure_produit AS t (magasin_id, heure, produit_id,
                                              quantite, total)
        SELECT magasin_id, heure, produit_id, sum(quantite), sum(total)
          FROM ligne
         GROUP BY magasin_id, heure, produit_id
         ORDER BY magasin_id, heure, produit_id
        ON CONFLICT (magasin_id, heure, produit_id) DO UPDATE
           SET quantite = t.quantite + excluded.quantite,
               total = t.total + excluded.total
    ), j AS (
        INSERT INTO vente_jour AS t (magasin_id, jour, quantite, total)
        SELECT magasin_id, jour, sum(quantite), sum(total)
          FROM ligne
         GROUP BY magasin_id, jour
         ORDER BY magasin_id, jour
        ON CONFLICT (magasin_id, jour) DO UPDATE
           SET quantite = t.quantite + excluded.quantite,
               total = t.total + excluded.total
    )
    INSERT INTO vente_jour_produit AS t (magasin_id, jour, produit_id,
                                         quantite, total)
    SELECT magasin_id, jour, produit_id, sum(quantite), sum(total)
      FROM ligne
     GROUP BY magasin_id, jour, produit_id
     ORDER BY magasin_id, jour, produit_id
    ON CONFLICT (magasin_id, jour, produit_id) DO UPDATE
       SET quantite = t.quantite + excluded.quantite,
           total = t.total + excluded.total;
$$;

-- The edge, which stays where it is until the transaction ends.
CREATE FUNCTION vente_periode_bord() RETURNS timestamptz
    LANGUAGE sql
BEGIN ATOMIC
    SELECT bord FROM vente_periode FOR SHARE;
END;

-- New lines.  Those of the last minute are after the edge: it moves to an
-- instant that was a minute ago when transactions ran that are over now.  The
-- look at the edge without a lock is for a clock that was set back.
CREATE FUNCTION vente_periode_creation() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    limite  timestamptz;
BEGIN
    SELECT greatest(suivant, clock_timestamp() - interval '1 minute')
      INTO limite
      FROM public.vente_periode;

    PERFORM
       FROM nouvelles l
       JOIN public.vente v ON v.id = l.vente_id
      WHERE v.date_vente < limite;

    IF NOT FOUND THEN
        RETURN NULL;
    END IF;

    limite := public.vente_periode_bord();

    PERFORM public.vente_periode_ajouter(
                array_agg(v.magasin_id), array_agg(v.date_vente),
                array_agg(l.produit_id), array_agg(l.quantite),
                array_agg(l.quantite * l.prix_unitaire))
       FROM nouvelles l
       JOIN public.vente v ON v.id = l.vente_id
      WHERE v.date_vente < limite
     HAVING count(*) > 0;

    RETURN NULL;
END
$$;

-- Lines that a person at psql changes or deletes.  cumul_lignes() fires before
-- this by its name and has locked the sales.
CREATE FUNCTION vente_periode_lignes() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    limite  timestamptz := public.vente_periode_bord();
BEGIN
    PERFORM public.vente_periode_ajouter(
                array_agg(v.magasin_id), array_agg(v.date_vente),
                array_agg(l.produit_id), array_agg(-l.quantite),
                array_agg(-l.quantite * l.prix_unitaire))
       FROM anciennes l
       JOIN public.vente v ON v.id = l.vente_id
      WHERE v.date_vente < limite
     HAVING count(*) > 0;

    IF TG_OP = 'UPDATE' THEN
        PERFORM public.vente_periode_ajouter(
                    array_agg(v.magasin_id), array_agg(v.date_vente),
                    array_agg(l.produit_id), array_agg(l.quantite),
                    array_agg(l.quantite * l.prix_unitaire))
           FROM nouvelles l
           JOIN public.vente v ON v.id = l.vente_id
          WHERE v.date_vente < limite
         HAVING count(*) > 0;
    END IF;

    RETURN NULL;
END
$$;

-- A sale that changes its store or its date takes its lines along.
CREATE FUNCTION vente_periode_ventes() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    limite  timestamptz := public.vente_periode_bord();
BEGIN
    PERFORM public.vente_periode_ajouter(
                array_agg(v.magasin_id), array_agg(v.date_vente),
                array_agg(l.produit_id), array_agg(-l.quantite),
                array_agg(-l.quantite * l.prix_unitaire))
       FROM anciennes v
       JOIN public.ligne_vente l ON l.vente_id = v.id
      WHERE v.date_vente < limite
     HAVING count(*) > 0;

    IF TG_OP = 'UPDATE' THEN
        PERFORM public.vente_periode_ajouter(
                    array_agg(v.magasin_id), array_agg(v.date_vente),
                    array_agg(l.produit_id), array_agg(l.quantite),
                    array_agg(l.quantite * l.prix_unitaire))
           FROM nouvelles v
           JOIN public.ligne_vente l ON l.vente_id = v.id
          WHERE v.date_vente < limite
         HAVING count(*) > 0;
    END IF;

    RETURN NULL;
END
$$;

CREATE FUNCTION vente_periode_vidage() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    TRUNCATE public.vente_heure, public.vente_heure_produit,
        public.vente_jour, public.vente_jour_produit;

    RETURN NULL;
END
$$;

-- A store that changes its time zone has other hours and days from its first
-- sale on.  Before the change its sales are taken away, after it they are added
-- again; with many of them that would take too long, and entretien() adds the
-- sales of all stores again.  Nobody adds older sales meanwhile.
CREATE FUNCTION vente_periode_fuseau() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    limite  timestamptz;
    signe   integer := CASE TG_WHEN WHEN 'BEFORE' THEN -1 ELSE 1 END;
BEGIN
    SELECT bord INTO limite FROM public.vente_periode FOR UPDATE;

    IF TG_WHEN = 'BEFORE' AND (
        SELECT count(*) > 20000
          FROM (SELECT FROM public.vente
                 WHERE magasin_id = NEW.id
                   AND date_vente < limite
                 LIMIT 20001) v)
    THEN
        PERFORM public.vente_periode_reconstruire();
        RETURN NEW;
    END IF;

    PERFORM public.vente_periode_ajouter(
                array_agg(v.magasin_id), array_agg(v.date_vente),
                array_agg(l.produit_id), array_agg(signe * l.quantite),
                array_agg(signe * l.quantite * l.prix_unitaire))
       FROM public.vente v
       JOIN public.ligne_vente l ON l.vente_id = v.id
      WHERE v.magasin_id = NEW.id
        AND v.date_vente < limite
     HAVING count(*) > 0;

    RETURN NEW;
END
$$;

-- As 011_lot.sql has it.  New is that it tells by magasin.lot_ancien whether the
-- sales of the batch may be before the edge: they are all of the instant when
-- the transaction began.
CREATE OR REPLACE FUNCTION lot_commencer() RETURNS text
    LANGUAGE plpgsql
AS $$
DECLARE
    ancien  boolean;
BEGIN
    -- The last 144 hours are on this side of the window's edge.
    IF now() < clock_timestamp() - interval '144 hours' THEN
        RAISE 'the transaction is too old for a batch'
            USING ERRCODE = 'invalid_transaction_state';
    END IF;

    SELECT now() < greatest(suivant, clock_timestamp() - interval '1 minute')
      INTO ancien
      FROM vente_periode;

    RETURN contexte_poser('vente', NULL, '', '')
        || set_config('magasin.lot', pg_trigger_depth()::text, true)
        || set_config('magasin.lot_ancien',
                      CASE WHEN ancien THEN 'oui' ELSE '' END, true);
END
$$;

CREATE TRIGGER periode_creation
    AFTER INSERT ON ligne_vente REFERENCING NEW TABLE AS nouvelles
    FOR EACH STATEMENT
    WHEN (current_setting('magasin.lot', true)
          IS DISTINCT FROM pg_trigger_depth()::text
          OR current_user::text <> 'magasin_owner'
          OR current_setting('magasin.lot_ancien', true) = 'oui')
    EXECUTE FUNCTION vente_periode_creation();
CREATE TRIGGER periode_modification
    AFTER UPDATE ON ligne_vente
    REFERENCING OLD TABLE AS anciennes NEW TABLE AS nouvelles
    FOR EACH STATEMENT EXECUTE FUNCTION vente_periode_lignes();
CREATE TRIGGER periode_suppression
    AFTER DELETE ON ligne_vente REFERENCING OLD TABLE AS anciennes
    FOR EACH STATEMENT EXECUTE FUNCTION vente_periode_lignes();
CREATE TRIGGER periode_vidage
    BEFORE TRUNCATE ON ligne_vente
    FOR EACH STATEMENT EXECUTE FUNCTION vente_periode_vidage();
CREATE TRIGGER periode_modification
    AFTER UPDATE ON vente
    REFERENCING OLD TABLE AS anciennes NEW TABLE AS nouvelles
    FOR EACH STATEMENT EXECUTE FUNCTION vente_periode_ventes();
CREATE TRIGGER periode_suppression
    AFTER DELETE ON vente REFERENCING OLD TABLE AS anciennes
    FOR EACH STATEMENT EXECUTE FUNCTION vente_periode_ventes();
CREATE TRIGGER periode_fuseau_ancien
    BEFORE UPDATE OF fuseau ON magasin
    FOR EACH ROW WHEN (NEW.fuseau <> OLD.fuseau)
    EXECUTE FUNCTION vente_periode_fuseau();
CREATE TRIGGER periode_fuseau_nouveau
    AFTER UPDATE OF fuseau ON magasin
    FOR EACH ROW WHEN (NEW.fuseau <> OLD.fuseau)
    EXECUTE FUNCTION vente_periode_fuseau();

ALTER TABLE ligne_vente
    ENABLE ALWAYS TRIGGER periode_creation,
    ENABLE ALWAYS TRIGGER periode_modification,
    ENABLE ALWAYS TRIGGER periode_suppression,
    ENABLE ALWAYS TRIGGER periode_vidage;
ALTER TABLE vente
    ENABLE ALWAYS TRIGGER periode_modification,
    ENABLE ALWAYS TRIGGER periode_suppression;
ALTER TABLE magasin
    ENABLE ALWAYS TRIGGER periode_fuseau_ancien,
    ENABLE ALWAYS TRIGGER periode_fuseau_nouveau;

-- Move the edge on over 5000 sales at most, besides those of one instant.  True
-- if there is more to do.
--
-- A sale that this does not see is of a transaction that is not over.  Its
-- number is above `horizon`, so that it began to write after that was noted,
-- and its sale is younger than `suivant`; or its trigger waits for the row that
-- is locked here.
CREATE FUNCTION vente_periode_avancer() RETURNS boolean
    LANGUAGE plpgsql
AS $$
DECLARE
    p        public.vente_periode;
    nouveau  timestamptz;
BEGIN
    PERFORM public.cumul_exiger_lecture_validee();

    SELECT * INTO p FROM public.vente_periode FOR UPDATE;

    -- Numbers of another cluster, which this database was restored from.
    IF pg_current_xact_id() < p.horizon THEN
        p.horizon := '0';
    END IF;

    IF pg_snapshot_xmin(pg_current_snapshot()) <= p.horizon THEN
        RETURN false;
    END IF;

    IF p.bord < p.suivant THEN
        SELECT min(date_vente)
          INTO nouveau
          FROM public.vente
         WHERE date_vente > (SELECT date_vente
                               FROM public.vente
                              WHERE date_vente >= p.bord
                                AND date_vente < p.suivant
                              ORDER BY date_vente
                             OFFSET 5000
                              LIMIT 1);

        nouveau := least(nouveau, p.suivant);

        PERFORM public.vente_periode_ajouter(
                    array_agg(v.magasin_id), array_agg(v.date_vente),
                    array_agg(l.produit_id), array_agg(l.quantite),
                    array_agg(l.quantite * l.prix_unitaire))
           FROM public.vente v
          CROSS JOIN LATERAL (
            SELECT produit_id, quantite, prix_unitaire
              FROM public.ligne_vente
             WHERE vente_id = v.id
            OFFSET 0
          ) l
          WHERE v.date_vente >= p.bord
            AND v.date_vente < nouveau
         HAVING count(*) > 0;

        UPDATE public.vente_periode SET bord = nouveau;

        IF nouveau < p.suivant THEN
            RETURN true;
        END IF;
    END IF;

    UPDATE public.vente_periode
       SET suivant = greatest(bord, now() - interval '1 minute'),
           horizon = pg_current_xact_id();

    RETURN false;
END
$$;

-- Begin anew: entretien() adds all sales again.
CREATE FUNCTION vente_periode_reconstruire() RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM FROM public.vente_periode FOR UPDATE;

    TRUNCATE public.vente_heure, public.vente_heure_produit,
        public.vente_jour, public.vente_jour_produit;

    UPDATE public.vente_periode
       SET bord = '-infinity', suivant = '-infinity', horizon = '0';
END
$$;

-- Where the rows differ from the sales; no row when all is well.
CREATE FUNCTION vente_periode_ecarts()
    RETURNS TABLE (periode text, magasin_id bigint, produit_id bigint,
                   somme text, ventes text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH brut AS (
        SELECT heure_locale(v.date_vente, m.fuseau) AS heure,
               jour_local(v.date_vente, m.fuseau) AS jour,
               lieu.magasin_id, l.produit_id, l.quantite,
               l.quantite * l.prix_unitaire AS total
          FROM vente_periode p
          JOIN vente v ON v.date_vente < p.bord
          JOIN ligne_vente l ON l.vente_id = v.id
          JOIN magasin m ON m.id = v.magasin_id
         CROSS JOIN LATERAL (VALUES (v.magasin_id), (0)) lieu (magasin_id)
    ), tout AS (
        SELECT 'heure ' || heure AS periode, magasin_id,
               NULL::bigint AS produit_id,
               quantite, total, 0 AS q, 0 AS t
          FROM vente_heure
         UNION ALL
        SELECT 'heure ' || heure, magasin_id, NULL, 0, 0, quantite, total
          FROM brut
         UNION ALL
        SELECT 'heure ' || heure, magasin_id, produit_id, quantite, total, 0,
               0
          FROM vente_heure_produit
         UNION ALL
        SELECT 'heure ' || heure, magasin_id, produit_id, 0, 0, quantite,
               total
          FROM brut
         UNION ALL
        SELECT 'jour ' || jour, magasin_id, NULL, quantite, total, 0, 0
          FROM vente_jour
         UNION ALL
        SELECT 'jour ' || jour, magasin_id, NULL, 0, 0, quantite, total
          FROM brut
         UNION ALL
        SELECT 'jour ' || jour, magasin_id, produit_id, quantite, total, 0, 0
          FROM vente_jour_produit
         UNION ALL
        SELECT 'jour ' || jour, magasin_id, produit_id, 0, 0, quantite, total
          FROM brut
    )
    SELECT periode, magasin_id, produit_id,
           sum(quantite) || ' ' || sum(total), sum(q) || ' ' || sum(t)
      FROM tout
     GROUP BY periode, magasin_id, produit_id
    HAVING sum(quantite) <> sum(q) OR sum(total) <> sum(t)
     ORDER BY periode, magasin_id, produit_id;
END;

-- As 007_tour.sql has it, and what 010_comptes.sql, 014_journal_vie.sql and this
-- file have for it.  Old keys go with their day.
CREATE OR REPLACE FUNCTION entretien() RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    SET lock_timeout = '100ms'
AS $$
DECLARE
    encore  boolean;
    suite   boolean;
    heures  boolean;
BEGIN
    -- One at a time is enough; the others have nothing to wait for.
    BEGIN
        LOCK TABLE public.entretien_tour IN EXCLUSIVE MODE NOWAIT;
    EXCEPTION
        WHEN lock_not_available THEN
            RETURN false;
    END;

    PERFORM journal_vie_commencer();

    -- Each leaves to the next call what somebody has locked.
    BEGIN
        PERFORM idempotence_vider(now());
    EXCEPTION
        WHEN lock_not_available THEN
            NULL;
    END;

    BEGIN
        PERFORM compte_reunir();
        suite := journal_reperer();
    EXCEPTION
        WHEN lock_not_available THEN
            suite := false;
    END;

    -- By itself: it fails as long as somebody reads the journal.
    BEGIN
        suite := journal_partager() OR suite;
    EXCEPTION
        WHEN lock_not_available THEN
            NULL;
    END;

    BEGIN
        heures := vente_periode_avancer();
    EXCEPTION
        WHEN lock_not_available THEN
            heures := false;
    END;

    -- Last, since sales wait for what it locks.
    BEGIN
        encore := cumul_avancer();
    EXCEPTION
        WHEN lock_not_available THEN
            encore := false;
    END;

    RETURN encore OR suite OR heures;
END
$$;

GRANT SELECT ON vente_heure, vente_heure_produit, vente_jour,
    vente_jour_produit, vente_periode TO magasin_web;
GRANT EXECUTE ON FUNCTION jour_local, heure_locale, instant_local
    TO magasin_web;
