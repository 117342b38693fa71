-- One reservation and one claim alone, as they mostly are when there is little
-- to do: without what a batch needs to decide many.  What is in the way of one
-- (a locked row, a line that is over, too few units, a closed store, several
-- lines) is left to the functions of 018_reservations.sql, which know all
-- answers.  And a line of a stock-take that waited for the close of another one.

SET LOCAL ROLE magasin_owner;

-- A reservation of one line.  NULL: nothing was done.
CREATE FUNCTION lot_reserver_une(p_magasin bigint, p_produit bigint,
                                 p_quantite integer, p_duree integer,
                                 p_reference text, p_acteur text)
    RETURNS reponse
    LANGUAGE plpgsql
AS $$
DECLARE
    contexte    text;
    maintenant  timestamptz;
    tarif       numeric(10,2);
    present     integer;
    tenu        integer;
    apres       integer;
    d           reservation;
BEGIN
    SELECT p.prix INTO tarif
      FROM produit p
     WHERE p.id = p_produit AND p.archive_le IS NULL
       FOR KEY SHARE SKIP LOCKED;

    IF NOT FOUND OR p_quantite >= 10000 THEN
        RETURN NULL;
    END IF;

    SELECT s.quantite, s.retenu + p_quantite INTO present, tenu
      FROM stock_local s
     WHERE s.magasin_id = p_magasin AND s.produit_id = p_produit
       FOR UPDATE SKIP LOCKED;

    IF NOT FOUND OR present < tenu THEN
        RETURN NULL;
    END IF;

    PERFORM FROM magasin m
      WHERE m.id = p_magasin AND m.ouvert
        FOR KEY SHARE SKIP LOCKED;

    IF NOT FOUND THEN
        RETURN NULL;
    END IF;

    maintenant := clock_timestamp();
    contexte := set_config('magasin.lot', pg_trigger_depth()::text, true);

    INSERT INTO reservation (magasin_id, reference, date_reservation,
                             expire_le, reservee_par, total)
    VALUES (p_magasin, p_reference, maintenant,
            maintenant + p_duree * interval '1 second', nullif(p_acteur, ''),
            p_quantite * tarif)
    RETURNING * INTO d;

    INSERT INTO reservation_ligne (reservation_id, produit_id, magasin_id,
                                   expire_le, quantite, prix_unitaire)
    VALUES (d.id, p_produit, p_magasin, d.expire_le, p_quantite, tarif);

    UPDATE stock_local s
       SET retenu = s.retenu + p_quantite
     WHERE s.magasin_id = p_magasin AND s.produit_id = p_produit
    RETURNING s.retenu INTO apres;

    INSERT INTO journal (type, magasin_id, produit_id, reference, acteur,
                         details)
    VALUES ('reservation', p_magasin, p_produit, 'reservation/' || d.id,
            coalesce(nullif(p_acteur, ''), session_user),
            jsonb_build_object('retenu', p_quantite));

    contexte := lot_finir(coalesce(apres = tenu, false));

    RETURN ROW(201, '/api/v1/reservations/' || d.id || '/', NULL, NULL,
               '{' || reservation_membres(d, 'retenue') || ',"lignes":['
               || ligne_corps(p_produit, p_quantite, tarif)
               || ']}')::reponse;
END
$$;

-- The claim of a reservation of one line.  statut NULL: nothing was done.
-- magasin, produit: what was sold.
CREATE FUNCTION lot_reclamer_une(p_reservation bigint, p_acteur text,
                                 OUT r reponse, OUT magasin bigint,
                                 OUT produit bigint)
    LANGUAGE plpgsql
AS $$
DECLARE
    contexte  text;
    acteur    text := coalesce(nullif(p_acteur, ''), session_user);
    lignes    bigint;
    unites    integer;
    tarif     numeric(10,2);
    reste     integer;
    tenu      integer;
    present   integer;
    vente     bigint;
    ligne     bigint;
    montant   numeric;
