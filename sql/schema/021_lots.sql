-- Batches of up to 50,000 rows of products or of stock.  The web tier stages
-- the rows as it reads them, a piece at a time, and has them decided in one
-- call: all of them, or those that are right.  Until then nothing but this
-- table has changed.

SET LOCAL ROLE magasin_owner;

CREATE SEQUENCE lot_id_seq;

-- Not logged: a batch that a crash interrupts is sent again.  No foreign keys,
-- since nothing here is true yet.  ligne, produit, magasin and nouveau are what
-- the decision makes of donnees.
CREATE UNLOGGED TABLE lot_ligne (
    lot       bigint NOT NULL,
    n         integer NOT NULL,
    donnees   jsonb NOT NULL,
    erreurs   jsonb,
    recue_le  timestamptz NOT NULL DEFAULT now(),
    produit   bigint,
    magasin   bigint,
    nouveau   boolean NOT NULL DEFAULT false,
    PRIMARY KEY (lot, n)
) WITH (fillfactor = 50);

COMMENT ON TABLE lot_ligne IS 'rows of batches that are not decided yet';
COMMENT ON COLUMN lot_ligne.donnees IS
    'its members, as texts; what is JSON null is to be taken away';
COMMENT ON COLUMN lot_ligne.erreurs IS
    'what is wrong: {"prix": ["..."]}; NULL: nothing';

