-- What a sale costs, continued.  A batch looked by index for rows that it had
-- locked already, read the conditions of triggers that did not fire, and had
-- statements with parts that mostly do nothing.

SET LOCAL ROLE magasin_owner;

-- In the order in which sales lock them.
LOCK TABLE stock_local, vente, ligne_vente IN ACCESS EXCLUSIVE MODE;


-- Whether a batch does not do itself what a trigger does (magasin.lot, as
-- 011_lot.sql has it).  PostgreSQL reads and prepares the condition of a
-- trigger for each statement, so that a call of one function is the cheapest
-- there is.  It is no function in SQL, which would be parsed into its place.
-- Who is allowed to write these tables besides their owner has to be allowed to
-- execute it.
CREATE FUNCTION hors_lot() RETURNS boolean
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN pg_catalog.current_setting('magasin.lot', true)
           IS DISTINCT FROM pg_catalog.pg_trigger_depth()::pg_catalog.text
        OR current_user <> 'magasin_owner';
END
$$;

-- So are those who were allowed to write when this came.
DO $$
DECLARE
    qui  text;
BEGIN
    FOR qui IN
        SELECT DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC'
                             ELSE a.grantee::regrole::text END
          FROM (SELECT relacl AS droits
                  FROM pg_class
                 WHERE oid IN ('stock_local'::regclass, 'vente'::regclass,
                               'ligne_vente'::regclass)
                 UNION ALL
                SELECT attacl
                  FROM pg_attribute
                 WHERE attrelid IN ('stock_local'::regclass, 'vente'::regclass,
                                    'ligne_vente'::regclass)) t
         CROSS JOIN LATERAL aclexplode(t.droits) a
         WHERE a.privilege_type IN ('INSERT', 'UPDATE')
           AND a.grantee <> 'magasin_owner'::regrole
    LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION hors_lot TO %s', qui);
    END LOOP;
END
$$;

DO $$
DECLARE
    t  record;
BEGIN
    FOR t IN
        SELECT *
          FROM (VALUES
            ('stock_local', 'compte_modification', 'UPDATE',
             'compte_stock_modification', true),
            ('stock_local', 'journal_mouvement_modification', 'UPDATE',
             'journal_mouvements', true),
            ('vente', 'journal_creation', 'INSERT', 'journal_ventes', true),
            ('vente', 'reference_creation', 'INSERT', 'reference_ventes',
             false),
            ('ligne_vente', 'journal_lignes_creation', 'INSERT',
             'journal_lignes', true),
            ('ligne_vente', 'cumul_creation', 'INSERT', 'cumul_creation',
             true),
            ('ligne_vente', 'compte_ajout', 'INSERT', 'compte_vente_changer',
             true),
            ('ligne_vente', 'periode_creation', 'INSERT',
             'vente_periode_creation', true),
            ('ligne_vente', 'reference_creation', 'INSERT',
             'reference_lignes', false)
          ) v (cible, nom, quand, fonction, toujours)
    LOOP
        EXECUTE format(
            'CREATE OR REPLACE TRIGGER %I AFTER %s ON %I REFERENCING %s'
            ' NEW TABLE AS nouvelles FOR EACH STATEMENT WHEN (%s)'
            ' EXECUTE FUNCTION %I()',
            t.nom, t.quand, t.cible,
            CASE t.quand WHEN 'UPDATE' THEN 'OLD TABLE AS anciennes'
                         ELSE '' END,
            CASE t.nom
                WHEN 'periode_creation'
                THEN 'hors_lot() OR current_setting(''magasin.lot_ancien'','
                     ' true) = ''oui'''
                ELSE 'hors_lot()' END,
            t.fonction);

        IF t.toujours THEN
            EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER %I', t.cible,
                           t.nom);
        END IF;
    END LOOP;
END
$$;


