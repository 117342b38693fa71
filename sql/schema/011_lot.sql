-- Many writes in one call.  The requests that reach a worker while another
-- batch is under way go to PostgreSQL together: one transaction, one flush of
-- the log, one plan for all of them.  Each keeps its own answer, its own key
-- and its own rows in the journal; one that is refused takes nothing with it.

SET LOCAL ROLE magasin_owner;


-- The journal, by statements.  A transition table shows one change per stock
-- row, while one batch may sell of it many times, each time on account of
-- somebody else.  So whoever writes a batch lays its movements into settings
-- of the transaction first, and the trigger writes those that explain exactly
-- what has changed.  What they do not explain gets one row, as a change from
-- psql does.
--   magasin.mouvements      of stock, as mouvement[]

CREATE TYPE mouvement AS (
    magasin_id  bigint,
    produit_id  bigint,
    delta       integer,
    acteur      text,
    reference   text,
    motif       text
);

-- Anybody may set a setting.  All functions that change stock and that the web
-- tier may call begin here, so that nothing it laid itself is ever read.
CREATE OR REPLACE FUNCTION contexte_poser(type text, acteur text,
                                          reference text, motif text)
    RETURNS text
    LANGUAGE sql
    RETURN set_config('magasin.type', type, true)
        || set_config('magasin.acteur', coalesce(acteur, ''), true)
        || set_config('magasin.reference', reference, true)
        || set_config('magasin.motif', coalesce(motif, ''), true)
        || set_config('magasin.mouvements', '', true)
        || set_config('magasin.lot', '', true);

-- Of a place (a store and a product) a statement has one row before and one
-- after at most.  A row that changes its place leaves one and comes to the
-- other; those that leave are told first.
CREATE FUNCTION journal_mouvements() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    poses     public.mouvement[]
        := nullif(current_setting('magasin.mouvements', true), '');
    magasins  bigint[];
    produits  bigint[];
    avants    integer[];
    apres     integer[];
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO public.journal (magasin_id, produit_id, delta, quantite)
        SELECT magasin_id, produit_id, -quantite, 0 FROM anciennes;

        RETURN NULL;
    END IF;

    IF poses IS NULL AND TG_OP = 'INSERT' THEN
        INSERT INTO public.journal (magasin_id, produit_id, delta, quantite)
        SELECT magasin_id, produit_id, quantite, quantite FROM nouvelles;

        RETURN NULL;
    END IF;

    IF poses IS NULL THEN
        INSERT INTO public.journal (magasin_id, produit_id, delta, quantite)
        SELECT magasin_id, produit_id, sum(apres) - sum(avant), sum(apres)
          FROM (
            SELECT magasin_id, produit_id, quantite AS avant, 0 AS apres,
                   0 AS present
              FROM anciennes
             UNION ALL
            SELECT magasin_id, produit_id, 0, quantite, 1
              FROM nouvelles
          ) m
         GROUP BY magasin_id, produit_id
         ORDER BY sum(present), magasin_id, produit_id;

        RETURN NULL;
    END IF;

    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(magasin_id), array_agg(produit_id),
               array_agg(0), array_agg(quantite)
          INTO magasins, produits, avants, apres
          FROM nouvelles;
    ELSE
        SELECT array_agg(m.magasin_id), array_agg(m.produit_id),
               array_agg(m.avant), array_agg(m.apres)
          INTO magasins, produits, avants, apres
          FROM (
            SELECT magasin_id, produit_id, sum(avant) AS avant,
                   sum(apres) AS apres
              FROM (
                SELECT magasin_id, produit_id, quantite AS avant, 0 AS apres,
                       0 AS present
                  FROM anciennes
                 UNION ALL
                SELECT magasin_id, produit_id, 0, quantite, 1
                  FROM nouvelles
              ) m
             GROUP BY magasin_id, produit_id
             ORDER BY sum(present), magasin_id, produit_id
          ) m;
    END IF;

    -- rang: 0 of what has changed, or the place among what was laid.
    INSERT INTO public.journal (magasin_id, produit_id, delta, quantite,
                                acteur, reference, motif)
    SELECT magasin_id, produit_id,
           CASE WHEN rang = 0 THEN change ELSE delta END,
           CASE WHEN rang = 0 THEN apres ELSE courante END,
           CASE WHEN rang > 0 AND acteur <> '' THEN acteur
                WHEN rang > 0 THEN session_user
                ELSE public.contexte('acteur', session_user) END,
           CASE WHEN rang > 0 THEN nullif(reference, '')
                ELSE public.contexte('reference', NULL) END,
           CASE WHEN rang > 0 THEN nullif(motif, '')
                ELSE public.contexte('motif', NULL) END
      FROM (
        SELECT *,
               sum(coalesce(avant, delta)) OVER (
                   place ORDER BY rang ROWS UNBOUNDED PRECEDING) AS courante,
               sum(delta) OVER place = sum(change) OVER place AS explique
          FROM (
            SELECT 0 AS rang, n, magasin_id, produit_id, avant, apres,
                   apres - avant AS change, NULL::integer AS delta,
                   NULL AS acteur, NULL AS reference, NULL AS motif
              FROM unnest(magasins, produits, avants, apres)
                   WITH ORDINALITY u (magasin_id, produit_id, avant, apres, n)
             UNION ALL
            SELECT n, n, magasin_id, produit_id, NULL, NULL, NULL, delta,
                   acteur, reference, motif
              FROM unnest(poses) WITH ORDINALITY u (magasin_id, produit_id,
                                 delta, acteur, reference, motif, n)
          ) m
        WINDOW place AS (PARTITION BY magasin_id, produit_id)
      ) m
     WHERE coalesce(explique, false) = (rang > 0)
     ORDER BY rang, n;

    RETURN NULL;
END
$$;

DROP TRIGGER journal_mouvement ON stock_local;
DROP FUNCTION journal_stock_local();

CREATE TRIGGER journal_mouvement_creation
    AFTER INSERT ON stock_local REFERENCING NEW TABLE AS nouvelles
    FOR EACH STATEMENT EXECUTE FUNCTION journal_mouvements();
CREATE TRIGGER journal_mouvement_modification
    AFTER UPDATE ON stock_local
    REFERENCING OLD TABLE AS anciennes NEW TABLE AS nouvelles
    FOR EACH STATEMENT EXECUTE FUNCTION journal_mouvements();
CREATE TRIGGER journal_mouvement_suppression
    AFTER DELETE ON stock_local REFERENCING OLD TABLE AS anciennes
    FOR EACH STATEMENT EXECUTE FUNCTION journal_mouvements();

CREATE FUNCTION journal_ventes() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    INSERT INTO public.journal (type, magasin_id, reference)
    SELECT 'vente_creation', magasin_id, 'vente/' || id FROM nouvelles;

    RETURN NULL;
END
$$;

DROP TRIGGER journal_creation ON vente;
DROP FUNCTION journal_vente_creation();

CREATE TRIGGER journal_creation
    AFTER INSERT ON vente REFERENCING NEW TABLE AS nouvelles
    FOR EACH STATEMENT EXECUTE FUNCTION journal_ventes();

ALTER TABLE stock_local
    ENABLE ALWAYS TRIGGER journal_mouvement_creation,
    ENABLE ALWAYS TRIGGER journal_mouvement_modification,
    ENABLE ALWAYS TRIGGER journal_mouvement_suppression;
ALTER TABLE vente ENABLE ALWAYS TRIGGER journal_creation;


-- The sums of the sales, as 005_cumuls.sql has it.  New is that lines of sales
-- which the transaction itself has made, and not long ago, need no lock and no
-- look at the window: these are written at once.
CREATE OR REPLACE FUNCTION cumul_creation() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    debut      timestamptz;
    etrangere  boolean;
    bord       timestamptz := '-infinity';
    recents    timestamptz := clock_timestamp() - interval '144 hours';
BEGIN
    INSERT INTO public.cumul_vente AS c
           (magasin_id, produit_id, quantite, total, recente, premiere)
    SELECT n.magasin_id, n.produit_id, sum(n.quantite),
           sum(n.quantite * n.prix_unitaire), sum(n.quantite), min(n.id)
      FROM (
        SELECT v.magasin_id, l.*,
               bool_or(v.xmin <> pg_current_xact_id()::xid
                       OR v.date_vente < recents) OVER () AS autres
          FROM nouvelles l
          JOIN public.vente v ON v.id = l.vente_id
      ) n
     WHERE NOT n.autres
     GROUP BY n.magasin_id, n.produit_id
     ORDER BY n.magasin_id, n.produit_id
    ON CONFLICT (magasin_id, produit_id) DO UPDATE
       SET quantite = c.quantite + excluded.quantite,
           total = c.total + excluded.total,
           recente = c.recente + excluded.recente,
           premiere = least(c.premiere, excluded.premiere);

    IF FOUND THEN
        RETURN NULL;
    END IF;

    SELECT min(v.date_vente),
           bool_or(v.xmin <> pg_current_xact_id()::xid)
      INTO debut, etrangere
      FROM nouvelles l
      JOIN public.vente v ON v.id = l.vente_id;

    IF etrangere THEN
        PERFORM public.ventes_tenir(ARRAY(SELECT vente_id FROM nouvelles));

        SELECT min(v.date_vente) INTO debut
          FROM nouvelles l
          JOIN public.vente v ON v.id = l.vente_id;
    END IF;

    IF debut < recents THEN
        bord := public.fenetre_bord();
    END IF;

    INSERT INTO public.cumul_vente AS c
           (magasin_id, produit_id, quantite, total, recente, premiere)
    SELECT v.magasin_id, l.produit_id, sum(l.quantite),
           sum(l.quantite * l.prix_unitaire),
           coalesce(sum(l.quantite) FILTER (WHERE v.date_vente >= bord), 0),
           min(l.id)
      FROM nouvelles l
      JOIN public.vente v ON v.id = l.vente_id
     GROUP BY v.magasin_id, l.produit_id
     ORDER BY v.magasin_id, l.produit_id
    ON CONFLICT (magasin_id, produit_id) DO UPDATE
       SET quantite = c.quantite + excluded.quantite,
           total = c.total + excluded.total,
           recente = c.recente + excluded.recente,
           premiere = least(c.premiere, excluded.premiere);

    RETURN NULL;