-- A batch begins.  r has a status if the key is known.  Who went away left
-- rows; each batch that begins takes those of one such batch away.
CREATE FUNCTION lot_ouvrir(p_acteur text, p_cle text, p_empreinte text,
                           OUT r reponse, OUT lot bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    vieux  bigint;
BEGIN
    IF p_cle IS NOT NULL THEN
        r := idempotence_ouvrir(p_acteur, p_cle, p_empreinte);
        IF r.statut IS NOT NULL THEN
            RETURN;
        END IF;
    END IF;

    SELECT l.lot INTO vieux
      FROM (SELECT * FROM lot_ligne ORDER BY lot, n LIMIT 1) l
     WHERE l.recue_le < now() - interval '1 hour'
       AND pg_try_advisory_xact_lock(430121);

    DELETE FROM lot_ligne l WHERE l.lot = vieux;

    lot := nextval('lot_id_seq');
END
$$;

-- Rows come: [[number, members], ...], or [[number, members, errors], ...] of
-- what cannot even be read.  A piece that comes twice is there once.
CREATE FUNCTION lot_recevoir(p_lot bigint, p_lignes jsonb) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
    INSERT INTO lot_ligne (lot, n, donnees, erreurs)
    SELECT p_lot, (e ->> 0)::integer, e -> 1, e -> 2
      FROM jsonb_array_elements(p_lignes) e
    ON CONFLICT DO NOTHING;

    SELECT p_lot;
$$;

-- The errors of one member.
CREATE FUNCTION lot_erreur(message text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN message IS NOT NULL THEN jsonb_build_array(message) END;

-- What is wrong with a number that has to be an integer from p_min on.
CREATE FUNCTION lot_entier(texte text, p_min integer) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN texte IS NULL THEN NULL
        WHEN texte !~ '^[+-]?[0-9]{1,18}$'
        THEN 'Un nombre entier valide est requis.'
        WHEN texte::bigint < p_min
        THEN 'Assurez-vous que cette valeur est supérieure ou égale à '
             || p_min || '.'
        WHEN texte::bigint > 2147483647
        THEN 'Assurez-vous que cette valeur est inférieure ou égale à '
             '2147483647.'
        END;

-- ... with an id.
CREATE FUNCTION lot_cle(texte text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN texte !~ '^0*[1-9][0-9]{0,17}$'
        THEN 'Un nombre entier valide est requis.'
        END;

-- ... with a text of a product.
CREATE FUNCTION lot_texte(texte text, longueur integer) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN texte = '' THEN 'Ce champ ne peut être vide.'
        WHEN char_length(texte) > longueur
        THEN 'Assurez-vous que ce champ comporte au plus ' || longueur
             || U&'\00A0' || 'caractères.'
        END;

-- ... with a price.  The comma of a spreadsheet is a point here.
CREATE FUNCTION lot_prix(texte text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN texte IS NULL THEN NULL
        WHEN texte !~ '^[+-]?[0-9]{1,30}([.][0-9]{0,30})?$'
        THEN 'Un nombre valide est requis.'
        WHEN texte ~ '[.][0-9]{3}'
        THEN 'Assurez-vous qu''il n''y a pas plus de 2' || U&'\00A0'
             || 'chiffres après la virgule.'
        WHEN texte ~ '^[+-]?0*[1-9][0-9]{8}'
        THEN 'Assurez-vous qu''il n''y a pas plus de 8 chiffres avant la '
             'virgule.'
        WHEN texte::numeric < 0
        THEN 'Assurez-vous que cette valeur est supérieure ou égale à 0.'
        END;

-- ... with a code, and with a barcode.
CREATE FUNCTION lot_code(code text, barre boolean) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN code = '' THEN 'Ce champ ne peut être vide.'
        WHEN char_length(code) > 64 THEN 'Un code a 64 caractères au plus.'
        WHEN code ~ '[\u0001-\u001f\u007f-\u009f]'
        THEN 'Un code n’a pas de caractères de contrôle.'
        WHEN barre AND code ~ '^([0-9]{8}|[0-9]{12,14})$' AND NOT gtin(code)
        THEN 'Le chiffre de contrôle de « ' || code || ' » est faux.'
        END;

CREATE FUNCTION lot_propre(texte text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN btrim(texte, U&' \0009\000A\000D\00A0');

-- The barcodes of a row: a list, or a text with them.
CREATE FUNCTION lot_barres(donnees jsonb) RETURNS text[]
    LANGUAGE sql IMMUTABLE
    RETURN CASE jsonb_typeof(donnees -> 'codes_barres')
        WHEN 'array'
        THEN ARRAY(SELECT code_forme(c)
                     FROM jsonb_array_elements_text(donnees -> 'codes_barres')
                          WITH ORDINALITY u (c, n)
                    ORDER BY n)
        WHEN 'string'
        THEN array_remove(regexp_split_to_array(
                 donnees ->> 'codes_barres', '[;[:space:]]+'), '')
        WHEN 'null' THEN '{}'
        END;

-- Before the decision.  The rows are all there, or else the server crashed
-- meanwhile: then nobody knows whether they were written, and a key tells.
--
-- The planner knows nothing of rows that have just come, and takes them for
-- few.  Of many of them nested loops would be quadratic.
CREATE FUNCTION lot_verifier(p_lot bigint, p_lignes integer) RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM set_config('plan_cache_mode', 'force_custom_plan', true),
            set_config('enable_nestloop',
                       CASE WHEN p_lignes > 500 THEN 'off' ELSE 'on' END,
                       true);

    IF (SELECT count(*) FROM lot_ligne WHERE lot = p_lot) <> p_lignes THEN
        RAISE 'the rows of batch % are not there', p_lot
            USING ERRCODE = 'statement_completion_unknown';
    END IF;
END
$$;

-- Before the writing.  What is planned here stays for the session: triggers
-- have their plans as ever, and do not make one for each row.
CREATE FUNCTION lot_ecriture() RETURNS text
    LANGUAGE sql
    RETURN set_config('plan_cache_mode', 'auto', true)
        || set_config('enable_nestloop', 'on', true);

-- An answer for a key that was in use: a second request has sent the lines of
-- progress itself.
CREATE FUNCTION lot_suite(r reponse) RETURNS reponse
    LANGUAGE sql IMMUTABLE
    RETURN repondre((r).statut, (r).emplacement, (r).etag, (r).detail,
                    regexp_replace((r).corps, '^(\{"lues":[0-9]+\}\n)+',
                                   ''));

-- What the transaction has changed, as the journal has it and the cache's
-- poller reads it (cache_poll.sql): ",kind:store:product:name" for each; NULL:
-- too much to tell, all of it.
CREATE FUNCTION lot_changes() RETURNS text
    LANGUAGE sql STABLE
AS $$
    SELECT CASE WHEN count(*) <= 300
                THEN coalesce(string_agg(DISTINCT ',' || genre || ':'
                                         || coalesce(magasin_id, 0) || ':'
                                         || coalesce(produit_id, 0) || ':'
                                         || nom::integer, ''), '') END
      FROM (
        SELECT CASE WHEN delta IS NOT NULL THEN 's'
                    WHEN type = 'produit_creation' THEN 'c'
                    WHEN type LIKE 'seuil\_%' THEN 'l'
                    ELSE 'p' END AS genre, magasin_id, produit_id,
               coalesce(details ? 'nom', false) AS nom
          FROM journal
         WHERE xid = journal_place(journal_vie(), pg_current_xact_id())
         LIMIT 301
      ) j;
$$;

-- The answer: a line for each of the first 1000 rows that are wrong, then the
-- summary.  It ends the batch.
CREATE FUNCTION lot_rendre(p_lot bigint, p_lignes integer, p_tout boolean,
                           p_ecrites bigint, p_creees bigint, p_acteur text,
                           p_cle text, p_empreinte text) RETURNS reponse
    LANGUAGE plpgsql
AS $$
DECLARE
    fausses  bigint;
    lignes   text;
    r        reponse;
BEGIN
    SELECT count(*) INTO fausses
      FROM lot_ligne
     WHERE lot = p_lot AND erreurs IS NOT NULL;

    SELECT string_agg('{"ligne":' || n || ',"erreurs":' || erreurs || E'}\n',
                      '' ORDER BY n)
      INTO lignes
      FROM (SELECT n, erreurs
              FROM lot_ligne
             WHERE lot = p_lot AND erreurs IS NOT NULL
             ORDER BY n
             LIMIT 1000) e;

    r := repondre(200, NULL, NULL, NULL,
                  coalesce(lignes, '') || '{"mode":"'
                  || CASE WHEN p_tout THEN 'all' ELSE 'valid' END
                  || '","lignes":' || p_lignes || ',"ecrites":' || p_ecrites
                  || ',"creees":' || p_creees || ',"refusees":' || fausses
                  || E'}\n');

    IF p_cle IS NOT NULL THEN
        PERFORM idempotence_fermer(p_acteur, p_cle, p_empreinte,
            repondre(200, NULL, NULL, NULL,
                     coalesce((SELECT string_agg('{"lues":' || k * 5000
                                                 || E'}\n', '' ORDER BY k)
                                 FROM generate_series(1, p_lignes / 5000) k),
                              '') || r.corps));
    END IF;

    DELETE FROM lot_ligne WHERE lot = p_lot;

    RETURN r;
END
$$;


-- Products

-- What the rows are about: the product of the id, or else of the code.
CREATE FUNCTION produits_lot_trouver(p_lot bigint) RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE lot_ligne l
       SET produit = CASE WHEN NOT l.donnees ? 'id'
                          THEN code_produit(l.donnees ->> 'code')
                          WHEN lot_cle(l.donnees ->> 'id') IS NULL
                          THEN (l.donnees ->> 'id')::bigint END,
           nouveau = NOT l.donnees ? 'id'
                     AND code_produit(l.donnees ->> 'code') IS NULL
     WHERE l.lot = p_lot AND l.erreurs IS NULL;
END
$$;

-- What is wrong with the members of the rows.  p_produits: who asks may change
-- all of a product, and not only its price.
CREATE FUNCTION produits_lot_juger(p_lot bigint, p_produits boolean)
    RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE lot_ligne l
       SET erreurs = v.erreurs
      FROM (
        SELECT n, jsonb_strip_nulls(jsonb_build_object(
                   'ligne', lot_erreur(ligne),
                   'id', lot_erreur(id),
                   'nom', lot_erreur(nom),
                   'categorie', lot_erreur(categorie),
                   'prix', lot_erreur(prix),
                   'description', lot_erreur(description),
                   'code', lot_erreur(code),
                   'codes_barres', codes_barres)) AS erreurs
          FROM (
            SELECT l.n,
                   coalesce(
                    CASE WHEN NOT p_produits
                          AND (l.nouveau
                               OR l.donnees - '{id,prix}'::text[]
                                  - CASE WHEN l.donnees ? 'id' THEN '{}'
                                         ELSE '{code}' END::text[] <> '{}')
                         THEN 'Ce jeton ne change que des prix.'
                         WHEN NOT l.donnees ?| '{nom,categorie,prix,description,'
                                               'code,codes_barres}'::text[]
                         THEN 'Cette ligne ne change rien.' END) AS ligne,
                   coalesce(
                    lot_cle(l.donnees ->> 'id'),
                    CASE WHEN l.donnees -> 'id' = 'null'
                         THEN 'Ce champ ne peut être nul.'
                         WHEN l.produit IS NOT NULL AND p.id IS NULL
                         THEN cle_inconnue(l.produit)::jsonb ->> 0
                         WHEN p.archive_le IS NOT NULL
                         THEN 'Ce produit est archivé.'
                         WHEN row_number() OVER (PARTITION BY p.id ORDER BY l.n)
                              > 1 AND p.id IS NOT NULL
                         THEN 'Ce produit est donné deux fois.' END) AS id,
                   coalesce(
                    lot_texte(lot_propre(l.donnees ->> 'nom'), 100),
                    CASE WHEN l.donnees -> 'nom' = 'null'
                         THEN 'Ce champ ne peut être nul.'
                         WHEN l.nouveau AND NOT l.donnees ? 'nom'
                         THEN 'Ce champ est obligatoire.' END) AS nom,
                   coalesce(
                    lot_texte(lot_propre(l.donnees ->> 'categorie'), 100),
                    CASE WHEN l.donnees -> 'categorie' = 'null'
                         THEN 'Ce champ ne peut être nul.'
                         WHEN l.nouveau AND NOT l.donnees ? 'categorie'
                         THEN 'Ce champ est obligatoire.' END) AS categorie,
                   coalesce(
                    lot_prix(replace(lot_propre(l.donnees ->> 'prix'), ',',
                                     '.')),
                    CASE WHEN l.donnees -> 'prix' = 'null'
                         THEN 'Ce champ ne peut être nul.'
                         WHEN l.nouveau AND NOT l.donnees ? 'prix'
                         THEN 'Ce champ est obligatoire.' END) AS prix,
                   CASE WHEN char_length(l.donnees ->> 'description') > 10000
                        THEN lot_texte(l.donnees ->> 'description', 10000)
                        WHEN l.donnees -> 'description' = 'null'
                         AND p.description IS NOT NULL
                        THEN 'Ce champ ne peut être nul.' END AS description,
                   lot_code(code_forme(l.donnees ->> 'code'), false) AS code,
                   CASE WHEN l.donnees ? 'codes_barres' THEN (
                    SELECT jsonb_agg(m ORDER BY n)
                      FROM (
                        SELECT coalesce(lot_code(c, true),
                                   CASE WHEN row_number() OVER (
                                            PARTITION BY code_cle(c) ORDER BY n)
                                            > 1
                                        THEN 'Le code « ' || c
                                             || ' » est donné deux fois.' END)
                               AS m, n
                          FROM unnest(lot_barres(l.donnees))
                               WITH ORDINALITY u (c, n)
                      ) m
                     WHERE m IS NOT NULL) END AS codes_barres
              FROM lot_ligne l
              LEFT JOIN produit p ON p.id = l.produit
             WHERE l.lot = p_lot AND l.erreurs IS NULL
          ) m
         WHERE coalesce(ligne, id, nom, categorie, prix, description, code,
                        codes_barres::text) IS NOT NULL
      ) v
     WHERE l.lot = p_lot AND l.n = v.n;
END
$$;

-- The codes that the products of the rows will have: of a row that says nothing
-- of its code or of its barcodes, those that are there.
CREATE FUNCTION produits_lot_codes(p_lot bigint)
    RETURNS TABLE (n integer, produit bigint, code text, interne boolean,
                   rang integer)
    LANGUAGE sql STABLE
AS $$
    SELECT l.n, l.produit, v.code, v.interne, v.rang
      FROM lot_ligne l
     CROSS JOIN LATERAL codes_voulus(
        CASE WHEN l.donnees ? 'code' AND (l.nouveau OR l.donnees ? 'id')
             THEN code_forme(l.donnees ->> 'code')
             ELSE (SELECT c.code FROM produit_code c
                    WHERE c.produit_id = l.produit AND c.interne) END,
        CASE WHEN l.donnees ? 'codes_barres' THEN lot_barres(l.donnees)
             ELSE ARRAY(SELECT c.code FROM produit_code c
                         WHERE c.produit_id = l.produit
                           AND c.rang IS NOT NULL
                         ORDER BY c.rang) END) v
     WHERE l.lot = p_lot
       AND l.erreurs IS NULL
       AND (l.donnees ? 'codes_barres'
            OR (l.donnees ? 'code' AND (l.nouveau OR l.donnees ? 'id')));
$$;

-- Codes that another product has, or an earlier row wants.
CREATE FUNCTION produits_lot_codes_juger(p_lot bigint) RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE lot_ligne l
       SET erreurs = jsonb_build_object('code', v.messages)
      FROM (
        SELECT n, jsonb_agg(DISTINCT message) AS messages
          FROM (
            SELECT v.n,
                   CASE WHEN c.produit_id <> v.produit OR c.produit_id
                             IS NOT NULL AND v.produit IS NULL
                        THEN 'Code déjà utilisé' || U&'\00A0' || ': '
                             || v.code || ' (' || p.nom || ').'
                        WHEN v.n > min(v.n) OVER (
                            PARTITION BY code_cle(v.code))
                        THEN 'Le code « ' || v.code
                             || ' » est donné deux fois.' END AS message
              FROM produits_lot_codes(p_lot) v
              LEFT JOIN produit_code c ON c.cle = code_cle(v.code)
              LEFT JOIN produit p ON p.id = c.produit_id
          ) v
         WHERE message IS NOT NULL
         GROUP BY n
      ) v
     WHERE l.lot = p_lot AND l.n = v.n;
END
$$;

-- Write the codes of the rows.  Whoever has given one to another product since
-- they were looked at was faster, and all of it is done again.
CREATE FUNCTION produits_lot_codes_ecrire(p_lot bigint) RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM lot_ligne
                    WHERE lot = p_lot AND erreurs IS NULL
                      AND donnees ?| '{code,codes_barres}'::text[])
    THEN
        RETURN;
    END IF;

    CREATE TEMPORARY TABLE lot_code_voulu ON COMMIT DROP AS
    SELECT * FROM produits_lot_codes(p_lot);

    DELETE FROM produit_code c
     USING lot_ligne l
     WHERE l.lot = p_lot AND l.erreurs IS NULL
       AND (l.donnees ? 'codes_barres'
            OR (l.donnees ? 'code' AND (l.nouveau OR l.donnees ? 'id')))
       AND c.produit_id = l.produit
       AND NOT EXISTS (SELECT FROM pg_temp.lot_code_voulu v
                        WHERE v.produit = c.produit_id
                          AND v.code = c.code
                          AND v.interne = c.interne
                          AND v.rang IS NOT DISTINCT FROM c.rang);

    INSERT INTO produit_code (code, produit_id, interne, rang)
    SELECT code, produit, interne, rang
      FROM pg_temp.lot_code_voulu
     ORDER BY code_cle(code)
    ON CONFLICT DO NOTHING;

    IF EXISTS (SELECT
                 FROM pg_temp.lot_code_voulu v
                 LEFT JOIN produit_code c ON c.cle = code_cle(v.code)
                WHERE c.produit_id IS DISTINCT FROM v.produit)
    THEN
        RAISE 'a code of batch % was given away meanwhile', p_lot
            USING ERRCODE = 'serialization_failure';
    END IF;

    DROP TABLE pg_temp.lot_code_voulu;
END
$$;

-- A batch of products writes its rows of the journal itself (magasin.lot): the
-- trigger, which is called for each row, was half of what 50,000 prices cost.
CREATE OR REPLACE TRIGGER journal_fait
    AFTER INSERT OR UPDATE OR DELETE ON produit
    FOR EACH ROW
    WHEN (current_setting('magasin.lot', true) IS DISTINCT FROM 'produits'
          OR current_user::text <> 'magasin_owner')
    EXECUTE FUNCTION journal_fait('produit');
ALTER TABLE produit ENABLE ALWAYS TRIGGER journal_fait;

-- A price is in no index.  Where a page has room for the next version of all
-- its rows, no index changes with it, which was a third of it.
ALTER TABLE produit SET (fillfactor = 50);

-- What has changed of a product, as journal_fait() has it; a batch changes
-- these members only.
CREATE FUNCTION produit_change(avant produit, apres produit) RETURNS jsonb
    LANGUAGE sql STABLE
AS $$
    SELECT jsonb_strip_nulls(jsonb_build_object(
        'nom', CASE WHEN (avant).nom <> (apres).nom
                    THEN jsonb_build_array((avant).nom, (apres).nom) END,
        'categorie', CASE WHEN (avant).categorie <> (apres).categorie
                          THEN jsonb_build_array((avant).categorie,
                                                 (apres).categorie) END,
        'prix', CASE WHEN (avant).prix <> (apres).prix
                     THEN jsonb_build_array((avant).prix::text,
                                            (apres).prix::text) END,
        'description', CASE WHEN (avant).description
                                 IS DISTINCT FROM (apres).description
                            THEN jsonb_build_array((avant).description,
                                                   (apres).description)
                            END));
$$;

-- POST /api/v1/products/batch/.  p_lignes: how many rows were sent.
CREATE FUNCTION produits_lot(p_lot bigint, p_lignes integer, p_tout boolean,
                             p_produits boolean, p_acteur text, p_cle text,
                             p_empreinte text, OUT r reponse,
                             OUT changes text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    contexte  text;
    ecrites   bigint := 0;
    creees    bigint := 0;
BEGIN
    IF p_cle IS NOT NULL THEN
        r := idempotence_ouvrir(p_acteur, p_cle, p_empreinte);
        IF r.statut IS NOT NULL THEN
            r := lot_suite(r);
            RETURN;
        END IF;
    END IF;

    PERFORM lot_verifier(p_lot, p_lignes);
    PERFORM produits_lot_trouver(p_lot);

    -- In the order in which everything locks.
    PERFORM FROM produit
      WHERE id IN (SELECT produit FROM lot_ligne WHERE lot = p_lot)
      ORDER BY id
        FOR NO KEY UPDATE;

    PERFORM produits_lot_juger(p_lot, p_produits);
    PERFORM produits_lot_codes_juger(p_lot);

    contexte := contexte_poser('', p_acteur, '', '');
    changes := '';

    IF NOT p_tout OR NOT EXISTS (SELECT FROM lot_ligne
                                  WHERE lot = p_lot AND erreurs IS NOT NULL)
    THEN
        UPDATE lot_ligne l
           SET produit = v.id
          FROM (SELECT n, nextval('produit_id_seq') AS id
                  FROM (SELECT n FROM lot_ligne
                         WHERE lot = p_lot AND erreurs IS NULL AND nouveau
                         ORDER BY n) u) v
         WHERE l.lot = p_lot AND l.n = v.n;

        PERFORM lot_ecriture();

        contexte := set_config('magasin.lot', 'produits', true);

        -- Planned each time, for the rows that there are.
        PERFORM set_config('enable_nestloop',
                           CASE WHEN p_lignes > 500 THEN 'off' ELSE 'on' END,
                           true);

        EXECUTE $update$
        WITH fait AS (
            UPDATE produit p
               SET nom = v.nom, categorie = v.categorie, prix = v.prix,
                   description = v.description
              FROM (
                SELECT l.n, a, a.id,
                       coalesce(lot_propre(l.donnees ->> 'nom'), a.nom)
                           AS nom,
                       coalesce(lot_propre(l.donnees ->> 'categorie'),
                                a.categorie) AS categorie,
                       coalesce(replace(lot_propre(l.donnees ->> 'prix'),
                                        ',', '.')::numeric(10,2), a.prix)
                           AS prix,
                       coalesce(l.donnees ->> 'description', a.description)
                           AS description
                  FROM lot_ligne l
                  JOIN produit a ON a.id = l.produit
                 WHERE l.lot = $1 AND l.erreurs IS NULL AND NOT l.nouveau
              ) v
             WHERE p.id = v.id
               AND (p.nom, p.categorie, p.prix, p.description)
                   IS DISTINCT FROM (v.nom, v.categorie, v.prix,
                                     v.description)
            RETURNING v.n, v.a AS avant, p AS apres
        )
        INSERT INTO journal (type, produit_id, reference, details)
        SELECT 'produit_modification', (apres).id, 'produit/' || (apres).id,
               produit_change(avant, apres)
          FROM fait
         ORDER BY n
        $update$ USING p_lot;

        PERFORM lot_ecriture();

        WITH fait AS (
            INSERT INTO produit (id, nom, categorie, prix, description)
            SELECT produit, lot_propre(donnees ->> 'nom'),
                   lot_propre(donnees ->> 'categorie'),
                   replace(lot_propre(donnees ->> 'prix'), ',',
                           '.')::numeric(10,2),
                   donnees ->> 'description'
              FROM lot_ligne
             WHERE lot = p_lot AND erreurs IS NULL AND nouveau
             ORDER BY n
            RETURNING id
        )
        INSERT INTO journal (type, produit_id, reference)
        SELECT 'produit_creation', id, 'produit/' || id
          FROM fait
         ORDER BY id;

        contexte := set_config('magasin.lot', '', true);

        PERFORM produits_lot_codes_ecrire(p_lot);

        SELECT count(*), count(*) FILTER (WHERE nouveau)
          INTO ecrites, creees
          FROM lot_ligne
         WHERE lot = p_lot AND erreurs IS NULL;

        changes := lot_changes();
    END IF;

    r := lot_rendre(p_lot, p_lignes, p_tout, ecrites, creees, p_acteur,
                    p_cle, p_empreinte);
END
$$;


-- Stock

CREATE FUNCTION stock_lot_trouver(p_lot bigint) RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE lot_ligne l
       SET magasin = CASE WHEN lot_cle(l.donnees ->> 'magasin') IS NULL
                          THEN (l.donnees ->> 'magasin')::bigint END,
           produit = CASE WHEN l.donnees ->> 'produit' IS NULL
                          THEN code_produit(l.donnees ->> 'code')
                          WHEN lot_cle(l.donnees ->> 'produit') IS NULL
                          THEN (l.donnees ->> 'produit')::bigint END
     WHERE l.lot = p_lot AND l.erreurs IS NULL;
END
$$;

-- p_magasins: the stores of who asks, NULL: all.
CREATE FUNCTION stock_lot_juger(p_lot bigint, p_magasins text) RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE lot_ligne l
       SET erreurs = v.erreurs
      FROM (
        SELECT n, jsonb_strip_nulls(jsonb_build_object(
                   'ligne', lot_erreur(ligne),
                   'magasin', lot_erreur(magasin),
                   'produit', lot_erreur(produit),
                   'code', lot_erreur(code),
                   'delta', lot_erreur(delta),
                   'quantite', lot_erreur(quantite),
                   'attendu', lot_erreur(attendu),
                   'minimum', lot_erreur(minimum),
                   'maximum', lot_erreur(maximum),
                   'motif', lot_erreur(motif))) AS erreurs
          FROM (
            SELECT l.n,
                   CASE WHEN NOT l.donnees ?| '{delta,quantite,minimum,'
                                              'maximum}'::text[]
                        THEN 'Donnez « delta », « quantite », « minimum » ou '
                             '« maximum ».'
                        WHEN row_number() OVER (PARTITION BY m.id, p.id
                                                ORDER BY l.n) > 1
                         AND m.id IS NOT NULL AND p.id IS NOT NULL
                        THEN 'Ce produit de ce magasin est donné deux fois.'
                        END AS ligne,
                   CASE WHEN l.donnees ->> 'magasin' IS NULL
                        THEN 'Ce champ est obligatoire.'
                        WHEN l.magasin IS NULL
                        THEN lot_cle(l.donnees ->> 'magasin')
                        WHEN l.magasin::text
                             <> ALL (string_to_array(p_magasins, ','))
                        THEN 'Vous n''avez pas accès à ce magasin.'
                        WHEN m.id IS NULL
                        THEN cle_inconnue(l.magasin)::jsonb ->> 0 END AS magasin,
                   CASE WHEN l.donnees ->> 'produit' IS NULL
                         AND l.donnees ->> 'code' IS NULL
                        THEN 'Ce champ est obligatoire.'
                        WHEN l.donnees ->> 'produit' IS NOT NULL
                         AND l.produit IS NULL
                        THEN lot_cle(l.donnees ->> 'produit')
                        WHEN l.produit IS NOT NULL AND p.id IS NULL
                        THEN cle_inconnue(l.produit)::jsonb ->> 0 END AS produit,
                   CASE WHEN l.donnees ->> 'produit' IS NULL
                         AND l.donnees ->> 'code' IS NOT NULL
                         AND l.produit IS NULL
                        THEN 'Aucun produit n''a ce code.' END AS code,
                   coalesce(
                    lot_entier(l.donnees ->> 'delta', -2147483647),
                    CASE WHEN l.donnees -> 'delta' = 'null'
                         THEN 'Ce champ ne peut être nul.'
                         WHEN l.donnees ? 'delta'
                          AND l.donnees ?| '{quantite,attendu}'::text[]
                         THEN 'Ce champ exclut « quantite » et « attendu ».'
                         WHEN l.donnees ->> 'delta' ~ '^[+-]?0+$'
                         THEN 'Cette valeur ne peut être 0.' END) AS delta,
                   coalesce(
                    lot_entier(l.donnees ->> 'quantite', 0),
                    CASE WHEN l.donnees -> 'quantite' = 'null'
                         THEN 'Ce champ ne peut être nul.'
                         WHEN NOT l.donnees ? 'quantite'
                          AND l.donnees ? 'attendu'
                         THEN 'Ce champ est obligatoire.' END) AS quantite,
                   coalesce(
                    lot_entier(l.donnees ->> 'attendu', 0),
                    CASE WHEN l.donnees -> 'attendu' = 'null'
                         THEN 'Ce champ ne peut être nul.'
                         WHEN l.donnees ? 'quantite'
                          AND NOT l.donnees ? 'attendu'
                         THEN 'Ce champ est obligatoire.' END) AS attendu,
                   coalesce(lot_entier(l.donnees ->> 'minimum', 0)) AS minimum,
                   coalesce(lot_entier(l.donnees ->> 'maximum', 0)) AS maximum,
                   CASE WHEN char_length(l.donnees ->> 'motif') > 200
                        THEN lot_texte(l.donnees ->> 'motif', 200) END AS motif
              FROM lot_ligne l
              LEFT JOIN produit p ON p.id = l.produit
              LEFT JOIN magasin m ON m.id = l.magasin
             WHERE l.lot = p_lot AND l.erreurs IS NULL
          ) m
         WHERE coalesce(ligne, magasin, produit, code, delta, quantite,
                        attendu, minimum, maximum, motif) IS NOT NULL
      ) v
     WHERE l.lot = p_lot AND l.n = v.n;
END
$$;

-- What the rows would make of the stock, and of the thresholds.  The rows that
-- are there are locked.  apres: NULL, the quantity stays.  poses: there is a
-- row of thresholds.
CREATE FUNCTION stock_lot_voulu(p_lot bigint)
    RETURNS TABLE (n integer, magasin bigint, produit bigint, nom text,
                   stock bigint, avant integer, attendu integer,
                   apres bigint, motif text, seuils boolean,
                   poses boolean, minimum integer, maximum integer)
    LANGUAGE sql STABLE
AS $$
    SELECT l.n, l.magasin, l.produit, p.nom, s.id, coalesce(s.quantite, 0),
           (l.donnees ->> 'attendu')::integer,
           coalesce((l.donnees ->> 'quantite')::bigint,
                    coalesce(s.quantite, 0)
                    + (l.donnees ->> 'delta')::bigint),
           coalesce(lot_propre(l.donnees ->> 'motif'), ''),
           l.donnees ?| '{minimum,maximum}'::text[],
           t.magasin_id IS NOT NULL,
           CASE WHEN l.donnees ? 'minimum'
                THEN (l.donnees ->> 'minimum')::integer
                ELSE t.minimum END,
           CASE WHEN l.donnees ? 'maximum'
                THEN (l.donnees ->> 'maximum')::integer
                ELSE t.maximum END
      FROM lot_ligne l
      JOIN produit p ON p.id = l.produit
      LEFT JOIN stock_local s ON s.magasin_id = l.magasin
                             AND s.produit_id = l.produit
      LEFT JOIN seuil t ON t.magasin_id = l.magasin
                       AND t.produit_id = l.produit
     WHERE l.lot = p_lot AND l.erreurs IS NULL;
$$;

CREATE FUNCTION stock_lot_manques(p_lot bigint) RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE lot_ligne l
       SET erreurs = v.erreurs
      FROM (
        SELECT n, jsonb_strip_nulls(jsonb_build_object(
                   'attendu', lot_erreur(attendu),
                   'delta', lot_erreur(delta),
                   'maximum', lot_erreur(maximum))) AS erreurs
          FROM (
            SELECT v.n,
                   CASE WHEN v.attendu <> v.avant
                        THEN 'Le stock a changé' || U&'\00A0' || ': '
                             || v.attendu || ' attendus, ' || v.avant
                             || ' présents.' END AS attendu,
                   CASE WHEN v.apres < 0
                        THEN 'Stock insuffisant' || U&'\00A0' || ': ' || v.nom
                             || ' (demandé ' || v.avant - v.apres
                             || ', disponible ' || v.avant || ').'
                        WHEN v.apres > 2147483647
                        THEN 'Le stock dépasserait 2147483647 unités.'
                        END AS delta,
                   CASE WHEN v.seuils AND v.minimum > v.maximum
                        THEN 'Le maximum ne peut être inférieur au minimum.' END AS maximum
              FROM stock_lot_voulu(p_lot) v
          ) m
         WHERE coalesce(attendu, delta, maximum) IS NOT NULL
      ) v
     WHERE l.lot = p_lot AND l.n = v.n;
END
$$;

-- Write what is right.  A reason that all rows share is one of the transaction;
-- else the movements are laid for the trigger, each with its own.
CREATE FUNCTION stock_lot_ecrire(p_lot bigint, p_acteur text) RETURNS void
    LANGUAGE plpgsql
AS $$
DECLARE
    contexte  text;
    motifs    text[];
    changees  bigint;
    nees      bigint;
BEGIN
    CREATE TEMPORARY TABLE lot_stock_voulu ON COMMIT DROP AS
    SELECT * FROM stock_lot_voulu(p_lot);

    ANALYZE pg_temp.lot_stock_voulu;

    PERFORM lot_ecriture();

    motifs := ARRAY(SELECT DISTINCT motif FROM pg_temp.lot_stock_voulu
                     WHERE apres <> avant LIMIT 2);

    contexte := contexte_poser('ajustement', p_acteur, 'lot/' || p_lot,
                               motifs[1]);

    IF cardinality(motifs) > 1 THEN
        contexte := set_config('magasin.mouvements',
            (SELECT array_agg(ROW(magasin, produit, apres - avant, p_acteur,
                                  'lot/' || p_lot, motif)::mouvement)
               FROM pg_temp.lot_stock_voulu
              WHERE apres <> avant)::text, true);
    END IF;

    UPDATE stock_local s
       SET quantite = v.apres
      FROM pg_temp.lot_stock_voulu v
     WHERE s.id = v.stock AND v.apres <> v.avant AND s.quantite = v.avant;

    GET DIAGNOSTICS changees = ROW_COUNT;

    INSERT INTO stock_local (magasin_id, produit_id, quantite)
    SELECT magasin, produit, apres
      FROM pg_temp.lot_stock_voulu
     WHERE stock IS NULL AND apres > 0
     ORDER BY produit, magasin
    ON CONFLICT DO NOTHING;

    GET DIAGNOSTICS nees = ROW_COUNT;

    -- Somebody else was first to make a row, maybe with this quantity.
    IF changees + nees < (SELECT count(*)
                            FROM pg_temp.lot_stock_voulu
                           WHERE apres <> avant)
       OR EXISTS (SELECT
                    FROM pg_temp.lot_stock_voulu v
                    JOIN stock_local s ON s.magasin_id = v.magasin
                                      AND s.produit_id = v.produit
                   WHERE v.apres IS NOT NULL AND s.quantite <> v.apres)
    THEN
        RAISE 'a row of batch % came meanwhile', p_lot
            USING ERRCODE = 'serialization_failure';
    END IF;

    contexte := contexte_poser('', p_acteur, '', '');

    UPDATE seuil t
       SET minimum = v.minimum, maximum = v.maximum
      FROM pg_temp.lot_stock_voulu v
     WHERE v.seuils AND v.poses
       AND t.magasin_id = v.magasin AND t.produit_id = v.produit
       AND (t.minimum, t.maximum) IS DISTINCT FROM (v.minimum, v.maximum);

    INSERT INTO seuil (magasin_id, produit_id, minimum, maximum)
    SELECT magasin, produit, minimum, maximum
      FROM pg_temp.lot_stock_voulu
     WHERE seuils AND NOT poses
     ORDER BY produit, magasin
    ON CONFLICT DO NOTHING;

    GET DIAGNOSTICS nees = ROW_COUNT;

    IF nees < (SELECT count(*)
                 FROM pg_temp.lot_stock_voulu
                WHERE seuils AND NOT poses)
    THEN
        RAISE 'thresholds of batch % came meanwhile', p_lot
            USING ERRCODE = 'serialization_failure';
    END IF;

    DROP TABLE pg_temp.lot_stock_voulu;
END
$$;

-- POST /api/v1/stock/batch/.
CREATE FUNCTION stock_lot(p_lot bigint, p_lignes integer, p_tout boolean,
                          p_magasins text, p_acteur text, p_cle text,
                          p_empreinte text, OUT r reponse, OUT changes text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    ecrites  bigint := 0;
BEGIN
    IF p_cle IS NOT NULL THEN
        r := idempotence_ouvrir(p_acteur, p_cle, p_empreinte);
        IF r.statut IS NOT NULL THEN
            r := lot_suite(r);
            RETURN;
        END IF;
    END IF;

    PERFORM lot_verifier(p_lot, p_lignes);
    PERFORM stock_lot_trouver(p_lot);

    -- In the order in which everything locks.  A product that is judged does
    -- not go any more; a store that has stock does not go.
    PERFORM FROM produit
      WHERE id IN (SELECT produit FROM lot_ligne
                    WHERE lot = p_lot AND erreurs IS NULL)
      ORDER BY id
        FOR KEY SHARE;

    PERFORM stock_lot_juger(p_lot, p_magasins);

    PERFORM FROM stock_local s
       JOIN lot_ligne l ON l.magasin = s.magasin_id
                       AND l.produit = s.produit_id
      WHERE l.lot = p_lot AND l.erreurs IS NULL
        AND l.donnees ?| '{delta,quantite}'::text[]
      ORDER BY s.produit_id, s.magasin_id
        FOR UPDATE OF s;

    PERFORM FROM magasin
      WHERE id IN (SELECT magasin FROM lot_ligne
                    WHERE lot = p_lot AND erreurs IS NULL)
      ORDER BY id
        FOR KEY SHARE;

    PERFORM FROM seuil t
       JOIN lot_ligne l ON l.magasin = t.magasin_id
                       AND l.produit = t.produit_id
      WHERE l.lot = p_lot AND l.erreurs IS NULL
        AND l.donnees ?| '{minimum,maximum}'::text[]
      ORDER BY t.produit_id, t.magasin_id
        FOR UPDATE OF t;

    PERFORM stock_lot_manques(p_lot);

    changes := '';

    IF NOT p_tout OR NOT EXISTS (SELECT FROM lot_ligne
                                  WHERE lot = p_lot AND erreurs IS NOT NULL)
    THEN
        PERFORM stock_lot_ecrire(p_lot, p_acteur);

        SELECT count(*) INTO ecrites
          FROM lot_ligne
         WHERE lot = p_lot AND erreurs IS NULL;

        changes := lot_changes();
    END IF;

    r := lot_rendre(p_lot, p_lignes, p_tout, ecrites, 0, p_acteur, p_cle,
                    p_empreinte);
END
$$;

GRANT EXECUTE ON FUNCTION lot_ouvrir, lot_recevoir, produits_lot, stock_lot
    TO magasin_web;