-- As 018_reservations.sql has it.  stocks, cumuls: with `aise` where
-- the rows of each line are, NULL where there is no sum yet, so that nobody
-- looks for them again.  They are locked, and stay there until this transaction
-- changes them.  What is enough for the last line of a place is enough for all
-- of them, so that `aise` needs running sums alone.
--
-- A batch that waits for this file is in the function that was there: it
-- returns to its caller after this, and must not be gone then.
ALTER FUNCTION lot_tenir(bigint[], bigint[], integer[], boolean, boolean,
                         boolean) RENAME TO lot_tenir_avant;
COMMENT ON FUNCTION lot_tenir_avant IS
    'nobody calls it; for batches that waited for 023_ventes.sql';

CREATE FUNCTION lot_tenir(p_produits bigint[], p_magasins bigint[],
                          p_quantites integer[], vendre boolean,
                          attendre boolean, marquer boolean,
                          OUT tenus_produits bigint[], OUT tenus_stock bigint[],
                          OUT tenus_cumuls bigint[],
                          OUT tenus_magasins bigint[], OUT aise boolean,
                          OUT tarifs numeric[], OUT restes bigint[],
                          OUT stocks tid[], OUT cumuls tid[])
    LANGUAGE plpgsql
AS $$
DECLARE
    retenus  bigint[];
