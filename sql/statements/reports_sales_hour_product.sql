-- GET /api/v1/reports/sales/ by hours ($2: par), of each product or of each
-- category ($3: groupe).  The parameters and hours are those of
-- reports_sales_hour.sql.
--
-- PostgreSQL expects few rows of a range whose bounds it does not know: both
-- bounds of the sales after the edge are columns, so that it uses the index.
WITH demande AS MATERIALIZED (
    SELECT d.bord, 'infinity'::timestamptz AS toujours, f.*,
           f.depuis::timestamp AT TIME ZONE f.fuseau - interval '2 hours'
           AS debut,
           (f.jusqu_a + 1)::timestamp AT TIME ZONE f.fuseau AS fin
      FROM vente_periode d
     CROSS JOIN (
        SELECT fuseau,
               coalesce($4::date, least($5::date, current_date) - 30)
               AS depuis,
               coalesce($5::date, 'infinity') AS jusqu_a
          FROM magasin
         WHERE id = coalesce($1::bigint, id)
         ORDER BY id
         LIMIT 1
      ) f
), heure AS (
    SELECT h.heure, h.produit_id, h.quantite, h.total, h.rendus, h.rembourse
      FROM demande d
     CROSS JOIN LATERAL (
        SELECT heure, produit_id, quantite, total, rendus, rembourse
          FROM vente_heure_produit
         WHERE magasin_id = coalesce($1::bigint, 0)
           AND heure >= d.debut AND heure < d.fin
           AND jour_local(heure, d.fuseau) BETWEEN d.depuis AND d.jusqu_a
        OFFSET 0
      ) h
     UNION ALL
    SELECT v.heure, l.produit_id, l.quantite, l.quantite * l.prix_unitaire,
           0, 0
      FROM demande d
     CROSS JOIN LATERAL (
        SELECT v.id, heure_locale(v.date_vente, m.fuseau) AS heure
          FROM vente v
          JOIN magasin m ON m.id = v.magasin_id
         WHERE v.date_vente >= d.bord AND v.date_vente < d.toujours
           AND ($1::bigint IS NULL OR v.magasin_id = $1::bigint)
      ) v
     CROSS JOIN LATERAL (
        SELECT produit_id, quantite, prix_unitaire
          FROM ligne_vente
         WHERE vente_id = v.id
        OFFSET 0
      ) l
     WHERE v.heure >= d.debut AND v.heure < d.fin
       AND jour_local(v.heure, d.fuseau) BETWEEN d.depuis AND d.jusqu_a
     UNION ALL
    SELECT r.heure, l.produit_id, 0, 0, l.quantite,
           l.quantite * l.prix_unitaire
      FROM demande d
     CROSS JOIN LATERAL (
        SELECT r.id, heure_locale(r.date_retour, m.fuseau) AS heure
          FROM retour r
          JOIN magasin m ON m.id = r.magasin_id
         WHERE r.date_retour >= d.bord AND r.date_retour < d.toujours
           AND ($1::bigint IS NULL OR r.magasin_id = $1::bigint)
      ) r
     CROSS JOIN LATERAL (
        SELECT produit_id, quantite, prix_unitaire
          FROM retour_ligne
         WHERE retour_id = r.id
        OFFSET 0
      ) l
     WHERE r.heure >= d.debut AND r.heure < d.fin
       AND jour_local(r.heure, d.fuseau) BETWEEN d.depuis AND d.jusqu_a
), ligne AS (
    SELECT to_char(h.heure AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI')
           AS periode,
           CASE WHEN $3::text = 'categorie' THEN p.categorie
                ELSE lpad(p.id::text, 20, '0') END
           COLLATE magasin_fr AS cle,
           h.heure,
           CASE WHEN $3::text = 'produit' THEN p.id END AS id,
           CASE WHEN $3::text = 'produit' THEN p.nom END AS nom,
           CASE WHEN $3::text = 'categorie' THEN p.categorie END AS categorie,
           h.quantite, h.total, h.rendus, h.rembourse
      FROM heure h
      JOIN produit p ON p.id = h.produit_id
)
SELECT l.periode, l.cle, instant_local(l.heure, d.fuseau), $1::bigint, l.id,
       l.categorie, l.nom, l.quantite, l.total::numeric(20,2), l.rendus,
       l.rembourse::numeric(20,2), (l.total - l.rembourse)::numeric(20,2)
  FROM (
    SELECT periode, cle, heure, id, categorie, nom,
           sum(quantite) AS quantite, sum(total) AS total,
           sum(rendus) AS rendus, sum(rembourse) AS rembourse
      FROM ligne
     WHERE (periode, cle) > (coalesce($7::text, ''), coalesce($8::text, ''))
       AND $2::text = 'heure'
     GROUP BY periode, cle, heure, id, categorie, nom
    HAVING sum(quantite) <> 0 OR sum(rendus) <> 0
     ORDER BY periode, cle
     LIMIT $6::int
  ) l
 CROSS JOIN demande d
 ORDER BY l.periode, l.cle
