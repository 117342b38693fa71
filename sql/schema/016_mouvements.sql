-- Goods come in and move: receipts, transfers, and adjustments of the central
-- stock.

SET LOCAL ROLE magasin_owner;


-- The central stock, by a difference or by a count that says what it expected
-- to find.

CREATE FUNCTION central_corps(produit bigint, quantite integer) RETURNS text
    LANGUAGE sql STABLE
    RETURN '{"produit":' || produit || ',"quantite":' || quantite || '}';

-- POST /api/v1/stock/central/{produit}/adjust/, with the rules of
-- stock_ajuster().  p_sauf: the quantities of If-None-Match, as p_si.
CREATE FUNCTION central_ajuster(p_produit bigint, p_delta integer,
                                p_quantite integer, p_attendu integer,
                                p_motif text, p_si text, p_acteur text,
                                p_cle text, p_empreinte text, p_sauf text)
    RETURNS reponse
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    contexte  text;
    la        stock_central;
    ce        produit;
    nouvelle  boolean := false;
    avant     integer;
    apres     bigint;
    r         reponse;
BEGIN
    contexte := contexte_poser('ajustement', p_acteur, '', p_motif);

    IF p_cle IS NOT NULL THEN
        r := idempotence_ouvrir(p_acteur, p_cle, p_empreinte);
        IF r.statut IS NOT NULL THEN
            RETURN r;
        END IF;
    END IF;

    SELECT * INTO ce FROM produit WHERE id = p_produit FOR KEY SHARE;

    IF NOT FOUND THEN
        RETURN reponse_absent(
            'Produit avec ID ' || p_produit || ' introuvable.');
    END IF;

    LOOP
        SELECT * INTO la
          FROM stock_central
         WHERE produit_id = p_produit
           FOR UPDATE;

        avant := coalesce(la.quantite, 0);
        apres := coalesce(p_quantite, avant::bigint + p_delta);

        -- A product that was never there gets its row only when something
        -- becomes of it; somebody else may be first.
        EXIT WHEN la.id IS NOT NULL
            OR p_si IS NOT NULL
            OR p_attendu <> 0
            OR apres <= 0;

        INSERT INTO stock_central (produit_id, quantite)
        VALUES (p_produit, apres::integer)
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

    ELSIF la.id IS NOT NULL AND NOT nouvelle
          AND NOT etag_absent(avant::text, p_sauf)
    THEN
        RETURN repondre(412, NULL, '"' || avant || '"',
                        'La condition de la requête n''est pas remplie.',
                        NULL);

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
            UPDATE stock_central SET quantite = apres::integer
             WHERE id = la.id;
        END IF;

        r := repondre(200, NULL, '"' || apres || '"', NULL,
                      central_corps(p_produit, apres::integer));
    END IF;

    IF p_cle IS NOT NULL THEN
        PERFORM idempotence_fermer(p_acteur, p_cle, p_empreinte, r);
    END IF;

    RETURN r;
END
$$;

GRANT EXECUTE ON FUNCTION central_corps, central_ajuster TO magasin_web;