BEGIN
    IF attendre THEN
        WITH p AS MATERIALIZED (
            SELECT p.id, p.prix, p.archive_le, u.magasin, u.quantite, u.rang
              FROM unnest(p_produits, p_magasins, p_quantites)
                   WITH ORDINALITY u (produit, magasin, quantite, rang)
              JOIN produit p ON p.id = u.produit
             ORDER BY p.id
               FOR KEY SHARE OF p
        ), s AS MATERIALIZED (
            SELECT s.ctid AS stock, s.id, s.magasin_id, s.produit_id,
                   s.quantite, s.retenu, p.quantite AS voulue, p.rang, p.prix,
                   p.archive_le
              FROM p
              JOIN stock_local s ON s.magasin_id = p.magasin
                                AND s.produit_id = p.id
             ORDER BY s.produit_id, s.magasin_id
               FOR UPDATE OF s
        ), m AS MATERIALIZED (
            SELECT id, ouvert
              FROM magasin
             WHERE id = ANY (p_magasins)
               AND (SELECT count(*) FROM s) >= 0
             ORDER BY id
               FOR KEY SHARE
        ), c AS MATERIALIZED (
            SELECT s.*, c.ctid AS cumul
              FROM s
              JOIN cumul_vente c ON c.magasin_id = s.magasin_id
                                AND c.produit_id = s.produit_id
             WHERE vendre
               AND (SELECT count(*) FROM m) >= 0
             ORDER BY c.magasin_id, c.produit_id
               FOR NO KEY UPDATE OF c
        )
        SELECT ARRAY(SELECT id FROM p), ARRAY(SELECT id FROM s),
               t.tenus, ARRAY(SELECT id FROM m),
               t.assez = cardinality(p_produits)
               AND (SELECT count(*) FILTER (WHERE ouvert) FROM m)
                   = (SELECT count(DISTINCT magasin)
                        FROM unnest(p_magasins) u (magasin))
               AND t.toute < 10000,
               t.tarifs, t.restes, t.retenus, t.stocks, t.cumuls
          INTO tenus_produits, tenus_stock, tenus_cumuls, tenus_magasins,
               aise, tarifs, restes, retenus, stocks, cumuls
          FROM (
            SELECT count(*) FILTER (WHERE archive_le IS NULL
                                    AND quantite - retenu >= deja) AS assez,
                   coalesce(array_agg(id), '{}') AS tenus,
                   sum(voulue) AS toute, array_agg(prix) AS tarifs,
                   array_agg(quantite - deja) AS restes,
                   array_agg(id) FILTER (WHERE retenu > 0) AS retenus,
                   array_agg(stock) AS stocks, array_agg(cumul) AS cumuls
              FROM (
                SELECT *, sum(voulue) OVER (PARTITION BY produit_id, magasin_id
                                            ORDER BY rang
                                            ROWS UNBOUNDED PRECEDING) AS deja
                  FROM (
                    SELECT * FROM c
                     UNION ALL
                    SELECT s.*, NULL
                      FROM s
                     WHERE (SELECT count(*) FROM c) < (SELECT count(*) FROM s)
                       AND (NOT vendre
                            OR NOT EXISTS (
                                SELECT
                                  FROM cumul_vente c
                                 WHERE c.magasin_id = s.magasin_id
                                   AND c.produit_id = s.produit_id))
                  ) l
                 ORDER BY rang
              ) l
          ) t;
    ELSE
        WITH p AS MATERIALIZED (
            SELECT p.id, p.prix, p.archive_le, u.magasin, u.quantite, u.rang
              FROM unnest(p_produits, p_magasins, p_quantites)
                   WITH ORDINALITY u (produit, magasin, quantite, rang)
              JOIN produit p ON p.id = u.produit
             ORDER BY p.id
               FOR KEY SHARE OF p SKIP LOCKED
        ), s AS MATERIALIZED (
            SELECT s.ctid AS stock, s.id, s.magasin_id, s.produit_id,
                   s.quantite, s.retenu, p.quantite AS voulue, p.rang, p.prix,
                   p.archive_le
              FROM p
              JOIN stock_local s ON s.magasin_id = p.magasin
                                AND s.produit_id = p.id
             ORDER BY s.produit_id, s.magasin_id
               FOR UPDATE OF s SKIP LOCKED
        ), m AS MATERIALIZED (
            SELECT id, ouvert
              FROM magasin
             WHERE id = ANY (p_magasins)
               AND (SELECT count(*) FROM s) >= 0
             ORDER BY id
               FOR KEY SHARE SKIP LOCKED
        ), c AS MATERIALIZED (
            SELECT s.*, c.ctid AS cumul
              FROM s
              JOIN cumul_vente c ON c.magasin_id = s.magasin_id
                                AND c.produit_id = s.produit_id
             WHERE vendre
               AND (SELECT count(*) FROM m) >= 0
             ORDER BY c.magasin_id, c.produit_id
               FOR NO KEY UPDATE OF c SKIP LOCKED
        )
        SELECT ARRAY(SELECT id FROM p), ARRAY(SELECT id FROM s),
               t.tenus, ARRAY(SELECT id FROM m),
               t.assez = cardinality(p_produits)
               AND (SELECT count(*) FILTER (WHERE ouvert) FROM m)
                   = (SELECT count(DISTINCT magasin)
                        FROM unnest(p_magasins) u (magasin))
               AND t.toute < 10000,
               t.tarifs, t.restes, t.retenus, t.stocks, t.cumuls
          INTO tenus_produits, tenus_stock, tenus_cumuls, tenus_magasins,
               aise, tarifs, restes, retenus, stocks, cumuls
          FROM (
            SELECT count(*) FILTER (WHERE archive_le IS NULL
                                    AND quantite - retenu >= deja) AS assez,
                   coalesce(array_agg(id), '{}') AS tenus,
                   sum(voulue) AS toute, array_agg(prix) AS tarifs,
                   array_agg(quantite - deja) AS restes,
                   array_agg(id) FILTER (WHERE retenu > 0) AS retenus,
                   array_agg(stock) AS stocks, array_agg(cumul) AS cumuls
              FROM (
                SELECT *, sum(voulue) OVER (PARTITION BY produit_id, magasin_id
                                            ORDER BY rang
                                            ROWS UNBOUNDED PRECEDING) AS deja
                  FROM (
                    SELECT * FROM c
                     UNION ALL
                    SELECT s.*, NULL
                      FROM s
                     WHERE (SELECT count(*) FROM c) < (SELECT count(*) FROM s)
                       AND (NOT vendre
                            OR NOT EXISTS (
                                SELECT
                                  FROM cumul_vente c
                                 WHERE c.magasin_id = s.magasin_id
                                   AND c.produit_id = s.produit_id))
                  ) l
                 ORDER BY rang
              ) l
          ) t;
    END IF;

    IF retenus IS NOT NULL AND (marquer OR NOT coalesce(aise, false))
       AND retenues_echoir(retenus)
    THEN
        aise := false;
    END IF;
