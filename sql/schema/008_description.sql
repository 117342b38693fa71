-- A description has 10,000 characters at most from here on.  What is longer
-- already is kept: a CHECK would refuse any change of such a row, and the
-- restoration of a dump.  So a trigger looks at what is new alone.

SET LOCAL ROLE magasin_owner;

CREATE FUNCTION produit_description_trop_longue() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'the description of a product has % characters, and 10000'
                    ' is the most', char_length(NEW.description)
        USING ERRCODE = 'check_violation', SCHEMA = 'public',
              TABLE = 'produit', COLUMN = 'description',
              CONSTRAINT = 'produit_description_longueur';
END
$$;

-- The name is the one that the error tells.
CREATE TRIGGER produit_description_longueur
    BEFORE INSERT ON produit
    FOR EACH ROW
    WHEN (char_length(NEW.description) > 10000)
    EXECUTE FUNCTION produit_description_trop_longue();

CREATE TRIGGER produit_description_changee
    BEFORE UPDATE OF description ON produit
    FOR EACH ROW
    WHEN (char_length(NEW.description) > 10000
          AND NEW.description IS DISTINCT FROM OLD.description)
    EXECUTE FUNCTION produit_description_trop_longue();

ALTER TABLE produit
    ENABLE ALWAYS TRIGGER produit_description_longueur,
    ENABLE ALWAYS TRIGGER produit_description_changee;
