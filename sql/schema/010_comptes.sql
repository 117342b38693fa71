-- What lists and /metrics count is kept where it changes, so that nobody reads
-- a row for each store and product to know it; and what finds products by an
-- index whatever a request asks for.
--
-- compte_stock has for each store its rows of stock, those without a unit and
-- those with more than ten; compte_vente has the units and the money of all
-- sale lines.  Both are sums over several rows: a change adds a row with the
-- difference, and so waits for nobody and makes nobody wait.  A sale adds one
-- to compte_stock only if a quantity crosses 0 or 10.  entretien() replaces
-- the rows of a store by their sum when they have become many.  No foreign
-- keys: the rows of stock and the sales have them.

SET LOCAL ROLE magasin_owner;

CREATE TABLE compte_stock (
    magasin_id  bigint NOT NULL,
    lignes      bigint NOT NULL,
    ruptures    bigint NOT NULL,
    surstock    bigint NOT NULL
);

CREATE TABLE compte_vente (
    unites  bigint NOT NULL,
    total   numeric NOT NULL
);

-- Nothing else names a row, and a database whose tables are published refuses
-- to delete what has no name.  A key would cost each sale more.
ALTER TABLE compte_stock REPLICA IDENTITY FULL;
ALTER TABLE compte_vente REPLICA IDENTITY FULL;

COMMENT ON TABLE compte_stock IS 'what counts is the sum of a store''s rows';
COMMENT ON TABLE compte_vente IS 'what counts is the sum of the rows';

-- The length of a store's list.  No sale changes it.
CREATE INDEX compte_stock_lignes ON compte_stock (magasin_id) INCLUDE (lignes)
    WHERE lignes <> 0;

CREATE FUNCTION compte_stock_ajout() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    INSERT INTO public.compte_stock (magasin_id, lignes, ruptures, surstock)
    SELECT magasin_id, count(*), count(*) FILTER (WHERE quantite = 0),
           count(*) FILTER (WHERE quantite > 10)
      FROM nouvelles
     GROUP BY magasin_id;

    RETURN NULL;
END
$$;

CREATE FUNCTION compte_stock_retrait() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    INSERT INTO public.compte_stock (magasin_id, lignes, ruptures, surstock)
    SELECT magasin_id, -count(*), -count(*) FILTER (WHERE quantite = 0),
           -count(*) FILTER (WHERE quantite > 10)
      FROM anciennes
     GROUP BY magasin_id;

    RETURN NULL;
END
$$;

-- Of most sales the first look is the only one: one store, and more than ten
-- of everything before and after.
CREATE FUNCTION compte_stock_modification() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF (SELECT min(quantite) <= 10 OR min(magasin_id) <> max(magasin_id)
          FROM (SELECT magasin_id, quantite FROM nouvelles
                 UNION ALL
                SELECT magasin_id, quantite FROM anciennes) m)
    THEN
        INSERT INTO public.compte_stock
               (magasin_id, lignes, ruptures, surstock)
        SELECT magasin_id, sum(ligne), sum(ligne * (quantite = 0)::integer),
               sum(ligne * (quantite > 10)::integer)
          FROM (SELECT magasin_id, quantite, 1 AS ligne FROM nouvelles
                 UNION ALL
                SELECT magasin_id, quantite, -1 FROM anciennes) m
         GROUP BY magasin_id
        HAVING sum(ligne) <> 0
            OR sum(ligne * (quantite = 0)::integer) <> 0
            OR sum(ligne * (quantite > 10)::integer) <> 0;
    END IF;

    RETURN NULL;
END
$$;

CREATE FUNCTION compte_vente_changer() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO public.compte_vente (unites, total)
        SELECT -sum(quantite), -sum(quantite * prix_unitaire)
          FROM anciennes
        HAVING count(*) > 0;
    END IF;

    IF TG_OP <> 'DELETE' THEN
        INSERT INTO public.compte_vente (unites, total)
        SELECT sum(quantite), sum(quantite * prix_unitaire)
          FROM nouvelles
        HAVING count(*) > 0;
    END IF;

    RETURN NULL;
END
$$;