END
$$;

-- As 018_reservations.sql has it.  p_stocks, p_cumuls: as lot_tenir() has them;
-- NULL: they are looked for.
DROP FUNCTION lot_vendre_ecrire(integer[], bigint[], bigint[], integer[],
                                numeric[], numeric[], bigint[], text[],
                                bigint[], boolean);

CREATE FUNCTION lot_vendre_ecrire(p_numeros integer[], p_magasins bigint[],
                                  p_produits bigint[], p_quantites integer[],
                                  p_prix numeric[], p_tarifs numeric[],
                                  p_restes bigint[], p_acteurs text[],
                                  p_ids bigint[], p_reclamer boolean,
                                  p_stocks tid[] DEFAULT NULL,
                                  p_cumuls tid[] DEFAULT NULL,
                                  OUT faites reponse[],
                                  OUT numeros integer[])
    LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    contexte  text;
    juste     boolean;
BEGIN
    contexte := lot_commencer();

    -- What was never sold there has no sum yet.
    IF p_cumuls IS NULL OR array_position(p_cumuls, NULL) IS NOT NULL THEN
        INSERT INTO cumul_vente (magasin_id, produit_id, quantite, total,
                                 recente, premiere)
        SELECT DISTINCT u.magasin, u.produit, 0, 0, 0, 9223372036854775807
          FROM unnest(p_magasins, p_produits) u (magasin, produit)
         WHERE NOT EXISTS (
            SELECT
              FROM cumul_vente c
             WHERE c.magasin_id = u.magasin AND c.produit_id = u.produit)
         ORDER BY u.magasin, u.produit
        ON CONFLICT DO NOTHING;

        -- Somebody else may have made one of them meanwhile: it stays where it
        -- is, too.
        PERFORM FROM unnest(p_magasins, p_produits) u (magasin, produit)
          JOIN cumul_vente c ON c.magasin_id = u.magasin
                            AND c.produit_id = u.produit
         ORDER BY c.magasin_id, c.produit_id
           FOR NO KEY UPDATE OF c;

        SELECT array_agg(s.ctid ORDER BY u.rang),
               array_agg(c.ctid ORDER BY u.rang)
          INTO p_stocks, p_cumuls
          FROM unnest(p_magasins, p_produits)
               WITH ORDINALITY u (magasin, produit, rang)
          LEFT JOIN stock_local s ON s.magasin_id = u.magasin
                                 AND s.produit_id = u.produit
          LEFT JOIN cumul_vente c ON c.magasin_id = u.magasin
                                 AND c.produit_id = u.produit;
    END IF;

    WITH d AS MATERIALIZED (
        SELECT *, quantite * prix AS montant,
               nextval('ligne_vente_id_seq') AS ligne
          FROM (
            SELECT u.n, u.magasin, u.produit, sum(u.quantite)::integer
                       AS quantite,
                   coalesce(u.prix, u.tarif)::numeric(10,2) AS prix,
                   min(u.reste)::integer AS reste, min(u.rang) AS rang,
                   min(u.stock) AS stock, min(u.cumul) AS cumul
              FROM unnest(p_numeros, p_magasins, p_produits, p_quantites,
                          p_prix, p_tarifs, p_restes, p_stocks, p_cumuls)
                   WITH ORDINALITY u (n, magasin, produit, quantite, prix,
                                      tarif, reste, stock, cumul, rang)
             GROUP BY u.n, u.magasin, u.produit, 5
             ORDER BY min(u.rang)
          ) d
    ), v AS MATERIALIZED (
        SELECT n, p_ids[n] AS id, magasin, sum(montant) AS total,
               string_agg(ligne_corps(produit, quantite, prix), ','
                          ORDER BY rang) AS lignes
          FROM d
         GROUP BY n, magasin
         ORDER BY n
    ), places AS MATERIALIZED (
        SELECT magasin, produit, sum(quantite)::integer AS quantite,
               sum(montant) AS total, min(ligne) AS premiere,
               min(reste) AS reste, min(stock) AS stock,
               min(cumul) AS cumul
          FROM d
         GROUP BY magasin, produit
         ORDER BY magasin, produit
    ), stock AS (
        UPDATE stock_local s
           SET quantite = s.quantite - p.quantite,
               retenu = s.retenu - CASE WHEN p_reclamer THEN p.quantite
                                   ELSE 0 END
          FROM places p
         WHERE s.ctid = p.stock
        RETURNING s.quantite = p.reste AS juste
    ), lignes AS (
        INSERT INTO ligne_vente (id, vente_id, produit_id, quantite,
                                 prix_unitaire)
        SELECT ligne, p_ids[n], produit, quantite, prix FROM d
    ), ventes AS (
        INSERT INTO vente (id, magasin_id, total)
        SELECT id, magasin, total FROM v
    ), mouvements AS (
        INSERT INTO journal (type, magasin_id, produit_id, delta, quantite,
                             acteur, reference, motif)
        SELECT type, magasin, produit, delta, reste,
               coalesce(nullif(p_acteurs[n], ''), session_user),
               'vente/' || p_ids[n], NULL
          FROM (
            SELECT 'vente_creation' AS type, n, magasin,
                   NULL::bigint AS produit, NULL::integer AS delta,
                   NULL::integer AS reste, 0::bigint AS rang
              FROM v
             UNION ALL
            SELECT 'vente', n, magasin, produit, -sum(quantite)::integer,
                   min(reste), min(rang)
              FROM d
             GROUP BY n, magasin, produit
          ) m
         ORDER BY rang, n
    ), cumuls AS (
        UPDATE cumul_vente c
           SET quantite = c.quantite + p.quantite,
               total = c.total + p.total,
               recente = c.recente + p.quantite,
               premiere = least(c.premiere, p.premiere)
          FROM places p
         WHERE c.ctid = p.cumul
        RETURNING true AS juste
    ), comptes AS (
        INSERT INTO compte_vente (unites, total)
        SELECT sum(quantite), sum(total) FROM places
    )
    SELECT array_agg(ROW(201, '/api/v1/sales/' || id || '/', NULL, NULL,
                         vente_corps(id, magasin, now(), total,
                                     lignes))::reponse),
           array_agg(n),
           (SELECT count(*) FILTER (WHERE juste)
              FROM (SELECT juste FROM stock
                     UNION ALL
                    SELECT juste FROM cumuls) c)
           = 2 * (SELECT count(*) FROM places)
      INTO faites, numeros, juste
      FROM v;

    IF 10 >= ANY (p_restes) THEN
        INSERT INTO compte_stock (magasin_id, lignes, ruptures, surstock)
        SELECT magasin, 0, count(*) FILTER (WHERE reste = 0),
               -count(*) FILTER (WHERE reste + quantite > 10)
          FROM (
            SELECT u.magasin, u.produit, sum(u.quantite) AS quantite,
                   min(u.reste) AS reste
              FROM unnest(p_magasins, p_produits, p_quantites, p_restes)
                   u (magasin, produit, quantite, reste)
             GROUP BY u.magasin, u.produit
          ) places
         WHERE reste = 0 OR (reste <= 10 AND reste + quantite > 10)
         GROUP BY magasin;
    END IF;

    contexte := lot_finir(juste);