END
$$;


-- Of the sales of a batch lot_vendre_ecrire() writes itself all that these
-- triggers would: it has at hand what they would look for.  magasin.lot says so
-- while it does, with the depth at which it runs: what other triggers change
-- meanwhile is one deeper.  Whoever has no right to switch triggers off cannot
-- silence these either: what they change is theirs, not the owner's.
DO $$
DECLARE
    t  record;
BEGIN
    FOR t IN
        SELECT *
          FROM (VALUES
            ('stock_local', 'journal_mouvement_modification', 'UPDATE',
             'OLD TABLE AS anciennes NEW TABLE AS nouvelles',
             'journal_mouvements'),
            ('stock_local', 'compte_modification', 'UPDATE',
             'OLD TABLE AS anciennes NEW TABLE AS nouvelles',
             'compte_stock_modification'),
            ('vente', 'journal_creation', 'INSERT',
             'NEW TABLE AS nouvelles', 'journal_ventes'),
            ('ligne_vente', 'journal_lignes_creation', 'INSERT',
             'NEW TABLE AS nouvelles', 'journal_lignes'),
            ('ligne_vente', 'cumul_creation', 'INSERT',
             'NEW TABLE AS nouvelles', 'cumul_creation'),
            ('ligne_vente', 'compte_ajout', 'INSERT',
             'NEW TABLE AS nouvelles', 'compte_vente_changer')
          ) v (cible, nom, quand, tables, fonction)
    LOOP
        EXECUTE format(
            'CREATE OR REPLACE TRIGGER %I AFTER %s ON %I REFERENCING %s'
            ' FOR EACH STATEMENT'
            ' WHEN (current_setting(''magasin.lot'', true)'
            '       IS DISTINCT FROM pg_trigger_depth()::text'
            '       OR current_user::text <> ''magasin_owner'')'
            ' EXECUTE FUNCTION %I()',
            t.nom, t.quand, t.cible, t.tables, t.fonction);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER %I', t.cible,
                       t.nom);
    END LOOP;
END
$$;


-- As 005_cumuls.sql has it, in smaller steps: sales wait for the sums that one
-- changes.  It takes an hour of sales or 200 lines, whichever is less, besides
-- the lines of one instant, which an edge does not part.
CREATE OR REPLACE FUNCTION cumul_avancer() RETURNS boolean
    LANGUAGE plpgsql
AS $$
DECLARE
    limite   timestamptz := now() - interval '168 hours';
    ancien   timestamptz;
    nouveau  timestamptz;
BEGIN
    PERFORM public.cumul_exiger_lecture_validee();

    SELECT bord INTO ancien FROM public.fenetre FOR UPDATE;

    -- Stretches without a sale are passed over at once.
    SELECT least(limite, min(date_vente) + interval '1 hour')
      INTO nouveau
      FROM public.vente
     WHERE date_vente >= ancien;

    IF nouveau <= ancien THEN
        RETURN false;
    END IF;

    SELECT least(nouveau, max(date_vente))
      INTO nouveau
      FROM (
        SELECT v.date_vente
          FROM (
            SELECT id, date_vente
              FROM public.vente
             WHERE date_vente > ancien
               AND date_vente < nouveau
             ORDER BY date_vente
             LIMIT 201
          ) v
         CROSS JOIN LATERAL (
            SELECT FROM public.ligne_vente WHERE vente_id = v.id OFFSET 0
          ) l
         ORDER BY v.date_vente
        OFFSET 200
         LIMIT 1
      ) suivante;

    WITH sortie AS MATERIALIZED (
        SELECT v.magasin_id, l.produit_id, sum(l.quantite) AS quantite
          FROM public.vente v
         CROSS JOIN LATERAL (
            SELECT produit_id, quantite
              FROM public.ligne_vente
             WHERE vente_id = v.id
            OFFSET 0
          ) l
         WHERE v.date_vente >= ancien
           AND v.date_vente < nouveau
         GROUP BY v.magasin_id, l.produit_id
    ), verrou AS MATERIALIZED (
        SELECT c.magasin_id, c.produit_id, s.quantite
          FROM public.cumul_vente c
          JOIN sortie s USING (magasin_id, produit_id)
         ORDER BY c.magasin_id, c.produit_id
           FOR NO KEY UPDATE OF c
    )
    UPDATE public.cumul_vente c
       SET recente = c.recente - v.quantite
      FROM verrou v
     WHERE c.magasin_id = v.magasin_id
       AND c.produit_id = v.produit_id;

    UPDATE public.fenetre SET bord = nouveau;

    RETURN nouveau < limite;
END
$$;


-- Why a sale cannot be, as 006_ecritures.sql has it, in a batch: of the places
-- named last there is not what the table says, since sales of the same batch
-- that come before are not written yet.
CREATE FUNCTION lot_refus(p_magasin bigint, p_produits bigint[],
                          p_quantites integer[], p_places_magasins bigint[],
                          p_places_produits bigint[], p_restes bigint[])
    RETURNS reponse
    LANGUAGE plpgsql STABLE
AS $$
DECLARE
    ici       magasin;
    details   text;
    elements  text;
BEGIN
    SELECT * INTO ici FROM magasin WHERE id = p_magasin;

    IF NOT FOUND THEN
        RETURN repondre(400, NULL, NULL, NULL,
                        '{"magasin":' || cle_inconnue(p_magasin) || '}');
    END IF;

    SELECT string_agg(CASE WHEN p.id IS NULL
                           THEN '{"produit":' || cle_inconnue(u.produit)
                                || '}'
                           ELSE '{}' END, ',' ORDER BY u.n)
      INTO elements
      FROM unnest(p_produits) WITH ORDINALITY u (produit, n)
      LEFT JOIN produit p ON p.id = u.produit
    HAVING bool_or(p.id IS NULL);

    IF elements IS NOT NULL THEN
        RETURN repondre(400, NULL, NULL, NULL,
                        '{"lignes":[' || elements || ']}');
    END IF;

    IF NOT ici.ouvert THEN
        RETURN reponse_ferme(ici);
    END IF;

    SELECT string_agg(p.nom, ', ' ORDER BY p.id),
           string_agg('{"produit":' || p.id || ',"nom":' || to_json(p.nom)
                      || '}', ',' ORDER BY p.id)
      INTO details, elements
      FROM produit p
     WHERE p.id = ANY (p_produits) AND p.archive_le IS NOT NULL;

    IF elements IS NOT NULL THEN
        RETURN repondre(409, NULL, NULL,
                        'Produit archivé' || U&'\00A0' || ': ' || details
                        || '.',
                        '"produits":[' || elements || ']');
    END IF;

    SELECT string_agg(nom || ' (demandé ' || quantite || ', disponible '
                      || reste || ')', ', ' ORDER BY id),
           string_agg('{"produit":' || id || ',"nom":' || to_json(nom)
                      || ',"demande":' || quantite || ',"disponible":'
                      || reste || '}', ',' ORDER BY id)
      INTO details, elements
      FROM (SELECT p.id, p.nom, l.quantite,
                   coalesce((SELECT r.reste
                               FROM unnest(p_places_magasins,
                                           p_places_produits, p_restes)
                                    r (magasin, produit, reste)
                              WHERE r.magasin = p_magasin
                                AND r.produit = l.produit),
                            s.quantite, 0) AS reste
              FROM (SELECT u.produit, sum(u.quantite) AS quantite
                      FROM unnest(p_produits, p_quantites)
                           u (produit, quantite)
                     GROUP BY u.produit) l
              JOIN produit p ON p.id = l.produit
              LEFT JOIN stock_local s ON s.magasin_id = p_magasin
                                     AND s.produit_id = l.produit) l
     WHERE reste < quantite;

    IF elements IS NULL THEN
        RETURN NULL;
    END IF;

    RETURN repondre(409, NULL, NULL,
                    'Stock insuffisant' || U&'\00A0' || ': ' || details || '.',
                    '"produits":[' || elements || ']');
END
$$;

CREATE OR REPLACE FUNCTION vente_refus(p_magasin bigint, p_produits bigint[],
                                       p_quantites integer[]) RETURNS reponse
    LANGUAGE sql STABLE
    RETURN lot_refus(p_magasin, p_produits, p_quantites, NULL, NULL, NULL);


