-- The order of the journal: it goes on when the database is restored into
-- another cluster, or when a standby takes the place of its primary.  And the
-- journal and the keys of requests in partitions, which go without a DELETE.

SET LOCAL ROLE magasin_owner;

-- In the order in which sales with keys lock them.
LOCK TABLE idempotence, journal IN ACCESS EXCLUSIVE MODE;


-- Rows are in the order of (xid, id), and transactions are numbered by the
-- cluster.  A database that was restored elsewhere begins with small numbers
-- again; on a standby that was behind, other transactions get the numbers of
-- those that were lost.  So xid has the life of the database in its upper 16
-- bits, above the number of the transaction: (life, transaction, id) is the
-- place of a row.  All rows that exist are of life 0, and stay as they are; so
-- do the cursors of readers.

CREATE FUNCTION journal_place(vie integer, transaction xid8) RETURNS xid8
    LANGUAGE sql IMMUTABLE
    RETURN CASE vie WHEN 0 THEN transaction
           ELSE ((vie::bigint << 48) + transaction::text::bigint)::text::xid8
           END;

CREATE TABLE journal_vie (
    vie      integer PRIMARY KEY CHECK (vie BETWEEN 0 AND 32767),
    systeme  bigint NOT NULL,
    branche  text NOT NULL,
    apres    xid8,
    debut    timestamptz NOT NULL DEFAULT clock_timestamp()
);

COMMENT ON TABLE journal_vie IS 'the lives of the database; the last one is'
    ' the present one';
COMMENT ON COLUMN journal_vie.systeme IS 'identifier of the cluster';
COMMENT ON COLUMN journal_vie.branche IS 'its timeline';
COMMENT ON COLUMN journal_vie.apres IS
    'xid of the last row of the lives before it; NULL: there was none';

INSERT INTO journal_vie (vie, systeme, branche)
SELECT 0, system_identifier,
       left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)
  FROM pg_control_system();

-- The life of the database, from the table.  It is a new one where the cluster
-- or the timeline is another one, or where the journal has rows that nothing
-- here has written: those were copied from elsewhere.
CREATE FUNCTION journal_vie_chercher(OUT vie integer, OUT systeme bigint,
                                     OUT branche text, OUT apres xid8,
                                     OUT nouvelle boolean)
    LANGUAGE plpgsql STABLE
AS $$
DECLARE
    connue  public.journal_vie;
    mien    xid8 := pg_current_xact_id_if_assigned();
    limite  xid8 := pg_snapshot_xmax(pg_current_snapshot());
BEGIN
    SELECT * INTO connue
      FROM public.journal_vie v
     ORDER BY v.vie DESC
     LIMIT 1;

    vie := connue.vie;
    nouvelle := false;

    -- A standby writes nothing.
    IF pg_is_in_recovery() THEN
        RETURN;
    END IF;

    systeme := (SELECT system_identifier FROM pg_control_system());
    branche := left(pg_walfile_name(pg_current_wal_insert_lsn()), 8);

    SELECT xid INTO apres
      FROM public.journal
     ORDER BY xid DESC, id DESC
     LIMIT 1;

    IF (connue.systeme, connue.branche) IS DISTINCT FROM (systeme, branche)
    THEN
        vie := coalesce(vie, -1) + 1;
    END IF;

    -- Rows of this life may be there before the row that lists it: whoever
    -- began it has not committed, or rolled back.
    vie := greatest(vie, (apres::text::bigint >> 48)::integer);

    IF apres >= public.journal_place(vie, limite)
       AND apres IS DISTINCT FROM public.journal_place(vie, mien)
    THEN
        vie := vie + 1;
    END IF;

    nouvelle := vie IS DISTINCT FROM connue.vie;
END
$$;

-- Write a new life into the table.  Nobody waits for somebody else who is at
-- it: all find the same number, and entretien() makes sure that it is there.
CREATE FUNCTION journal_vie_commencer() RETURNS integer
    LANGUAGE plpgsql
