-- What a batch costs beside its sales.  PostgreSQL prepares each aggregate of a
-- statement anew in each run, at some 15,000 instructions; a list of what is
-- there does the same for a third of them.

SET LOCAL ROLE magasin_owner;

-- A function has a thousand rows as long as nobody says otherwise, and a statement
-- that calls one of two has half the cost when it is planned for its values:
-- PostgreSQL planned it for each batch.
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
               AND ARRAY(SELECT id FROM s) IS NOT NULL
             ORDER BY id
               FOR KEY SHARE
        ), c AS MATERIALIZED (
            SELECT s.*, c.ctid AS cumul
              FROM s
              JOIN cumul_vente c ON c.magasin_id = s.magasin_id
                                AND c.produit_id = s.produit_id
             WHERE vendre
               AND ARRAY(SELECT id FROM m) IS NOT NULL
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
               AND ARRAY(SELECT id FROM s) IS NOT NULL
             ORDER BY id
               FOR KEY SHARE SKIP LOCKED
        ), c AS MATERIALIZED (
            SELECT s.*, c.ctid AS cumul
              FROM s
              JOIN cumul_vente c ON c.magasin_id = s.magasin_id
                                AND c.produit_id = s.produit_id
             WHERE vendre
               AND ARRAY(SELECT id FROM m) IS NOT NULL
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
CREATE OR REPLACE FUNCTION lot_vendre_ecrire(p_numeros integer[], p_magasins bigint[],
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
