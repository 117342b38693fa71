-- What a scanner and a buyer need: codes and barcodes of products, stores that
-- are made and changed by the API, and thresholds of stock.

SET LOCAL ROLE magasin_owner;


-- Codes

-- Is it a GTIN (8, 12, 13 or 14 digits) with the right check digit?
CREATE FUNCTION gtin(code text) RETURNS boolean
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE
        WHEN code ~ '^([0-9]{8}|[0-9]{12,14})$'
        THEN (SELECT sum(substr(lpad(code, 14, '0'), n, 1)::integer
                         * CASE n % 2 WHEN 1 THEN 3 ELSE 1 END) % 10 = 0
                FROM generate_series(1, 14) n)
        ELSE false END;

-- What is compared of a code.  Scanners write one GTIN with 12, 13 or 14
-- digits: zeros in front make it no other one.
CREATE FUNCTION code_cle(code text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN gtin(code) THEN lpad(code, 14, '0') ELSE code END;

-- The form of a code that somebody typed.
CREATE FUNCTION code_forme(code text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN btrim(normalize(code, NFC), U&' \00A0\2007\202F\2060\FEFF');

-- The codes of all products, one namespace.  One row can be both the code of
-- its product (interne) and one of its barcodes (rang: which).
CREATE TABLE produit_code (
    cle         text COLLATE "C" GENERATED ALWAYS AS (code_cle(code)) STORED
                PRIMARY KEY,
    code        text COLLATE "C" NOT NULL
                CONSTRAINT produit_code_longueur
                    CHECK (char_length(code) BETWEEN 1 AND 64)
                CONSTRAINT produit_code_forme
                    CHECK (code = code_forme(code)
                           AND code !~ '[\u0001-\u001f\u007f-\u009f]'),
    produit_id  bigint NOT NULL REFERENCES produit ON DELETE CASCADE,
    interne     boolean NOT NULL DEFAULT false,
    rang        integer,
    CONSTRAINT produit_code_role CHECK (interne OR rang IS NOT NULL),
    CONSTRAINT produit_code_controle
        CHECK (rang IS NULL OR gtin(code)
               OR code !~ '^([0-9]{8}|[0-9]{12,14})$')
);

CREATE UNIQUE INDEX produit_code_interne ON produit_code (produit_id)
    WHERE interne;
CREATE UNIQUE INDEX produit_code_rang ON produit_code (produit_id, rang);
CREATE INDEX produit_code_debut ON produit_code (code);

-- To the journal a code is a member of its product.
CREATE FUNCTION journal_codes() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    avant  text := CASE WHEN TG_OP <> 'INSERT' THEN OLD.code END;
    apres  text := CASE WHEN TG_OP <> 'DELETE' THEN NEW.code END;
BEGIN
    IF TG_OP = 'UPDATE' AND NEW = OLD THEN
        RETURN NULL;
    END IF;

    IF TG_OP = 'UPDATE' AND NEW.produit_id <> OLD.produit_id THEN
        INSERT INTO public.journal (type, produit_id, reference, details)
        VALUES ('produit_code_retrait', OLD.produit_id,
                'produit/' || OLD.produit_id,
                jsonb_build_object('code', jsonb_build_array(avant, NULL)));
        avant := NULL;
    END IF;

    INSERT INTO public.journal (type, produit_id, reference, details)
    SELECT CASE WHEN apres IS NULL THEN 'produit_code_retrait'
                WHEN avant IS NULL THEN 'produit_code_ajout'
                ELSE 'produit_code_modification' END,
           produit, 'produit/' || produit,
           jsonb_build_object('code', jsonb_build_array(avant, apres))
      FROM (SELECT CASE TG_OP WHEN 'DELETE' THEN OLD.produit_id
                              ELSE NEW.produit_id END) p (produit);

    RETURN NULL;
END
$$;

CREATE TRIGGER journal_codes
    AFTER INSERT OR UPDATE OR DELETE ON produit_code
    FOR EACH ROW EXECUTE FUNCTION journal_codes();
CREATE TRIGGER journal_vidage BEFORE TRUNCATE ON produit_code
    FOR EACH STATEMENT EXECUTE FUNCTION journal_vidage('produit_code');
ALTER TABLE produit_code
    ENABLE ALWAYS TRIGGER journal_codes,
    ENABLE ALWAYS TRIGGER journal_vidage;

-- The product that has a code; an archived one, too.
CREATE FUNCTION code_produit(p_code text) RETURNS bigint
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN (SELECT produit_id FROM produit_code
             WHERE cle = code_cle(code_forme(p_code)));

-- The products of the codes of a body, in their order.  connue: the key of the
-- request is known, so that its answer is there whatever the codes are now.
CREATE FUNCTION codes_produits(p_codes text[], p_acteur text, p_cle text)
    RETURNS TABLE (produit bigint, connue boolean)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
BEGIN ATOMIC
    SELECT code_produit(u.code),
           EXISTS (SELECT FROM idempotence
                    WHERE acteur = p_acteur AND cle = p_cle)
      FROM unnest(p_codes) WITH ORDINALITY u (code, n)
     ORDER BY u.n;
END;

-- All of a product.  Its entity tag is the MD5 digest of this text.
CREATE FUNCTION produit_fiche(p produit) RETURNS text
    LANGUAGE sql STABLE
    RETURN '{"id":' || (p).id || ',"nom":' || to_json((p).nom)
        || ',"categorie":' || to_json((p).categorie) || ',"prix":"'
        || (p).prix || '","description":'
        || coalesce(to_json((p).description)::text, 'null') || ',"code":'
        || coalesce((SELECT to_json(code)::text FROM produit_code
                      WHERE produit_id = (p).id AND interne), 'null')
        || ',"codes_barres":['
        || coalesce((SELECT string_agg(to_json(code)::text, ',' ORDER BY rang)
                       FROM produit_code
                      WHERE produit_id = (p).id AND rang IS NOT NULL), '')
        || '],"archive_le":'
        || coalesce('"' || instant_texte((p).archive_le) || '"', 'null')
        || '}';

-- The rows of produit_code that a code and barcodes are.
CREATE FUNCTION codes_voulus(p_code text, p_barres text[])
    RETURNS TABLE (code text, interne boolean, rang integer)
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT coalesce(b.code, i.code), i.code IS NOT NULL, b.n::integer
      FROM unnest(p_barres) WITH ORDINALITY b (code, n)
      FULL JOIN (SELECT p_code WHERE p_code IS NOT NULL) i (code)
        ON code_cle(i.code) = code_cle(b.code);
END;

CREATE FUNCTION description_nulle() RETURNS reponse
    LANGUAGE sql IMMUTABLE
    RETURN repondre(400, NULL, NULL, NULL,
                    '{"description":["Ce champ ne peut être nul."]}');

-- Does If-Match hold?  As etag_absent() for If-None-Match.
CREATE FUNCTION etag_present(etag text, si text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN si IS NULL OR si = '*'
        OR etag = ANY (string_to_array(si, ','));

-- Give a product its codes.  p_code counts if p_pose is true, NULL takes it
-- away; p_barres are all its barcodes, NULL leaves them.  An answer without a
-- status: it is done.  Otherwise the caller takes back what it has done.  Codes
-- are written in their order, so that two who want the same ones wait for each
-- other at the first.
CREATE FUNCTION produit_codes_poser(p_produit bigint, p_pose boolean,
                                    p_code text, p_barres text[])
    RETURNS reponse
    LANGUAGE plpgsql
AS $$
DECLARE
    propre    text := code_forme(p_code);
    barres    text[];
    erreurs   text;
    pris      text;
    noms      text;
    voulus    integer;
BEGIN
    IF NOT p_pose THEN
        SELECT code INTO propre
          FROM produit_code
         WHERE produit_id = p_produit AND interne;
    END IF;

    SELECT array_agg(code_forme(code) ORDER BY n) INTO barres
      FROM unnest(p_barres) WITH ORDINALITY u (code, n);

    IF p_barres IS NULL THEN
        SELECT array_agg(code ORDER BY rang) INTO barres
          FROM produit_code
         WHERE produit_id = p_produit AND rang IS NOT NULL;
    END IF;

    SELECT concat_ws(',',
               CASE WHEN propre = '' THEN
                        '"code":["Ce champ ne peut être vide."]'
                    WHEN char_length(propre) > 64 THEN
                        '"code":["Un code a 64 caractères au plus."]'
                    WHEN propre ~ '[\u0001-\u001f\u007f-\u009f]' THEN
                        '"code":["Un code n’a pas de caractères de contrôle."]'
               END,
               '"codes_barres":[' || string_agg(to_json(message)::text, ','
                                                ORDER BY n) || ']')
      INTO erreurs
      FROM (
        SELECT min(n) AS n,
               CASE WHEN code = '' THEN 'Un code ne peut être vide.'
                    WHEN char_length(code) > 64
                    THEN 'Un code a 64 caractères au plus.'
                    WHEN code ~ '[\u0001-\u001f\u007f-\u009f]'
                    THEN 'Un code n’a pas de caractères de contrôle.'
                    WHEN code ~ '^([0-9]{8}|[0-9]{12,14})$' AND NOT gtin(code)
                    THEN 'Le chiffre de contrôle de « ' || code
                         || ' » est faux.'
                    WHEN count(*) > 1
                    THEN 'Le code « ' || code || ' » est donné deux fois.'
               END AS message
          FROM (SELECT first_value(code) OVER (PARTITION BY code_cle(code)
                                               ORDER BY n) AS code, n
                  FROM unnest(barres) WITH ORDINALITY u (code, n)) b
         GROUP BY code
      ) b
     WHERE message IS NOT NULL;

    IF erreurs <> '' THEN
        RETURN repondre(400, NULL, NULL, NULL, '{' || erreurs || '}');
    END IF;

    DELETE FROM produit_code c
     WHERE produit_id = p_produit
       AND NOT EXISTS (SELECT FROM codes_voulus(propre, barres) v
                        WHERE v.code = c.code
                          AND v.interne = c.interne
                          AND v.rang IS NOT DISTINCT FROM c.rang);

    -- Who has one of them under way is waited for, and then seen below.
    INSERT INTO produit_code (code, produit_id, interne, rang)
    SELECT code, p_produit, interne, rang
      FROM codes_voulus(propre, barres)
     ORDER BY code_cle(code)
    ON CONFLICT (cle) DO NOTHING;

    SELECT string_agg(v.code || ' (' || p.nom || ')', ', ' ORDER BY c.cle),
           string_agg('{"produit":' || p.id || ',"nom":' || to_json(p.nom)
                      || ',"code":' || to_json(c.code) || '}', ','
                      ORDER BY c.cle)
      INTO noms, pris
      FROM codes_voulus(propre, barres) v
      JOIN produit_code c ON c.cle = code_cle(v.code)
      JOIN produit p ON p.id = c.produit_id
     WHERE c.produit_id <> p_produit;

    IF pris IS NOT NULL THEN
        RETURN repondre(409, NULL, NULL,
                        'Code déjà utilisé' || U&'\00A0' || ': ' || noms
                        || '.', '"produits":[' || pris || ']');
    END IF;

    -- Who had one has given it up meanwhile: the caller tries again.
    IF (SELECT count(*) FROM codes_voulus(propre, barres))
       <> (SELECT count(*) FROM produit_code WHERE produit_id = p_produit)
    THEN
        RAISE 'a code of product % came free meanwhile', p_produit
            USING ERRCODE = 'serialization_failure';
    END IF;

    RETURN NULL;
END
$$;

-- POST /api/v1/products/.  p_barres: NULL is none.
CREATE FUNCTION produit_creer_code(p_nom text, p_categorie text,
                                   p_prix numeric, p_description text,
                                   p_code text, p_barres text[],
                                   p_acteur text, p_cle text,
                                   p_empreinte text)
    RETURNS reponse
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    r      reponse;
    refus  reponse;
BEGIN
    IF p_code IS NULL AND p_barres IS NULL THEN
        RETURN produit_creer(p_nom, p_categorie, p_prix, p_description,
                             p_acteur, p_cle, p_empreinte);
    END IF;

    IF p_cle IS NOT NULL THEN
        r := idempotence_ouvrir(p_acteur, p_cle, p_empreinte);
        IF r.statut IS NOT NULL THEN
            RETURN r;
        END IF;
    END IF;

    BEGIN
        r := produit_creer(p_nom, p_categorie, p_prix, p_description,
                           p_acteur, NULL, NULL);
        refus := produit_codes_poser(
            substring(r.emplacement FROM '([0-9]+)/$')::bigint, true, p_code,
            p_barres);

        IF refus.statut IS NOT NULL THEN
            RAISE SQLSTATE 'MG409';
        END IF;
    EXCEPTION
        WHEN SQLSTATE 'MG409' THEN
            r := refus;
    END;

    IF p_cle IS NOT NULL THEN
        PERFORM idempotence_fermer(p_acteur, p_cle, p_empreinte, r);
    END IF;

    RETURN r;
END
$$;

-- PATCH /api/v1/products/{id}/ with codes or with If-Match.  p_nul: the
-- description is null, and has to be; p_archive as in lot_ecrire(); p_pose,
-- p_code and p_barres as in produit_codes_poser().  p_si and p_sauf: If-Match,
-- whose tags may be those of the product or of its sheet, and If-None-Match.
CREATE FUNCTION produit_changer(p_produit bigint, p_nom text,
                                p_categorie text, p_prix numeric,
                                p_description text, p_nul boolean,
                                p_archive boolean, p_pose boolean,
                                p_code text, p_barres text[], p_si text,
                                p_sauf text, p_acteur text,
                                OUT r reponse, OUT renomme boolean)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    contexte  text;
    p         produit;
    q         produit;
BEGIN
    SELECT * INTO p FROM produit WHERE id = p_produit FOR NO KEY UPDATE;

    IF p.id IS NULL OR (p.archive_le IS NOT NULL
                        AND p_archive IS DISTINCT FROM false)
    THEN
        r := CASE WHEN p_nul THEN description_nulle() ELSE reponse_absent(
            'Produit avec ID ' || p_produit || ' introuvable.') END;
        RETURN;
    END IF;

    IF NOT (etag_present(produit_etag(p.nom, p.categorie, p.prix,
                                      p.description), p_si)
            OR etag_present(md5(produit_fiche(p)), p_si))
       OR NOT etag_absent(produit_etag(p.nom, p.categorie, p.prix,
                                       p.description), p_sauf)
    THEN
        r := repondre(412, NULL, NULL,
                      'La condition de la requête n''est pas remplie.', NULL);
        RETURN;
    END IF;

    IF p_nul AND p.description IS NOT NULL THEN
        r := description_nulle();
        RETURN;
    END IF;

    contexte := contexte_poser('', p_acteur, '', '');

    BEGIN
        UPDATE produit
           SET nom = coalesce(p_nom, nom),
               categorie = coalesce(p_categorie, categorie),
               prix = coalesce(p_prix, prix),
               description = coalesce(p_description, description),
               archive_le = CASE p_archive
                            WHEN true THEN coalesce(archive_le, now())
                            WHEN false THEN NULL
                            ELSE archive_le END
         WHERE id = p_produit
        RETURNING * INTO q;

        IF p_pose OR p_barres IS NOT NULL THEN
            r := produit_codes_poser(p_produit, p_pose, p_code, p_barres);
        END IF;

        IF r.statut IS NOT NULL THEN
            RAISE SQLSTATE 'MG409';
        END IF;

        renomme := q.nom <> p.nom;
        r := repondre(200, NULL,
                      '"' || produit_etag(q.nom, q.categorie, q.prix,
                                          q.description) || '"', NULL,
                      '{"nom":' || to_json(q.nom) || ',"categorie":'
                      || to_json(q.categorie) || ',"prix":"' || q.prix
                      || '","description":'
                      || coalesce(to_json(q.description)::text, 'null')
                      || '}');
    EXCEPTION
        WHEN SQLSTATE 'MG409' THEN
            NULL;
    END;
END
$$;


-- Stores

ALTER TABLE magasin ADD COLUMN fuseau text NOT NULL DEFAULT 'Europe/Paris';
COMMENT ON COLUMN magasin.fuseau IS
    'its time zone, as IANA has it: whose days its days are';

-- A zone of IANA: what the system has beside them has other names elsewhere.
CREATE FUNCTION fuseau_connu(fuseau text) RETURNS boolean
    LANGUAGE sql STABLE STRICT
    RETURN fuseau !~ '^(posix|right)/'
       AND fuseau <> ALL ('{localtime,posixrules,Factory}')
       AND EXISTS (SELECT FROM pg_timezone_names WHERE name = fuseau);

CREATE FUNCTION magasin_fuseau_inconnu() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF NOT public.fuseau_connu(NEW.fuseau) THEN
        RAISE EXCEPTION 'there is no time zone "%"', NEW.fuseau
            USING ERRCODE = 'check_violation', SCHEMA = 'public',
                  TABLE = 'magasin', COLUMN = 'fuseau',
                  CONSTRAINT = 'magasin_fuseau_connu';
    END IF;
    RETURN NEW;
END
$$;

-- All zones are read for it, which takes milliseconds: of most stores it is
-- not asked.
CREATE TRIGGER magasin_fuseau_connu
    BEFORE INSERT ON magasin
    FOR EACH ROW WHEN (NEW.fuseau <> 'Europe/Paris')
    EXECUTE FUNCTION magasin_fuseau_inconnu();
CREATE TRIGGER magasin_fuseau_change
    BEFORE UPDATE OF fuseau ON magasin
    FOR EACH ROW WHEN (NEW.fuseau <> OLD.fuseau)
    EXECUTE FUNCTION magasin_fuseau_inconnu();
ALTER TABLE magasin
    ENABLE ALWAYS TRIGGER magasin_fuseau_connu,
    ENABLE ALWAYS TRIGGER magasin_fuseau_change;

-- Its entity tag is the MD5 digest of this text.
CREATE FUNCTION magasin_corps(m magasin) RETURNS text
    LANGUAGE sql STABLE
    RETURN '{"id":' || (m).id || ',"nom":' || to_json((m).nom)
        || ',"adresse":' || to_json((m).adresse) || ',"ouvert":'
        || (m).ouvert || ',"fuseau":' || to_json((m).fuseau) || '}';

CREATE FUNCTION fuseau_inconnu(fuseau text) RETURNS reponse
    LANGUAGE sql STABLE
    RETURN repondre(400, NULL, NULL, NULL, '{"fuseau":['
                    || to_json('Le fuseau « ' || fuseau
                               || ' » est inconnu.') || ']}');

-- POST /api/v1/stores/.
CREATE FUNCTION magasin_creer(p_nom text, p_adresse text, p_ouvert boolean,
                              p_fuseau text, p_acteur text, p_cle text,
                              p_empreinte text)
    RETURNS reponse
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    contexte  text;
    m         magasin;
    r         reponse;
BEGIN
    IF p_cle IS NOT NULL THEN
        r := idempotence_ouvrir(p_acteur, p_cle, p_empreinte);
        IF r.statut IS NOT NULL THEN
            RETURN r;
        END IF;
    END IF;

    IF NOT fuseau_connu(p_fuseau) THEN
        r := fuseau_inconnu(p_fuseau);

    ELSE
        contexte := contexte_poser('', p_acteur, '', '');

        INSERT INTO magasin (nom, adresse, ouvert, fuseau)
        VALUES (p_nom, p_adresse, coalesce(p_ouvert, true),
                coalesce(p_fuseau, 'Europe/Paris'))
        RETURNING * INTO m;

        r := repondre(201, '/api/v1/stores/' || m.id || '/',
                      '"' || md5(magasin_corps(m)) || '"', NULL,
                      magasin_corps(m));
    END IF;

    IF p_cle IS NOT NULL THEN
        PERFORM idempotence_fermer(p_acteur, p_cle, p_empreinte, r);
    END IF;

    RETURN r;
END
$$;

-- PATCH /api/v1/stores/{id}/.  A member that is NULL stays.
CREATE FUNCTION magasin_changer(p_magasin bigint, p_nom text, p_adresse text,
                                p_ouvert boolean, p_fuseau text, p_si text,
                                p_sauf text, p_acteur text)
    RETURNS reponse
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    contexte  text;
    m         magasin;
BEGIN
    IF NOT fuseau_connu(p_fuseau) THEN
        RETURN fuseau_inconnu(p_fuseau);
    END IF;

    SELECT * INTO m FROM magasin WHERE id = p_magasin FOR NO KEY UPDATE;

    IF NOT FOUND THEN
        RETURN reponse_absent(
            'Magasin avec ID ' || p_magasin || ' introuvable.');
    END IF;

    IF NOT etag_present(md5(magasin_corps(m)), p_si)
       OR NOT etag_absent(md5(magasin_corps(m)), p_sauf)
    THEN
        RETURN repondre(412, NULL, NULL,
                        'La condition de la requête n''est pas remplie.',
                        NULL);
    END IF;

    contexte := contexte_poser('', p_acteur, '', '');

    UPDATE magasin
       SET nom = coalesce(p_nom, nom),
           adresse = coalesce(p_adresse, adresse),
           ouvert = coalesce(p_ouvert, ouvert),
           fuseau = coalesce(p_fuseau, fuseau)
     WHERE id = p_magasin
    RETURNING * INTO m;

    RETURN repondre(200, NULL, '"' || md5(magasin_corps(m)) || '"', NULL,
                    magasin_corps(m));
END
$$;

GRANT EXECUTE ON FUNCTION gtin, code_cle, code_forme, code_produit,
    codes_produits, produit_fiche, produit_creer_code, produit_changer,
    magasin_corps, magasin_creer, magasin_changer TO magasin_web;
GRANT SELECT ON produit_code TO magasin_web;


-- Thresholds: how many units of a product a store wants to have, at least and
-- at most.  A row of a product goes before one of its category, and that before
-- one of the whole store (categorie '').  Of a row either may be NULL; a row
-- whose both are NULL says nothing.

CREATE TABLE seuil (
    magasin_id  bigint NOT NULL REFERENCES magasin ON DELETE CASCADE,
    produit_id  bigint NOT NULL REFERENCES produit ON DELETE CASCADE,
    minimum     integer
                CONSTRAINT seuil_minimum_positif CHECK (minimum >= 0),
    maximum     integer
                CONSTRAINT seuil_maximum_positif CHECK (maximum >= 0),
    PRIMARY KEY (magasin_id, produit_id),
    CONSTRAINT seuil_ordre CHECK (minimum <= maximum)
);

CREATE INDEX seuil_produit ON seuil (produit_id);

CREATE TABLE seuil_categorie (
    magasin_id  bigint NOT NULL REFERENCES magasin ON DELETE CASCADE,
    categorie   text NOT NULL
                CONSTRAINT seuil_categorie_longueur
                    CHECK (char_length(categorie) <= 100),
    minimum     integer
                CONSTRAINT seuil_categorie_minimum_positif
                    CHECK (minimum >= 0),
    maximum     integer
                CONSTRAINT seuil_categorie_maximum_positif
                    CHECK (maximum >= 0),
    PRIMARY KEY (magasin_id, categorie),
    CONSTRAINT seuil_categorie_ordre CHECK (minimum <= maximum)
);

COMMENT ON COLUMN seuil_categorie.categorie IS '"": of all categories';

-- The journal has what changed, of a default with its category.
CREATE FUNCTION journal_seuils() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    avant   jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    apres   jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    ligne   jsonb;
    change  jsonb;
BEGIN
    -- A row that comes to another place leaves one.
    IF TG_OP = 'UPDATE'
       AND avant - '{minimum,maximum}'::text[]
           <> apres - '{minimum,maximum}'::text[]
    THEN
        INSERT INTO public.journal (type, magasin_id, produit_id, reference)
        VALUES ('seuil_suppression', (avant ->> 'magasin_id')::bigint,
                (avant ->> 'produit_id')::bigint,
                'magasin/' || (avant ->> 'magasin_id'));
        avant := NULL;
    END IF;

    ligne := coalesce(apres, avant);

    SELECT jsonb_object_agg(cle, jsonb_build_array(avant -> cle,
                                                   apres -> cle))
      INTO change
      FROM unnest('{minimum,maximum}'::text[]) cle
     WHERE coalesce(avant -> cle, 'null') <> coalesce(apres -> cle, 'null');

    -- A default whose both are NULL is shown, too.
    IF change IS NULL AND (avant IS NOT NULL AND apres IS NOT NULL
                           OR NOT ligne ? 'categorie')
    THEN
        RETURN NULL;
    END IF;

    IF ligne ? 'categorie' THEN
        change := coalesce(change, '{}')
                  || jsonb_build_object('categorie', ligne -> 'categorie');
    END IF;

    INSERT INTO public.journal (type, magasin_id, produit_id, reference,
                                details)
    VALUES (CASE WHEN apres IS NULL THEN 'seuil_suppression'
                 ELSE 'seuil_modification' END,
            (ligne ->> 'magasin_id')::bigint, (ligne ->> 'produit_id')::bigint,
            'magasin/' || (ligne ->> 'magasin_id'), change);

    RETURN NULL;
END
$$;

CREATE TRIGGER journal_seuils
    AFTER INSERT OR UPDATE OR DELETE ON seuil
    FOR EACH ROW EXECUTE FUNCTION journal_seuils();
CREATE TRIGGER journal_seuils
    AFTER INSERT OR UPDATE OR DELETE ON seuil_categorie
    FOR EACH ROW EXECUTE FUNCTION journal_seuils();
CREATE TRIGGER journal_vidage BEFORE TRUNCATE ON seuil
    FOR EACH STATEMENT EXECUTE FUNCTION journal_vidage('seuil');
CREATE TRIGGER journal_vidage BEFORE TRUNCATE ON seuil_categorie
    FOR EACH STATEMENT EXECUTE FUNCTION journal_vidage('seuil_categorie');
ALTER TABLE seuil
    ENABLE ALWAYS TRIGGER journal_seuils,
    ENABLE ALWAYS TRIGGER journal_vidage;
ALTER TABLE seuil_categorie
    ENABLE ALWAYS TRIGGER journal_seuils,
    ENABLE ALWAYS TRIGGER journal_vidage;

-- What holds for a product of a category in a store, and why; no row where
-- nothing was said.
CREATE FUNCTION seuils(p_magasin bigint, p_produit bigint, p_categorie text)
    RETURNS TABLE (minimum integer, maximum integer, origine text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT u.minimum, u.maximum, u.origine
      FROM (
        SELECT s.minimum, s.maximum, 'produit', 1
          FROM seuil s
         WHERE s.magasin_id = p_magasin AND s.produit_id = p_produit
         UNION ALL
        SELECT c.minimum, c.maximum,
               CASE c.categorie WHEN '' THEN 'magasin' ELSE 'categorie' END,
               CASE c.categorie WHEN '' THEN 3 ELSE 2 END
          FROM seuil_categorie c
         WHERE c.magasin_id = p_magasin
           AND c.categorie IN (p_categorie, '')
      ) u (minimum, maximum, origine, rang)
     WHERE u.minimum IS NOT NULL OR u.maximum IS NOT NULL
     ORDER BY u.rang
     LIMIT 1;
END;

-- The entity tags of both are the MD5 digests of these texts.
CREATE FUNCTION seuil_corps(p_magasin bigint, p produit) RETURNS text
    LANGUAGE sql STABLE
    RETURN (SELECT '{"magasin":' || p_magasin || ',"produit":' || (p).id
                || ',"minimum":' || coalesce(s.minimum::text, 'null')
                || ',"maximum":' || coalesce(s.maximum::text, 'null')
                || ',"origine":'
                || coalesce('"' || s.origine || '"', 'null') || '}'
              FROM (VALUES (true)) un
              LEFT JOIN seuils(p_magasin, (p).id, (p).categorie) s ON true);

CREATE FUNCTION seuils_corps(p_magasin bigint) RETURNS text
    LANGUAGE sql STABLE
    RETURN '{"magasin":' || p_magasin || ',"lignes":['
        || coalesce((SELECT string_agg(
                        '{"categorie":'
                        || coalesce(to_json(nullif(categorie, ''))::text,
                                    'null')
                        || ',"minimum":' || coalesce(minimum::text, 'null')
                        || ',"maximum":' || coalesce(maximum::text, 'null')
                        || '}', ','
                        ORDER BY categorie COLLATE magasin_fr, categorie)
                       FROM seuil_categorie
                      WHERE magasin_id = p_magasin), '')
        || ']}';

CREATE FUNCTION seuil_ordre_inverse() RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN '"maximum":["Le maximum ne peut être inférieur au minimum."]';

-- PUT /api/v1/stores/{id}/stock/{produit}/thresholds/.  With both NULL the
-- defaults hold again.
CREATE FUNCTION seuil_poser(p_magasin bigint, p_produit bigint,
                            p_minimum integer, p_maximum integer, p_si text,
                            p_sauf text, p_acteur text)
    RETURNS reponse
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    contexte  text;
    ce        produit;
    corps     text;
BEGIN
    IF p_minimum > p_maximum THEN
        RETURN repondre(400, NULL, NULL, NULL,
                        '{' || seuil_ordre_inverse() || '}');
    END IF;

    SELECT * INTO ce FROM produit WHERE id = p_produit FOR KEY SHARE;

    PERFORM FROM magasin WHERE id = p_magasin FOR KEY SHARE;

    IF NOT FOUND OR ce.id IS NULL THEN
        RETURN reponse_absent(
            CASE WHEN ce.id IS NULL
                 THEN 'Produit avec ID ' || p_produit || ' introuvable.'
                 ELSE 'Magasin avec ID ' || p_magasin || ' introuvable.' END);
    END IF;

    contexte := contexte_poser('', p_acteur, '', '');

    -- A row to wait for each other at.
    INSERT INTO seuil (magasin_id, produit_id)
    VALUES (p_magasin, p_produit)
    ON CONFLICT DO NOTHING;

    PERFORM FROM seuil
      WHERE magasin_id = p_magasin AND produit_id = p_produit
        FOR UPDATE;

    corps := md5(seuil_corps(p_magasin, ce));

    IF NOT etag_present(corps, p_si) OR NOT etag_absent(corps, p_sauf) THEN
        RETURN repondre(412, NULL, NULL,
                        'La condition de la requête n''est pas remplie.',
                        NULL);
    END IF;

    UPDATE seuil
       SET minimum = p_minimum, maximum = p_maximum
     WHERE magasin_id = p_magasin AND produit_id = p_produit;

    corps := seuil_corps(p_magasin, ce);

    RETURN repondre(200, NULL, '"' || md5(corps) || '"', NULL, corps);
END
$$;

-- PUT /api/v1/stores/{id}/thresholds/: all defaults of a store.  A category
-- that is NULL is all of them.
CREATE FUNCTION seuils_poser(p_magasin bigint, p_categories text[],
                             p_minimums integer[], p_maximums integer[],
                             p_si text, p_sauf text, p_acteur text)
    RETURNS reponse
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    contexte  text;
    corps     text;
    erreurs   text;
BEGIN
    SELECT string_agg('{' || concat_ws(',',
               CASE WHEN fois > 1
                    THEN '"categorie":["Cette catégorie est donnée deux '
                         'fois."]' END,
               CASE WHEN minimum > maximum
                    THEN seuil_ordre_inverse() END) || '}', ',' ORDER BY n)
      INTO erreurs
      FROM (SELECT u.*, count(*) OVER (PARTITION BY categorie) AS fois
              FROM unnest(p_categories, p_minimums, p_maximums)
                   WITH ORDINALITY u (categorie, minimum, maximum, n)) d
    HAVING max(fois) > 1 OR bool_or(minimum > maximum);

    IF erreurs IS NOT NULL THEN
        RETURN repondre(400, NULL, NULL, NULL,
                        '{"lignes":[' || erreurs || ']}');
    END IF;

    PERFORM FROM magasin WHERE id = p_magasin FOR NO KEY UPDATE;

    IF NOT FOUND THEN
        RETURN reponse_absent(
            'Magasin avec ID ' || p_magasin || ' introuvable.');
    END IF;

    corps := md5(seuils_corps(p_magasin));

    IF NOT etag_present(corps, p_si) OR NOT etag_absent(corps, p_sauf) THEN
        RETURN repondre(412, NULL, NULL,
                        'La condition de la requête n''est pas remplie.',
                        NULL);
    END IF;

    contexte := contexte_poser('', p_acteur, '', '');

    DELETE FROM seuil_categorie
     WHERE magasin_id = p_magasin
       AND categorie <> ALL (SELECT coalesce(c, '')
                               FROM unnest(p_categories) c);

    INSERT INTO seuil_categorie AS s (magasin_id, categorie, minimum, maximum)
    SELECT p_magasin, coalesce(u.categorie, ''), u.minimum, u.maximum
      FROM unnest(p_categories, p_minimums, p_maximums)
           u (categorie, minimum, maximum)
    ON CONFLICT (magasin_id, categorie) DO UPDATE
       SET minimum = excluded.minimum, maximum = excluded.maximum;

    corps := seuils_corps(p_magasin);

    RETURN repondre(200, NULL, '"' || md5(corps) || '"', NULL, corps);
END
$$;


-- The rows of a store

-- Units that are held, and units on the way to a store.  Nothing is either
-- until there are reservations and transfers, which replace these.
CREATE FUNCTION stock_retenu(magasin bigint, produit bigint) RETURNS bigint
    LANGUAGE sql STABLE
    RETURN 0::bigint;

CREATE FUNCTION stock_en_transit(magasin bigint, produit bigint)
    RETURNS bigint
    LANGUAGE sql STABLE
    RETURN 0::bigint;

CREATE INDEX demande_reapprovisionnement_attendue
    ON demande_reapprovisionnement (magasin_id, produit_id)
    INCLUDE (quantite) WHERE statut = 'en_attente';

-- Units that a store has asked for and that nobody has decided on.
CREATE FUNCTION stock_demande(magasin bigint, produit bigint) RETURNS bigint
    LANGUAGE sql STABLE
    RETURN coalesce((SELECT sum(d.quantite)::bigint
                       FROM demande_reapprovisionnement d
                      WHERE d.magasin_id = magasin
                        AND d.produit_id = produit
                        AND d.statut = 'en_attente'), 0);

GRANT EXECUTE ON FUNCTION seuils, seuil_corps, seuils_corps, seuil_poser,
    seuils_poser, stock_retenu, stock_en_transit, stock_demande
    TO magasin_web;
GRANT SELECT ON seuil, seuil_categorie TO magasin_web;


-- What a store should ask for: products of which it has, or has on the way or
-- asked for, no more than the minimum, up to the maximum.  Without a maximum,
-- up to the minimum.  central is what the centre has of it.  A product with a
-- threshold of its own counts also where the store never had it.
CREATE FUNCTION besoins(p_magasin bigint)
    RETURNS TABLE (produit bigint, nom text, code text, disponible bigint,
                   en_transit bigint, demande bigint, minimum integer,
                   maximum integer, suggere bigint, central integer)
    LANGUAGE sql STABLE
AS $$
    WITH place AS (
        SELECT coalesce(s.produit_id, a.produit_id) AS id,
               coalesce(s.quantite, 0) AS quantite,
               a.minimum, a.maximum
          FROM (SELECT produit_id, quantite FROM stock_local
                 WHERE magasin_id = p_magasin) s
          FULL JOIN (SELECT produit_id, minimum, maximum FROM seuil
                      WHERE magasin_id = p_magasin
                        AND (minimum IS NOT NULL OR maximum IS NOT NULL)) a
            ON a.produit_id = s.produit_id
    ), voulu AS (
        SELECT p.id, p.nom, l.quantite,
               CASE WHEN l.minimum IS NOT NULL OR l.maximum IS NOT NULL
                    THEN l.minimum
                    WHEN b.minimum IS NOT NULL OR b.maximum IS NOT NULL
                    THEN b.minimum
                    ELSE c.minimum END AS minimum,
               CASE WHEN l.minimum IS NOT NULL OR l.maximum IS NOT NULL
                    THEN l.maximum
                    WHEN b.minimum IS NOT NULL OR b.maximum IS NOT NULL
                    THEN b.maximum
                    ELSE c.maximum END AS maximum
          FROM place l
          JOIN produit p ON p.id = l.id AND p.archive_le IS NULL
          LEFT JOIN seuil_categorie b
            ON b.magasin_id = p_magasin AND b.categorie = p.categorie
          LEFT JOIN seuil_categorie c
            ON c.magasin_id = p_magasin AND c.categorie = ''
    ), demandes AS (
        SELECT produit_id, sum(quantite)::bigint AS quantite
          FROM demande_reapprovisionnement
         WHERE magasin_id = p_magasin AND statut = 'en_attente'
         GROUP BY produit_id
    ), bilan AS (
        SELECT v.*, greatest(v.quantite - stock_retenu(p_magasin, v.id), 0)
                    AS disponible,
               stock_en_transit(p_magasin, v.id) AS en_transit,
               coalesce(d.quantite, 0) AS demande
          FROM voulu v
          LEFT JOIN demandes d ON d.produit_id = v.id
         WHERE v.minimum IS NOT NULL
           AND v.quantite - stock_retenu(p_magasin, v.id)
               <= v.minimum
    )
    SELECT b.id, b.nom,
           (SELECT k.code FROM produit_code k
             WHERE k.produit_id = b.id AND k.interne),
           b.disponible, b.en_transit, b.demande, b.minimum, b.maximum,
           least(coalesce(b.maximum, b.minimum)
                 - b.disponible - b.en_transit - b.demande, 2147483647),
           coalesce((SELECT k.quantite FROM stock_central k
                      WHERE k.produit_id = b.id), 0)
      FROM bilan b
     WHERE b.disponible + b.en_transit + b.demande <= b.minimum
       AND coalesce(b.maximum, b.minimum)
           > b.disponible + b.en_transit + b.demande;
$$;

-- POST /api/v1/stores/{id}/reorder/.  Without products all needs become
-- requests, the first 1000 by name at a time; a quantity that is NULL is the suggested one.  Two who do it at once
-- follow each other: the second one finds what the first has asked for.
CREATE FUNCTION besoins_demander(p_magasin bigint, p_produits bigint[],
                                 p_quantites integer[], p_acteur text,
                                 p_cle text, p_empreinte text)
    RETURNS reponse
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    contexte  text;
    ici       magasin;
    erreurs   text;
    corps     text;
    r         reponse;
BEGIN
    IF p_cle IS NOT NULL THEN
        r := idempotence_ouvrir(p_acteur, p_cle, p_empreinte);
        IF r.statut IS NOT NULL THEN
            RETURN r;
        END IF;
    END IF;

    SELECT * INTO ici FROM magasin WHERE id = p_magasin FOR NO KEY UPDATE;

    IF NOT FOUND THEN
        RETURN reponse_absent(
            'Magasin avec ID ' || p_magasin || ' introuvable.');
    END IF;

    SELECT string_agg('{' || coalesce(message, '') || '}', ',' ORDER BY n)
      INTO erreurs
      FROM (
        SELECT u.n,
               CASE WHEN p.id IS NULL
                    THEN '"produit":' || cle_inconnue(u.produit)
                    WHEN count(*) OVER (PARTITION BY u.produit) > 1
                    THEN '"produit":["Ce produit est donné deux fois."]'
                    WHEN u.quantite IS NULL AND b.produit IS NULL
                    THEN '"quantite":["Rien n’est à demander de ce produit'
                         ' : donnez une quantité."]' END AS message
          FROM unnest(p_produits, p_quantites)
               WITH ORDINALITY u (produit, quantite, n)
          LEFT JOIN produit p ON p.id = u.produit
          LEFT JOIN besoins(p_magasin) b ON b.produit = u.produit
      ) m
    HAVING bool_or(message IS NOT NULL);

    IF erreurs IS NOT NULL THEN
        r := repondre(400, NULL, NULL, NULL,
                      '{"lignes":[' || erreurs || ']}');

    ELSIF NOT ici.ouvert THEN
        r := reponse_ferme(ici);

    ELSE
        r := (SELECT repondre(409, NULL, NULL,
                              'Produit archivé' || U&'\00A0' || ': '
                              || string_agg(nom, ', ' ORDER BY id) || '.',
                              '"produits":[' || string_agg(
                                  '{"produit":' || id || ',"nom":'
                                  || to_json(nom) || '}', ',' ORDER BY id)
                              || ']')
                FROM produit
               WHERE id = ANY (p_produits) AND archive_le IS NOT NULL
              HAVING count(*) > 0);
    END IF;

    IF r.statut IS NULL THEN
        contexte := contexte_poser('', p_acteur, '', '');

        WITH voulu AS (
            SELECT * FROM (
                SELECT b.produit, b.suggere AS quantite,
                       row_number() OVER (ORDER BY b.nom COLLATE magasin_fr,
                                          b.produit) AS n
                  FROM besoins(p_magasin) b
                 WHERE p_produits IS NULL
                 ORDER BY n
                 LIMIT 1000
            ) b
             UNION ALL
            SELECT u.produit, coalesce(u.quantite, b.suggere), u.n
              FROM unnest(p_produits, p_quantites)
                   WITH ORDINALITY u (produit, quantite, n)
              LEFT JOIN besoins(p_magasin) b ON b.produit = u.produit
        ), fait AS (
            INSERT INTO demande_reapprovisionnement AS d
                   (magasin_id, produit_id, quantite)
            SELECT p_magasin, produit, quantite FROM voulu ORDER BY n
            RETURNING d
        )
        SELECT string_agg(demande_corps(d), ',' ORDER BY (d).id)
          INTO corps
          FROM fait;

        r := repondre(CASE WHEN corps IS NULL THEN 200 ELSE 201 END, NULL,
                      NULL, NULL, '{"magasin":' || p_magasin
                      || ',"demandes":[' || coalesce(corps, '') || ']}');
    END IF;

    IF p_cle IS NOT NULL THEN
        PERFORM idempotence_fermer(p_acteur, p_cle, p_empreinte, r);
    END IF;

    RETURN r;
END
$$;

GRANT EXECUTE ON FUNCTION besoins, besoins_demander TO magasin_web;