AS $$
DECLARE
    trouvee  record;
BEGIN
    SELECT * INTO trouvee FROM public.journal_vie_chercher();

    IF trouvee.nouvelle
       AND current_setting('transaction_read_only') = 'off'
    THEN
        BEGIN
            LOCK TABLE public.journal_vie IN SHARE ROW EXCLUSIVE MODE NOWAIT;

            INSERT INTO public.journal_vie (vie, systeme, branche, apres)
            SELECT c.vie, c.systeme, c.branche, c.apres
              FROM public.journal_vie_chercher() c
             WHERE c.nouvelle
            ON CONFLICT DO NOTHING;
        EXCEPTION
            WHEN lock_not_available OR serialization_failure THEN
                NULL;
        END;
    END IF;

    RETURN trouvee.vie;
END
$$;

-- The life of the database, for those who write.  It is called IMMUTABLE since
-- a session that may write is of one life from its begin to its end: so it is
-- called when a statement is planned, and costs a row nothing.
CREATE FUNCTION journal_vie() RETURNS integer
    LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    trouvee  record;
BEGIN
    SELECT * INTO trouvee FROM public.journal_vie_chercher();

    IF trouvee.nouvelle THEN
        RETURN public.journal_vie_commencer();
    END IF;

    RETURN trouvee.vie;
END
$$;

ALTER TABLE journal ALTER xid
    SET DEFAULT journal_place(journal_vie(), pg_current_xact_id());

-- A database of before this migration may have been restored already.
SELECT journal_vie_commencer();


-- The journal in partitions by place.  What is old is the first of them, and
-- can be archived and dropped; what is read from a place on begins in the right
-- one.  By place and not by instant, since an instant says nothing of the order
-- of the rows: each read would have to look into each partition, and the
-- primary key and all cursors would have to have an instant.
--
-- The last partition has no end, so that a row always has a place.  The ones
-- before it are as large as some 30 days need.

CREATE TABLE journal_partie (
    numero  integer PRIMARY KEY,
    debut   xid8 NOT NULL,
    fin     xid8 CHECK (fin > debut)
);

COMMENT ON TABLE journal_partie IS 'the partitions of journal: journal_1 ...;'
    ' journal_0 has what was there before the first of them';
COMMENT ON COLUMN journal_partie.fin IS 'the first xid after it';

LOCK TABLE journal IN ACCESS EXCLUSIVE MODE;

SELECT set_config('magasin.suite',
                  nextval(pg_get_serial_sequence('journal', 'id'))::text, true);

DROP TRIGGER journal_ajout_seul ON journal;
ALTER TABLE journal ALTER id DROP IDENTITY;
REVOKE SELECT ON journal FROM magasin_web;
ALTER TABLE journal RENAME CONSTRAINT journal_pkey TO journal_1_pkey;
ALTER INDEX journal_produit RENAME TO journal_1_produit;
ALTER INDEX journal_magasin RENAME TO journal_1_magasin;
ALTER TABLE journal RENAME TO journal_1;

CREATE TABLE journal (
    LIKE journal_1 INCLUDING DEFAULTS INCLUDING COMMENTS,
    CONSTRAINT journal_pkey PRIMARY KEY (xid, id)
) PARTITION BY RANGE (xid);

ALTER TABLE journal ALTER id ADD GENERATED ALWAYS AS IDENTITY;
SELECT setval(pg_get_serial_sequence('journal', 'id'),
              current_setting('magasin.suite')::bigint, false);

CREATE INDEX journal_1_type ON journal_1 (type, xid, id);
CREATE INDEX journal_type ON journal (type, xid, id);
CREATE INDEX journal_produit ON journal (produit_id, xid, id);
CREATE INDEX journal_magasin ON journal (magasin_id, xid, id);

-- Nobody summarized the newest pages of it, and so it found nothing.
DROP INDEX journal_instant;

GRANT SELECT ON journal TO magasin_web;