-- As what is counted goes: rows that an older snapshot does not show, too.
CREATE FUNCTION compte_vidage() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF TG_TABLE_NAME = 'stock_local' THEN
        TRUNCATE public.compte_stock;
    ELSE
        TRUNCATE public.compte_vente;
    END IF;

    RETURN NULL;
END
$$;

CREATE TRIGGER compte_ajout
    AFTER INSERT ON stock_local REFERENCING NEW TABLE AS nouvelles
    FOR EACH STATEMENT EXECUTE FUNCTION compte_stock_ajout();
CREATE TRIGGER compte_modification
    AFTER UPDATE ON stock_local
    REFERENCING OLD TABLE AS anciennes NEW TABLE AS nouvelles
    FOR EACH STATEMENT EXECUTE FUNCTION compte_stock_modification();
CREATE TRIGGER compte_retrait
    AFTER DELETE ON stock_local REFERENCING OLD TABLE AS anciennes
    FOR EACH STATEMENT EXECUTE FUNCTION compte_stock_retrait();
CREATE TRIGGER compte_vidage
    BEFORE TRUNCATE ON stock_local
    FOR EACH STATEMENT EXECUTE FUNCTION compte_vidage();

CREATE TRIGGER compte_ajout
    AFTER INSERT ON ligne_vente REFERENCING NEW TABLE AS nouvelles
    FOR EACH STATEMENT EXECUTE FUNCTION compte_vente_changer();
CREATE TRIGGER compte_modification
    AFTER UPDATE ON ligne_vente
    REFERENCING OLD TABLE AS anciennes NEW TABLE AS nouvelles
    FOR EACH STATEMENT EXECUTE FUNCTION compte_vente_changer();
CREATE TRIGGER compte_retrait
    AFTER DELETE ON ligne_vente REFERENCING OLD TABLE AS anciennes
    FOR EACH STATEMENT EXECUTE FUNCTION compte_vente_changer();
CREATE TRIGGER compte_vidage
    BEFORE TRUNCATE ON ligne_vente
    FOR EACH STATEMENT EXECUTE FUNCTION compte_vidage();

ALTER TABLE stock_local
    ENABLE ALWAYS TRIGGER compte_ajout,
    ENABLE ALWAYS TRIGGER compte_modification,
    ENABLE ALWAYS TRIGGER compte_retrait,
    ENABLE ALWAYS TRIGGER compte_vidage;
ALTER TABLE ligne_vente
    ENABLE ALWAYS TRIGGER compte_ajout,
    ENABLE ALWAYS TRIGGER compte_modification,
    ENABLE ALWAYS TRIGGER compte_retrait,
    ENABLE ALWAYS TRIGGER compte_vidage;

-- Put a sum in the place of the rows that make it, where these are many.  Who
-- reads meanwhile sees either.
CREATE FUNCTION compte_reunir() RETURNS void
    LANGUAGE sql
BEGIN ATOMIC
    WITH nombreux AS (
        SELECT magasin_id
          FROM compte_stock
         GROUP BY magasin_id
        HAVING count(*) > 8
    ), remplaces AS (
        DELETE FROM compte_stock c
         USING nombreux n
         WHERE c.magasin_id = n.magasin_id
        RETURNING c.*
    )
    INSERT INTO compte_stock (magasin_id, lignes, ruptures, surstock)
    SELECT magasin_id, sum(lignes), sum(ruptures), sum(surstock)
      FROM remplaces
     GROUP BY magasin_id;

    WITH remplaces AS (
        DELETE FROM compte_vente
         WHERE (SELECT count(*) FROM compte_vente) > 8
        RETURNING *
    )
    INSERT INTO compte_vente (unites, total)
    SELECT sum(unites), sum(total)
      FROM remplaces
    HAVING count(*) > 0;
END;

-- All of it anew: after triggers were off, or when compte_ecarts() finds
-- something.  Changes of stock and sales wait until it is done.
CREATE FUNCTION compte_stock_reconstruire() RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM public.cumul_exiger_lecture_validee();

    LOCK TABLE public.stock_local IN SHARE ROW EXCLUSIVE MODE;
    LOCK TABLE public.compte_stock IN SHARE ROW EXCLUSIVE MODE;

    DELETE FROM public.compte_stock;

    INSERT INTO public.compte_stock (magasin_id, lignes, ruptures, surstock)
    SELECT magasin_id, count(*), count(*) FILTER (WHERE quantite = 0),
           count(*) FILTER (WHERE quantite > 10)
      FROM public.stock_local
     GROUP BY magasin_id
     ORDER BY magasin_id;
