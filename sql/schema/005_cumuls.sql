-- What each store sold of each product, kept up to date in the transaction of
-- every sale: reports read one row for each pair of store and product,
-- however many sale lines there are.
--
-- quantite and total are all-time.  recente counts the sales since
-- fenetre.bord, an instant of 168 hours ago or earlier: the last 168 hours
-- are recente less the lines between bord and then.  cumul_avancer() moves
-- bord on, so that those are the lines of some seconds; when nobody calls it
-- the answer stays exact and takes longer.
--
-- The grain is that of the stock row which a sale has locked anyway, so that
-- sales wait for each other no more than before.  No foreign keys: the sales
-- have them.

SET LOCAL ROLE magasin_owner;

CREATE TABLE cumul_vente (
    magasin_id  bigint NOT NULL,
    produit_id  bigint NOT NULL,
    quantite    bigint NOT NULL,
    total       numeric NOT NULL,
    recente     bigint NOT NULL,
    premiere    bigint NOT NULL,
    PRIMARY KEY (magasin_id, produit_id)
) WITH (fillfactor = 70);

COMMENT ON COLUMN cumul_vente.premiere IS
    'the first sale line: reports list products in this order';

-- One row.
CREATE TABLE fenetre (
    seule  boolean PRIMARY KEY DEFAULT true CHECK (seule),
    bord   timestamptz NOT NULL
);

-- For the lines of a few seconds, and for lists of sales by date.
CREATE INDEX vente_date ON vente (date_vente, id);
CREATE INDEX vente_magasin_date_id ON vente (magasin_id, date_vente, id);
DROP INDEX vente_magasin_date;

-- How the triggers below stay right beside each other.  They lock in one
-- order, and read after they have locked:
--   the sales whose store and date they go by, so that these stay (but not
--   those that the transaction itself has just made);
--   the edge of the window, when a line may be as old as that: it waits for
--   cumul_avancer() then, and cumul_avancer() for it;
--   the pairs, by store and product.

-- The edge, which stays where it is until the transaction ends.
CREATE FUNCTION fenetre_bord() RETURNS timestamptz
    LANGUAGE sql
BEGIN ATOMIC
    SELECT bord FROM fenetre FOR SHARE;
END;

CREATE FUNCTION ventes_tenir(ventes bigint[]) RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM FROM public.vente WHERE id = ANY (ventes) ORDER BY id FOR SHARE;
END
$$;

-- The edge is 168 hours old or older.  A line of the last 144 is on this side
-- of it, and will be until its transaction has been open for a day.
CREATE FUNCTION cumul_creation() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    debut      timestamptz;
    etrangere  boolean;
    bord       timestamptz := '-infinity';
BEGIN
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

    IF debut < clock_timestamp() - interval '144 hours' THEN
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

-- Compute pairs anew from the sales themselves: for changes of what was sold
-- before, which only a person at psql makes.
CREATE FUNCTION cumul_recompter(magasins bigint[], produits bigint[])
    RETURNS void
    LANGUAGE plpgsql
AS $$
DECLARE
    limite  timestamptz := public.fenetre_bord();
BEGIN
    -- A pair that nobody has sold yet may be on its way in: one row, and
    -- whoever comes second waits for it.
    INSERT INTO public.cumul_vente
           (magasin_id, produit_id, quantite, total, recente, premiere)
    SELECT DISTINCT p.magasin_id, p.produit_id, 0, 0.00, 0, 0
      FROM unnest(magasins, produits) p (magasin_id, produit_id)
     ORDER BY p.magasin_id, p.produit_id
    ON CONFLICT (magasin_id, produit_id) DO NOTHING;

    PERFORM
       FROM public.cumul_vente
      WHERE (magasin_id, produit_id) IN (
                SELECT * FROM unnest(magasins, produits))
      ORDER BY magasin_id, produit_id
        FOR UPDATE;

    UPDATE public.cumul_vente c
       SET quantite = b.quantite,
           total = b.total,
           recente = b.recente,
           premiere = b.premiere
      FROM (
        SELECT p.magasin_id, p.produit_id,
               coalesce(sum(l.quantite), 0) AS quantite,
               coalesce(sum(l.quantite * l.prix_unitaire), 0) AS total,
               coalesce(sum(l.quantite)
                        FILTER (WHERE l.date_vente >= limite), 0) AS recente,
               coalesce(min(l.id), 0) AS premiere
          FROM (SELECT DISTINCT * FROM unnest(magasins, produits)
                AS u (magasin_id, produit_id)) p
          LEFT JOIN (
            SELECT v.magasin_id, v.date_vente, l.*
              FROM public.ligne_vente l
              JOIN public.vente v ON v.id = l.vente_id
          ) l ON l.produit_id = p.produit_id AND l.magasin_id = p.magasin_id
         GROUP BY p.magasin_id, p.produit_id
      ) b
     WHERE c.magasin_id = b.magasin_id
       AND c.produit_id = b.produit_id;

    -- A line has one unit at least.
    DELETE FROM public.cumul_vente
     WHERE (magasin_id, produit_id) IN (
               SELECT * FROM unnest(magasins, produits))
       AND quantite = 0;