-- The journal from an instant on.  Its order is that of the
-- transactions, which is nearly that of the instants, and only nearly.  So
-- journal_repere has every thousandth row in that order, with the latest
-- instant up to it: what is as old as that, or older, has no row that is later
-- than that instant.  A list that begins at an instant starts there.

CREATE TABLE journal_repere (
    xid      xid8 NOT NULL,
    id       bigint NOT NULL,
    instant  timestamptz NOT NULL,
    PRIMARY KEY (xid, id)
);

COMMENT ON COLUMN journal_repere.instant IS
    'no row up to this one is later than that';

CREATE INDEX journal_repere_instant ON journal_repere (instant, xid, id);

-- Go on with the rows that nothing can come before any more, twenty thousand
-- at most in one call.  True when there are more.
CREATE FUNCTION journal_reperer() RETURNS boolean
    LANGUAGE plpgsql
AS $$
DECLARE
    horizon  xid8 := public.journal_place(public.journal_vie(),
                         pg_snapshot_xmin(pg_current_snapshot()));
    dernier  public.journal_repere;
    n        bigint;
BEGIN
    SELECT * INTO dernier
      FROM public.journal_repere
     ORDER BY xid DESC, id DESC
     LIMIT 1;

    INSERT INTO public.journal_repere (xid, id, instant)
    SELECT xid, id, greatest(instant, dernier.instant)
      FROM (
        SELECT xid, id, max(instant) OVER w AS instant,
               row_number() OVER w AS rang
          FROM (
            SELECT xid, id, instant
              FROM public.journal
             WHERE (xid, id) > (coalesce(dernier.xid, '0'),
                                coalesce(dernier.id, 0))
               AND xid < horizon
             ORDER BY xid, id
             LIMIT 20000
          ) suite
        WINDOW w AS (ORDER BY xid, id ROWS UNBOUNDED PRECEDING)
      ) lue
     WHERE rang % 1000 = 0;

    GET DIAGNOSTICS n = ROW_COUNT;

    RETURN n = 20;
END
$$;

-- Rows that a maintainer changes may have other instants then.
CREATE FUNCTION journal_repere_oublier() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    DELETE FROM public.journal_repere;

    RETURN NULL;
END
$$;

-- The triggers of statements fire for the table that the statement names.
CREATE FUNCTION journal_garder(nom_table regclass) RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER journal_ajout_seul'
                   ' BEFORE UPDATE OR DELETE OR TRUNCATE ON %s'
                   ' FOR EACH STATEMENT'
                   ' EXECUTE FUNCTION public.journal_defendre()', nom_table);
    EXECUTE format('CREATE TRIGGER journal_repere'
                   ' AFTER UPDATE OR TRUNCATE ON %s FOR EACH STATEMENT'
                   ' EXECUTE FUNCTION public.journal_repere_oublier()',
                   nom_table);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER journal_ajout_seul,'
                   ' ENABLE ALWAYS TRIGGER journal_repere', nom_table);
END
$$;

-- A partition without an end, from a place on.
CREATE FUNCTION journal_ajouter(p_debut xid8) RETURNS void
    LANGUAGE plpgsql
AS $$
DECLARE
    n  integer := (SELECT max(numero) + 1 FROM public.journal_partie);
BEGIN
    EXECUTE format('CREATE TABLE public.journal_%s'
                   ' (LIKE public.journal INCLUDING DEFAULTS)', n);
    PERFORM public.journal_garder(format('public.journal_%s', n));
    EXECUTE format('ALTER TABLE public.journal'
                   ' ATTACH PARTITION public.journal_%s'
                   ' FOR VALUES FROM (%L) TO (MAXVALUE)', n, p_debut);

    INSERT INTO public.journal_partie (numero, debut) VALUES (n, p_debut);
END
$$;

