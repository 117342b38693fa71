-- What the writes ask keeps its plan.  A function of LANGUAGE sql that reads a
-- table or has an aggregate is not made part of the expression that calls it,
-- and PostgreSQL before 18 parses, rewrites and plans it anew in each
-- transaction: 140 to 900 microseconds a call, and 3,600 for the answer of a
-- close, most of what these writes took.  A function of PL/pgSQL keeps its
-- plans as long as the session lasts.
--
-- Each is as the file has it that is named above it, but that stock is looked
-- up by product: a plan that is made once does not know how long a list is.
-- What gave no row, and so NULL, gives NULL.  Like the other functions of
-- PL/pgSQL that set no search_path, they find their tables where their caller
-- does: the writes set theirs, and the web tier reads in its own.

SET LOCAL ROLE magasin_owner;


-- Codes and sheets (015_catalogue.sql)

-- A column that is made of a code calls these two, also where nothing is in the
-- search_path (pg_restore).
CREATE OR REPLACE FUNCTION gtin(code text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
BEGIN
    IF code !~ '^([0-9]{8}|[0-9]{12,14})$' THEN
        RETURN false;
    END IF;

    RETURN (SELECT sum(substr(lpad(code, 14, '0'), n, 1)::integer
                       * CASE n % 2 WHEN 1 THEN 3 ELSE 1 END) % 10 = 0
              FROM generate_series(1, 14) n);
END
$$;

CREATE OR REPLACE FUNCTION code_cle(code text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
BEGIN
    RETURN CASE WHEN public.gtin(code) THEN lpad(code, 14, '0')
                ELSE code END;
END
$$;

CREATE OR REPLACE FUNCTION code_produit(p_code text) RETURNS bigint
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
AS $$
BEGIN
    RETURN (SELECT produit_id FROM produit_code
             WHERE cle = code_cle(code_forme(p_code)));
END
$$;

CREATE OR REPLACE FUNCTION produit_fiche(p produit) RETURNS text
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
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
END
$$;


-- Thresholds (015_catalogue.sql)

CREATE OR REPLACE FUNCTION seuil_corps(p_magasin bigint, p produit)
    RETURNS text
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (SELECT '{"magasin":' || p_magasin || ',"produit":' || (p).id
                || ',"minimum":' || coalesce(s.minimum::text, 'null')
                || ',"maximum":' || coalesce(s.maximum::text, 'null')
                || ',"origine":'
                || coalesce('"' || s.origine || '"', 'null') || '}'
              FROM (VALUES (true)) un
              LEFT JOIN seuils(p_magasin, (p).id, (p).categorie) s ON true);
END
$$;

CREATE OR REPLACE FUNCTION seuils_corps(p_magasin bigint) RETURNS text
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
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
END
$$;


-- Lines of receipts, transfers and returns (016_mouvements.sql)

CREATE OR REPLACE FUNCTION lignes_reunir(p_produits bigint[],
                                         p_quantites integer[])
    RETURNS quantites
    LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
    RETURN (
        SELECT ROW(array_agg(l.produit ORDER BY l.produit),
                   array_agg(l.quantite ORDER BY l.produit))::quantites
          FROM (SELECT u.produit, sum(u.quantite) AS quantite
                  FROM unnest(p_produits, p_quantites) u (produit, quantite)
                 GROUP BY u.produit) l);
END
$$;

CREATE OR REPLACE FUNCTION lieu_inconnu(p_lieu bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF p_lieu IS NULL THEN
        RETURN false;
    END IF;

    RETURN NOT EXISTS (SELECT FROM magasin WHERE id = p_lieu);
END
$$;

CREATE OR REPLACE FUNCTION lieu_ferme(p_lieu bigint) RETURNS reponse
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (
        SELECT reponse_ferme(m)
          FROM magasin m
         WHERE m.id = p_lieu AND NOT m.ouvert);
END
$$;

CREATE OR REPLACE FUNCTION lignes_inconnues(p_produits bigint[])
    RETURNS reponse
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (
        SELECT ROW(400, NULL, NULL, NULL,
                   '{"lignes":['
                   || string_agg(CASE WHEN p.id IS NULL
                                      THEN '{"produit":'
                                           || cle_inconnue(u.produit) || '}'
                                      ELSE '{}' END, ',' ORDER BY u.n)
                   || ']}')::reponse
          FROM unnest(p_produits) WITH ORDINALITY u (produit, n)
          LEFT JOIN produit p ON p.id = u.produit
        HAVING bool_or(p.id IS NULL));
END
$$;

CREATE OR REPLACE FUNCTION lignes_archivees(p_produits bigint[])
    RETURNS reponse
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (
        SELECT ROW(409, NULL, NULL,
                   'Produit archivé' || U&'\00A0' || ': '
                   || string_agg(nom, ', ' ORDER BY id) || '.',
                   '"produits":['
                   || string_agg('{"produit":' || id || ',"nom":'
                                 || to_json(nom) || '}', ',' ORDER BY id)
                   || ']')::reponse
          FROM produit
         WHERE id = ANY (p_produits) AND archive_le IS NOT NULL
        HAVING count(*) > 0);
END
$$;

CREATE OR REPLACE FUNCTION stock_deborde(p_lieu bigint, q quantites)
    RETURNS reponse
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (
        SELECT ROW(409, NULL, NULL,
                   'Le stock dépasserait 2147483647 unités.', NULL)::reponse
          FROM unnest((q).produits, (q).quantites) u (produit, quantite)
          LEFT JOIN LATERAL lieu_stock(p_lieu, ARRAY[u.produit]) s ON true
         WHERE coalesce(s.quantite, 0) + u.quantite > 2147483647
        HAVING count(*) > 0);
END
$$;

-- As 018_reservations.sql has it.
CREATE OR REPLACE FUNCTION stock_manque(p_lieu bigint, q quantites)
    RETURNS reponse
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (
        SELECT ROW(409, NULL, NULL,
                   'Stock insuffisant' || U&'\00A0' || ': '
                   || string_agg(p.nom || ' (demandé ' || u.quantite
                                 || ', disponible ' || coalesce(s.quantite, 0)
                                 || ')', ', ' ORDER BY p.id)
                   || '.',
                   '"produits":['
                   || string_agg('{"produit":' || p.id || ',"nom":'
                                 || to_json(p.nom) || ',"demande":'
                                 || u.quantite || ',"disponible":'
                                 || coalesce(s.quantite, 0) || '}', ','
                                 ORDER BY p.id)
                   || ']')::reponse
          FROM unnest((q).produits, (q).quantites) u (produit, quantite)
          JOIN produit p ON p.id = u.produit
          LEFT JOIN LATERAL lieu_disponible(p_lieu, ARRAY[u.produit]) s ON true
         WHERE coalesce(s.quantite, 0) < u.quantite
        HAVING count(*) > 0);
END
$$;


-- Receipts and transfers (016_mouvements.sql)

CREATE OR REPLACE FUNCTION reception_corps(d reception) RETURNS text
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN '{' || reception_membres(d) || ',"lignes":['
        || coalesce((
            SELECT string_agg('{"produit":' || l.produit_id || ',"quantite":'
                              || l.quantite || ',"cout_unitaire":'
                              || coalesce('"' || l.cout_unitaire || '"',
                                          'null') || '}', ',' ORDER BY l.id)
              FROM reception_ligne l
             WHERE l.reception_id = (d).id), '')
        || ']}';
END
$$;

CREATE OR REPLACE FUNCTION transfert_corps(t transfert) RETURNS text
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN '{' || transfert_membres(t) || ',"lignes":['
        || coalesce((
            SELECT string_agg('{"produit":' || l.produit_id || ',"quantite":'
                              || l.quantite || ',"recu":'
                              || coalesce(l.recu::text, 'null') || ',"ecart":'
                              || coalesce((l.quantite - l.recu)::text, 'null')
                              || '}', ',' ORDER BY l.produit_id)
              FROM transfert_ligne l
             WHERE l.transfert_id = (t).id), '')
        || ']}';
END
$$;

CREATE OR REPLACE FUNCTION transfert_etrangers(p_transfert bigint,
                                               p_produits bigint[])
    RETURNS reponse
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    -- All has come.
    IF p_produits IS NULL THEN
        RETURN NULL;
    END IF;

    RETURN (
        SELECT ROW(400, NULL, NULL, NULL,
                   '{"lignes":['
                   || string_agg(CASE WHEN l.produit_id IS NULL
                                      THEN '{"produit":["Ce produit n''est pas '
                                           'dans le transfert."]}'
                                      ELSE '{}' END, ',' ORDER BY u.n)
                   || ']}')::reponse
          FROM unnest(p_produits) WITH ORDINALITY u (produit, n)
          LEFT JOIN transfert_ligne l ON l.transfert_id = p_transfert
                                     AND l.produit_id = u.produit
        HAVING bool_or(l.produit_id IS NULL));
END
$$;


-- Reservations (018_reservations.sql)

CREATE OR REPLACE FUNCTION retenu_vivant(p_magasin bigint, p_produit bigint,
                                         p_retenu integer) RETURNS bigint
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF p_retenu = 0 THEN
        RETURN 0;
    END IF;

    RETURN p_retenu - (SELECT coalesce(sum(l.quantite), 0)
                         FROM reservation_ligne l
                        WHERE l.magasin_id = p_magasin
                          AND l.produit_id = p_produit
                          AND l.etat = 'retenu'
                          AND l.expire_le <= statement_timestamp());
END
$$;

CREATE OR REPLACE FUNCTION retenu_validite(p_magasin bigint, p_produit bigint,
                                           p_retenu integer) RETURNS bigint
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF p_retenu = 0 THEN
        RETURN NULL;
    END IF;

    RETURN (SELECT least(floor(extract(epoch FROM prochaine
                                                  - statement_timestamp())
                               * 1000)::bigint,
                         CASE WHEN premiere <= statement_timestamp() THEN 1000
                              WHEN premiere IS NOT NULL THEN 1000000000 END)
              FROM (SELECT (SELECT min(l.expire_le)
                              FROM reservation_ligne l
                             WHERE l.magasin_id = p_magasin
                               AND l.produit_id = p_produit
                               AND l.etat = 'retenu') AS premiere,
                           (SELECT min(l.expire_le)
                              FROM reservation_ligne l
                             WHERE l.magasin_id = p_magasin
                               AND l.produit_id = p_produit
                               AND l.etat = 'retenu'
                               AND l.expire_le > statement_timestamp())
                               AS prochaine) e);
END
$$;

-- It is IMMUTABLE and puts texts together by an operator that is not, and so is
-- part of no expression either.
CREATE OR REPLACE FUNCTION stock_etag(quantite integer, retenu integer)
    RETURNS text
    LANGUAGE plpgsql IMMUTABLE
AS $$
BEGIN
    RETURN quantite || '-' || greatest(quantite - retenu, 0);
END
$$;

CREATE OR REPLACE FUNCTION reservation_etat(d reservation) RETURNS text
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF (d).statut <> 'retenue' THEN
        RETURN (d).statut;
    END IF;

    IF (d).expire_le <= statement_timestamp()
       OR EXISTS (SELECT FROM reservation_ligne l
                   WHERE l.reservation_id = (d).id AND l.etat = 'rendu')
    THEN
        RETURN 'expiree';
    END IF;

    RETURN (d).statut;
END
$$;

CREATE OR REPLACE FUNCTION reservation_corps(d reservation) RETURNS text
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN '{' || reservation_membres(d, reservation_etat(d)) || ',"lignes":['
        || coalesce((SELECT string_agg(ligne_corps(l.produit_id, l.quantite,
                                                   l.prix_unitaire), ','
                                       ORDER BY l.produit_id)
                       FROM reservation_ligne l
                      WHERE l.reservation_id = (d).id), '')
        || ']}';
END
$$;


-- Returns (019_retours.sql)

CREATE OR REPLACE FUNCTION retour_corps(r retour) RETURNS text
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN '{"id":' || (r).id || ',"vente":' || (r).vente_id || ',"magasin":'
        || (r).magasin_id || ',"date_retour":"'
        || instant_texte((r).date_retour) || '","repris_par":'
        || coalesce(to_json((r).repris_par)::text, 'null') || ',"motif":'
        || coalesce(to_json((r).motif)::text, 'null') || ',"remise_en_stock":'
        || (r).remise_en_stock || ',"total":"' || (r).total || '","lignes":['
        || coalesce((
            SELECT string_agg(ligne_corps(l.produit_id, l.quantite,
                                          l.prix_unitaire), ','
                              ORDER BY l.id)
              FROM retour_ligne l
             WHERE l.retour_id = (r).id), '')
        || ']}';
END
$$;

CREATE OR REPLACE FUNCTION retour_refus(p_vente bigint, q quantites)
    RETURNS reponse
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (
        SELECT ROW(409, NULL, NULL,
                   'Retour impossible' || U&'\00A0' || ': '
                   || string_agg(p.nom || ' (demandé ' || u.quantite
                                 || ', vendu et pas encore rendu '
                                 || coalesce(r.reste, 0) || ')', ', '
                                 ORDER BY p.id)
                   || '.',
                   '"produits":['
                   || string_agg('{"produit":' || p.id || ',"nom":'
                                 || to_json(p.nom) || ',"demande":'
                                 || u.quantite || ',"restant":'
                                 || coalesce(r.reste, 0) || '}', ','
                                 ORDER BY p.id)
                   || ']')::reponse
          FROM unnest((q).produits, (q).quantites) u (produit, quantite)
          JOIN produit p ON p.id = u.produit
          LEFT JOIN (SELECT t.produit, sum(t.reste) AS reste
                       FROM retour_restes(p_vente, (q).produits) t
                      GROUP BY t.produit) r ON r.produit = u.produit
         WHERE coalesce(r.reste, 0) < u.quantite
        HAVING count(*) > 0);
END
$$;

CREATE OR REPLACE FUNCTION vente_produit(p_texte text) RETURNS bigint
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN coalesce((SELECT id
                       FROM produit
                      WHERE id = CASE WHEN p_texte ~ '^[0-9]{1,18}$'
                                      THEN p_texte::bigint END),
                    code_produit(p_texte));
END
$$;


-- Stock-takes (020_comptages.sql)

CREATE OR REPLACE FUNCTION comptage_etrangers(d comptage, p_produits bigint[])
    RETURNS reponse
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (
        SELECT ROW(400, NULL, NULL, NULL,
                   '{"lignes":[' || string_agg(
                       CASE WHEN p.id IS NULL
                            THEN '{"produit":' || cle_inconnue(u.produit)
                                 || '}'
                            WHEN (d).categorie <> p.categorie
                              OR p.id <> ALL ((d).produits)
                            THEN '{"produit":["Ce produit n''est pas dans le '
                                 'comptage."]}'
                            ELSE '{}' END, ',' ORDER BY u.n) || ']}')::reponse
          FROM unnest(p_produits) WITH ORDINALITY u (produit, n)
          LEFT JOIN produit p ON p.id = u.produit
        HAVING bool_or(p.id IS NULL OR (d).categorie <> p.categorie
                       OR p.id <> ALL ((d).produits)));
END
$$;

CREATE OR REPLACE FUNCTION comptage_ailleurs(d comptage, p_produits bigint[])
    RETURNS reponse
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (
        SELECT ROW(409, NULL, NULL,
                   'Produit compté ailleurs' || U&'\00A0' || ': '
                   || string_agg(p.nom || ' (comptage ' || l.comptage_id
                                 || ')', ', ' ORDER BY p.id)
                   || '.',
                   '"produits":['
                   || string_agg('{"produit":' || p.id || ',"nom":'
                                 || to_json(p.nom) || ',"comptage":'
                                 || l.comptage_id || '}', ',' ORDER BY p.id)
                   || ']')::reponse
          FROM comptage_ligne l
          JOIN produit p ON p.id = l.produit_id
         WHERE l.ouverte
           AND l.produit_id = ANY (p_produits)
           AND l.magasin_id IS NOT DISTINCT FROM (d).magasin_id
           AND l.comptage_id <> (d).id
        HAVING count(*) > 0);
END
$$;

CREATE OR REPLACE FUNCTION comptage_ecarts(p_comptage bigint, p_signe integer)
    RETURNS quantites
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (
        SELECT ROW(array_agg(l.produit_id ORDER BY l.produit_id),
                   array_agg(p_signe * (l.compte::bigint - l.present)
                             ORDER BY l.produit_id))::quantites
          FROM comptage_ligne l
         WHERE l.comptage_id = p_comptage
           AND l.compte <> l.present
           AND p_signe * (l.compte::bigint - l.present) > 0);
END
$$;

CREATE OR REPLACE FUNCTION comptage_impossible(d comptage, q quantites)
    RETURNS reponse
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (
        SELECT ROW(409, NULL, NULL,
                   'À recompter, il s''en est vendu plus que compté'
                   || U&'\00A0' || ': '
                   || string_agg(p.nom, ', ' ORDER BY p.id) || '.',
                   '"produits":['
                   || string_agg('{"produit":' || p.id || ',"nom":'
                                 || to_json(p.nom) || ',"compte":' || l.compte
                                 || '}', ',' ORDER BY p.id)
                   || ']')::reponse
          FROM unnest((q).produits, (q).quantites) u (produit, quantite)
          JOIN produit p ON p.id = u.produit
          JOIN comptage_ligne l ON l.comptage_id = (d).id
                               AND l.produit_id = u.produit
          LEFT JOIN LATERAL lieu_stock((d).magasin_id, ARRAY[u.produit]) s
            ON true
         WHERE coalesce(s.quantite, 0) < u.quantite
        HAVING count(*) > 0);
END
$$;

CREATE OR REPLACE FUNCTION comptage_cloture_corps(d comptage) RETURNS text
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN '{' || comptage_complet(d) || ',"lignes":['
        || coalesce((SELECT string_agg(
                                comptage_ligne_corps(l, l.nom, false), ','
                                ORDER BY l.produit_id)
                       FROM (SELECT l, l.produit_id, p.nom
                               FROM comptage_ligne l
                               JOIN produit p ON p.id = l.produit_id
                              WHERE l.comptage_id = (d).id
                                AND l.compte <> l.present
                              ORDER BY l.produit_id
                              LIMIT 1000) l (l, produit_id, nom)), '')
        || '],"oublis":['
        || coalesce((SELECT string_agg('{"produit":' || l.produit_id
                                       || ',"nom":' || to_json(l.nom)
                                       || ',"present":' || l.present || '}',
                                       ',' ORDER BY l.produit_id)
                       FROM (SELECT l.produit_id, l.present, p.nom
                               FROM comptage_ligne l
                               JOIN produit p ON p.id = l.produit_id
                              WHERE l.comptage_id = (d).id AND l.oubliee
                              ORDER BY l.produit_id
                              LIMIT 1000) l), '')
        || ']}';
END
$$;

-- As 024_reservations_comptages.sql has it.
CREATE OR REPLACE FUNCTION comptage_compter(p_comptage bigint,
                                            p_produits bigint[],
                                            p_quantites integer[],
                                            p_ajoutes boolean[],
                                            p_magasins text, p_acteur text,
                                            p_cle text, p_empreinte text)
    RETURNS reponse
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    f      record;
    d      comptage;
    r      reponse;
    corps  text;
BEGIN
    f := comptage_saisir(p_comptage, true, NULL, p_magasins, p_acteur, p_cle,
                         p_empreinte);
    IF f.rendre THEN
        RETURN f.r;
    END IF;

    d := f.d;
    r := f.r;

    IF r.statut IS NULL THEN
        PERFORM FROM produit
          WHERE id = ANY (p_produits) ORDER BY id FOR KEY SHARE;

        PERFORM FROM comptage_ligne
          WHERE comptage_id = d.id AND produit_id = ANY (p_produits)
          ORDER BY produit_id FOR UPDATE;

        r := comptage_etrangers(d, p_produits);
    END IF;

    IF r.statut IS NULL
       AND EXISTS (SELECT
                     FROM comptage_reunir(p_produits, p_quantites, p_ajoutes) u
                     LEFT JOIN comptage_ligne l
                       ON l.comptage_id = d.id AND l.produit_id = u.produit
                    WHERE u.compte + CASE WHEN u.remplace THEN 0
                                          ELSE coalesce(l.compte, 0) END
                          > 2147483647)
    THEN
        r := repondre(409, NULL, NULL,
                      'Le stock dépasserait 2147483647 unités.', NULL);
    END IF;

    LOOP
        EXIT WHEN r.statut IS NOT NULL;

        r := comptage_ailleurs(d, p_produits);
        EXIT WHEN r.statut IS NOT NULL;

        BEGIN
            INSERT INTO comptage_ligne AS l (comptage_id, produit_id,
                                             magasin_id, compte, present,
                                             compte_par)
            SELECT d.id, u.produit, d.magasin_id, u.compte,
                   coalesce(s.quantite, 0), p_acteur
              FROM comptage_reunir(p_produits, p_quantites, p_ajoutes) u
              LEFT JOIN LATERAL lieu_stock(d.magasin_id,
                                           ARRAY[u.produit]) s ON true
             ORDER BY u.produit
            ON CONFLICT (comptage_id, produit_id) DO UPDATE
               SET compte = excluded.compte
                       + CASE WHEN (SELECT u.remplace
                                      FROM comptage_reunir(p_produits,
                                               p_quantites, p_ajoutes) u
                                     WHERE u.produit = excluded.produit_id)
                              THEN 0 ELSE l.compte END,
                   present = excluded.present,
                   instant = excluded.instant,
                   compte_par = excluded.compte_par;
            EXIT;
        EXCEPTION
            -- Another stock-take has counted one of them meanwhile.
            WHEN unique_violation THEN
                NULL;
        END;
    END LOOP;

    IF r.statut IS NULL THEN
        -- A line that had to wait for the close of another stock-take has been
        -- made from what there was before.  Now it is there, and nobody else
        -- sets its product to 0.
        UPDATE comptage_ligne l
           SET present = (SELECT s.quantite
                            FROM lieu_stock(d.magasin_id,
                                            ARRAY[l.produit_id]) s)
         WHERE l.comptage_id = d.id
           AND l.produit_id = ANY (p_produits)
           AND l.present <> (SELECT s.quantite
                               FROM lieu_stock(d.magasin_id,
                                               ARRAY[l.produit_id]) s);

        SELECT string_agg(comptage_ligne_corps(l, p.nom, comptage_cache(d)),
                          ',' ORDER BY p.id)
          INTO corps
          FROM comptage_ligne l
          JOIN produit p ON p.id = l.produit_id
         WHERE l.comptage_id = d.id
           AND l.produit_id = ANY (p_produits);

        r := repondre(200, NULL, NULL, NULL,
                      '{"comptage":' || d.id || ',"lignes":[' || corps
                      || ']}');
    END IF;

    IF p_cle IS NOT NULL THEN
        PERFORM idempotence_fermer(p_acteur, p_cle, p_empreinte, r);
    END IF;

    RETURN r;
END
$$;


-- Keys (014_journal_vie.sql)

CREATE OR REPLACE FUNCTION idempotence_fermer(p_acteur text, p_cle text,
                                              p_empreinte text,
                                              p_reponse reponse)
    RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO idempotence (acteur, cle, empreinte, reponse)
    VALUES (p_acteur, p_cle, p_empreinte, p_reponse);
END
$$;


-- A plan is kept as long as it looks no dearer than one for the values of a
-- call.  A list has ten elements as long as nobody knows it, and mostly one
-- when it is known: what reads it was planned for each call.  Of these
-- functions all plans are kept, as of sales.  comptage_clore() is not one: what
-- is left to count is found by a list, a category or the whole place, each by
-- another plan.
DO $$
DECLARE
    f  regprocedure;
BEGIN
    FOR f IN
        SELECT oid
          FROM pg_proc
         WHERE pronamespace = 'public'::regnamespace
           AND proname IN (
                   'reception_creer', 'reception_annuler', 'transfert_creer',
                   'transfert_recevoir', 'transfert_annuler', 'retour_creer',
                   'reservation_rendre', 'comptage_ouvrir',
                   'comptage_compter', 'comptage_annuler',
                   'seuil_poser', 'seuils_poser', 'besoins_demander',
                   'demandes_decider', 'produit_changer',
                   'produit_creer_code')
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET plan_cache_mode ='
                       ' force_generic_plan', f);
    END LOOP;
END
$$;