END
$$;

-- As 018_reservations.sql has it.  p_stocks, p_cumuls: as lot_tenir() has them;
-- a batch that waited for this file has none.
DROP FUNCTION lot_vendre(lot, boolean, bigint[], bigint[], bigint[], boolean[],
                         text[], bigint[], integer[], bigint[], integer[],
                         numeric[], bigint[], numeric[], bigint[], boolean[],
                         integer[], text[]);

CREATE FUNCTION lot_vendre(INOUT l lot, aise boolean, tenus_stock bigint[],
                           tenus_produits bigint[], tenus_magasins bigint[],
                           p_ventes boolean[], p_acteurs text[],
                           p_magasins bigint[], p_numeros integer[],
                           p_produits bigint[], p_quantites integer[],
                           p_prix numeric[], p_places bigint[],
                           p_tarifs numeric[], p_restes bigint[],
                           p_reserves boolean[], p_durees integer[],
                           p_references text[],
                           p_stocks tid[] DEFAULT NULL,
                           p_cumuls tid[] DEFAULT NULL)
    LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    nombre     integer := cardinality(p_ventes);
    libres     boolean[] := l.libres;
    reponses   reponse[] := l.reponses;
    gardees    boolean[] := l.gardees;
    oui        boolean[] := array_fill(false, ARRAY[nombre]);
    sures      integer[];
    autres     integer[];
    valides    boolean[];
    trop       boolean[];
    n          integer;
    magasins   bigint[];
    produits   bigint[];
    restes     bigint[];
    demandes   bigint[];
    lui        bigint[];
    combien    integer[];
    places     integer[];
    k          integer;
    r          reponse;
    ids        bigint[];
    fait       record;
    reserver   boolean := false;