-- How many places 30 days need, from the partition before the one that has the
-- place ici; there are that many transactions.
CREATE FUNCTION journal_taille(ici xid8) RETURNS bigint
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT least(greatest(coalesce(max(
               (p.fin::text::bigint - j.xid::text::bigint) * 2592000.0
               / greatest(extract(epoch FROM now() - j.instant), 1)), 0),
               1 << 22), 1::bigint << 36)::bigint
      FROM journal_partie p
      JOIN journal_partie c ON c.debut = p.fin
     CROSS JOIN LATERAL (
        SELECT xid, instant
          FROM journal
         WHERE xid >= p.debut AND xid < p.fin
         ORDER BY xid, id
         LIMIT 1
      ) j
     WHERE c.debut <= ici AND c.fin > ici
       AND j.xid::text::bigint >> 48 = ici::text::bigint >> 48;
END;

-- There are two partitions ahead of the rows that are written.  If there are
-- not, the last one gets an end, and another one comes after it.  What that
-- locks is the journal, for as long as it takes to look whether the last one
-- has no rows behind its end.  True when there is more to do.
CREATE FUNCTION journal_partager() RETURNS boolean
    LANGUAGE plpgsql
AS $$
DECLARE
    ici       xid8 := public.journal_place(public.journal_vie(),
                          pg_snapshot_xmax(pg_current_snapshot()));
    derniere  public.journal_partie;
BEGIN
    IF (SELECT count(*) FROM public.journal_partie WHERE debut > ici) >= 2
    THEN
        RETURN false;
    END IF;

    SELECT * INTO derniere FROM public.journal_partie WHERE fin IS NULL;
    derniere.fin := (greatest(derniere.debut, ici)::text::bigint
                     + public.journal_taille(ici))::text::xid8;

    EXECUTE format('ALTER TABLE public.journal'
                   ' DETACH PARTITION public.journal_%s', derniere.numero);
    EXECUTE format('ALTER TABLE public.journal'
                   ' ATTACH PARTITION public.journal_%s'
                   ' FOR VALUES FROM (%L) TO (%L)', derniere.numero,
                   derniere.debut, derniere.fin);

    UPDATE public.journal_partie
       SET fin = derniere.fin
     WHERE numero = derniere.numero;

    PERFORM public.journal_ajouter(derniere.fin);

    RETURN true;
END
$$;

-- The oldest partition, if all of its rows are older than avant and nobody
-- writes into it any more; else NULL.
CREATE FUNCTION journal_archivable(avant timestamptz) RETURNS integer
    LANGUAGE plpgsql
AS $$
DECLARE
    partie  public.journal_partie;
    jeune   boolean;
BEGIN
    SELECT * INTO partie
      FROM public.journal_partie
     ORDER BY numero
     LIMIT 1;

    IF partie.fin IS NULL
       OR partie.fin > public.journal_place(public.journal_vie(),
                           pg_snapshot_xmin(pg_current_snapshot()))
    THEN
        RETURN NULL;
    END IF;

    EXECUTE format('SELECT EXISTS (SELECT FROM public.journal_%s'
                   ' WHERE instant >= $1)', partie.numero)
       INTO jeune USING avant;

    RETURN CASE WHEN NOT jeune THEN partie.numero END;
END
$$;

-- The rows that there are are the first partition.
DO $$
DECLARE
    ici  xid8 := journal_place(journal_vie(),
                     pg_snapshot_xmax(pg_current_snapshot()));
BEGIN
    CREATE TABLE journal_0 (LIKE journal INCLUDING DEFAULTS);
    ALTER TABLE journal ATTACH PARTITION journal_0
        FOR VALUES FROM (MINVALUE) TO ('1');
    EXECUTE format('ALTER TABLE journal ATTACH PARTITION journal_1'
                   ' FOR VALUES FROM (%L) TO (%L)', '1', ici);
    INSERT INTO journal_partie VALUES (1, '1', ici);

    PERFORM journal_garder(t)
       FROM unnest('{journal,journal_0,journal_1}'::regclass[]) t;
    PERFORM journal_ajouter(ici);
    PERFORM journal_partager();
    PERFORM journal_partager();