END
$$;

CREATE FUNCTION cumul_lignes() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    magasins  bigint[];
    produits  bigint[];
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM public.ventes_tenir(
            ARRAY(SELECT DISTINCT vente_id FROM anciennes));

        SELECT array_agg(p.magasin_id), array_agg(p.produit_id)
          INTO magasins, produits
          FROM (SELECT DISTINCT v.magasin_id, l.produit_id
                  FROM anciennes l
                  JOIN public.vente v ON v.id = l.vente_id) p;
    ELSE
        PERFORM public.ventes_tenir(
            ARRAY(SELECT vente_id FROM anciennes
                   UNION
                  SELECT vente_id FROM nouvelles));

        SELECT array_agg(p.magasin_id), array_agg(p.produit_id)
          INTO magasins, produits
          FROM (SELECT v.magasin_id, l.produit_id
                  FROM anciennes l
                  JOIN public.vente v ON v.id = l.vente_id
                 UNION
                SELECT v.magasin_id, l.produit_id
                  FROM nouvelles l
                  JOIN public.vente v ON v.id = l.vente_id) p;
    END IF;

    IF magasins IS NOT NULL THEN
        PERFORM public.cumul_recompter(magasins, produits);
    END IF;

    RETURN NULL;
END
$$;

-- A sale that changes its store or its date takes its lines along; one that
-- is deleted has none, unless foreign keys were off.
CREATE FUNCTION cumul_ventes() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    magasins  bigint[];
    produits  bigint[];
BEGIN
    IF TG_OP = 'DELETE' THEN
        SELECT array_agg(p.magasin_id), array_agg(p.produit_id)
          INTO magasins, produits
          FROM (SELECT DISTINCT v.magasin_id, l.produit_id
                  FROM anciennes v
                  JOIN public.ligne_vente l ON l.vente_id = v.id) p;
    ELSE
        SELECT array_agg(p.magasin_id), array_agg(p.produit_id)
          INTO magasins, produits
          FROM (SELECT DISTINCT v.magasin_id, l.produit_id
                  FROM ((SELECT id, magasin_id, date_vente FROM anciennes
                         EXCEPT
                         SELECT id, magasin_id, date_vente FROM nouvelles)
                        UNION ALL
                        (SELECT id, magasin_id, date_vente FROM nouvelles
                         EXCEPT
                         SELECT id, magasin_id, date_vente FROM anciennes)) v
                  JOIN public.ligne_vente l ON l.vente_id = v.id) p;
    END IF;

    IF magasins IS NOT NULL THEN
        PERFORM public.cumul_recompter(magasins, produits);
    END IF;

    RETURN NULL;
END
$$;

CREATE FUNCTION cumul_vidage() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    -- As the sales themselves go: rows that an older snapshot does not show,
    -- too.
    TRUNCATE public.cumul_vente;

    RETURN NULL;
END
$$;

CREATE TRIGGER cumul_creation
    AFTER INSERT ON ligne_vente REFERENCING NEW TABLE AS nouvelles
    FOR EACH STATEMENT EXECUTE FUNCTION cumul_creation();
CREATE TRIGGER cumul_modification
    AFTER UPDATE ON ligne_vente
    REFERENCING OLD TABLE AS anciennes NEW TABLE AS nouvelles
    FOR EACH STATEMENT EXECUTE FUNCTION cumul_lignes();
CREATE TRIGGER cumul_suppression
    AFTER DELETE ON ligne_vente REFERENCING OLD TABLE AS anciennes
    FOR EACH STATEMENT EXECUTE FUNCTION cumul_lignes();
CREATE TRIGGER cumul_modification
    AFTER UPDATE ON vente
    REFERENCING OLD TABLE AS anciennes NEW TABLE AS nouvelles
    FOR EACH STATEMENT EXECUTE FUNCTION cumul_ventes();