-- One sale that can be: the rows are locked and have enough.  As it was in
-- vente_creer().
CREATE FUNCTION vente_ecrire(p_magasin bigint, p_produits bigint[],
                             p_quantites integer[], p_prix numeric[],
                             p_acteur text)
    RETURNS reponse
    LANGUAGE plpgsql
AS $$
DECLARE
    contexte  text;
    r         reponse;
BEGIN
    contexte := contexte_poser('vente', p_acteur, '', '');

    WITH l AS MATERIALIZED (
        SELECT u.produit, sum(u.quantite)::integer AS quantite,
               coalesce(u.prix, p.prix)::numeric(10,2) AS prix,
               min(u.n) AS n
          FROM unnest(p_produits, p_quantites, p_prix)
               WITH ORDINALITY u (produit, quantite, prix, n)
          JOIN produit p ON p.id = u.produit
         WHERE p.id = ANY (p_produits)
         GROUP BY 1, 3
    ), v AS (
        INSERT INTO vente (magasin_id, total)
        SELECT p_magasin, sum(quantite * prix) FROM l
        HAVING sum(quantite * prix) < 1000000000000
        RETURNING id, date_vente, total
    ), lignes AS (
        INSERT INTO ligne_vente (vente_id, produit_id, quantite,
                                 prix_unitaire)
        SELECT v.id, l.produit, l.quantite, l.prix
          FROM l CROSS JOIN v
         ORDER BY l.n
    ), stock AS (
        UPDATE stock_local s
           SET quantite = s.quantite - l.quantite
          FROM v
         CROSS JOIN (SELECT produit, sum(quantite)::integer AS quantite
                       FROM l GROUP BY produit) l
         WHERE s.magasin_id = p_magasin AND s.produit_id = l.produit
           AND s.produit_id = ANY (p_produits)
    )
    SELECT 201, '/api/v1/sales/' || v.id || '/', NULL,
           CASE WHEN set_config('magasin.reference', 'vente/' || v.id,
                                true) IS NULL THEN '' END,
           vente_corps(v.id, p_magasin, v.date_vente, v.total,
                       (SELECT string_agg(ligne_corps(l.produit,
                                                      l.quantite, l.prix),
                                          ',' ORDER BY l.n)
                          FROM l))
      INTO r
      FROM v;

    IF NOT FOUND THEN
        r := repondre(400, NULL, NULL, NULL,
                      '{"lignes":["Le total dépasserait '
                      '999999999999.99."]}');
    END IF;

    RETURN r;
END
$$;

CREATE OR REPLACE FUNCTION vente_creer(p_magasin bigint, p_produits bigint[],
                                       p_quantites integer[],
                                       p_prix numeric[], p_acteur text,
                                       p_cle text, p_empreinte text)
    RETURNS reponse
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    possible  boolean;
    r         reponse;
BEGIN
    IF p_cle IS NOT NULL THEN
        r := idempotence_ouvrir(p_acteur, p_cle, p_empreinte);
        IF r.statut IS NOT NULL THEN
            RETURN r;
        END IF;
    END IF;

    -- A reason not to sell may be gone when it is looked for.
    FOR essai IN 1 .. 3 LOOP
        -- The products first, then the stock, each in order: so does all else
        -- that locks them, and nobody waits in a circle.
        WITH p AS MATERIALIZED (
            SELECT id, archive_le
              FROM produit
             WHERE id = ANY (p_produits)
             ORDER BY id
               FOR KEY SHARE
        ), s AS MATERIALIZED (
            SELECT s.produit_id, s.quantite
              FROM p
              JOIN stock_local s ON s.produit_id = p.id
             WHERE s.magasin_id = p_magasin AND p.archive_le IS NULL
             ORDER BY s.produit_id
               FOR UPDATE OF s
        )
        SELECT bool_and(coalesce(s.quantite >= l.quantite, false))
               AND EXISTS (SELECT FROM magasin WHERE id = p_magasin AND ouvert)
          INTO possible
          FROM (SELECT u.produit, sum(u.quantite) AS quantite
                  FROM unnest(p_produits, p_quantites) u (produit, quantite)
                 GROUP BY u.produit) l
          LEFT JOIN s ON s.produit_id = l.produit;

        EXIT WHEN possible;
        r := vente_refus(p_magasin, p_produits, p_quantites);
        EXIT WHEN r.statut IS NOT NULL;
    END LOOP;

    IF NOT coalesce(possible, false) AND r.statut IS NULL THEN
        RAISE 'the sale of store % can neither be nor be refused', p_magasin
            USING ERRCODE = 'serialization_failure';
    END IF;

    IF possible THEN
        r := vente_ecrire(p_magasin, p_produits, p_quantites, p_prix,
                          p_acteur);
    END IF;

    IF p_cle IS NOT NULL THEN
        PERFORM idempotence_fermer(p_acteur, p_cle, p_empreinte, r);
    END IF;

    RETURN r;
END
$$;

-- A sale of some lines that is alone in its batch, when it can be at once.
-- Otherwise there is no answer, and it goes the way of all batches.  Its joins
-- are of lines with lines, for a few of them.  The triggers cost it less than
-- the one statement for many sales would.
CREATE FUNCTION lot_vendre_seule(p_magasin bigint, p_produits bigint[],
                                 p_quantites integer[], p_prix numeric[],
                                 p_acteur text)
    RETURNS reponse
    LANGUAGE plpgsql
AS $$
DECLARE
    possible  boolean;
BEGIN
    WITH p AS MATERIALIZED (
        SELECT id, archive_le
          FROM produit
         WHERE id = ANY (p_produits)
         ORDER BY id
           FOR KEY SHARE SKIP LOCKED
    ), s AS MATERIALIZED (
        SELECT s.produit_id, s.quantite,
               (SELECT c.produit_id
                  FROM cumul_vente c
                 WHERE c.magasin_id = p_magasin
                   AND c.produit_id = p.id) IS NOT NULL AS vendu
          FROM p
          JOIN stock_local s ON s.magasin_id = p_magasin
                            AND s.produit_id = p.id
         WHERE p.archive_le IS NULL
         ORDER BY s.produit_id
           FOR UPDATE OF s SKIP LOCKED
    ), c AS MATERIALIZED (
        SELECT c.produit_id
          FROM s
          JOIN cumul_vente c ON c.magasin_id = p_magasin
                            AND c.produit_id = s.produit_id
         WHERE s.vendu
         ORDER BY c.produit_id
           FOR NO KEY UPDATE OF c SKIP LOCKED
    ), m AS MATERIALIZED (
        SELECT ouvert
          FROM magasin
         WHERE id = p_magasin
           AND (SELECT count(*) FROM s) >= 0
           FOR KEY SHARE SKIP LOCKED
    )
    SELECT bool_and(coalesce(s.quantite >= l.quantite, false))
           AND (SELECT ouvert FROM m)
           AND (SELECT count(*) FILTER (WHERE vendu) FROM s)
               = (SELECT count(*) FROM c)
      INTO possible
      FROM (SELECT u.produit, sum(u.quantite) AS quantite
              FROM unnest(p_produits, p_quantites) u (produit, quantite)
             GROUP BY u.produit) l
      LEFT JOIN s ON s.produit_id = l.produit;

    IF possible THEN
        RETURN vente_ecrire(p_magasin, p_produits, p_quantites, p_prix,
                            p_acteur);
    END IF;

    RETURN NULL;
END
$$;


-- The rows that a batch needs, locked in the order in which everything locks
-- them: products, stock by product and store, stores, and with sales the sums
-- by store and product.  With attendre false a row that somebody else has
-- locked is left out.  The arrays have a place for each line.
--
-- tenus_cumuls: as tenus_stock, but for those whose sum somebody else has.
-- aise: nothing is missing or closed, and there is enough of everything for
-- all of them.  With less than 10,000 units no total is too large either.
-- With aise, tarifs has the price of each line's product, and restes how many
-- units there are when the line and those before it are sold.
CREATE FUNCTION lot_tenir(p_produits bigint[], p_magasins bigint[],
                          p_quantites integer[], vendre boolean,
                          attendre boolean,
                          OUT tenus_produits bigint[], OUT tenus_stock bigint[],
                          OUT tenus_cumuls bigint[],
                          OUT tenus_magasins bigint[], OUT aise boolean,
                          OUT tarifs numeric[], OUT restes bigint[])
    LANGUAGE plpgsql
