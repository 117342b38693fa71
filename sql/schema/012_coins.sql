-- Corners that hid a product or a change: entity tags of which two products
-- could have the same one, names that a search did not find because of how
-- they were written, and writes with If-None-Match.

SET LOCAL ROLE magasin_owner;

-- A digest of what GET /products/{id}/ shows.  Each field has its length
-- before it: a separator could be part of a field, and then two products had
-- one tag.  ngx_http_magasin_products.c computes the same.
CREATE OR REPLACE FUNCTION produit_etag(nom text, categorie text,
                                        prix numeric, description text)
    RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN md5(octet_length(nom)::text || ':' || nom
               || octet_length(categorie)::text || ':' || categorie
               || octet_length(prix::text)::text || ':' || prix::text
               || coalesce(octet_length(description)::text || ':'
                           || description, '-'));

-- One form for texts that look alike: composed letters (NFC), and a space for
-- each no-break space (U+00A0, U+2007, U+202F).  The invisible ones that join
-- words (U+2060, U+FEFF) are dropped.
CREATE FUNCTION texte_compare(texte text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN translate(normalize(texte, NFC),
                     U&'\00A0\2007\202F\2060\FEFF', '   ');

-- The few names that are not in that form.  A list that compares names one by
-- one looks these up, since to convert each name costs five times as much as
-- the comparison.
CREATE INDEX produit_forme ON produit (id) WHERE nom <> texte_compare(nom);

-- Names without regard to case, accents and the form of their characters.
CREATE OR REPLACE FUNCTION recherche(texte text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN lower(unaccent('public.unaccent'::regdictionary,
                          translate(normalize(texte, NFC),
                                    U&'\00A0\2007\202F\2060\FEFF', '   '))
                 COLLATE magasin_fr);

-- Its expression means something else from here on.
REINDEX INDEX produit_recherche;

-- Does If-None-Match hold?  `sauf` has the tags of the header without their
-- quotation marks, separated by commas, or "*", or it is NULL.
CREATE FUNCTION etag_absent(etag text, sauf text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN sauf IS NULL
        OR (sauf <> '*' AND etag <> ALL (string_to_array(sauf, ',')));

-- stock_ajuster() with If-None-Match.  A key that is known replays its answer:
-- the condition was decided then.
CREATE FUNCTION stock_ajuster_sauf(p_magasin bigint, p_produit bigint,
                                   p_delta integer, p_quantite integer,
                                   p_attendu integer, p_motif text, p_si text,
                                   p_acteur text, p_cle text,
                                   p_empreinte text, p_sauf text)
    RETURNS reponse
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    reste  integer;
BEGIN
    IF NOT EXISTS (SELECT FROM idempotence
                    WHERE acteur = p_acteur AND cle = p_cle)
    THEN
        -- In the order in which stock_ajuster() locks.
        PERFORM FROM produit WHERE id = p_produit FOR KEY SHARE;

        SELECT quantite INTO reste
          FROM stock_local
         WHERE magasin_id = p_magasin AND produit_id = p_produit
           FOR UPDATE;

        IF FOUND AND NOT etag_absent(reste::text, p_sauf) THEN
            RETURN repondre(412, NULL, '"' || reste || '"',
                            'La condition de la requête n''est pas remplie.',
                            NULL);
        END IF;
    END IF;

    RETURN stock_ajuster(p_magasin, p_produit, p_delta, p_quantite, p_attendu,
                         p_motif, p_si, p_acteur, p_cle, p_empreinte);
END
$$;

-- produit_supprimer() with If-None-Match.  If-Match is decided first.
CREATE FUNCTION produit_supprimer_sauf(p_produit bigint, p_si text,
                                       p_acteur text, p_sauf text)
    RETURNS reponse
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    p  produit;
BEGIN
    SELECT * INTO p FROM produit WHERE id = p_produit FOR UPDATE;

    IF p.id IS NOT NULL AND p.archive_le IS NULL
       AND NOT etag_absent(produit_etag(p.nom, p.categorie, p.prix,
                                        p.description), p_sauf)
    THEN
        RETURN repondre(412, NULL, NULL,
                        'La condition de la requête n''est pas remplie.',
                        NULL);
    END IF;

    RETURN produit_supprimer(p_produit, p_si, p_acteur);
END
$$;

GRANT EXECUTE ON FUNCTION texte_compare, etag_absent, stock_ajuster_sauf,
    produit_supprimer_sauf TO magasin_web;
