-- What a batch costs beside its rows, and what a price costs.  PostgreSQL
-- prepares each aggregate of a statement anew in each run, at some 15,000
-- instructions; a list of what is there does the same for a third of them.

SET LOCAL ROLE magasin_owner;

-- As 023_ventes.sql has it.  A list is made of all rows of its part, so that
-- asking for it ends the locks of that part before the next.
CREATE OR REPLACE FUNCTION lot_tenir(p_produits bigint[], p_magasins bigint[],
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
               AND cardinality(ARRAY(SELECT id FROM s)) >= 0
             ORDER BY id
               FOR KEY SHARE
        ), c AS MATERIALIZED (
            SELECT s.*, c.ctid AS cumul
              FROM s
              JOIN cumul_vente c ON c.magasin_id = s.magasin_id
                                AND c.produit_id = s.produit_id
             WHERE vendre
               AND cardinality(ARRAY(SELECT id FROM m)) >= 0
             ORDER BY c.magasin_id, c.produit_id
               FOR NO KEY UPDATE OF c
        )
        SELECT ARRAY(SELECT id FROM p), ARRAY(SELECT id FROM s),
               t.tenus, ARRAY(SELECT id FROM m),
               t.assez = cardinality(p_produits)
               AND cardinality(ARRAY(SELECT id FROM m WHERE ouvert))
                   = cardinality(ARRAY(SELECT DISTINCT magasin
                                         FROM unnest(p_magasins) u (magasin)))
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
                     WHERE cardinality(ARRAY(SELECT id FROM c))
                           < cardinality(ARRAY(SELECT id FROM s))
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
               AND cardinality(ARRAY(SELECT id FROM s)) >= 0
             ORDER BY id
               FOR KEY SHARE SKIP LOCKED
        ), c AS MATERIALIZED (
            SELECT s.*, c.ctid AS cumul
              FROM s
              JOIN cumul_vente c ON c.magasin_id = s.magasin_id
                                AND c.produit_id = s.produit_id
             WHERE vendre
               AND cardinality(ARRAY(SELECT id FROM m)) >= 0
             ORDER BY c.magasin_id, c.produit_id
               FOR NO KEY UPDATE OF c SKIP LOCKED
        )
        SELECT ARRAY(SELECT id FROM p), ARRAY(SELECT id FROM s),
               t.tenus, ARRAY(SELECT id FROM m),
               t.assez = cardinality(p_produits)
               AND cardinality(ARRAY(SELECT id FROM m WHERE ouvert))
                   = cardinality(ARRAY(SELECT DISTINCT magasin
                                         FROM unnest(p_magasins) u (magasin)))
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
                     WHERE cardinality(ARRAY(SELECT id FROM c))
                           < cardinality(ARRAY(SELECT id FROM s))
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


-- As 023_ventes.sql has it.
CREATE OR REPLACE FUNCTION lot_vendre_ecrire(p_numeros integer[],
                                             p_magasins bigint[],
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
        RETURNING s.id, s.quantite = p.reste AS juste
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
        RETURNING c.produit_id AS id
    ), comptes AS (
        INSERT INTO compte_vente (unites, total)
        SELECT sum(quantite), sum(total) FROM places
    )
    SELECT ARRAY(SELECT ROW(201, '/api/v1/sales/' || id || '/', NULL, NULL,
                            vente_corps(id, magasin, now(), total,
                                        lignes))::reponse
                   FROM v),
           ARRAY(SELECT n FROM v),
           cardinality(ARRAY(SELECT id FROM stock WHERE juste))
           + cardinality(ARRAY(SELECT id FROM cumuls))
           = 2 * cardinality(ARRAY(SELECT premiere FROM places))
      INTO faites, numeros, juste;

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


-- Changes of prices alone and without conditions, as lot_tarifer() does them
-- one after another: one statement for all of them, which writes their rows of
-- the journal, too.  The trigger, called for each row, was half of what they
-- cost.
-- Of several prices for one product each is told, and the last one is written,
-- so that all have to be prices.  produits: those of all changes.
CREATE FUNCTION lot_changer_prix(INOUT l lot, OUT fiches lot_reponse[],
                                 p_changements boolean[], p_acteurs text[],
                                 p_numeros integer[], p_produits bigint[],
                                 p_prix numeric[], produits bigint[],
                                 attendre boolean)
    LANGUAGE plpgsql
AS $$
DECLARE
    nombre     integer := cardinality(p_changements);
    libres     boolean[] := l.libres;
    reponses   reponse[] := l.reponses;
    bien       reponse := repondre(200, NULL, NULL, NULL, NULL);
    rien       reponse := repondre(404, NULL, NULL, NULL, NULL);
    tenus      tid[];
    contexte   text := set_config('magasin.lot', 'produits', true);
    faits      integer := 0;
    c          record;