AS $$
BEGIN
    IF attendre THEN
        WITH p AS MATERIALIZED (
            SELECT p.id, p.prix, p.archive_le, u.magasin, u.quantite, u.rang
              FROM unnest(p_produits, p_magasins, p_quantites)
                   WITH ORDINALITY u (produit, magasin, quantite, rang)
              JOIN produit p ON p.id = u.produit
             ORDER BY p.id
               FOR KEY SHARE OF p
        ), s AS MATERIALIZED (
            SELECT s.id, s.magasin_id, s.produit_id, s.quantite,
                   p.quantite AS voulue, p.rang, p.prix, p.archive_le
              FROM p
              JOIN stock_local s ON s.magasin_id = p.magasin
                                AND s.produit_id = p.id
             WHERE (SELECT count(*) FROM p) >= 0
             ORDER BY s.produit_id, s.magasin_id
               FOR UPDATE OF s
        ), m AS MATERIALIZED (
            SELECT id, ouvert
              FROM magasin
             WHERE id = ANY (p_magasins)
               AND (SELECT count(*) FROM s) >= 0
             ORDER BY id
               FOR KEY SHARE
        ), c AS MATERIALIZED (
            SELECT s.id
              FROM s
              JOIN cumul_vente c ON c.magasin_id = s.magasin_id
                                AND c.produit_id = s.produit_id
             WHERE vendre
               AND (SELECT count(*) FROM m) >= 0
             ORDER BY c.magasin_id, c.produit_id
               FOR NO KEY UPDATE OF c
        )
        SELECT ARRAY(SELECT id FROM p), ARRAY(SELECT id FROM s),
               t.cumuls, ARRAY(SELECT id FROM m),
               t.assez = cardinality(p_produits)
               AND t.assez = cardinality(t.cumuls)
               AND (SELECT count(*) FILTER (WHERE ouvert) FROM m)
                   = (SELECT count(DISTINCT magasin)
                        FROM unnest(p_magasins) u (magasin))
               AND t.toute < 10000,
               t.tarifs, t.restes
          INTO tenus_produits, tenus_stock, tenus_cumuls, tenus_magasins,
               aise, tarifs, restes
          FROM (
            SELECT count(*) FILTER (WHERE archive_le IS NULL
                                    AND quantite >= toute) AS assez,
                   CASE WHEN NOT vendre
                             OR count(*) = (SELECT count(*) FROM c)
                        THEN ARRAY(SELECT id FROM s)
                        ELSE ARRAY(
                            SELECT id FROM c
                             UNION ALL
                            SELECT id
                              FROM s
                             WHERE NOT EXISTS (
                                SELECT
                                  FROM cumul_vente c
                                 WHERE c.magasin_id = s.magasin_id
                                   AND c.produit_id = s.produit_id)) END
                       AS cumuls,
                   sum(voulue) AS toute, array_agg(prix) AS tarifs,
                   array_agg(quantite - deja) AS restes
              FROM (
                SELECT *, sum(voulue) OVER place AS toute,
                       sum(voulue) OVER (place ORDER BY rang
                                         ROWS UNBOUNDED PRECEDING) AS deja
                  FROM s
                WINDOW place AS (PARTITION BY produit_id, magasin_id)
                 ORDER BY rang
              ) s
          ) t;
    ELSE
        WITH p AS MATERIALIZED (
            SELECT p.id, p.prix, p.archive_le, u.magasin, u.quantite, u.rang
              FROM unnest(p_produits, p_magasins, p_quantites)
                   WITH ORDINALITY u (produit, magasin, quantite, rang)
              JOIN produit p ON p.id = u.produit
             ORDER BY p.id
               FOR KEY SHARE OF p SKIP LOCKED
        ), s AS MATERIALIZED (
            SELECT s.id, s.magasin_id, s.produit_id, s.quantite,
                   p.quantite AS voulue, p.rang, p.prix, p.archive_le
              FROM p
              JOIN stock_local s ON s.magasin_id = p.magasin
                                AND s.produit_id = p.id
             WHERE (SELECT count(*) FROM p) >= 0
             ORDER BY s.produit_id, s.magasin_id
               FOR UPDATE OF s SKIP LOCKED
        ), m AS MATERIALIZED (
            SELECT id, ouvert
              FROM magasin
             WHERE id = ANY (p_magasins)
               AND (SELECT count(*) FROM s) >= 0
             ORDER BY id
               FOR KEY SHARE SKIP LOCKED
        ), c AS MATERIALIZED (
            SELECT s.id
              FROM s
              JOIN cumul_vente c ON c.magasin_id = s.magasin_id
                                AND c.produit_id = s.produit_id
             WHERE vendre
               AND (SELECT count(*) FROM m) >= 0
             ORDER BY c.magasin_id, c.produit_id
               FOR NO KEY UPDATE OF c SKIP LOCKED
        )
        SELECT ARRAY(SELECT id FROM p), ARRAY(SELECT id FROM s),
               t.cumuls, ARRAY(SELECT id FROM m),
               t.assez = cardinality(p_produits)
               AND t.assez = cardinality(t.cumuls)
               AND (SELECT count(*) FILTER (WHERE ouvert) FROM m)
                   = (SELECT count(DISTINCT magasin)
                        FROM unnest(p_magasins) u (magasin))
               AND t.toute < 10000,
               t.tarifs, t.restes
          INTO tenus_produits, tenus_stock, tenus_cumuls, tenus_magasins,
               aise, tarifs, restes
          FROM (
            SELECT count(*) FILTER (WHERE archive_le IS NULL
                                    AND quantite >= toute) AS assez,
                   CASE WHEN NOT vendre
                             OR count(*) = (SELECT count(*) FROM c)
                        THEN ARRAY(SELECT id FROM s)
                        ELSE ARRAY(
                            SELECT id FROM c
                             UNION ALL
                            SELECT id
                              FROM s
                             WHERE NOT EXISTS (
                                SELECT
                                  FROM cumul_vente c
                                 WHERE c.magasin_id = s.magasin_id
                                   AND c.produit_id = s.produit_id)) END
                       AS cumuls,
                   sum(voulue) AS toute, array_agg(prix) AS tarifs,
                   array_agg(quantite - deja) AS restes
              FROM (
                SELECT *, sum(voulue) OVER place AS toute,
                       sum(voulue) OVER (place ORDER BY rang
                                         ROWS UNBOUNDED PRECEDING) AS deja
                  FROM s
                WINDOW place AS (PARTITION BY produit_id, magasin_id)
                 ORDER BY rang
              ) s
          ) t;
    END IF;
END
$$;


-- The state of a batch, a place in each array for each request.
CREATE TYPE lot AS (
    libres    boolean[],   -- not decided yet
    reponses  reponse[],
    gardees   boolean[]    -- the answer is kept for the request's key
);

-- A request's answer: as reponse, and of a product its row.  n: the number of
-- the request.  manque: nothing was decided and nothing done.  Somebody else
-- has a row of it locked; or a row of it came, or a reason to refuse it went,
-- after the locks were taken.  These would be locked out of order now, and
-- somebody waited for in a circle: the next batch decides it.
CREATE TYPE lot_reponse AS (
    statut       integer,
    emplacement  text,
    etag         text,
    detail       text,
    corps        text,
    n            integer,
    manque       boolean,
    id           bigint,
    nom          text,
    categorie    text,
    prix         numeric,
    description  text,
    concorde     boolean,
    renomme      boolean
);

-- The changes of products of a batch, as product_patch.sql.  Those of one
-- product are done one after another, and of the rest all that one actor wants
-- at once: the journal tells who it was.
CREATE FUNCTION lot_tarifer(INOUT l lot, OUT fiches lot_reponse[],
                            p_changements boolean[], p_acteurs text[],
                            p_conditions text[], p_numeros integer[],
                            p_produits bigint[], p_prix numeric[],
                            p_noms text[], p_categories text[],
                            p_descriptions text[], p_archives boolean[],
                            attendre boolean)
    LANGUAGE plpgsql
AS $$
DECLARE
    contexte  text;
    produits  bigint[];
    tenus     bigint[];
    g         record;
    c         record;
    statut    integer;
BEGIN
    SELECT array_agg(u.produit)
      INTO produits
      FROM unnest(p_numeros, p_produits) u (n, produit)
     WHERE p_changements[u.n];

    IF attendre THEN
        tenus := ARRAY(SELECT p.id
                         FROM produit p
                        WHERE p.id = ANY (produits)
                        ORDER BY p.id
                          FOR NO KEY UPDATE);
    ELSE
        tenus := ARRAY(SELECT p.id
                         FROM produit p
                        WHERE p.id = ANY (produits)
                        ORDER BY p.id
                          FOR NO KEY UPDATE SKIP LOCKED);
    END IF;

    fiches := array_fill(NULL::lot_reponse, ARRAY[cardinality(p_changements)]);

    FOR g IN
        SELECT u.rang, u.acteur, array_agg(u.n ORDER BY u.n) AS numeros,
               array_agg(u.produit ORDER BY u.n) AS produits,
               array_agg(u.prix ORDER BY u.n) AS prix
          FROM (SELECT v.n, v.produit, v.prix, p_acteurs[v.n] AS acteur,
                       row_number() OVER (PARTITION BY v.produit
                                          ORDER BY v.n) AS rang
                  FROM unnest(p_numeros, p_produits, p_prix)
                       v (n, produit, prix)
                 WHERE p_changements[v.n]) u
         GROUP BY u.rang, u.acteur
         ORDER BY u.rang, min(u.n)
    LOOP
        contexte := contexte_poser('', g.acteur, '', '');

        FOR c IN
            WITH u AS MATERIALIZED (
                SELECT u.n, u.prix, p_archives[u.n] AS archive, a.id, a.nom,
                       a.categorie, a.prix AS ancien, a.description,
                       a.archive_le IS NULL OR NOT p_archives[u.n] AS vivant,
                       p_conditions[u.n] IS NULL OR p_conditions[u.n] = '*'
                       OR produit_etag(a.nom, a.categorie, a.prix,
                                       a.description)
                          = ANY (string_to_array(p_conditions[u.n], ','))
                       AS concorde
                  FROM unnest(g.numeros, g.produits, g.prix)
                       u (n, produit, prix)
                  LEFT JOIN LATERAL (
                    SELECT * FROM produit WHERE id = u.produit OFFSET 0
                  ) a ON true
            ), fait AS (
                UPDATE produit p
                   SET nom = coalesce(p_noms[u.n], p.nom),
                       categorie = coalesce(p_categories[u.n], p.categorie),
                       prix = coalesce(u.prix, p.prix),
                       description = coalesce(p_descriptions[u.n],
                                              p.description),
                       archive_le = CASE u.archive
                                    WHEN true
                                    THEN coalesce(p.archive_le, now())
                                    WHEN false THEN NULL
                                    ELSE p.archive_le END
                  FROM u
                 WHERE p.id = u.id AND p.id = ANY (tenus)
                   AND u.vivant AND u.concorde
                RETURNING u.n, p.nom, p.categorie, p.prix, p.description,
                          p.nom <> u.nom AS renomme
            )
            SELECT u.n, u.id, u.vivant, f.n AS fait, u.id = ANY (tenus) AS tenu,
                   coalesce(f.nom, u.nom) AS nom,
                   coalesce(f.categorie, u.categorie) AS categorie,
                   coalesce(f.prix, u.ancien) AS prix,
                   coalesce(f.description, u.description) AS description,
                   f.renomme
              FROM u
              LEFT JOIN fait f ON f.n = u.n
        LOOP
            -- Somebody else has it.
            CONTINUE WHEN c.id IS NOT NULL AND NOT c.tenu AND NOT attendre;

            statut := CASE WHEN c.fait IS NOT NULL THEN 200
                           WHEN c.tenu AND c.vivant THEN 412
                           ELSE 404 END;

            l.libres[c.n] := false;
            l.reponses[c.n] := repondre(statut, NULL, NULL, NULL, NULL);

            IF statut <> 404 THEN
                fiches[c.n] := ROW(NULL, NULL, NULL, NULL, NULL, NULL, NULL,
                                   c.id, c.nom, c.categorie, c.prix,
                                   c.description, statut = 200,
                                   c.renomme)::lot_reponse;
            END IF;
        END LOOP;
    END LOOP;
