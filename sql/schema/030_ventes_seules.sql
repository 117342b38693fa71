-- A sale of one line whose total is told, or that is to be done whatever is
-- there, took the way of batches, at twice the cost of another one.  With the
-- total as it is told and enough in stock it is like another one.

SET LOCAL ROLE magasin_owner;

-- As 027_lot_couts.sql has it, but for the first lines.
CREATE OR REPLACE FUNCTION lot_ecrire(p_genres text[], p_acteurs text[],
                                      p_cles text[],
                                      p_empreintes text[], p_magasins bigint[],
                                      p_conditions text[], p_attendus integer[],
                                      p_motifs text[], p_numeros integer[],
                                      p_produits bigint[],
                                      p_quantites integer[],
                                      p_comptes integer[], p_prix numeric[],
                                      p_noms text[], p_categories text[],
                                      p_descriptions text[],
                                      p_archives boolean[],
                                      p_attendre boolean)
    RETURNS SETOF lot_reponse ROWS 10
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off
    SET enable_hashjoin = off
    SET enable_mergejoin = off
AS $$
DECLARE
    nombre       integer := cardinality(p_genres);
    l            lot;
    ventes       boolean[];
    ajustements  boolean[];
    changements  boolean[];
    fiches       lot_reponse[];
    cles         boolean := cardinality(array_remove(p_cles, NULL)) > 0;
    doublons     integer[] := '{}';
    en_cours     integer[];
    k            integer;
    numero       integer;
    numeros      integer[];
    produits     bigint[];
    magasins     bigint[];
    quantites    integer[];
    prix         numeric[];
    reserves     boolean[];
    reclames     boolean[];
    forces       boolean[];
    attendus     numeric[];
    vendus       lot_reponse[];
    ouvertes     record;
    reclamer     boolean := false;
    seule        boolean := true;
    tenus        record;
    c            record;
    r            reponse;