END
$$;


-- Rows of the journal between two places, without both, in the order of one
-- index: of a store, of a product, of a type, or all; the newest first where
-- recents.  The other filters are called as functions, so that no other index
-- fits.  The plan is the generic one, which looks only into the partitions
-- between the places; to plan with the values would take longer than to read.

CREATE FUNCTION journal_suite(recents boolean, apres_xid xid8,
    apres_id bigint, avant_xid xid8, avant_id bigint, n integer,
    p_depuis timestamptz) RETURNS SETOF journal
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, public, pg_temp
    SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    IF recents THEN
        RETURN QUERY
        SELECT *
          FROM public.journal j
         WHERE (j.xid, j.id) > (apres_xid, apres_id)
           AND (j.xid, j.id) < (avant_xid, avant_id)
           AND j.xid >= apres_xid
           AND j.xid <= avant_xid
           AND (p_depuis IS NULL OR timestamptz_ge(j.instant, p_depuis))
         ORDER BY j.xid DESC, j.id DESC
         LIMIT n;
    ELSE
        RETURN QUERY
        SELECT *
          FROM public.journal j
         WHERE (j.xid, j.id) > (apres_xid, apres_id)
           AND (j.xid, j.id) < (avant_xid, avant_id)
           AND j.xid >= apres_xid
           AND j.xid <= avant_xid
           AND (p_depuis IS NULL OR timestamptz_ge(j.instant, p_depuis))
         ORDER BY j.xid, j.id
         LIMIT n;
    END IF;
END
$$;