END
$$;


-- The adjustments of a batch, as stock_ajuster(), in the order of the places:
-- those of one place are decided one after another, and each place is written
-- once.  tenus: what lot_tenir() has locked; what this makes is added.
CREATE FUNCTION lot_ajuster(INOUT l lot, INOUT tenus_stock bigint[],
                            tenus_produits bigint[], tenus_magasins bigint[],
                            p_ajustements boolean[], p_acteurs text[],
                            p_magasins bigint[], p_conditions text[],
                            p_attendus integer[], p_motifs text[],
                            p_numeros integer[],
                            p_produits bigint[], p_deltas integer[],
                            p_comptes integer[])
    LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    contexte   text;
    a          record;
    libres     boolean[] := l.libres;
    reponses   reponse[] := l.reponses;
    gardees    boolean[] := l.gardees;
    magasin    bigint := 0;
    produit    bigint := 0;
    existe     boolean;
    avant      integer;
    apres      bigint;
    poses      mouvement[] := '{}';
    r          reponse;
    garder     boolean;
    i          integer := 0;
    nouvelle   boolean[] := '{}';
    change     boolean[] := '{}';
    magasins   bigint[] := '{}';
    produits   bigint[] := '{}';
    quantites  integer[] := '{}';
    faits      bigint[];
BEGIN
    FOR a IN
        SELECT u.n, u.magasin, u.produit, p_deltas[u.i] AS delta,
               p_comptes[u.i] AS compte, p_conditions[u.n] AS si,
               p_attendus[u.n] AS attendu, p_motifs[u.n] AS motif,
               p_acteurs[u.n] AS acteur, p.id AS connu, p.nom,
               m.id AS ici, s.id AS stock, coalesce(s.quantite, 0) AS quantite
          FROM (SELECT v.n, v.i::integer, v.produit, p_magasins[v.n] AS magasin
                  FROM unnest(p_numeros, p_produits)
                       WITH ORDINALITY v (n, produit, i)
                 WHERE p_ajustements[v.n] AND libres[v.n]) u
          LEFT JOIN produit p ON p.id = u.produit
          LEFT JOIN magasin m ON m.id = u.magasin
          LEFT JOIN stock_local s ON s.magasin_id = u.magasin
                                 AND s.produit_id = u.produit
         ORDER BY u.produit, u.magasin, u.n
    LOOP
        -- Somebody else has it, or it came after the locks.
        CONTINUE WHEN a.connu IS NOT NULL AND a.connu <> ALL (tenus_produits)
            OR a.ici IS NOT NULL AND a.ici <> ALL (tenus_magasins)
            OR a.stock IS NOT NULL AND a.stock <> ALL (tenus_stock);

        IF a.produit <> produit OR a.magasin <> magasin THEN
            magasin := a.magasin;
            produit := a.produit;
            existe := a.stock IS NOT NULL;
            avant := a.quantite;

            i := i + 1;
            magasins[i] := magasin;
            produits[i] := produit;
            nouvelle[i] := NOT existe;
            change[i] := false;
            quantites[i] := avant;
        END IF;

        apres := coalesce(a.compte, avant::bigint + a.delta);
        garder := true;

        IF a.connu IS NULL OR a.ici IS NULL THEN
            garder := false;
            r := reponse_absent(
                CASE WHEN a.connu IS NULL
                     THEN 'Produit avec ID ' || a.produit || ' introuvable.'
                     ELSE 'Magasin avec ID ' || a.magasin || ' introuvable.'
                     END);

        -- Without a row there is nothing that If-Match could name, not even
        -- "*".
        ELSIF a.si IS NOT NULL
              AND (NOT existe
                   OR (a.si <> '*'
                       AND avant::text <> ALL (string_to_array(a.si, ','))))
        THEN
            garder := false;
            r := repondre(412, NULL, '"' || avant || '"',
                          'Le stock a changé' || U&'\00A0' || ': '
                          || 'il en reste ' || avant || '.',
                          '"quantite":' || avant);

        ELSIF a.attendu IS NOT NULL AND avant <> a.attendu THEN
            r := repondre(409, NULL, '"' || avant || '"',
                          'Le stock a changé' || U&'\00A0' || ': '
                          || a.attendu || ' attendus, ' || avant
                          || ' présents.',
                          '"attendu":' || a.attendu || ',"quantite":'
                          || avant);

        ELSIF apres < 0 THEN
            r := repondre(409, NULL, '"' || avant || '"',
                          'Stock insuffisant' || U&'\00A0' || ': ' || a.nom
                          || ' (demandé ' || -a.delta::bigint
                          || ', disponible ' || avant || ').',
                          '"produits":[{"produit":' || a.produit || ',"nom":'
                          || to_json(a.nom) || ',"demande":'
                          || -a.delta::bigint || ',"disponible":' || avant
                          || '}]');

        ELSIF apres > 2147483647 THEN
            r := repondre(409, NULL, '"' || avant || '"',
                          'Le stock dépasserait 2147483647 unités.', NULL);

        ELSE
            r := repondre(200, NULL, '"' || apres || '"', NULL,
                          stock_corps(a.magasin, a.produit, apres::integer));

            -- A product that the store never had gets its row only when
            -- something becomes of it.
            IF existe OR apres > 0 THEN
                poses := poses || ROW(a.magasin, a.produit, apres - avant,
                                      a.acteur, NULL, a.motif)::mouvement;
                existe := true;
                change[i] := true;
                avant := apres;
                quantites[i] := avant;
            END IF;
        END IF;

        libres[a.n] := false;
        reponses[a.n] := r;
        gardees[a.n] := garder;
    END LOOP;

    IF true = ANY (change) THEN
        contexte := contexte_poser('ajustement', NULL, '', '');
        contexte := set_config('magasin.mouvements', poses::text, true);

        WITH u AS MATERIALIZED (
            SELECT *
              FROM unnest(magasins, produits, quantites, nouvelle, change)
                   u (magasin, produit, quantite, nouvelle, change)
             WHERE u.change
        ), avance AS (
            UPDATE stock_local s
               SET quantite = u.quantite
              FROM u
             WHERE s.magasin_id = u.magasin AND s.produit_id = u.produit
               AND NOT u.nouvelle
        ), creation AS (
            INSERT INTO stock_local (magasin_id, produit_id, quantite)
            SELECT u.magasin, u.produit, u.quantite
              FROM u
             WHERE u.nouvelle
             ORDER BY u.produit, u.magasin
            ON CONFLICT DO NOTHING
            RETURNING id, magasin_id, produit_id
        )
        SELECT tenus_stock || array_agg(c.id),
               array_agg(u.produit) FILTER (WHERE c.id IS NULL),
               array_agg(u.magasin) FILTER (WHERE c.id IS NULL)
          INTO faits, produits, magasins
          FROM u
          LEFT JOIN creation c ON c.magasin_id = u.magasin
                              AND c.produit_id = u.produit
         WHERE u.nouvelle;

        contexte := set_config('magasin.mouvements', '', true);

        IF faits IS NOT NULL THEN
            tenus_stock := array_remove(faits, NULL);
        END IF;

        -- Somebody else was first to make the row: nothing of these was done.
        FOR a IN
            SELECT v.n
              FROM unnest(produits, magasins) u (produit, magasin)
              JOIN unnest(p_numeros, p_produits) v (n, produit)
                   ON v.produit = u.produit
                  AND p_magasins[v.n] = u.magasin
             WHERE p_ajustements[v.n] AND l.libres[v.n]
               AND faits IS NOT NULL
        LOOP
            libres[a.n] := true;
            gardees[a.n] := false;
            reponses[a.n] := NULL;
        END LOOP;
    END IF;

    l := ROW(libres, reponses, gardees);