BEGIN
    SELECT d.magasin_id INTO magasin
      FROM reservation d
     WHERE d.id = p_reservation AND d.statut = 'retenue'
       FOR UPDATE SKIP LOCKED;

    IF NOT FOUND THEN
        RETURN;
    END IF;

    SELECT count(*), min(l.produit_id), min(l.quantite), min(l.prix_unitaire)
      INTO lignes, produit, unites, tarif
      FROM reservation_ligne l
     WHERE l.reservation_id = p_reservation;

    IF lignes <> 1 THEN
        RETURN;
    END IF;

    PERFORM FROM produit p WHERE p.id = produit FOR KEY SHARE SKIP LOCKED;

    IF NOT FOUND THEN
        RETURN;
    END IF;

    SELECT s.quantite - unites,
           s.retenu - unites
      INTO reste, tenu
      FROM stock_local s
     WHERE s.magasin_id = magasin AND s.produit_id = produit
       FOR UPDATE SKIP LOCKED;

    IF NOT FOUND OR reste < 0 THEN
        RETURN;
    END IF;

    PERFORM FROM magasin m
      WHERE m.id = magasin AND m.ouvert
        FOR KEY SHARE SKIP LOCKED;

    IF NOT FOUND THEN
        RETURN;
    END IF;

    PERFORM FROM cumul_vente c
      WHERE c.magasin_id = magasin AND c.produit_id = produit
        FOR NO KEY UPDATE SKIP LOCKED;

    IF NOT FOUND THEN
        RETURN;
    END IF;

    contexte := lot_commencer();

    -- The clock is read when all is locked.  A line that is over stays as it
    -- is, for who marks it.
    UPDATE reservation_ligne l
       SET etat = 'reclame'
     WHERE l.reservation_id = p_reservation
       AND l.produit_id = produit
       AND l.etat = 'retenu'
       AND l.expire_le > clock_timestamp();

    IF NOT FOUND THEN
        contexte := set_config('magasin.lot', '', true);
        RETURN;
    END IF;

    vente := nextval('vente_id_seq');
    ligne := nextval('ligne_vente_id_seq');
    montant := unites * tarif;

    INSERT INTO vente (id, magasin_id, total)
    VALUES (vente, magasin, montant);

    INSERT INTO ligne_vente (id, vente_id, produit_id, quantite, prix_unitaire)
    VALUES (ligne, vente, produit, unites, tarif);

    UPDATE stock_local s
       SET quantite = s.quantite - unites,
           retenu = s.retenu - unites
     WHERE s.magasin_id = magasin AND s.produit_id = produit
    RETURNING s.quantite INTO present;

    UPDATE reservation d
       SET statut = 'reclamee', date_cloture = clock_timestamp(),
           cloture_par = nullif(p_acteur, ''), vente_id = vente
     WHERE d.id = p_reservation;

    INSERT INTO journal (type, magasin_id, produit_id, delta, quantite,
                         acteur, reference, details)
    VALUES ('vente_creation', magasin, NULL, NULL, NULL, acteur,
            'vente/' || vente, NULL),
           ('vente', magasin, produit, -unites, reste, acteur,
            'vente/' || vente, NULL),
           ('reservation_reclamee', magasin, NULL, NULL, NULL, acteur,
            'reservation/' || p_reservation,
            jsonb_build_object('vente', vente));

    UPDATE cumul_vente c
       SET quantite = c.quantite + unites,
           total = c.total + montant,
           recente = c.recente + unites,
           premiere = least(c.premiere, ligne)
     WHERE c.magasin_id = magasin AND c.produit_id = produit;

    INSERT INTO compte_vente (unites, total) VALUES (unites, montant);

    IF reste = 0 OR (reste <= 10 AND reste + unites > 10) THEN
        INSERT INTO compte_stock (magasin_id, lignes, ruptures, surstock)
        VALUES (magasin, 0, (reste = 0)::integer,
                -(reste + unites > 10)::integer);
    END IF;

    contexte := lot_finir(coalesce(present = reste, false) AND tenu >= 0);

    r := ROW(201, '/api/v1/sales/' || vente || '/', NULL, NULL,
             vente_corps(vente, magasin, now(), montant::numeric(14,2),
                         ligne_corps(produit, unites, tarif)))::reponse;
END
$$;

-- lot_ecrire() of one request, which is a reservation or a claim; and
-- lot_ecrire() itself where that cannot be.
CREATE FUNCTION lot_seul(p_genres text[], p_acteurs text[], p_cles text[],
                         p_empreintes text[], p_magasins bigint[],
                         p_conditions text[], p_attendus integer[],
                         p_motifs text[], p_numeros integer[],
                         p_produits bigint[], p_quantites integer[],
                         p_comptes integer[], p_prix numeric[],
                         p_noms text[], p_categories text[],
                         p_descriptions text[], p_archives boolean[],
                         p_attendre boolean)
    RETURNS SETOF lot_reponse
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off
AS $$
DECLARE
    cle      boolean := p_cles[1] IS NOT NULL;
    r        reponse;
    magasin  bigint;
    produit  bigint;