CREATE FUNCTION journal_suite_magasin(recents boolean, apres_xid xid8,
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
         WHERE (j.magasin_id, j.xid, j.id) > (p_magasin, apres_xid, apres_id)
           AND (j.magasin_id, j.xid, j.id) < (p_magasin, avant_xid, avant_id)
           AND j.xid >= apres_xid
           AND j.xid <= avant_xid
           AND (p_depuis IS NULL OR timestamptz_ge(j.instant, p_depuis))
           AND (p_produit IS NULL OR int8eq(j.produit_id, p_produit))
           AND (p_type IS NULL OR texteq(j.type, p_type))
         ORDER BY j.magasin_id DESC, j.xid DESC, j.id DESC
         LIMIT n;
    ELSE
        RETURN QUERY
        SELECT *
          FROM public.journal j
         WHERE (j.magasin_id, j.xid, j.id) > (p_magasin, apres_xid, apres_id)
           AND (j.magasin_id, j.xid, j.id) < (p_magasin, avant_xid, avant_id)
           AND j.xid >= apres_xid
           AND j.xid <= avant_xid
           AND (p_depuis IS NULL OR timestamptz_ge(j.instant, p_depuis))
           AND (p_produit IS NULL OR int8eq(j.produit_id, p_produit))
           AND (p_type IS NULL OR texteq(j.type, p_type))
         ORDER BY j.magasin_id, j.xid, j.id
         LIMIT n;
    END IF;
END
$$;

CREATE FUNCTION journal_suite_produit(recents boolean, apres_xid xid8,
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
         WHERE (j.produit_id, j.xid, j.id) > (p_produit, apres_xid, apres_id)
           AND (j.produit_id, j.xid, j.id) < (p_produit, avant_xid, avant_id)
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

CREATE FUNCTION journal_suite_type(recents boolean, apres_xid xid8,
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
         WHERE (j.type, j.xid, j.id) > (p_type, apres_xid, apres_id)
           AND (j.type, j.xid, j.id) < (p_type, avant_xid, avant_id)
           AND j.xid >= apres_xid
           AND j.xid <= avant_xid
           AND (p_depuis IS NULL OR timestamptz_ge(j.instant, p_depuis))
           AND (p_magasin IS NULL OR int8eq(j.magasin_id, p_magasin))
           AND (p_produit IS NULL OR int8eq(j.produit_id, p_produit))
         ORDER BY j.type DESC, j.xid DESC, j.id DESC
         LIMIT n;
    ELSE
        RETURN QUERY
        SELECT *
          FROM public.journal j
         WHERE (j.type, j.xid, j.id) > (p_type, apres_xid, apres_id)
           AND (j.type, j.xid, j.id) < (p_type, avant_xid, avant_id)
           AND j.xid >= apres_xid
           AND j.xid <= avant_xid
           AND (p_depuis IS NULL OR timestamptz_ge(j.instant, p_depuis))
           AND (p_magasin IS NULL OR int8eq(j.magasin_id, p_magasin))
           AND (p_produit IS NULL OR int8eq(j.produit_id, p_produit))
         ORDER BY j.type, j.xid, j.id
         LIMIT n;
    END IF;
END
$$;


-- Keys of requests (006_ecritures.sql) by day, of which there are three that
-- take turns: entretien() empties the one that comes next, whose keys are older
-- than 24 hours.  The days are those of UTC.  The actor and the key come first
-- in the primary key, so that they are found without their day; the lock that
-- idempotence_ouvrir() takes makes them unique across the days.

CREATE FUNCTION idempotence_jour(instant timestamptz) RETURNS integer
    LANGUAGE sql IMMUTABLE
    RETURN ((instant AT TIME ZONE 'UTC')::date - DATE '2000-01-01') % 3;

ALTER TABLE idempotence RENAME TO idempotence_avant;
ALTER TABLE idempotence_avant
    RENAME CONSTRAINT idempotence_pkey TO idempotence_avant_pkey;

CREATE TABLE idempotence (
    jour       integer NOT NULL DEFAULT idempotence_jour(now()),
    acteur     text NOT NULL,
    cle        text NOT NULL,
    empreinte  text NOT NULL,
    reponse    reponse NOT NULL,
    cree_le    timestamptz NOT NULL DEFAULT now()
) PARTITION BY LIST (jour);

CREATE TABLE idempotence_0 PARTITION OF idempotence FOR VALUES IN (0);
CREATE TABLE idempotence_1 PARTITION OF idempotence FOR VALUES IN (1);
CREATE TABLE idempotence_2 PARTITION OF idempotence FOR VALUES IN (2);

INSERT INTO idempotence (jour, acteur, cle, empreinte, reponse, cree_le)
SELECT idempotence_jour(cree_le), acteur, cle, empreinte, reponse, cree_le
  FROM idempotence_avant
 WHERE cree_le > now() - interval '24 hours';

ALTER TABLE idempotence ADD PRIMARY KEY (acteur, cle, jour);

CREATE OR REPLACE FUNCTION idempotence_fermer(p_acteur text, p_cle text,
                                              p_empreinte text,
                                              p_reponse reponse)
    RETURNS void
    LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO idempotence (acteur, cle, empreinte, reponse)
    VALUES (p_acteur, p_cle, p_empreinte, p_reponse);
END;

DROP TABLE idempotence_avant;

-- Empty the day that comes next, which is the one before yesterday.  Not in the
-- first minutes of a day: a transaction that began yesterday may write yet.
CREATE FUNCTION idempotence_vider(instant timestamptz) RETURNS void
    LANGUAGE plpgsql
AS $$
DECLARE
    prochain  integer
        := public.idempotence_jour(instant + interval '24 hours');
BEGIN
    IF public.idempotence_jour(instant - interval '5 minutes')
       = public.idempotence_jour(instant)
       AND EXISTS (SELECT FROM public.idempotence WHERE jour = prochain)
    THEN
        EXECUTE format('TRUNCATE public.idempotence_%s', prochain);
    END IF;
END
$$;

GRANT SELECT ON journal_repere, journal_vie TO magasin_web;
GRANT EXECUTE ON FUNCTION journal_place(integer, xid8), journal_vie(),
    journal_suite, journal_suite_magasin, journal_suite_produit,
    journal_suite_type TO magasin_web;