END
$$;


-- From here on the triggers that lot_vendre_ecrire() does the work of are
-- silent.
CREATE FUNCTION lot_commencer() RETURNS text
    LANGUAGE plpgsql
AS $$
BEGIN
    -- The last 144 hours are on this side of the window's edge.
    IF now() < clock_timestamp() - interval '144 hours' THEN
        RAISE 'the transaction is too old for a batch'
            USING ERRCODE = 'invalid_transaction_state';
    END IF;

    RETURN contexte_poser('vente', NULL, '', '')
        || set_config('magasin.lot', pg_trigger_depth()::text, true);
END
$$;

-- And to here.  juste: what became of the stock is what was told.
CREATE FUNCTION lot_finir(juste boolean) RETURNS text
    LANGUAGE plpgsql
AS $$
BEGIN
    IF NOT juste THEN
        RAISE 'the stock is not what the batch has locked'
            USING ERRCODE = 'triggered_data_change_violation';
    END IF;

    RETURN set_config('magasin.lot', '', true);
END
$$;

-- The sales of a batch that can be: the rows are locked and have enough.  It
-- writes what the triggers would write of them, who each movement is on
-- account of included, and tells these by magasin.lot.
--
-- The arrays have a place for each line; those of one request are together, in
-- its order.  p_numeros: whose line it is.  p_tarifs, p_restes: as
-- lot_tenir() has them.  p_acteurs and p_ids have one for each request, p_ids
-- the number of its sale.
--
-- faites: the answers, of the requests whose numbers are in `numeros`.
CREATE FUNCTION lot_vendre_ecrire(p_numeros integer[], p_magasins bigint[],
                                  p_produits bigint[], p_quantites integer[],
                                  p_prix numeric[], p_tarifs numeric[],
                                  p_restes bigint[], p_acteurs text[],
                                  p_ids bigint[], OUT faites reponse[],
                                  OUT numeros integer[])
    LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    contexte  text;
    juste     boolean;
BEGIN
    contexte := lot_commencer();

    WITH d AS MATERIALIZED (
        SELECT *, quantite * prix AS montant,
               nextval('ligne_vente_id_seq') AS ligne
          FROM (
            SELECT u.n, u.magasin, u.produit, sum(u.quantite)::integer
                       AS quantite,
                   coalesce(u.prix, u.tarif)::numeric(10,2) AS prix,
                   min(u.reste)::integer AS reste, min(u.rang) AS rang
              FROM unnest(p_numeros, p_magasins, p_produits, p_quantites,
                          p_prix, p_tarifs, p_restes)
                   WITH ORDINALITY u (n, magasin, produit, quantite, prix,
                                      tarif, reste, rang)
             GROUP BY u.n, u.magasin, u.produit, 5
             ORDER BY min(u.rang)
          ) d
    ), v AS MATERIALIZED (
        SELECT n, p_ids[n] AS id, magasin, sum(montant) AS total,
               string_agg(ligne_corps(produit, quantite, prix), ','
                          ORDER BY rang) AS lignes
          FROM d
         GROUP BY n, magasin
         ORDER BY n
    ), places AS MATERIALIZED (
        SELECT magasin, produit, sum(quantite)::integer AS quantite,
               sum(montant) AS total, min(ligne) AS premiere,
               min(reste) AS reste
          FROM d
         GROUP BY magasin, produit
         ORDER BY magasin, produit
    ), stock AS (
        UPDATE stock_local s
           SET quantite = s.quantite - p.quantite
          FROM places p
         WHERE s.magasin_id = p.magasin AND s.produit_id = p.produit
        RETURNING s.quantite = p.reste AS juste
    ), lignes AS (
        INSERT INTO ligne_vente (id, vente_id, produit_id, quantite,
                                 prix_unitaire)
        SELECT ligne, p_ids[n], produit, quantite, prix FROM d ORDER BY rang
    ), ventes AS (
        INSERT INTO vente (id, magasin_id, total)
        SELECT id, magasin, total FROM v ORDER BY n
    ), mouvements AS (
        INSERT INTO journal (type, magasin_id, produit_id, delta, quantite,
                             acteur, reference, motif)
        SELECT type, magasin, produit, delta, reste,
               coalesce(nullif(p_acteurs[n], ''), session_user),
               'vente/' || p_ids[n], NULL
          FROM (
            SELECT 'vente_creation' AS type, n, magasin,
                   NULL::bigint AS produit, NULL::integer AS delta,
                   NULL::integer AS reste, 0::bigint AS rang
              FROM v
             UNION ALL
            SELECT 'vente', n, magasin, produit, -sum(quantite)::integer,
                   min(reste), min(rang)
              FROM d
             GROUP BY n, magasin, produit
          ) m
         ORDER BY rang, n
    ), cumuls AS (
        INSERT INTO cumul_vente AS c
               (magasin_id, produit_id, quantite, total, recente, premiere)
        SELECT magasin, produit, quantite, total, quantite, premiere
          FROM places
         ORDER BY magasin, produit
        ON CONFLICT (magasin_id, produit_id) DO UPDATE
           SET quantite = c.quantite + excluded.quantite,
               total = c.total + excluded.total,
               recente = c.recente + excluded.recente,
               premiere = least(c.premiere, excluded.premiere)
    ), comptes AS (
        INSERT INTO compte_vente (unites, total)
        SELECT sum(quantite), sum(total) FROM places
    ), seuils AS (
        INSERT INTO compte_stock (magasin_id, lignes, ruptures, surstock)
        SELECT magasin, 0, count(*) FILTER (WHERE reste = 0),
               -count(*) FILTER (WHERE reste + quantite > 10)
          FROM places
         WHERE reste = 0 OR (reste <= 10 AND reste + quantite > 10)
         GROUP BY magasin
    )
    SELECT array_agg(ROW(201, '/api/v1/sales/' || id || '/', NULL, NULL,
                         vente_corps(id, magasin, now(), total,
                                     lignes))::reponse),
           array_agg(n),
           (SELECT count(*) FILTER (WHERE juste) FROM stock)
           = (SELECT count(*) FROM places)
      INTO faites, numeros, juste
      FROM (SELECT * FROM v ORDER BY n) v;

    contexte := lot_finir(juste);
END
$$;


-- A sale of one line that is alone in its batch, when it can be at once; NULL
-- otherwise, and when nobody has sold of this place before.  It writes what
-- lot_vendre_ecrire() writes, in the same order of locks: for one row, plain
-- statements cost less than those for many.
CREATE FUNCTION lot_vendre_une(p_magasin bigint, p_produit bigint,
                               p_quantite integer, p_prix numeric,
                               p_acteur text)
    RETURNS reponse
    LANGUAGE plpgsql
AS $$
DECLARE
    contexte  text;
    acteur    text := coalesce(nullif(p_acteur, ''), session_user);
    tarif     numeric(10,2);
    reste     integer;
    present   integer;
    vente     bigint;
    ligne     bigint;
    montant   numeric;
BEGIN
    SELECT coalesce(p_prix, p.prix) INTO tarif
      FROM produit p
     WHERE p.id = p_produit AND p.archive_le IS NULL
       FOR KEY SHARE SKIP LOCKED;

    IF NOT FOUND OR p_quantite >= 10000 THEN
        RETURN NULL;
    END IF;

    SELECT s.quantite - p_quantite INTO reste
      FROM stock_local s
     WHERE s.magasin_id = p_magasin AND s.produit_id = p_produit
       FOR UPDATE SKIP LOCKED;

    IF NOT FOUND OR reste < 0 THEN
        RETURN NULL;
    END IF;

    PERFORM FROM magasin m
      WHERE m.id = p_magasin AND m.ouvert
        FOR KEY SHARE SKIP LOCKED;

    IF NOT FOUND THEN
        RETURN NULL;
    END IF;

    PERFORM FROM cumul_vente c
      WHERE c.magasin_id = p_magasin AND c.produit_id = p_produit
        FOR NO KEY UPDATE SKIP LOCKED;

    IF NOT FOUND THEN
        RETURN NULL;
    END IF;

    contexte := lot_commencer();
    vente := nextval('vente_id_seq');
    ligne := nextval('ligne_vente_id_seq');
    montant := p_quantite * tarif;

    INSERT INTO vente (id, magasin_id, total)
    VALUES (vente, p_magasin, montant);

    INSERT INTO ligne_vente (id, vente_id, produit_id, quantite, prix_unitaire)
    VALUES (ligne, vente, p_produit, p_quantite, tarif);

    UPDATE stock_local s
       SET quantite = s.quantite - p_quantite
     WHERE s.magasin_id = p_magasin AND s.produit_id = p_produit
    RETURNING s.quantite INTO present;

    INSERT INTO journal (type, magasin_id, produit_id, delta, quantite,
                         acteur, reference, motif)
    VALUES ('vente_creation', p_magasin, NULL, NULL, NULL, acteur,
            'vente/' || vente, NULL),
           ('vente', p_magasin, p_produit, -p_quantite, reste, acteur,
            'vente/' || vente, NULL);

    UPDATE cumul_vente c
       SET quantite = c.quantite + p_quantite,
           total = c.total + montant,
           recente = c.recente + p_quantite,
           premiere = least(c.premiere, ligne)
     WHERE c.magasin_id = p_magasin AND c.produit_id = p_produit;

    INSERT INTO compte_vente (unites, total) VALUES (p_quantite, montant);

    IF reste = 0 OR (reste <= 10 AND reste + p_quantite > 10) THEN
        INSERT INTO compte_stock (magasin_id, lignes, ruptures, surstock)
        VALUES (p_magasin, 0, (reste = 0)::integer,
                -(reste + p_quantite > 10)::integer);
    END IF;

    contexte := lot_finir(coalesce(present = reste, false));

    RETURN ROW(201, '/api/v1/sales/' || vente || '/', NULL, NULL,
               vente_corps(vente, p_magasin, now(), montant::numeric(14,2),
                           ligne_corps(p_produit, p_quantite,
                                       tarif)))::reponse;