CREATE TRIGGER cumul_suppression
    AFTER DELETE ON vente REFERENCING OLD TABLE AS anciennes
    FOR EACH STATEMENT EXECUTE FUNCTION cumul_ventes();
CREATE TRIGGER cumul_vidage
    BEFORE TRUNCATE ON ligne_vente
    FOR EACH STATEMENT EXECUTE FUNCTION cumul_vidage();

ALTER TABLE ligne_vente ENABLE ALWAYS TRIGGER cumul_creation;
ALTER TABLE ligne_vente ENABLE ALWAYS TRIGGER cumul_modification;
ALTER TABLE ligne_vente ENABLE ALWAYS TRIGGER cumul_suppression;
ALTER TABLE ligne_vente ENABLE ALWAYS TRIGGER cumul_vidage;
ALTER TABLE vente ENABLE ALWAYS TRIGGER cumul_modification;
ALTER TABLE vente ENABLE ALWAYS TRIGGER cumul_suppression;

-- What reads the sales after it has waited for others needs to see what these
-- have written.
CREATE FUNCTION cumul_exiger_lecture_validee() RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    IF current_setting('transaction_isolation')
       IN ('repeatable read', 'serializable')
    THEN
        RAISE 'the sums of the sales need READ COMMITTED'
            USING ERRCODE = 'feature_not_supported';
    END IF;
END
$$;

-- Move the edge of the window on to 168 hours ago, an hour of sales at most
-- in one call, and take what has fallen out off the sums.  True when there is
-- more to do.
CREATE FUNCTION cumul_avancer() RETURNS boolean
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

    WITH sortie AS (
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
           FOR UPDATE OF c
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

-- Everything anew from the sales: after triggers were off, or when
-- cumul_ecarts() finds something.  Sales wait until it is done.
CREATE FUNCTION cumul_reconstruire() RETURNS void
    LANGUAGE plpgsql
AS $$
DECLARE
    debut  timestamptz;
BEGIN
    PERFORM public.cumul_exiger_lecture_validee();

    LOCK TABLE public.vente, public.ligne_vente
        IN SHARE ROW EXCLUSIVE MODE;

    INSERT INTO public.fenetre AS f (bord)
    VALUES (clock_timestamp() - interval '168 hours')
    ON CONFLICT (seule) DO UPDATE SET bord = excluded.bord
    RETURNING bord INTO debut;

    DELETE FROM public.cumul_vente;

    INSERT INTO public.cumul_vente
           (magasin_id, produit_id, quantite, total, recente, premiere)
    SELECT v.magasin_id, l.produit_id, sum(l.quantite),
           sum(l.quantite * l.prix_unitaire),
           coalesce(sum(l.quantite) FILTER (WHERE v.date_vente >= debut), 0),
           min(l.id)
      FROM public.ligne_vente l
      JOIN public.vente v ON v.id = l.vente_id
     GROUP BY v.magasin_id, l.produit_id
     ORDER BY v.magasin_id, l.produit_id;
END
$$;

-- Where the sums differ from the sales; no row when all is well.
CREATE FUNCTION cumul_ecarts()
    RETURNS TABLE (magasin_id bigint, produit_id bigint, colonne text,
                   cumul text, ventes text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH brut AS (
        SELECT v.magasin_id, l.produit_id, sum(l.quantite) AS quantite,
               sum(l.quantite * l.prix_unitaire) AS total,
               coalesce(sum(l.quantite) FILTER (WHERE v.date_vente >= f.bord),
                        0) AS recente,
               min(l.id) AS premiere
          FROM ligne_vente l
          JOIN vente v ON v.id = l.vente_id
         CROSS JOIN fenetre f
         GROUP BY v.magasin_id, l.produit_id
    )
    SELECT coalesce(c.magasin_id, b.magasin_id),
           coalesce(c.produit_id, b.produit_id), k.colonne, k.cumul, k.ventes
      FROM cumul_vente c
      FULL JOIN brut b USING (magasin_id, produit_id)
     CROSS JOIN LATERAL (
        VALUES ('quantite', c.quantite::text, b.quantite::text),
               ('total', c.total::text, b.total::text),
               ('recente', c.recente::text, b.recente::text),
               ('premiere', c.premiere::text, b.premiere::text)
      ) k (colonne, cumul, ventes)
     WHERE k.cumul IS DISTINCT FROM k.ventes
     ORDER BY 1, 2, 3;
END;

SELECT cumul_reconstruire();

GRANT SELECT ON cumul_vente, fenetre TO magasin_web;
