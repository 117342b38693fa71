-- What the pages ask for: names found by their words in any order, and a
-- refusal that says by a member, not by its sentence, that a key is in use.

SET LOCAL ROLE magasin_owner;

-- The words of a search as patterns of LIKE, the longest first: that is the
-- one by which the trigrams find.  A text without a word finds every name.
CREATE FUNCTION recherche_mots(texte text) RETURNS text[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN coalesce(
        (SELECT array_agg('%' || regexp_replace(mot, '([\\%_])', '\\\1', 'g')
                              || '%'
                          ORDER BY length(mot) DESC, mot)
           FROM regexp_split_to_table(recherche(normalize(texte, NFC)),
                                      '\s+') AS mot
          WHERE mot <> ''),
        ARRAY['%']);

CREATE OR REPLACE FUNCTION idempotence_ouvrir(p_acteur text, p_cle text,
                                              p_empreinte text)
    RETURNS reponse
    LANGUAGE plpgsql
AS $$
DECLARE
    connue  idempotence;
BEGIN
    IF NOT pg_try_advisory_xact_lock(
        hashtextextended(p_acteur || E'\n' || p_cle, 430115))
    THEN
        RETURN repondre(409, NULL, NULL, 'Une requête avec cette clé '
                        'd’idempotence est encore en cours.',
                        '"en_cours":true');
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

GRANT EXECUTE ON FUNCTION recherche_mots TO magasin_web;
