-- How a demonstration is known again: the comment of the table vente holds a
-- digest of the first sales that it made.  Another content, also one that was
-- put in its place later, has other sales than these.
--
-- The functions are gone with the session.

CREATE FUNCTION pg_temp.demo_marque() RETURNS text
    LANGUAGE sql STABLE
    RETURN 'demonstration ' || (
        SELECT md5(string_agg(
                   format('%s %s %s %s', id, magasin_id,
                          extract(epoch FROM date_vente), total),
                   ',' ORDER BY id))
          FROM (SELECT * FROM public.vente ORDER BY id LIMIT 10) v);

CREATE FUNCTION pg_temp.demo_marquer() RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE format('COMMENT ON TABLE public.vente IS %L',
                   pg_temp.demo_marque());
END
$$;

-- Raises when there is a content that no demonstration has made.
CREATE FUNCTION pg_temp.demo_refuser() RETURNS void
    LANGUAGE plpgsql
AS $$
DECLARE
    magasins  bigint;
    produits  bigint;
BEGIN
    SELECT count(*) INTO magasins FROM public.magasin;
    SELECT count(*) INTO produits FROM public.produit;

    IF (magasins > 0 OR produits > 0)
       AND obj_description('public.vente'::regclass, 'pg_class')
           IS DISTINCT FROM pg_temp.demo_marque()
    THEN
        RAISE '% stores and % products are there that no demonstration made',
            magasins, produits;
    END IF;
END
$$;