BEGIN
    IF aise AND false <> ALL (p_ventes) THEN
        oui := libres;
    ELSIF aise THEN
        FOR i IN 1 .. nombre LOOP
            oui[i] := libres[i] AND p_ventes[i];
        END LOOP;
    ELSE
        -- sure: there is enough for everybody.  valide: only the quantities,
        -- or the total, can be wrong with it.
        SELECT array_agg(c.n ORDER BY c.n) FILTER (WHERE c.sure),
               array_agg(c.n ORDER BY c.n) FILTER (WHERE NOT c.sure),
               array_agg(c.valide ORDER BY c.n) FILTER (WHERE NOT c.sure),
               array_agg(c.total >= 1000000000000 ORDER BY c.n)
                   FILTER (WHERE NOT c.sure)
          INTO sures, autres, valides, trop
          FROM (
            SELECT v.n, v.total,
                   v.valide AND coalesce(m.ouvert, false) AS valide,
                   v.valide AND v.assez AND v.total < 1000000000000
                   AND coalesce(m.ouvert, false) AS sure
              FROM (
                SELECT d.n, d.magasin,
                       sum(d.quantite * coalesce(d.prix, p.prix)::numeric(10,2))
                           AS total,
                       bool_and((p.id IS NULL OR p.id = ANY (tenus_produits))
                                AND (s.id IS NULL OR s.id = ANY (tenus_stock)))
                           AS tenue,
                       bool_and(NOT coalesce(p.archive, true)) AS valide,
                       bool_and(coalesce(s.quantite >= d.toute, false)) AS assez
                  FROM (
                    SELECT u.n, u.produit, u.quantite, u.prix,
                           p_magasins[u.n] AS magasin,
                           sum(u.quantite) OVER (
                               PARTITION BY u.produit, p_magasins[u.n]) AS toute
                      FROM unnest(p_numeros, p_produits, p_quantites, p_prix)
                           u (n, produit, quantite, prix)
                     WHERE p_ventes[u.n] AND libres[u.n]
                  ) d
                  LEFT JOIN LATERAL (
                    SELECT id, prix, archive_le IS NOT NULL AS archive
                      FROM produit
                     WHERE id = d.produit
                    OFFSET 0
                  ) p ON true
                  LEFT JOIN LATERAL (
                    SELECT id, quantite - retenu AS quantite
                      FROM stock_local
                     WHERE magasin_id = d.magasin AND produit_id = d.produit
                    OFFSET 0
                  ) s ON true
                 GROUP BY d.n, d.magasin
              ) v
              LEFT JOIN LATERAL (
                SELECT id, ouvert FROM magasin WHERE id = v.magasin OFFSET 0
              ) m ON true
             WHERE v.tenue
               AND (m.id IS NULL OR m.id = ANY (tenus_magasins))
          ) c;

        FOREACH n IN ARRAY coalesce(sures, '{}') LOOP
            oui[n] := true;
        END LOOP;
    END IF;

    IF autres IS NOT NULL THEN
        -- What there is, of the places that they want and that are locked.
        SELECT array_agg(s.magasin_id), array_agg(s.produit_id),
               array_agg(greatest(s.quantite - s.retenu, 0)::bigint)
          INTO magasins, produits, restes
          FROM (SELECT DISTINCT p_magasins[u.n] AS magasin, u.produit
                  FROM unnest(p_numeros, p_produits) u (n, produit)
                 WHERE u.n = ANY (autres)) d
         CROSS JOIN LATERAL (
            SELECT magasin_id, produit_id, quantite, retenu
              FROM stock_local
             WHERE magasin_id = d.magasin AND produit_id = d.produit
               AND id = ANY (tenus_stock)
            OFFSET 0
          ) s;
    END IF;

    FOR i IN 1 .. coalesce(cardinality(autres), 0) LOOP
        n := autres[i];

        SELECT array_agg(u.produit ORDER BY u.rang),
               array_agg(u.quantite ORDER BY u.rang)
          INTO lui, combien
          FROM unnest(p_numeros, p_produits, p_quantites)
               WITH ORDINALITY u (n, produit, quantite, rang)
         WHERE u.n = autres[i];

        r := lot_refus(p_magasins[n], lui, combien, magasins, produits,
                       restes);

        IF r.statut IS NULL AND valides[i] AND trop[i] THEN
            r := repondre(400, NULL, NULL, NULL,
                          '{"lignes":["Le total dépasserait '
                          '999999999999.99."]}');
        END IF;

        IF r.statut IS NOT NULL THEN
            libres[n] := false;
            gardees[n] := true;
            reponses[n] := r;

        ELSIF valides[i] THEN
            places := '{}';

            FOR j IN 1 .. cardinality(lui) LOOP
                FOR k IN 1 .. coalesce(cardinality(restes), 0) LOOP
                    IF produits[k] = lui[j] AND magasins[k] = p_magasins[n]
                    THEN
                        places[j] := k;
                    END IF;
                END LOOP;
            END LOOP;

            -- A row that came after the locks is nothing to sell from.
            CONTINUE WHEN cardinality(array_remove(places, NULL))
                          < cardinality(lui);

            oui[n] := true;

            FOR j IN 1 .. cardinality(lui) LOOP
                k := places[j];
                restes[k] := restes[k] - combien[j];
            END LOOP;
        END IF;
    END LOOP;

    IF p_reserves IS NOT NULL THEN
        SELECT bool_or(u.oui AND u.reserve)
          INTO reserver
          FROM unnest(oui, p_reserves) u (oui, reserve);
    END IF;

    IF reserver THEN
        aise := false;
        ids := array_fill(0, ARRAY[nombre]);

        FOR i IN 1 .. nombre LOOP
            IF oui[i] AND p_reserves[i] THEN
                ids[i] := nextval('reservation_id_seq');
            END IF;
        END LOOP;

        SELECT array_agg(u.n), array_agg(p_magasins[u.n]),
               array_agg(u.produit), array_agg(u.quantite)
          INTO places, magasins, produits, combien
          FROM unnest(p_numeros, p_produits, p_quantites)
               u (n, produit, quantite)
         WHERE oui[u.n] AND p_reserves[u.n];

        fait := lot_reserver_ecrire(places, magasins, produits, combien,
                                    p_acteurs, p_durees, p_references, ids);

        FOR i IN 1 .. cardinality(fait.numeros) LOOP
            n := fait.numeros[i];
            oui[n] := false;
            libres[n] := false;
            gardees[n] := true;
            reponses[n] := fait.faites[i];
        END LOOP;
    END IF;

    IF true <> ALL (oui) THEN
        l := ROW(libres, reponses, gardees);
        RETURN;
    END IF;

    IF NOT aise THEN
        p_stocks := NULL;
        p_cumuls := NULL;

        SELECT array_agg(n), array_agg(magasin), array_agg(produit),
               array_agg(quantite), array_agg(prix), array_agg(tarif),
               array_agg(reste)
          INTO p_numeros, p_places, p_produits, p_quantites, p_prix, p_tarifs,
               p_restes
          FROM (
            SELECT u.n, u.magasin, u.produit, u.quantite, u.prix,
                   p.prix AS tarif,
                   s.quantite
                   - sum(u.quantite) OVER (PARTITION BY u.produit, u.magasin
                                           ORDER BY u.rang
                                           ROWS UNBOUNDED PRECEDING) AS reste
              FROM (
                SELECT v.*, p_magasins[v.n] AS magasin
                  FROM unnest(p_numeros, p_produits, p_quantites, p_prix)
                       WITH ORDINALITY v (n, produit, quantite, prix, rang)
                 WHERE oui[v.n]
              ) u
             CROSS JOIN LATERAL (
                SELECT prix FROM produit WHERE id = u.produit OFFSET 0
              ) p
             CROSS JOIN LATERAL (
                SELECT quantite
                  FROM stock_local
                 WHERE magasin_id = u.magasin AND produit_id = u.produit
                OFFSET 0
              ) s
             ORDER BY u.rang
          ) u;
    END IF;

    -- In their order, and none for the others.
    ids := ARRAY(
        SELECT CASE WHEN u.oui THEN nextval('vente_id_seq') END
          FROM unnest(oui) u (oui));

    fait := lot_vendre_ecrire(p_numeros, p_places, p_produits, p_quantites,
                              p_prix, p_tarifs, p_restes, p_acteurs, ids,
                              false, p_stocks, p_cumuls);

    IF cardinality(fait.numeros) = nombre THEN
        l := ROW(array_fill(false, ARRAY[nombre]), fait.faites, oui);
        RETURN;
    END IF;

    FOR i IN 1 .. cardinality(fait.numeros) LOOP
        n := fait.numeros[i];
        libres[n] := false;
        gardees[n] := true;
        reponses[n] := fait.faites[i];
    END LOOP;

    l := ROW(libres, reponses, gardees);
