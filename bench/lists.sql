-- What bench/lists measures: 100,000 products in 45 stores, of which store 1
-- has all of them, 2 every second one, 3 has 20, 4 has 1,000, 5 has 2,000 and
-- the others 1,000 each; 200,000 requests for stock; three million rows of the
-- journal, of a month.  psql runs it in one transaction.

SET LOCAL client_min_messages = warning;
SET LOCAL magasin.entretien = 'oui';

DO $$
DECLARE
    t  regclass;
BEGIN
    FOR t IN SELECT DISTINCT tgrelid FROM pg_trigger WHERE NOT tgisinternal
    LOOP
        EXECUTE format('ALTER TABLE %s DISABLE TRIGGER USER', t);
    END LOOP;
END
$$;

TRUNCATE magasin, produit, stock_local, stock_central, vente, ligne_vente,
    demande_reapprovisionnement, cumul_vente, compte_stock, compte_vente,
    journal, journal_repere, idempotence RESTART IDENTITY;

SELECT setseed(0.3) \g /dev/null

INSERT INTO magasin (nom, adresse)
SELECT 'Magasin ' || i, i || ' rue Neuve' FROM generate_series(1, 45) i;

INSERT INTO produit (nom, categorie, prix, archive_le)
SELECT (ARRAY['Café', 'Thé', 'Chocolat', 'Écran', 'Clavier', 'Souris',
              'Câble', 'Lampe', 'Étui', 'Sac', 'Bière', 'Œuf', 'Pain', 'Jus',
              'Ampoule'])[1 + floor(random() * 15)::integer]
       || ' ' || (ARRAY['bleu', 'rouge', 'vert', 'doré', 'premium', 'bio',
                        'noir', 'équitable', 'grand', 'petit'])
                 [1 + floor(random() * 10)::integer]
       || ' ' || left(md5(i::text), 6),
       'Cat ' || floor(random() * 40), random() * 100,
       CASE WHEN i % 500 = 0 THEN now() END
  FROM generate_series(1, 100000) i;
UPDATE produit SET nom = 'Double' WHERE id IN (777, 4242, 90001);

INSERT INTO stock_local (magasin_id, produit_id, quantite)
SELECT magasin_id, produit_id, random() * 60
  FROM (
    SELECT 1, i FROM generate_series(1, 100000) i
     UNION ALL
    SELECT 2, i FROM generate_series(1, 100000, 2) i
     UNION ALL
    SELECT 3, i * 5000 FROM generate_series(1, 20) i
     UNION ALL
    SELECT 4, i * 100 FROM generate_series(1, 1000) i
     UNION ALL
    SELECT 5, i * 50 FROM generate_series(1, 2000) i
     UNION ALL
    SELECT m, (i * 97 + m * 13) % 100000 + 1
      FROM generate_series(6, 45) m, generate_series(1, 1000) i
  ) s (magasin_id, produit_id)
 ORDER BY random();

INSERT INTO stock_central (produit_id, quantite)
SELECT id, random() * 1000 FROM produit;

INSERT INTO demande_reapprovisionnement
       (magasin_id, produit_id, quantite, statut)
SELECT 1 + i % 40, 1 + i % 9999, 5,
       (ARRAY['en_attente', 'approuvee', 'refusee'])[1 + i % 3]
  FROM generate_series(1, 200000) i;

INSERT INTO journal (xid, instant, type, magasin_id, produit_id, delta,
                     quantite, acteur, reference)
SELECT (3 + i / 10000)::text::xid8,
       now() - interval '30 days' * (1 - i / 3000000.0),
       CASE WHEN i % 3 = 0 THEN 'vente_creation'
            WHEN i % 1000 = 1 THEN 'ajustement'
            WHEN i % 50000 = 2 THEN 'produit_modification'
            ELSE 'vente' END,
       1 + i * 7 % 40,
       CASE WHEN i % 3 <> 0 THEN 1 + i * 7919 % 100000 END,
       CASE WHEN i % 3 <> 0 THEN -1 END, CASE WHEN i % 3 <> 0 THEN 10 END,
       'demo', 'vente/' || i / 3
  FROM generate_series(1, 3000000::bigint) i;

DO $$
DECLARE
    d  record;
BEGIN
    FOR d IN SELECT tgrelid::regclass AS t, tgname FROM pg_trigger
              WHERE NOT tgisinternal
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', d.t,
                       d.tgname);
    END LOOP;
END
$$;

SELECT cumul_reconstruire(), compte_stock_reconstruire(),
       compte_vente_reconstruire() \g /dev/null
