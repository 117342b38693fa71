-- Does the journal tell the stock there is?  A line for each difference, none
-- when all is well.  One statement, and so one snapshot: a live database can
-- be checked.
--
-- Of each place and product, in the order of id: every row goes on from where
-- the row before it has ended (the first one from 0), and the sum of all is
-- the quantity there is.  Changes of one place wait for each other, so that
-- the ids are in the order of what happened.
--
-- Of each transfer and product: what has left and has not come, less what was
-- written down as a difference, is what is in transit.  Not so where the
-- journal was archived and does not have the departure any more.
--
-- Of each return that the journal has movements of: what came back, and what of
-- it was written off, is what its lines say.
--
-- All of it is seen in one walk, with the stock row behind those of the
-- journal; what it costs is one sort, on disk when it must be.

SET jit = off;
SET work_mem = '256MB';

WITH suite AS (
    SELECT stock, id, magasin_id, produit_id, delta, quantite,
           lag(quantite, 1, 0) OVER w AS avant,
           coalesce(sum(delta) OVER w, 0) AS somme,
           lead(false, 1, true) OVER w AS derniere
      FROM (
        SELECT false AS stock, id, magasin_id, produit_id, delta, quantite
          FROM journal
         WHERE delta IS NOT NULL
         UNION ALL
        SELECT true, NULL, magasin_id, produit_id, NULL, quantite
          FROM stock_local
         UNION ALL
        SELECT true, NULL, NULL, produit_id, NULL, quantite
          FROM stock_central
      ) s
    WINDOW w AS (PARTITION BY magasin_id, produit_id ORDER BY stock, id
                 ROWS UNBOUNDED PRECEDING)
)
(SELECT coalesce('magasin ' || magasin_id, 'central stock')
       || coalesce(', produit ' || produit_id, '') || ': '
       || CASE WHEN faux
               THEN format('journal row %s says %s after %s, and there were %s'
                           ' before', id, coalesce(quantite::text, 'nothing'),
                           to_char(delta, 'FMSG9999999990'),
                           coalesce(avant::text, 'nothing'))
               ELSE '' END
       || CASE WHEN faux AND manque THEN '; ' ELSE '' END
       || CASE WHEN manque
               THEN format('there are %s, and the journal adds up to %s',
                           present, somme)
               ELSE '' END
  FROM (
    SELECT suite.*, present,
           NOT stock AND quantite IS DISTINCT FROM avant::bigint + delta
           AS faux,
           derniere AND somme <> present AS manque
      FROM suite
     CROSS JOIN LATERAL (
        SELECT CASE WHEN stock THEN quantite ELSE 0 END
      ) p (present)
  ) e
 WHERE faux OR manque
 ORDER BY magasin_id NULLS FIRST, produit_id, stock, id)
 UNION ALL
SELECT 'transfert ' || transfert || ', produit ' || produit_id
       || format(': %s are in transit, and the journal says %s',
                 sum(present), sum(journal))
  FROM (
    SELECT substring(reference FROM '[0-9]+$') AS transfert, produit_id,
           type = 'transfert_depart' AS depart, 0 AS present,
           - coalesce(delta, 0) - coalesce((details ->> 'ecart')::integer, 0)
           AS journal
      FROM journal
     WHERE type IN ('transfert_depart', 'transfert_arrivee',
                    'transfert_annulation', 'transfert_ecart')
     UNION ALL
    SELECT transfert_id::text, produit_id, false, quantite, 0
      FROM transfert_ligne
     WHERE en_transit
  ) t
 GROUP BY transfert, produit_id
HAVING sum(present) <> sum(journal)
   AND (bool_or(depart)
        OR NOT EXISTS (SELECT FROM journal WHERE xid = '0'))
 UNION ALL
SELECT 'retour ' || r.id || ', produit ' || j.produit_id
       || format(': %s came back and %s were written off, and the journal says'
                 ' %s and %s', coalesce(l.rendus, 0),
                 CASE WHEN r.remise_en_stock THEN 0
                      ELSE coalesce(l.rendus, 0) END, j.rendus, j.perdus)
  FROM (
    SELECT substring(reference FROM '[0-9]+$')::bigint AS id, produit_id,
           coalesce(sum(delta) FILTER (WHERE type = 'retour'), 0) AS rendus,
           - coalesce(sum(delta) FILTER (WHERE type = 'retour_perte'), 0)
           AS perdus
      FROM journal
     WHERE type IN ('retour', 'retour_perte')
       AND reference ~ '^retour/[0-9]{1,18}$'
     GROUP BY 1, 2
  ) j
  JOIN retour r USING (id)
  LEFT JOIN (
    SELECT retour_id AS id, produit_id, sum(quantite) AS rendus
      FROM retour_ligne
     GROUP BY retour_id, produit_id
  ) l USING (id, produit_id)
 WHERE j.rendus <> coalesce(l.rendus, 0)
    OR j.perdus <> CASE WHEN r.remise_en_stock THEN 0
                        ELSE coalesce(l.rendus, 0) END;