END
$$;

CREATE FUNCTION compte_vente_reconstruire() RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM public.cumul_exiger_lecture_validee();

    LOCK TABLE public.ligne_vente IN SHARE ROW EXCLUSIVE MODE;
    LOCK TABLE public.compte_vente IN SHARE ROW EXCLUSIVE MODE;

    DELETE FROM public.compte_vente;

    INSERT INTO public.compte_vente (unites, total)
    SELECT sum(quantite), sum(quantite * prix_unitaire)
      FROM public.ligne_vente
    HAVING count(*) > 0;
END
$$;

-- Where the counts differ from what they count; no row when all is well.  The
-- store is NULL for the sales.
CREATE FUNCTION compte_ecarts()
    RETURNS TABLE (magasin_id bigint, colonne text, compte numeric,
                   present numeric)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH comptes AS (
        SELECT c.magasin_id, sum(c.lignes) AS lignes,
               sum(c.ruptures) AS ruptures, sum(c.surstock) AS surstock
          FROM compte_stock c
         GROUP BY c.magasin_id
    ), presents AS (
        SELECT s.magasin_id, count(*) AS lignes,
               count(*) FILTER (WHERE s.quantite = 0) AS ruptures,
               count(*) FILTER (WHERE s.quantite > 10) AS surstock
          FROM stock_local s
         GROUP BY s.magasin_id
    )
    SELECT magasin_id, k.colonne, k.compte, k.present
      FROM comptes c
      FULL JOIN presents p USING (magasin_id)
     CROSS JOIN LATERAL (
        VALUES ('lignes', coalesce(c.lignes, 0), coalesce(p.lignes, 0)),
               ('ruptures', coalesce(c.ruptures, 0), coalesce(p.ruptures, 0)),
               ('surstock', coalesce(c.surstock, 0), coalesce(p.surstock, 0))
      ) k (colonne, compte, present)
     WHERE k.compte <> k.present
     UNION ALL
    SELECT NULL, k.colonne, k.compte, k.present
      FROM (SELECT coalesce(sum(unites), 0) AS unites,
                   coalesce(sum(total), 0) AS total
              FROM compte_vente) c
     CROSS JOIN (SELECT coalesce(sum(quantite), 0) AS unites,
                        coalesce(sum(quantite * prix_unitaire), 0) AS total
                   FROM ligne_vente) p
     CROSS JOIN LATERAL (
        VALUES ('unites', c.unites, p.unites), ('total', c.total, p.total)
      ) k (colonne, compte, present)
     WHERE k.compte <> k.present
     ORDER BY 1, 2;
END;

SELECT compte_stock_reconstruire();
SELECT compte_vente_reconstruire();


-- Products by name: those that are sold, and those that are not any more, each
-- by an index of its own, so that a list passes over none of the others.
CREATE INDEX produit_actif ON produit (nom, id) WHERE archive_le IS NULL;
CREATE INDEX produit_archive ON produit (nom, id)
    WHERE archive_le IS NOT NULL;
CREATE INDEX produit_actif_categorie ON produit (categorie, nom, id)
    WHERE archive_le IS NULL;
CREATE INDEX produit_archive_categorie ON produit (categorie, nom, id)
    WHERE archive_le IS NOT NULL;
DROP INDEX produit_categorie;

-- Requests for stock in the order of their lists.
CREATE INDEX demande_magasin
    ON demande_reapprovisionnement (magasin_id, id);
CREATE INDEX demande_produit
    ON demande_reapprovisionnement (produit_id, id);
CREATE INDEX demande_statut
    ON demande_reapprovisionnement (statut, id);
DROP INDEX demande_reapprovisionnement_magasin,
    demande_reapprovisionnement_produit;

GRANT SELECT ON compte_stock, compte_vente TO magasin_web;