END
$$;

-- As 018_reservations.sql has it; the locks of the keys are taken at once.
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
    RETURNS SETOF lot_reponse
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
    tenus        record;
    c            record;
    r            reponse;
BEGIN
    -- One sale alone, as it mostly is when there is little to do: without all
    -- that follows.
    IF nombre = 1 AND NOT p_attendre AND p_genres[1] = 'vente'
       AND cardinality(p_produits) <= 50
       AND p_conditions[1] IS NULL AND p_archives[1] IS NULL
    THEN
        IF cles THEN
            r := idempotence_ouvrir(p_acteurs[1], p_cles[1], p_empreintes[1]);
        END IF;

        IF r.statut IS NULL THEN
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
    ELSE
        SELECT array_agg(u.genre IN ('vente', 'reservation') ORDER BY u.n),
               array_agg(u.genre = 'ajustement' ORDER BY u.n),
               array_agg(u.genre = 'prix' ORDER BY u.n),
               array_agg(u.genre = 'reservation' ORDER BY u.n),
               array_agg(u.genre = 'reclamation' ORDER BY u.n)
          INTO ventes, ajustements, changements, reserves, reclames
          FROM unnest(p_genres) WITH ORDINALITY u (genre, n);
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
    ELSE
        SELECT array_agg(u.n), array_agg(u.produit), array_agg(p_magasins[u.n]),
               array_agg(u.quantite), array_agg(u.prix)
          INTO numeros, produits, magasins, quantites, prix
          FROM unnest(p_numeros, p_produits, p_quantites, p_prix)
               u (n, produit, quantite, prix)
         WHERE l.libres[u.n] AND NOT changements[u.n]
           AND NOT coalesce(reclames[u.n], false);
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
    SELECT (u.r).statut, (u.r).emplacement, (u.r).etag, (u.r).detail,
           (u.r).corps, u.n::integer, u.libre OR u.n = ANY (doublons),
           (u.f).id, (u.f).nom,
           (u.f).categorie, (u.f).prix, (u.f).description, (u.f).concorde,
           (u.f).renomme
      FROM (SELECT n, l.libres[n] AS libre, l.reponses[n] AS r, fiches[n] AS f
              FROM generate_series(1, nombre) n) u;
END
$$;