BEGIN
    -- One sale alone, as it mostly is when there is little to do: without all
    -- that follows.  Of one line also with a total that is as expected, and one
    -- that is to be done whatever is there: when there is enough, it is like
    -- another one.
    IF nombre = 1 AND NOT p_attendre AND p_genres[1] = 'vente'
       AND (cardinality(p_produits) = 1
            OR (cardinality(p_produits) <= 50
                AND p_conditions[1] IS NULL AND p_archives[1] IS NULL))
    THEN
        IF cles THEN
            r := idempotence_ouvrir(p_acteurs[1], p_cles[1], p_empreintes[1]);
        END IF;

        IF r.statut IS NULL AND p_conditions[1] IS NOT NULL THEN
            -- The price stays as it is until the sale is there.
            PERFORM FROM produit p
              WHERE p.id = p_produits[1]
                AND p_quantites[1] * coalesce(p_prix[1], p.prix)::numeric(10,2)
                    = p_conditions[1]::numeric
                FOR SHARE SKIP LOCKED;

            seule := FOUND;
        END IF;

        IF r.statut IS NULL AND seule THEN
            IF cardinality(p_produits) = 1 THEN
                r := lot_vendre_une(p_magasins[1], p_produits[1],
                                    p_quantites[1], p_prix[1], p_acteurs[1]);
            ELSE
                r := lot_vendre_seule(p_magasins[1], p_produits, p_quantites,
                                      p_prix, p_acteurs[1]);
            END IF;

            IF cles AND r.statut IS NOT NULL THEN
                PERFORM idempotence_fermer(p_acteurs[1], p_cles[1],
                                           p_empreintes[1], r);
            END IF;
        END IF;

        IF r.statut IS NOT NULL THEN
            RETURN NEXT ROW(r.statut, r.emplacement, r.etag, r.detail, r.corps,
                            1, false, NULL::bigint, NULL::text, NULL::text,
                            NULL::numeric, NULL::text, NULL::boolean,
                            NULL::boolean)::lot_reponse;
            RETURN;
        END IF;
    END IF;

    l.libres := array_fill(true, ARRAY[nombre]);
    l.gardees := array_fill(false, ARRAY[nombre]);
    l.reponses := array_fill(NULL::reponse, ARRAY[nombre]);

    IF 'vente' = ALL (p_genres) THEN
        ventes := l.libres;
        ajustements := l.gardees;
        changements := l.gardees;
    ELSIF 'prix' = ALL (p_genres) THEN
        ventes := l.gardees;
        ajustements := l.gardees;
        changements := l.libres;
    ELSE
        ventes := ARRAY(SELECT u.genre IN ('vente', 'reservation')
                          FROM unnest(p_genres) u (genre));
        ajustements := l.gardees;
        changements := l.gardees;

        IF 'ajustement' = ANY (p_genres) THEN
            ajustements := ARRAY(SELECT u.genre = 'ajustement'
                                   FROM unnest(p_genres) u (genre));
        END IF;

        IF 'prix' = ANY (p_genres) THEN
            changements := ARRAY(SELECT u.genre = 'prix'
                                   FROM unnest(p_genres) u (genre));
        END IF;

        IF 'reservation' = ANY (p_genres) THEN
            reserves := ARRAY(SELECT u.genre = 'reservation'
                                FROM unnest(p_genres) u (genre));
        END IF;

        IF 'reclamation' = ANY (p_genres) THEN
            reclames := ARRAY(SELECT u.genre = 'reclamation'
                                FROM unnest(p_genres) u (genre));
        END IF;
    END IF;

    -- The keys, as idempotence_ouvrir(): first the locks of all, then what
    -- came of the requests before.
    IF cles THEN
        SELECT array_agg(u.n) FILTER (WHERE NOT pg_try_advisory_xact_lock(u.h)),
               count(u.h) - count(DISTINCT u.h)
          INTO en_cours, k
          FROM (
            SELECT v.n::integer AS n,
                   hashtextextended(v.acteur || E'\n' || v.cle, 430115) AS h
              FROM unnest(p_acteurs, p_cles)
                   WITH ORDINALITY v (acteur, cle, n)
             WHERE v.cle IS NOT NULL
            OFFSET 0
          ) u;

        FOREACH numero IN ARRAY coalesce(en_cours, '{}') LOOP
            l.libres[numero] := false;
            l.reponses[numero] := repondre(
                409, NULL, NULL, 'Une requête avec cette clé '
                'd’idempotence est encore en cours.', '"en_cours":true');
        END LOOP;

        IF k > 0 THEN
            SELECT array_agg(u.n)
              INTO doublons
              FROM (
                SELECT v.n::integer AS n,
                       row_number() OVER (
                           PARTITION BY hashtextextended(
                               v.acteur || E'\n' || v.cle, 430115)
                           ORDER BY v.n) AS rang
                  FROM unnest(p_acteurs, p_cles)
                       WITH ORDINALITY v (acteur, cle, n)
                 WHERE v.cle IS NOT NULL
              ) u
             WHERE u.rang > 1;

            FOREACH numero IN ARRAY doublons LOOP
                l.libres[numero] := false;
                l.reponses[numero] := NULL;
            END LOOP;
        END IF;

        FOR c IN
            SELECT u.n::integer AS n, i.reponse,
                   i.empreinte <> u.empreinte AS autre
              FROM unnest(p_acteurs, p_cles, p_empreintes)
                   WITH ORDINALITY u (acteur, cle, empreinte, n)
              JOIN idempotence i ON i.acteur = u.acteur AND i.cle = u.cle
             WHERE l.libres[u.n::integer]
        LOOP
            l.libres[c.n] := false;
            l.reponses[c.n] := c.reponse;

            IF c.autre THEN
                l.reponses[c.n] := repondre(
                    422, NULL, NULL, 'Cette clé d’idempotence a déjà '
                    'servi à une autre requête.', NULL);
            END IF;
        END LOOP;
    END IF;

    IF true = ANY (changements) THEN
        c := lot_tarifer(l, changements, p_acteurs, p_conditions, p_numeros,
                         p_produits, p_prix, p_noms, p_categories,
                         p_descriptions, p_archives, p_attendre);
        l := c.l;
        fiches := c.fiches;
    END IF;

    IF true = ANY (ventes)
       AND (cardinality(array_remove(p_conditions, NULL)) > 0
            OR true = ANY (p_archives))
    THEN
        attendus := array_fill(NULL::numeric, ARRAY[nombre]);
        forces := array_fill(false, ARRAY[nombre]);

        FOR i IN 1 .. nombre LOOP
            CONTINUE WHEN p_genres[i] <> 'vente';
            attendus[i] := p_conditions[i]::numeric;
            forces[i] := coalesce(p_archives[i], false);
            ventes[i] := NOT forces[i];
        END LOOP;

        IF cardinality(array_remove(attendus, NULL)) > 0 THEN
            c := lot_attendre(l, attendus, p_numeros, p_produits,
                              p_quantites, p_prix, p_attendre);
            l := c.l;

            FOR i IN 1 .. nombre LOOP
                ventes[i] := ventes[i] AND NOT c.remis[i];
                forces[i] := forces[i] AND NOT c.remis[i];
            END LOOP;
        ELSIF true <> ALL (forces) THEN
            forces := NULL;
        END IF;
    END IF;

    IF true = ANY (reclames) THEN
        ouvertes := lot_reclamer_ouvrir(l, reclames, p_numeros, p_produits,
                                        p_motifs, p_attendre);
        l := ouvertes.l;
        reclamer := ouvertes.numeros IS NOT NULL;
    END IF;

    IF cardinality(p_numeros) = nombre AND false <> ALL (l.libres)
       AND true <> ALL (changements)
       AND (reclames IS NULL OR true <> ALL (reclames))
    THEN
        numeros := p_numeros;
        produits := p_produits;
        magasins := p_magasins;
        quantites := p_quantites;
        prix := p_prix;
    ELSIF false = ANY (changements) THEN
        SELECT array_agg(u.n), array_agg(u.produit), array_agg(p_magasins[u.n]),
               array_agg(u.quantite), array_agg(u.prix)
          INTO numeros, produits, magasins, quantites, prix
          FROM unnest(p_numeros, p_produits, p_quantites, p_prix)
               u (n, produit, quantite, prix)
         WHERE l.libres[u.n] AND NOT changements[u.n]
           AND NOT coalesce(reclames[u.n], false);
    END IF;

    -- One or two sales of one line, beside prices or alone: two of them take
    -- less than what a batch takes beside its rows.  What is in the way of the
    -- first leaves both to the batch, in their order.
    IF cardinality(produits) <= 2 AND numeros[1] IS DISTINCT FROM numeros[2]
       AND nombre > 1 AND NOT p_attendre AND NOT reclamer
       AND true <> ALL (ajustements)
    THEN
        WHILE cardinality(produits) > 0 LOOP
            numero := numeros[1];

            EXIT WHEN p_genres[numero] <> 'vente' OR NOT ventes[numero]
                      OR p_conditions[numero] IS NOT NULL;

            r := lot_vendre_une(magasins[1], produits[1], quantites[1],
                                prix[1], p_acteurs[numero]);

            EXIT WHEN r.statut IS NULL;

            l.libres[numero] := false;
            l.gardees[numero] := true;
            l.reponses[numero] := r;

            numeros := numeros[2:];
            produits := produits[2:];
            magasins := magasins[2:];
            quantites := quantites[2:];
            prix := prix[2:];
        END LOOP;

        IF cardinality(produits) = 0 THEN
            produits := NULL;
        END IF;
    END IF;

    IF produits IS NOT NULL OR reclamer THEN
        IF reclamer THEN
            tenus := lot_tenir(produits || ouvertes.produits,
                               magasins || ouvertes.magasins,
                               quantites || ouvertes.quantites, true,
                               p_attendre, true = ANY (ajustements));
        ELSE
            tenus := lot_tenir(produits, magasins, quantites,
                               'vente' = ANY (p_genres), p_attendre,
                               true = ANY (ajustements));
        END IF;

        IF true = ANY (ajustements) THEN
            c := lot_ajuster(l, tenus.tenus_stock, tenus.tenus_produits,
                             tenus.tenus_magasins, ajustements, p_acteurs,
                             p_magasins, p_conditions, p_attendus, p_motifs,
                             p_numeros, p_produits, p_quantites, p_comptes);
            l := c.l;
            tenus.tenus_cumuls := tenus.tenus_cumuls
                || c.tenus_stock[cardinality(tenus.tenus_stock) + 1 :];
        END IF;

        IF reclamer THEN
            c := lot_reclamer(l, tenus.tenus_cumuls, tenus.tenus_produits,
                              tenus.tenus_magasins, p_acteurs,
                              ouvertes.reservations, ouvertes.numeros,
                              ouvertes.magasins, ouvertes.produits,
                              ouvertes.quantites, ouvertes.prix);
            l := c.l;
            vendus := c.vendus;
        END IF;

        IF true = ANY (ventes) AND produits IS NOT NULL THEN
            l := lot_vendre(l, tenus.aise AND true <> ALL (ajustements)
                               AND NOT reclamer AND forces IS NULL,
                            tenus.tenus_cumuls, tenus.tenus_produits,
                            tenus.tenus_magasins, ventes, p_acteurs,
                            p_magasins, numeros, produits, quantites, prix,
                            magasins, tenus.tarifs, tenus.restes, reserves,
                            p_attendus, p_motifs, tenus.stocks, tenus.cumuls);
        END IF;

        IF true = ANY (forces) THEN
            l := lot_forcer(l, tenus.tenus_cumuls, tenus.tenus_produits,
                            tenus.tenus_magasins, forces, p_acteurs,
                            p_magasins, numeros, produits, quantites, prix);
        END IF;
    END IF;

    IF cles THEN
        INSERT INTO idempotence (acteur, cle, empreinte, reponse)
        SELECT u.acteur, u.cle, u.empreinte,
               ROW(u.statut, u.emplacement, u.etag, u.detail, u.corps)::reponse
          FROM unnest(p_acteurs, p_cles, p_empreintes, l.gardees, l.reponses)
               u (acteur, cle, empreinte, gardee, statut, emplacement, etag,
                  detail, corps)
         WHERE u.gardee AND u.cle IS NOT NULL;
    END IF;

    -- Products that were changed and claims are never one request.
    IF vendus IS NOT NULL THEN
        FOR i IN 1 .. coalesce(cardinality(fiches), 0) LOOP
            IF (vendus[i]).id IS NOT NULL THEN
                fiches[i] := vendus[i];
            END IF;
        END LOOP;

        fiches := coalesce(fiches, vendus);
    END IF;

    IF fiches IS NULL THEN
        RETURN QUERY
        SELECT u.statut, u.emplacement, u.etag, u.detail, u.corps,
               u.n::integer, u.libre OR u.n = ANY (doublons), NULL::bigint,
               NULL, NULL, NULL::numeric, NULL, NULL::boolean, NULL::boolean
          FROM unnest(l.libres, l.reponses)
               WITH ORDINALITY u (libre, statut, emplacement, etag, detail,
                                  corps, n);

        RETURN;
    END IF;

    RETURN QUERY
    SELECT u.statut, u.emplacement, u.etag, u.detail, u.corps,
           u.n::integer, u.libre OR u.n = ANY (doublons), u.id, u.nom,
           u.categorie, u.prix, u.description, u.concorde, u.renomme
      FROM unnest(l.libres, l.reponses, fiches)
           WITH ORDINALITY u (libre, statut, emplacement, etag, detail, corps,
                              statut_fiche, emplacement_fiche, etag_fiche,
                              detail_fiche, corps_fiche, n_fiche,
                              manque_fiche, id, nom, categorie, prix,
                              description, concorde, renomme, n);
END
$$;
