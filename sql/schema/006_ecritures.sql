-- The writes of the API: one function each, so that a write is one round trip
-- and all or nothing.  Business answers (no stock, unknown product, decided
-- already) are returned; only what nobody can foresee is raised.
--
-- The web tier may call these and read; it changes no table by itself, but
-- for the columns of a product that 003_privileges.sql names.

SET LOCAL ROLE magasin_owner;

ALTER TABLE magasin ADD COLUMN ouvert boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN magasin.ouvert IS
    'a closed store neither sells nor is supplied';

-- Archived: sold once, not any more.  It keeps its place in reports and sales.
ALTER TABLE produit ADD COLUMN archive_le timestamptz;

ALTER TABLE demande_reapprovisionnement
    ADD COLUMN date_decision timestamptz,
    ADD COLUMN decideur text;

-- Names without regard to case and accents, for the search of products.
CREATE FUNCTION recherche(texte text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN lower(unaccent('public.unaccent'::regdictionary, texte)
                 COLLATE magasin_fr);

CREATE INDEX produit_nom ON produit (nom, id);
CREATE INDEX produit_categorie ON produit (categorie, nom, id);
CREATE INDEX produit_recherche
    ON produit USING gin (recherche(nom) gin_trgm_ops);
CREATE INDEX demande_reapprovisionnement_en_attente
    ON demande_reapprovisionnement (id) WHERE statut = 'en_attente';

-- RFC 3339, in UTC, to the microsecond.
CREATE FUNCTION instant_texte(instant timestamptz) RETURNS text
    LANGUAGE sql STABLE STRICT
    RETURN to_char(instant AT TIME ZONE 'UTC',
                   'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

-- What If-Match names: a digest of what GET /products/{id}/ shows.
-- ngx_http_magasin_products.c computes the same.
CREATE FUNCTION produit_etag(nom text, categorie text, prix numeric,
                             description text) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN md5(nom || E'\x1f' || categorie || E'\x1f' || prix::text
               || E'\x1f' || coalesce(description, E'\x1e'));

-- An answer.  corps is the body of a success or of a 400 ({"champ": [...]});
-- of other errors it is what stands in the body beside detail, as members
-- without their braces, or NULL.
CREATE TYPE reponse AS (
    statut       integer,
    emplacement  text,
    etag         text,
    detail       text,
    corps        text
);

CREATE FUNCTION repondre(statut integer, emplacement text, etag text,
                         detail text, corps text) RETURNS reponse
    LANGUAGE sql IMMUTABLE
    RETURN ROW(statut, emplacement, etag, detail, corps)::reponse;

-- The web tier writes the body: it knows the path that was asked for.
CREATE FUNCTION reponse_absent(message text) RETURNS reponse
    LANGUAGE sql IMMUTABLE
    RETURN ROW(404, NULL, NULL, message, NULL)::reponse;

CREATE FUNCTION cle_inconnue(cle bigint) RETURNS text
    LANGUAGE sql STABLE
    RETURN '["Clé primaire «' || U&'\00A0' || cle || U&'\00A0'
        || '» non valide - l''objet n''existe pas."]';

CREATE FUNCTION reponse_ferme(magasin magasin) RETURNS reponse
    LANGUAGE sql STABLE
    RETURN ROW(409, NULL, NULL,
        'Le magasin «' || U&'\00A0' || (magasin).nom || U&'\00A0'
        || '» est fermé.', '"magasin":' || (magasin).id)::reponse;


-- Idempotency-Key (draft-ietf-httpapi-idempotency-key): the answer to a key
-- is kept for 24 hours, written in the transaction of the change itself.
-- empreinte is a digest of method, path and body.

CREATE TABLE idempotence (
    acteur     text NOT NULL,
    cle        text NOT NULL,
    empreinte  text NOT NULL,
    reponse    reponse NOT NULL,
    cree_le    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (acteur, cle)
);

CREATE INDEX idempotence_cree_le ON idempotence (cree_le);

-- The answer that a key has already, or NULL: then the caller goes on, and
-- gives its answer to idempotence_fermer().  The lock is held to the end of
-- the transaction, so that whoever gets it sees what came of the one before.
CREATE FUNCTION idempotence_ouvrir(p_acteur text, p_cle text,
                                   p_empreinte text) RETURNS reponse
    LANGUAGE plpgsql
AS $$
DECLARE
    connue  idempotence;
BEGIN
    IF NOT pg_try_advisory_xact_lock(
        hashtextextended(p_acteur || E'\n' || p_cle, 430115))
    THEN
        RETURN repondre(409, NULL, NULL, 'Une requête avec cette clé '
                        'd’idempotence est encore en cours.', NULL);
    END IF;

    SELECT * INTO connue
      FROM idempotence
     WHERE acteur = p_acteur AND cle = p_cle;

    IF NOT FOUND THEN
        RETURN NULL;
    END IF;

    IF connue.empreinte <> p_empreinte THEN
        RETURN repondre(422, NULL, NULL, 'Cette clé d’idempotence a déjà '
                        'servi à une autre requête.', NULL);
    END IF;

    RETURN connue.reponse;
END
$$;

CREATE FUNCTION idempotence_fermer(p_acteur text, p_cle text,
                                   p_empreinte text, p_reponse reponse)
    RETURNS void
    LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO idempotence (acteur, cle, empreinte, reponse)
    VALUES (p_acteur, p_cle, p_empreinte, p_reponse);
END;


-- Who and why, for the journal: to the end of the transaction, which need not
-- be this call's own.
CREATE FUNCTION contexte_poser(type text, acteur text, reference text,
                               motif text) RETURNS text
    LANGUAGE sql
    RETURN set_config('magasin.type', type, true)
        || set_config('magasin.acteur', coalesce(acteur, ''), true)
        || set_config('magasin.reference', reference, true)
        || set_config('magasin.motif', coalesce(motif, ''), true);


-- Sales

-- STABLE, here and below, although nothing can change: || of a number is
-- STABLE, and in a function that promises more it would not be inlined.
CREATE FUNCTION ligne_corps(produit bigint, quantite integer, prix numeric)
    RETURNS text
    LANGUAGE sql STABLE
    RETURN '{"produit":' || produit || ',"quantite":' || quantite
        || ',"prix_unitaire":"' || prix || '"}';

CREATE FUNCTION vente_corps(id bigint, magasin bigint, instant timestamptz,
                            total numeric, lignes text) RETURNS text
    LANGUAGE sql STABLE
    RETURN '{"id":' || id || ',"magasin":' || magasin || ',"date_vente":"'
        || instant_texte(instant) || '","total":"' || total
        || '","lignes":[' || coalesce(lignes, '') || ']}';

-- Why a sale cannot be; NULL when there is no reason any more.
CREATE FUNCTION vente_refus(p_magasin bigint, p_produits bigint[],
                            p_quantites integer[]) RETURNS reponse
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

    SELECT string_agg(p.nom || ' (demandé ' || l.quantite || ', disponible '
                      || coalesce(s.quantite, 0) || ')', ', ' ORDER BY p.id),
           string_agg('{"produit":' || p.id || ',"nom":' || to_json(p.nom)
                      || ',"demande":' || l.quantite || ',"disponible":'
                      || coalesce(s.quantite, 0) || '}', ',' ORDER BY p.id)
      INTO details, elements
      FROM (SELECT u.produit, sum(u.quantite) AS quantite
              FROM unnest(p_produits, p_quantites) u (produit, quantite)
             GROUP BY u.produit) l
      JOIN produit p ON p.id = l.produit
      LEFT JOIN stock_local s ON s.magasin_id = p_magasin
                             AND s.produit_id = l.produit
     WHERE coalesce(s.quantite, 0) < l.quantite;

    IF elements IS NULL THEN
        RETURN NULL;
    END IF;

    RETURN repondre(409, NULL, NULL,
                    'Stock insuffisant' || U&'\00A0' || ': ' || details || '.',
                    '"produits":[' || elements || ']');
END
$$;

-- POST /api/v1/sales/.  The arrays are of one length, a line each, in the
-- request's order; a price that is NULL is the product's.
--
-- The plans depend on nothing in the arrays, and making them takes as long as
-- the sale itself: they are made once.  "= ANY" is said of every table, so that
-- none of them is read as a whole.
CREATE FUNCTION vente_creer(p_magasin bigint, p_produits bigint[],
                            p_quantites integer[], p_prix numeric[],
                            p_acteur text, p_cle text, p_empreinte text)
    RETURNS reponse
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    possible  boolean;
    contexte  text;
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
    END IF;

    IF p_cle IS NOT NULL THEN
        PERFORM idempotence_fermer(p_acteur, p_cle, p_empreinte, r);
    END IF;

    RETURN r;
END
$$;


-- Stock of a store: by a difference, or by a count that says what it expected
-- to find.

CREATE FUNCTION stock_corps(magasin bigint, produit bigint, quantite integer)
    RETURNS text
    LANGUAGE sql STABLE
    RETURN '{"magasin":' || magasin || ',"produit":' || produit
        || ',"quantite":' || quantite || '}';

-- POST /api/v1/stores/{id}/stock/{produit}/adjust/.  Either p_delta, or
-- p_quantite with p_attendu.  p_si: the quantities of If-Match, with commas
-- between, or "*"; NULL without the header.
CREATE FUNCTION stock_ajuster(p_magasin bigint, p_produit bigint,
                              p_delta integer, p_quantite integer,
                              p_attendu integer, p_motif text, p_si text,
                              p_acteur text, p_cle text, p_empreinte text)
    RETURNS reponse
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    contexte  text;
    la        stock_local;
    ce        produit;
    nouvelle  boolean := false;
    avant     integer;
    apres     bigint;
    r         reponse;
BEGIN
    IF p_cle IS NOT NULL THEN
        r := idempotence_ouvrir(p_acteur, p_cle, p_empreinte);
        IF r.statut IS NOT NULL THEN
            RETURN r;
        END IF;
    END IF;

    SELECT * INTO ce FROM produit WHERE id = p_produit FOR KEY SHARE;

    IF ce.id IS NULL
       OR NOT EXISTS (SELECT FROM magasin WHERE id = p_magasin)
    THEN
        RETURN reponse_absent(
            CASE WHEN ce.id IS NULL
                 THEN 'Produit avec ID ' || p_produit || ' introuvable.'
                 ELSE 'Magasin avec ID ' || p_magasin || ' introuvable.' END);
    END IF;

    contexte := contexte_poser('ajustement', p_acteur, '', p_motif);

    LOOP
        SELECT * INTO la
          FROM stock_local
         WHERE magasin_id = p_magasin AND produit_id = p_produit
           FOR UPDATE;

        avant := coalesce(la.quantite, 0);
        apres := coalesce(p_quantite, avant::bigint + p_delta);

        -- A product that the store never had gets its row only when something
        -- becomes of it; somebody else may be first.
        EXIT WHEN la.id IS NOT NULL
            OR p_si IS NOT NULL
            OR p_attendu <> 0
            OR apres <= 0;

        INSERT INTO stock_local (magasin_id, produit_id, quantite)
        VALUES (p_magasin, p_produit, apres::integer)
        ON CONFLICT DO NOTHING
        RETURNING * INTO la;

        nouvelle := FOUND;
        EXIT WHEN nouvelle;
    END LOOP;

    -- Without a row there is nothing that If-Match could name, not even "*".
    IF p_si IS NOT NULL
       AND (la.id IS NULL
            OR (p_si <> '*'
                AND avant::text <> ALL (string_to_array(p_si, ','))))
    THEN
        RETURN repondre(412, NULL, '"' || avant || '"',
                        'Le stock a changé' || U&'\00A0' || ': '
                        || 'il en reste ' || avant || '.',
                        '"quantite":' || avant);

    ELSIF p_attendu IS NOT NULL AND avant <> p_attendu THEN
        r := repondre(409, NULL, '"' || avant || '"',
                      'Le stock a changé' || U&'\00A0' || ': ' || p_attendu
                      || ' attendus, ' || avant || ' présents.',
                      '"attendu":' || p_attendu || ',"quantite":' || avant);

    ELSIF apres < 0 THEN
        r := repondre(409, NULL, '"' || avant || '"',
                      'Stock insuffisant' || U&'\00A0' || ': ' || ce.nom
                      || ' (demandé ' || -p_delta::bigint || ', disponible '
                      || avant || ').',
                      '"produits":[{"produit":' || p_produit || ',"nom":'
                      || to_json(ce.nom) || ',"demande":' || -p_delta::bigint
                      || ',"disponible":' || avant || '}]');

    ELSIF apres > 2147483647 THEN
        r := repondre(409, NULL, '"' || avant || '"',
                      'Le stock dépasserait 2147483647 unités.', NULL);

    ELSE
        IF NOT nouvelle AND la.id IS NOT NULL THEN
            UPDATE stock_local SET quantite = apres::integer WHERE id = la.id;
        END IF;

        r := repondre(200, NULL, '"' || apres || '"', NULL,
                      stock_corps(p_magasin, p_produit, apres::integer));
    END IF;

    IF p_cle IS NOT NULL THEN
        PERFORM idempotence_fermer(p_acteur, p_cle, p_empreinte, r);
    END IF;

    RETURN r;
END
$$;


-- Replenishment

CREATE FUNCTION demande_corps(d demande_reapprovisionnement) RETURNS text
    LANGUAGE sql STABLE
    RETURN '{"id":' || (d).id || ',"magasin":' || (d).magasin_id
        || ',"produit":' || (d).produit_id || ',"quantite":' || (d).quantite
        || ',"statut":"' || (d).statut || '","date_demande":"'
        || instant_texte((d).date_demande) || '","date_decision":'
        || coalesce('"' || instant_texte((d).date_decision) || '"', 'null')
        || ',"decideur":' || coalesce(to_json((d).decideur)::text, 'null')
        || '}';

-- POST /api/v1/replenishments/.
CREATE FUNCTION demande_creer(p_magasin bigint, p_produit bigint,
                              p_quantite integer, p_acteur text, p_cle text,
                              p_empreinte text)
    RETURNS reponse
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    contexte  text;
    ici       magasin;
    ce        produit;
    d         demande_reapprovisionnement;
    r         reponse;
BEGIN
    IF p_cle IS NOT NULL THEN
        r := idempotence_ouvrir(p_acteur, p_cle, p_empreinte);
        IF r.statut IS NOT NULL THEN
            RETURN r;
        END IF;
    END IF;

    SELECT * INTO ici FROM magasin WHERE id = p_magasin FOR KEY SHARE;
    SELECT * INTO ce FROM produit WHERE id = p_produit FOR KEY SHARE;

    IF ici.id IS NULL OR ce.id IS NULL THEN
        r := repondre(400, NULL, NULL, NULL, '{' || concat_ws(',',
                 CASE WHEN ici.id IS NULL
                      THEN '"magasin":' || cle_inconnue(p_magasin) END,
                 CASE WHEN ce.id IS NULL
                      THEN '"produit":' || cle_inconnue(p_produit) END) || '}');

    ELSIF NOT ici.ouvert THEN
        r := reponse_ferme(ici);

    ELSIF ce.archive_le IS NOT NULL THEN
        r := repondre(409, NULL, NULL,
                      'Produit archivé' || U&'\00A0' || ': ' || ce.nom || '.',
                      '"produits":[{"produit":' || ce.id || ',"nom":'
                      || to_json(ce.nom) || '}]');

    ELSE
        contexte := contexte_poser('', p_acteur, '', '');

        INSERT INTO demande_reapprovisionnement
               (magasin_id, produit_id, quantite)
        VALUES (p_magasin, p_produit, p_quantite)
        RETURNING * INTO d;

        r := repondre(201, '/api/v1/replenishments/' || d.id || '/', NULL, NULL,
                      demande_corps(d));
    END IF;

    IF p_cle IS NOT NULL THEN
        PERFORM idempotence_fermer(p_acteur, p_cle, p_empreinte, r);
    END IF;

    RETURN r;
END
$$;

-- POST /api/v1/replenishments/{id}/approve/ and /reject/.  An approval moves
-- units from the central stock to the store; when these are not there the
-- request is refused.
CREATE FUNCTION demande_decider(p_demande bigint, p_approuver boolean,
                                p_acteur text, p_cle text, p_empreinte text)
    RETURNS reponse
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    contexte  text;
    d         demande_reapprovisionnement;
    ici       magasin;
    reste     integer;
    present   bigint;
    r         reponse;
BEGIN
    IF p_cle IS NOT NULL THEN
        r := idempotence_ouvrir(p_acteur, p_cle, p_empreinte);
        IF r.statut IS NOT NULL THEN
            RETURN r;
        END IF;
    END IF;

    SELECT * INTO d
      FROM demande_reapprovisionnement
     WHERE id = p_demande
       FOR UPDATE;

    IF NOT FOUND THEN
        RETURN reponse_absent(
            'Demande avec ID ' || p_demande || ' introuvable.');
    END IF;

    SELECT * INTO ici FROM magasin WHERE id = d.magasin_id;

    contexte := contexte_poser('reapprovisionnement', p_acteur,
                               'demande/' || d.id, '');

    IF d.statut = 'en_attente' AND p_approuver THEN
        SELECT quantite INTO reste
          FROM stock_central
         WHERE produit_id = d.produit_id
           FOR UPDATE;

        reste := coalesce(reste, 0);

        SELECT quantite INTO present
          FROM stock_local
         WHERE magasin_id = d.magasin_id AND produit_id = d.produit_id
           FOR UPDATE;
    END IF;

    IF d.statut <> 'en_attente' THEN
        r := repondre(409, NULL, NULL, 'La demande est déjà '
                      || CASE d.statut WHEN 'approuvee' THEN 'approuvée.'
                                       ELSE 'refusée.' END,
                      '"statut":"' || d.statut || '"');

    ELSIF p_approuver AND NOT ici.ouvert THEN
        r := reponse_ferme(ici);

    ELSIF reste >= d.quantite AND present + d.quantite > 2147483647 THEN
        r := repondre(409, NULL, NULL,
                      'Le stock dépasserait 2147483647 unités.', NULL);

    ELSE
        UPDATE demande_reapprovisionnement
           SET statut = CASE WHEN p_approuver AND reste >= quantite
                             THEN 'approuvee' ELSE 'refusee' END,
               date_decision = now(),
               decideur = p_acteur
         WHERE id = p_demande
        RETURNING * INTO d;

        IF d.statut = 'approuvee' THEN
            UPDATE stock_central
               SET quantite = quantite - d.quantite
             WHERE produit_id = d.produit_id;

            INSERT INTO stock_local AS s (magasin_id, produit_id, quantite)
            VALUES (d.magasin_id, d.produit_id, d.quantite)
            ON CONFLICT (magasin_id, produit_id) DO UPDATE
               SET quantite = s.quantite + excluded.quantite;
        END IF;

        IF p_approuver AND d.statut = 'refusee' THEN
            r := repondre(409, NULL, NULL,
                          'Stock central insuffisant' || U&'\00A0'
                          || ': demandé ' || d.quantite
                          || ', disponible ' || reste
                          || '. La demande est refusée.',
                          '"statut":"refusee","produits":[{"produit":'
                          || d.produit_id || ',"nom":'
                          || (SELECT to_json(nom) FROM produit
                               WHERE id = d.produit_id)
                          || ',"demande":' || d.quantite || ',"disponible":'
                          || reste || '}]');
        ELSE
            r := repondre(200, NULL, NULL, NULL, demande_corps(d));
        END IF;
    END IF;

    IF p_cle IS NOT NULL THEN
        PERFORM idempotence_fermer(p_acteur, p_cle, p_empreinte, r);
    END IF;

    RETURN r;
END
$$;


-- Products

CREATE FUNCTION produit_corps(p produit) RETURNS text
    LANGUAGE sql STABLE
    RETURN '{"id":' || (p).id || ',"nom":' || to_json((p).nom)
        || ',"categorie":' || to_json((p).categorie) || ',"prix":"'
        || (p).prix || '","description":'
        || coalesce(to_json((p).description)::text, 'null') || '}';

-- POST /api/v1/products/.
CREATE FUNCTION produit_creer(p_nom text, p_categorie text, p_prix numeric,
                              p_description text, p_acteur text, p_cle text,
                              p_empreinte text)
    RETURNS reponse
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    contexte  text;
    p         produit;
    r         reponse;
BEGIN
    IF p_cle IS NOT NULL THEN
        r := idempotence_ouvrir(p_acteur, p_cle, p_empreinte);
        IF r.statut IS NOT NULL THEN
            RETURN r;
        END IF;
    END IF;

    contexte := contexte_poser('', p_acteur, '', '');

    INSERT INTO produit (nom, categorie, prix, description)
    VALUES (p_nom, p_categorie, p_prix, p_description)
    RETURNING * INTO p;

    r := repondre(201, '/api/v1/products/' || p.id || '/',
                  '"' || produit_etag(p.nom, p.categorie, p.prix, p.description)
                  || '"', NULL, produit_corps(p));

    IF p_cle IS NOT NULL THEN
        PERFORM idempotence_fermer(p_acteur, p_cle, p_empreinte, r);
    END IF;

    RETURN r;
END
$$;

-- DELETE /api/v1/products/{id}/.  What was sold, or asked for, once stays as
-- an archived product.  p_si: the digests of If-Match, with commas between,
-- or "*"; NULL without the header.
CREATE FUNCTION produit_supprimer(p_produit bigint, p_si text, p_acteur text)
    RETURNS reponse
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    contexte  text;
    p         produit;
BEGIN
    -- A sale of it that is under way has the row's key locked: it is waited
    -- for, and counts.
    SELECT * INTO p FROM produit WHERE id = p_produit FOR UPDATE;

    IF p.id IS NULL OR p.archive_le IS NOT NULL THEN
        RETURN reponse_absent(
            'Produit avec ID ' || p_produit || ' introuvable.');
    END IF;

    IF p_si IS NOT NULL AND p_si <> '*'
       AND produit_etag(p.nom, p.categorie, p.prix, p.description)
           <> ALL (string_to_array(p_si, ','))
    THEN
        RETURN repondre(412, NULL, NULL,
                        'La condition de la requête n''est pas remplie.',
                        NULL);
    END IF;

    contexte := contexte_poser('suppression', p_acteur, '', '');

    IF EXISTS (SELECT FROM ligne_vente WHERE produit_id = p_produit)
       OR EXISTS (SELECT FROM demande_reapprovisionnement
                   WHERE produit_id = p_produit)
    THEN
        UPDATE produit SET archive_le = now() WHERE id = p_produit;
    ELSE
        DELETE FROM stock_local WHERE produit_id = p_produit;
        DELETE FROM stock_central WHERE produit_id = p_produit;
        DELETE FROM produit WHERE id = p_produit;
    END IF;

    RETURN repondre(204, NULL, NULL, NULL, NULL);
END
$$;


-- What has to be done now and then; the web tier's timer calls it, on any
-- node and as often as it likes.  True when there is more to do at once.
--
-- Whoever has sales open by hand may be long about it.  Then it gives up, and
-- soon: it has locked what other sales wait for.  The next call tries again.
CREATE FUNCTION entretien() RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    SET lock_timeout = '100ms'
AS $$
DECLARE
    encore  boolean;
    n       bigint;
BEGIN
    -- One at a time is enough; the others have nothing to wait for.
    IF NOT pg_try_advisory_xact_lock(430115, 1) THEN
        RETURN false;
    END IF;

    WITH vieilles AS (
        SELECT acteur, cle
          FROM idempotence
         WHERE cree_le < now() - interval '24 hours'
         ORDER BY cree_le
         LIMIT 10000
           FOR UPDATE SKIP LOCKED
    )
    DELETE FROM idempotence i
     USING vieilles v
     WHERE i.acteur = v.acteur AND i.cle = v.cle;

    GET DIAGNOSTICS n = ROW_COUNT;

    -- Last, since sales wait for what it locks.
    BEGIN
        encore := cumul_avancer();
    EXCEPTION
        WHEN lock_not_available THEN
            encore := false;
    END;

    RETURN encore OR n = 10000;
END
$$;

GRANT UPDATE (archive_le) ON produit TO magasin_web;
GRANT EXECUTE ON FUNCTION recherche, instant_texte, produit_etag, ligne_corps,
    vente_corps, stock_corps, demande_corps, vente_creer, stock_ajuster,
    demande_creer, demande_decider, produit_creer, produit_supprimer,
    entretien TO magasin_web;