END
$$;


-- The sales of a batch, as vente_creer().  Those whose places have enough for
-- all that the batch wants of them are sure; the others are looked at one by
-- one, first come first served.  All that can be is written at once.
--
-- p_places, p_tarifs and p_restes have a place for each line: its store, and
-- with `aise` what lot_tenir() says of it; the lines are those of the sales
-- that are free then.
CREATE FUNCTION lot_vendre(INOUT l lot, aise boolean, tenus_stock bigint[],
                           tenus_produits bigint[], tenus_magasins bigint[],
                           p_ventes boolean[], p_acteurs text[],
                           p_magasins bigint[], p_numeros integer[],
                           p_produits bigint[], p_quantites integer[],
                           p_prix numeric[], p_places bigint[],
                           p_tarifs numeric[], p_restes bigint[])
    LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    nombre     integer := cardinality(p_ventes);
    libres     boolean[] := l.libres;
    reponses   reponse[] := l.reponses;
    gardees    boolean[] := l.gardees;
    oui        boolean[] := array_fill(false, ARRAY[nombre]);
    sures      integer[];
    autres     integer[];
    valides    boolean[];
    trop       boolean[];
    n          integer;
    magasins   bigint[];
    produits   bigint[];
    restes     bigint[];
    demandes   bigint[];
    lui        bigint[];
    combien    integer[];
    places     integer[];
    k          integer;
    r          reponse;
    ids        bigint[];
    fait       record;
BEGIN
    IF aise AND false <> ALL (p_ventes) THEN
        oui := libres;
    ELSIF aise THEN
        FOR i IN 1 .. nombre LOOP
            oui[i] := libres[i] AND p_ventes[i];
        END LOOP;
    ELSE
        -- sure: there is enough for everybody.  valide: only the quantities,
        -- or the total, can be wrong with it.
        SELECT array_agg(c.n ORDER BY c.n) FILTER (WHERE c.sure),
               array_agg(c.n ORDER BY c.n) FILTER (WHERE NOT c.sure),
               array_agg(c.valide ORDER BY c.n) FILTER (WHERE NOT c.sure),
               array_agg(c.total >= 1000000000000 ORDER BY c.n)
                   FILTER (WHERE NOT c.sure)
          INTO sures, autres, valides, trop
          FROM (
            SELECT v.n, v.total,
                   v.valide AND coalesce(m.ouvert, false) AS valide,
                   v.valide AND v.assez AND v.total < 1000000000000
                   AND coalesce(m.ouvert, false) AS sure
              FROM (
                SELECT d.n, d.magasin,
                       sum(d.quantite * coalesce(d.prix, p.prix)::numeric(10,2))
                           AS total,
                       bool_and((p.id IS NULL OR p.id = ANY (tenus_produits))
                                AND (s.id IS NULL OR s.id = ANY (tenus_stock)))
                           AS tenue,
                       bool_and(NOT coalesce(p.archive, true)) AS valide,
                       bool_and(coalesce(s.quantite >= d.toute, false)) AS assez
                  FROM (
                    SELECT u.n, u.produit, u.quantite, u.prix,
                           p_magasins[u.n] AS magasin,
                           sum(u.quantite) OVER (
                               PARTITION BY u.produit, p_magasins[u.n]) AS toute
                      FROM unnest(p_numeros, p_produits, p_quantites, p_prix)
                           u (n, produit, quantite, prix)
                     WHERE p_ventes[u.n] AND libres[u.n]
                  ) d
                  LEFT JOIN LATERAL (
                    SELECT id, prix, archive_le IS NOT NULL AS archive
                      FROM produit
                     WHERE id = d.produit
                    OFFSET 0
                  ) p ON true
                  LEFT JOIN LATERAL (
                    SELECT id, quantite
                      FROM stock_local
                     WHERE magasin_id = d.magasin AND produit_id = d.produit
                    OFFSET 0
                  ) s ON true
                 GROUP BY d.n, d.magasin
              ) v
              LEFT JOIN LATERAL (
                SELECT id, ouvert FROM magasin WHERE id = v.magasin OFFSET 0
              ) m ON true
             WHERE v.tenue
               AND (m.id IS NULL OR m.id = ANY (tenus_magasins))
          ) c;

        FOREACH n IN ARRAY coalesce(sures, '{}') LOOP
            oui[n] := true;
        END LOOP;
    END IF;

    IF autres IS NOT NULL THEN
        -- What there is, of the places that they want and that are locked.
        SELECT array_agg(s.magasin_id), array_agg(s.produit_id),
               array_agg(s.quantite::bigint)
          INTO magasins, produits, restes
          FROM (SELECT DISTINCT p_magasins[u.n] AS magasin, u.produit
                  FROM unnest(p_numeros, p_produits) u (n, produit)
                 WHERE u.n = ANY (autres)) d
         CROSS JOIN LATERAL (
            SELECT magasin_id, produit_id, quantite
              FROM stock_local
             WHERE magasin_id = d.magasin AND produit_id = d.produit
               AND id = ANY (tenus_stock)
            OFFSET 0
          ) s;
    END IF;

    FOR i IN 1 .. coalesce(cardinality(autres), 0) LOOP
        n := autres[i];

        SELECT array_agg(u.produit ORDER BY u.rang),
               array_agg(u.quantite ORDER BY u.rang)
          INTO lui, combien
          FROM unnest(p_numeros, p_produits, p_quantites)
               WITH ORDINALITY u (n, produit, quantite, rang)
         WHERE u.n = autres[i];

        r := lot_refus(p_magasins[n], lui, combien, magasins, produits,
                       restes);

        IF r.statut IS NULL AND valides[i] AND trop[i] THEN
            r := repondre(400, NULL, NULL, NULL,
                          '{"lignes":["Le total dépasserait '
                          '999999999999.99."]}');
        END IF;

        IF r.statut IS NOT NULL THEN
            libres[n] := false;
            gardees[n] := true;
            reponses[n] := r;

        ELSIF valides[i] THEN
            places := '{}';

            FOR j IN 1 .. cardinality(lui) LOOP
                FOR k IN 1 .. coalesce(cardinality(restes), 0) LOOP
                    IF produits[k] = lui[j] AND magasins[k] = p_magasins[n]
                    THEN
                        places[j] := k;
                    END IF;
                END LOOP;
            END LOOP;

            -- A row that came after the locks is nothing to sell from.
            CONTINUE WHEN cardinality(array_remove(places, NULL))
                          < cardinality(lui);

            oui[n] := true;

            FOR j IN 1 .. cardinality(lui) LOOP
                k := places[j];
                restes[k] := restes[k] - combien[j];
            END LOOP;
        END IF;
    END LOOP;

    IF true <> ALL (oui) THEN
        l := ROW(libres, reponses, gardees);
        RETURN;
    END IF;

    IF NOT aise THEN
        SELECT array_agg(n), array_agg(magasin), array_agg(produit),
               array_agg(quantite), array_agg(prix), array_agg(tarif),
               array_agg(reste)
          INTO p_numeros, p_places, p_produits, p_quantites, p_prix, p_tarifs,
               p_restes
          FROM (
            SELECT u.n, u.magasin, u.produit, u.quantite, u.prix,
                   p.prix AS tarif,
                   s.quantite
                   - sum(u.quantite) OVER (PARTITION BY u.produit, u.magasin
                                           ORDER BY u.rang
                                           ROWS UNBOUNDED PRECEDING) AS reste
              FROM (
                SELECT v.*, p_magasins[v.n] AS magasin
                  FROM unnest(p_numeros, p_produits, p_quantites, p_prix)
                       WITH ORDINALITY v (n, produit, quantite, prix, rang)
                 WHERE oui[v.n]
              ) u
             CROSS JOIN LATERAL (
                SELECT prix FROM produit WHERE id = u.produit OFFSET 0
              ) p
             CROSS JOIN LATERAL (
                SELECT quantite
                  FROM stock_local
                 WHERE magasin_id = u.magasin AND produit_id = u.produit
                OFFSET 0
              ) s
             ORDER BY u.rang
          ) u;
    END IF;

    ids := array_fill(0, ARRAY[nombre]);

    FOR i IN 1 .. nombre LOOP
        IF oui[i] THEN
            ids[i] := nextval('vente_id_seq');
        END IF;
    END LOOP;

    fait := lot_vendre_ecrire(p_numeros, p_places, p_produits, p_quantites,
                              p_prix, p_tarifs, p_restes, p_acteurs, ids);

    IF cardinality(fait.numeros) = nombre THEN
        l := ROW(array_fill(false, ARRAY[nombre]), fait.faites, oui);
        RETURN;
    END IF;

    FOR i IN 1 .. cardinality(fait.numeros) LOOP
        n := fait.numeros[i];
        libres[n] := false;
        gardees[n] := true;
        reponses[n] := fait.faites[i];
    END LOOP;

    l := ROW(libres, reponses, gardees);
