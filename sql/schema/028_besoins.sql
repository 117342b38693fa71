-- What a store should ask for while somebody deletes one of its products: it
-- was answered 409 by the foreign key of the requests.

SET LOCAL ROLE magasin_owner;

-- As 015_catalogue.sql has it; the products are locked before they are asked
-- for, in the order of everything.
CREATE OR REPLACE FUNCTION besoins_demander(p_magasin bigint,
                                            p_produits bigint[],
                                            p_quantites integer[],
                                            p_acteur text, p_cle text,
                                            p_empreinte text)
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

    -- What is named here is there until the end, or nowhere.
    PERFORM FROM produit
      WHERE id = ANY (p_produits) ORDER BY id FOR KEY SHARE;

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

        -- Who deletes a product is waited for, and then it is left out; so is
        -- one that was archived instead.
        WITH besoin AS MATERIALIZED (
            SELECT b.produit, b.suggere AS quantite,
                   row_number() OVER (ORDER BY b.nom COLLATE magasin_fr,
                                      b.produit) AS n
              FROM besoins(p_magasin) b
             WHERE p_produits IS NULL
             ORDER BY n
             LIMIT 1000
        ), tenu AS MATERIALIZED (
            SELECT id
              FROM produit
             WHERE id IN (SELECT produit FROM besoin)
               AND archive_le IS NULL
             ORDER BY id
               FOR KEY SHARE
        ), voulu AS (
            SELECT b.produit, b.quantite, b.n
              FROM besoin b
              JOIN tenu t ON t.id = b.produit
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