BEGIN
    fiches := array_fill(NULL::lot_reponse, ARRAY[nombre]);

    IF attendre THEN
        tenus := ARRAY(SELECT ctid
                         FROM produit
                        WHERE id = ANY (produits)
                        ORDER BY id
                          FOR NO KEY UPDATE);
    ELSE
        tenus := ARRAY(SELECT ctid
                         FROM produit
                        WHERE id = ANY (produits)
                        ORDER BY id
                          FOR NO KEY UPDATE SKIP LOCKED);
    END IF;

    FOR c IN
        WITH u AS MATERIALIZED (
            SELECT v.n, p.ctid AS place, p.id, p.nom, p.categorie,
                   p.description, v.prix::numeric(10,2) AS prix,
                   lag(v.prix::numeric(10,2), 1, p.prix) OVER w AS ancien,
                   lead(v.n) OVER w IS NULL AS derniere
              FROM produit p
              JOIN unnest(p_numeros, p_produits, p_prix) v (n, produit, prix)
                ON v.produit = p.id
             WHERE p.ctid = ANY (tenus) AND p.archive_le IS NULL
               AND p_changements[v.n]
            WINDOW w AS (PARTITION BY v.produit ORDER BY v.n)
        ), fait AS (
            UPDATE produit p
               SET prix = u.prix
              FROM u
             WHERE p.ctid = u.place AND u.derniere
            RETURNING u.n, u.ancien, p.id, p.nom, p.categorie, p.prix,
                      p.description
        ), f AS MATERIALIZED (
            SELECT * FROM fait
             UNION ALL
            SELECT n, ancien, id, nom, categorie, prix, description
              FROM u
             WHERE NOT derniere
        ), mouvements AS (
            INSERT INTO journal (type, produit_id, acteur, reference, motif,
                                 details)
            SELECT 'produit_modification', id,
                   coalesce(nullif(p_acteurs[n], ''), session_user),
                   'produit/' || id, NULL,
                   jsonb_build_object('prix',
                                      jsonb_build_array(ancien::text,
                                                        prix::text))
              FROM f
             WHERE ancien <> prix
             ORDER BY n
        )
        SELECT * FROM f
    LOOP
        libres[c.n] := false;
        reponses[c.n] := bien;
        fiches[c.n] := ROW(NULL, NULL, NULL, NULL, NULL, NULL, NULL, c.id,
                           c.nom, c.categorie, c.prix, c.description, true,
                           false)::lot_reponse;
        faits := faits + 1;
    END LOOP;

    contexte := set_config('magasin.lot', '', true);

    IF faits < cardinality(produits) THEN
        FOR c IN
            SELECT v.n
              FROM unnest(p_numeros, p_produits) v (n, produit)
             WHERE p_changements[v.n] AND libres[v.n]
               AND (attendre
                    OR NOT EXISTS (
                        SELECT
                          FROM produit
                         WHERE id = v.produit AND archive_le IS NULL
                        OFFSET 0))
        LOOP
            libres[c.n] := false;
            reponses[c.n] := rien;
        END LOOP;
    END IF;

    l := ROW(libres, reponses, l.gardees);
END
$$;


-- As 011_lot.sql has it.
CREATE OR REPLACE FUNCTION lot_tarifer(INOUT l lot, OUT fiches lot_reponse[],
                            p_changements boolean[], p_acteurs text[],
                            p_conditions text[], p_numeros integer[],
                            p_produits bigint[], p_prix numeric[],
                            p_noms text[], p_categories text[],
                            p_descriptions text[], p_archives boolean[],
                            attendre boolean)
    LANGUAGE plpgsql
AS $$
DECLARE
    contexte  text;
    produits  bigint[];
    tenus     bigint[];
    g         record;
    c         record;
    statut    integer;