END
$$;


-- Many writes of the API, a place in each array for each request, in order of
-- arrival: p_genres to p_motifs and p_noms to p_archives.  p_numeros to p_prix
-- are of their lines; those of one request are together, in its order.
-- p_genres: 'prix', 'ajustement' or 'vente', decided in this order.
--
-- With p_attendre false no row is waited for.
--
-- The plans depend on nothing in the arrays and are made once.  They go by
-- index from what was asked for, however small a table was when they were made.
CREATE FUNCTION lot_ecrire(p_genres text[], p_acteurs text[], p_cles text[],
                           p_empreintes text[], p_magasins bigint[],
                           p_conditions text[], p_attendus integer[],
                           p_motifs text[], p_numeros integer[],
                           p_produits bigint[], p_quantites integer[],
                           p_comptes integer[], p_prix numeric[],
                           p_noms text[], p_categories text[],
                           p_descriptions text[], p_archives boolean[],
                           p_attendre boolean)
    RETURNS SETOF lot_reponse
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off
    SET enable_hashjoin = off
    SET enable_mergejoin = off
AS $$
DECLARE
    nombre       integer := cardinality(p_genres);
    l            lot;
    ventes       boolean[];
    ajustements  boolean[];
    changements  boolean[];
    fiches       lot_reponse[];
    cles         boolean := cardinality(array_remove(p_cles, NULL)) > 0;
    h            bigint;
    hs           bigint[] := '{}';
    doublons     integer[] := '{}';
    numeros      integer[];
    produits     bigint[];
    magasins     bigint[];
    quantites    integer[];
    prix         numeric[];
    tenus        record;
    c            record;
    r            reponse;
BEGIN
    -- One sale alone, as it mostly is when there is little to do: without all
    -- that follows.
    IF nombre = 1 AND NOT p_attendre AND p_genres[1] = 'vente'
       AND cardinality(p_produits) <= 50
    THEN
        IF cles THEN
            r := idempotence_ouvrir(p_acteurs[1], p_cles[1], p_empreintes[1]);
        END IF;

        IF r.statut IS NULL THEN
            IF cardinality(p_produits) = 1 THEN
                r := lot_vendre_une(p_magasins[1], p_produits[1],
                                    p_quantites[1], p_prix[1], p_acteurs[1]);
            ELSE
                r := lot_vendre_seule(p_magasins[1], p_produits, p_quantites,
                                      p_prix, p_acteurs[1]);
            END IF;

            IF cles AND r.statut IS NOT NULL THEN
                PERFORM idempotence_fermer(p_acteurs[1], p_cles[1],
                                           p_empreintes[1], r);
            END IF;
        END IF;

        IF r.statut IS NOT NULL THEN
            RETURN NEXT ROW(r.statut, r.emplacement, r.etag, r.detail, r.corps,
                            1, false, NULL::bigint, NULL::text, NULL::text,
                            NULL::numeric, NULL::text, NULL::boolean,
                            NULL::boolean)::lot_reponse;
            RETURN;
        END IF;
    END IF;

    l.libres := array_fill(true, ARRAY[nombre]);
    l.gardees := array_fill(false, ARRAY[nombre]);
    l.reponses := array_fill(NULL::reponse, ARRAY[nombre]);

    IF 'vente' = ALL (p_genres) THEN
        ventes := l.libres;
        ajustements := l.gardees;
        changements := l.gardees;
    ELSE
        SELECT array_agg(u.genre = 'vente' ORDER BY u.n),
               array_agg(u.genre = 'ajustement' ORDER BY u.n),
               array_agg(u.genre = 'prix' ORDER BY u.n)
          INTO ventes, ajustements, changements
          FROM unnest(p_genres) WITH ORDINALITY u (genre, n);
    END IF;

    -- The keys, as idempotence_ouvrir(): first the locks of all, then what
    -- came of the requests before.
    IF cles THEN
        FOR i IN 1 .. nombre LOOP
            CONTINUE WHEN p_cles[i] IS NULL;
            h := hashtextextended(p_acteurs[i] || E'\n' || p_cles[i], 430115);

            IF h = ANY (hs) THEN
                l.libres[i] := false;
                doublons := doublons || i;
            ELSIF NOT pg_try_advisory_xact_lock(h) THEN
                l.libres[i] := false;
                l.reponses[i] := repondre(
                    409, NULL, NULL, 'Une requête avec cette clé '
                    'd’idempotence est encore en cours.', '"en_cours":true');
            END IF;

            hs[i] := h;
        END LOOP;

        FOR c IN
            SELECT u.n::integer AS n, i.reponse,
                   i.empreinte <> u.empreinte AS autre
              FROM unnest(p_acteurs, p_cles, p_empreintes)
                   WITH ORDINALITY u (acteur, cle, empreinte, n)
              JOIN idempotence i ON i.acteur = u.acteur AND i.cle = u.cle
             WHERE l.libres[u.n::integer]
        LOOP
            l.libres[c.n] := false;
            l.reponses[c.n] := c.reponse;

            IF c.autre THEN
                l.reponses[c.n] := repondre(
                    422, NULL, NULL, 'Cette clé d’idempotence a déjà '
                    'servi à une autre requête.', NULL);
            END IF;
        END LOOP;
    END IF;

    IF true = ANY (changements) THEN
        c := lot_tarifer(l, changements, p_acteurs, p_conditions, p_numeros,
                         p_produits, p_prix, p_noms, p_categories,
                         p_descriptions, p_archives, p_attendre);
        l := c.l;
        fiches := c.fiches;
    END IF;

    IF cardinality(p_numeros) = nombre AND false <> ALL (l.libres)
       AND true <> ALL (changements)
    THEN
        numeros := p_numeros;
        produits := p_produits;
        magasins := p_magasins;
        quantites := p_quantites;
        prix := p_prix;
    ELSE
        SELECT array_agg(u.n), array_agg(u.produit), array_agg(p_magasins[u.n]),
               array_agg(u.quantite), array_agg(u.prix)
          INTO numeros, produits, magasins, quantites, prix
          FROM unnest(p_numeros, p_produits, p_quantites, p_prix)
               u (n, produit, quantite, prix)
         WHERE l.libres[u.n] AND NOT changements[u.n];
    END IF;

    IF produits IS NOT NULL THEN
        tenus := lot_tenir(produits, magasins, quantites, true = ANY (ventes),
                           p_attendre);

        IF true = ANY (ajustements) THEN
            c := lot_ajuster(l, tenus.tenus_stock, tenus.tenus_produits,
                             tenus.tenus_magasins, ajustements, p_acteurs,
                             p_magasins, p_conditions, p_attendus, p_motifs,
                             p_numeros, p_produits, p_quantites, p_comptes);
            l := c.l;
            tenus.tenus_cumuls := tenus.tenus_cumuls
                || c.tenus_stock[cardinality(tenus.tenus_stock) + 1 :];
        END IF;

        IF true = ANY (ventes) THEN
            l := lot_vendre(l, tenus.aise AND true <> ALL (ajustements),
                            tenus.tenus_cumuls, tenus.tenus_produits,
                            tenus.tenus_magasins, ventes, p_acteurs,
                            p_magasins, numeros, produits, quantites, prix,
                            magasins, tenus.tarifs, tenus.restes);
        END IF;
    END IF;

    IF cles THEN
        INSERT INTO idempotence (acteur, cle, empreinte, reponse)
        SELECT u.acteur, u.cle, u.empreinte,
               ROW(u.statut, u.emplacement, u.etag, u.detail, u.corps)::reponse
          FROM unnest(p_acteurs, p_cles, p_empreintes, l.gardees, l.reponses)
               u (acteur, cle, empreinte, gardee, statut, emplacement, etag,
                  detail, corps)
         WHERE u.gardee AND u.cle IS NOT NULL;
    END IF;

    IF fiches IS NULL THEN
        RETURN QUERY
        SELECT u.statut, u.emplacement, u.etag, u.detail, u.corps,
               u.n::integer, u.libre OR u.n = ANY (doublons), NULL::bigint,
               NULL, NULL, NULL::numeric, NULL, NULL::boolean, NULL::boolean
          FROM unnest(l.libres, l.reponses)
               WITH ORDINALITY u (libre, statut, emplacement, etag, detail,
                                  corps, n);

        RETURN;
    END IF;

    RETURN QUERY
    SELECT (u.r).statut, (u.r).emplacement, (u.r).etag, (u.r).detail,
           (u.r).corps, u.n::integer, u.libre OR u.n = ANY (doublons),
           (u.f).id, (u.f).nom,
           (u.f).categorie, (u.f).prix, (u.f).description, (u.f).concorde,
           (u.f).renomme
      FROM (SELECT n, l.libres[n] AS libre, l.reponses[n] AS r, fiches[n] AS f
              FROM generate_series(1, nombre) n) u;
END
$$;

GRANT EXECUTE ON FUNCTION lot_ecrire TO magasin_web;