BEGIN
    IF p_attendre OR cardinality(p_produits) <> 1
       OR (p_genres[1] = 'reclamation' AND p_motifs[1] IS NOT NULL)
    THEN
        RETURN QUERY
        SELECT *
          FROM lot_ecrire(p_genres, p_acteurs, p_cles, p_empreintes,
                          p_magasins, p_conditions, p_attendus, p_motifs,
                          p_numeros, p_produits, p_quantites, p_comptes,
                          p_prix, p_noms, p_categories, p_descriptions,
                          p_archives, p_attendre);
        RETURN;
    END IF;

    IF cle THEN
        r := idempotence_ouvrir(p_acteurs[1], p_cles[1], p_empreintes[1]);
    END IF;

    IF r.statut IS NULL THEN
        IF p_genres[1] = 'reservation' THEN
            r := lot_reserver_une(p_magasins[1], p_produits[1], p_quantites[1],
                                  p_attendus[1], p_motifs[1], p_acteurs[1]);
        ELSE
            SELECT (f.r).statut, (f.r).emplacement, (f.r).etag, (f.r).detail,
                   (f.r).corps, f.magasin, f.produit
              INTO r.statut, r.emplacement, r.etag, r.detail, r.corps,
                   magasin, produit
              FROM lot_reclamer_une(p_produits[1], p_acteurs[1]) f;
        END IF;

        IF cle AND r.statut IS NOT NULL THEN
            PERFORM idempotence_fermer(p_acteurs[1], p_cles[1],
                                       p_empreintes[1], r);
        END IF;
    END IF;

    IF r.statut IS NOT NULL THEN
        RETURN NEXT ROW(r.statut, r.emplacement, r.etag, r.detail, r.corps,
                        1, false, magasin, NULL::text, NULL::text,
                        NULL::numeric, produit::text, NULL::boolean,
                        NULL::boolean)::lot_reponse;
        RETURN;
    END IF;

    RETURN QUERY
    SELECT *
      FROM lot_ecrire(p_genres, p_acteurs, p_cles, p_empreintes, p_magasins,
                      p_conditions, p_attendus, p_motifs, p_numeros,
                      p_produits, p_quantites, p_comptes, p_prix, p_noms,
                      p_categories, p_descriptions, p_archives, p_attendre);
END
$$;

GRANT EXECUTE ON FUNCTION lot_seul TO magasin_web;

-- As 020_comptages.sql has it, and what was there is looked at again.
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
              LEFT JOIN lieu_stock(d.magasin_id, p_produits) s
                ON s.produit = u.produit
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
           SET present = s.quantite
          FROM lieu_stock(d.magasin_id, p_produits) s
         WHERE l.comptage_id = d.id
           AND l.produit_id = s.produit
           AND l.present <> s.quantite;

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


-- As 017_ventes_periodes.sql has it, with what 018_reservations.sql has for it,
-- and in the order in which sales lock what both change: the stock, the sums of
-- the window, the hours and days.  Whoever makes a sale of last week by hand had
-- the sums, and waited for the hours, while this had the hours and waited for the
-- sums.
CREATE OR REPLACE FUNCTION entretien() RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    SET lock_timeout = '100ms'
AS $$
DECLARE
    encore  boolean;
    suite   boolean;
    heures  boolean;
    echues  boolean;
BEGIN
    -- One at a time is enough; the others have nothing to wait for.
    BEGIN
        LOCK TABLE public.entretien_tour IN EXCLUSIVE MODE NOWAIT;
    EXCEPTION
        WHEN lock_not_available THEN
            RETURN false;
    END;

    PERFORM journal_vie_commencer();

    -- Each leaves to the next call what somebody has locked.
    BEGIN
        PERFORM idempotence_vider(now());
    EXCEPTION
        WHEN lock_not_available THEN
            NULL;
    END;

    -- It fails as long as somebody reads the journal.  When it is done nobody
    -- writes before this ends.
    BEGIN
        IF journal_partager() THEN
            RETURN true;
        END IF;
    EXCEPTION
        WHEN lock_not_available THEN
            NULL;
    END;

    -- What takes long comes first, since sales wait for what the others lock.
    BEGIN
        PERFORM compte_reunir();
        suite := journal_reperer();
    EXCEPTION
        WHEN lock_not_available THEN
            suite := false;
    END;

    BEGIN
        echues := reservations_balayer();
    EXCEPTION
        WHEN lock_not_available THEN
            echues := false;
    END;

    BEGIN
        encore := cumul_avancer();
    EXCEPTION
        WHEN lock_not_available THEN
            encore := false;
    END;

    BEGIN
        heures := vente_periode_avancer();
    EXCEPTION
        WHEN lock_not_available THEN
            heures := false;
    END;

    RETURN encore OR suite OR heures OR echues;
END
$$;