BEGIN
    IF cardinality(array_remove(p_conditions, NULL)) = 0
       AND cardinality(array_remove(p_archives, NULL)) = 0
       AND cardinality(array_remove(p_noms, NULL)) = 0
       AND cardinality(array_remove(p_categories, NULL)) = 0
       AND cardinality(array_remove(p_descriptions, NULL)) = 0
    THEN
        produits := ARRAY(SELECT u.produit
                            FROM unnest(p_numeros, p_produits, p_prix)
                                 u (n, produit, prix)
                           WHERE p_changements[u.n] AND u.prix >= 0
                             AND u.prix <> 'NaN');

        IF cardinality(produits)
           = cardinality(array_positions(p_changements, true))
        THEN
            c := lot_changer_prix(l, p_changements, p_acteurs, p_numeros,
                                  p_produits, p_prix, produits, attendre);
            l := c.l;
            fiches := c.fiches;
            RETURN;
        END IF;
    END IF;

    SELECT array_agg(u.produit)
      INTO produits
      FROM unnest(p_numeros, p_produits) u (n, produit)
     WHERE p_changements[u.n];

    IF attendre THEN
        tenus := ARRAY(SELECT p.id
                         FROM produit p
                        WHERE p.id = ANY (produits)
                        ORDER BY p.id
                          FOR NO KEY UPDATE);
    ELSE
        tenus := ARRAY(SELECT p.id
                         FROM produit p
                        WHERE p.id = ANY (produits)
                        ORDER BY p.id
                          FOR NO KEY UPDATE SKIP LOCKED);
    END IF;

    fiches := array_fill(NULL::lot_reponse, ARRAY[cardinality(p_changements)]);

    FOR g IN
        SELECT u.rang, u.acteur, array_agg(u.n ORDER BY u.n) AS numeros,
               array_agg(u.produit ORDER BY u.n) AS produits,
               array_agg(u.prix ORDER BY u.n) AS prix
          FROM (SELECT v.n, v.produit, v.prix, p_acteurs[v.n] AS acteur,
                       row_number() OVER (PARTITION BY v.produit
                                          ORDER BY v.n) AS rang
                  FROM unnest(p_numeros, p_produits, p_prix)
                       v (n, produit, prix)
                 WHERE p_changements[v.n]) u
         GROUP BY u.rang, u.acteur
         ORDER BY u.rang, min(u.n)
    LOOP
        contexte := contexte_poser('', g.acteur, '', '');

        FOR c IN
            WITH u AS MATERIALIZED (
                SELECT u.n, u.prix, p_archives[u.n] AS archive, a.id, a.nom,
                       a.categorie, a.prix AS ancien, a.description,
                       a.archive_le IS NULL OR NOT p_archives[u.n] AS vivant,
                       p_conditions[u.n] IS NULL OR p_conditions[u.n] = '*'
                       OR produit_etag(a.nom, a.categorie, a.prix,
                                       a.description)
                          = ANY (string_to_array(p_conditions[u.n], ','))
                       AS concorde
                  FROM unnest(g.numeros, g.produits, g.prix)
                       u (n, produit, prix)
                  LEFT JOIN LATERAL (
                    SELECT * FROM produit WHERE id = u.produit OFFSET 0
                  ) a ON true
            ), fait AS (
                UPDATE produit p
                   SET nom = coalesce(p_noms[u.n], p.nom),
                       categorie = coalesce(p_categories[u.n], p.categorie),
                       prix = coalesce(u.prix, p.prix),
                       description = coalesce(p_descriptions[u.n],
                                              p.description),
                       archive_le = CASE u.archive
                                    WHEN true
                                    THEN coalesce(p.archive_le, now())
                                    WHEN false THEN NULL
                                    ELSE p.archive_le END
                  FROM u
                 WHERE p.id = u.id AND p.id = ANY (tenus)
                   AND u.vivant AND u.concorde
                RETURNING u.n, p.nom, p.categorie, p.prix, p.description,
                          p.nom <> u.nom AS renomme
            )
            SELECT u.n, u.id, u.vivant, f.n AS fait, u.id = ANY (tenus) AS tenu,
                   coalesce(f.nom, u.nom) AS nom,
                   coalesce(f.categorie, u.categorie) AS categorie,
                   coalesce(f.prix, u.ancien) AS prix,
                   coalesce(f.description, u.description) AS description,
                   f.renomme
              FROM u
              LEFT JOIN fait f ON f.n = u.n
        LOOP
            -- Somebody else has it.
            CONTINUE WHEN c.id IS NOT NULL AND NOT c.tenu AND NOT attendre;

            statut := CASE WHEN c.fait IS NOT NULL THEN 200
                           WHEN c.tenu AND c.vivant THEN 412
                           ELSE 404 END;

            l.libres[c.n] := false;
            l.reponses[c.n] := repondre(statut, NULL, NULL, NULL, NULL);

            IF statut <> 404 THEN
                fiches[c.n] := ROW(NULL, NULL, NULL, NULL, NULL, NULL, NULL,
                                   c.id, c.nom, c.categorie, c.prix,
                                   c.description, statut = 200,
                                   c.renomme)::lot_reponse;
            END IF;
        END LOOP;
    END LOOP;
END
$$;


-- As 023_ventes.sql has it, with less that is made for kinds that are not
-- there.
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


-- A function has a thousand rows as long as nobody says otherwise, and a
-- statement that calls one of two has half the cost when it is planned for its
-- values: PostgreSQL planned it for each batch.
DO $$
DECLARE
    f  record;
BEGIN
    FOR f IN
        SELECT oid::regprocedure::text AS nom,
               CASE proname WHEN 'lot_ecrire' THEN 10 ELSE 1 END AS lignes
          FROM pg_proc
         WHERE proname IN ('lot_ecrire', 'lot_seul')
           AND pronamespace = 'public'::regnamespace
    LOOP
        EXECUTE format('ALTER FUNCTION %s ROWS %s', f.nom, f.lignes);
    END LOOP;
END
$$;
