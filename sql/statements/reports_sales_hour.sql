-- GET /api/v1/reports/sales/ by hours ($2: par), of all sales or of each store
-- ($3: groupe).  The other parameters are those of reports_sales_day.sql.  An
-- hour is the instant when it begins, with the offset of the store's time zone,
-- so that an hour that is there twice when clocks go back is two hours.  All
-- stores ($1 is null) have the time zone of the first one.
--
-- A day whose midnight comes twice begins with the first one, which AT TIME
-- ZONE does not give: the bounds are for the index, and the day of an hour
-- decides.
--
-- PostgreSQL expects few rows of a range whose bounds it does not know: both
-- bounds of the sales after the edge are columns, so that it uses the index.
WITH demande AS MATERIALIZED (
    SELECT coalesce($4::date, least($5::date, current_date) - 30) AS depuis,
           coalesce($5::date, 'infinity') AS jusqu_a,
           (SELECT bord FROM vente_periode) AS bord,
           'infinity'::timestamptz AS toujours,
           (SELECT fuseau FROM magasin ORDER BY id LIMIT 1) AS fuseau
), lieu AS MATERIALIZED (
    SELECT m.id, m.nom, m.fuseau
      FROM magasin m
     WHERE m.id = $1::bigint OR ($3::text IS NOT NULL AND $1::bigint IS NULL)
     UNION ALL
    SELECT 0, NULL, fuseau
      FROM demande
     WHERE $3::text IS NULL AND $1::bigint IS NULL
), borne AS MATERIALIZED (
    SELECT lieu.*, d.bord, d.depuis, d.jusqu_a,
           d.depuis::timestamp AT TIME ZONE lieu.fuseau - interval '2 hours'
           AS debut,
           (d.jusqu_a + 1)::timestamp AT TIME ZONE lieu.fuseau AS fin
      FROM demande d
     CROSS JOIN lieu
), heure AS (
    SELECT h.heure, b.id, h.quantite, h.total, h.rendus, h.rembourse
      FROM borne b
     CROSS JOIN LATERAL (
        SELECT heure, quantite, total, rendus, rembourse
          FROM vente_heure
         WHERE magasin_id = b.id AND heure >= b.debut AND heure < b.fin
           AND jour_local(heure, b.fuseau) BETWEEN b.depuis AND b.jusqu_a
        OFFSET 0
      ) h
     UNION ALL
    SELECT v.heure, b.id, l.quantite, l.quantite * l.prix_unitaire, 0, 0
      FROM demande d
     CROSS JOIN LATERAL (
        SELECT v.id, v.magasin_id,
               heure_locale(v.date_vente, m.fuseau) AS heure
          FROM vente v
          JOIN magasin m ON m.id = v.magasin_id
         WHERE v.date_vente >= d.bord AND v.date_vente < d.toujours
           AND ($1::bigint IS NULL OR v.magasin_id = $1::bigint)
      ) v
      JOIN borne b ON b.id IN (0, v.magasin_id)
                  AND v.heure >= b.debut AND v.heure < b.fin
                  AND jour_local(v.heure, b.fuseau)
                      BETWEEN b.depuis AND b.jusqu_a
     CROSS JOIN LATERAL (
        SELECT produit_id, quantite, prix_unitaire
          FROM ligne_vente
         WHERE vente_id = v.id
        OFFSET 0
      ) l
     UNION ALL
    SELECT r.heure, b.id, 0, 0, l.quantite, l.quantite * l.prix_unitaire
      FROM demande d
     CROSS JOIN LATERAL (
        SELECT r.id, r.magasin_id,
               heure_locale(r.date_retour, m.fuseau) AS heure
          FROM retour r
          JOIN magasin m ON m.id = r.magasin_id
         WHERE r.date_retour >= d.bord AND r.date_retour < d.toujours
           AND ($1::bigint IS NULL OR r.magasin_id = $1::bigint)
      ) r
      JOIN borne b ON b.id IN (0, r.magasin_id)
                  AND r.heure >= b.debut AND r.heure < b.fin
                  AND jour_local(r.heure, b.fuseau)
                      BETWEEN b.depuis AND b.jusqu_a
     CROSS JOIN LATERAL (
        SELECT quantite, prix_unitaire
          FROM retour_ligne
         WHERE retour_id = r.id
        OFFSET 0
      ) l
), ligne AS (
    SELECT to_char(heure AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI') AS periode,
           lpad(id::text, 20, '0') AS cle, heure, id, quantite, total,
           rendus, rembourse
      FROM heure
)
SELECT l.periode, l.cle, instant_local(l.heure, lieu.fuseau),
       nullif(l.id, 0), NULL::bigint, NULL::text, lieu.nom, l.quantite,
       l.total::numeric(20,2), l.rendus, l.rembourse::numeric(20,2),
       (l.total - l.rembourse)::numeric(20,2)
  FROM (
    SELECT periode, cle, heure, id, sum(quantite) AS quantite,
           sum(total) AS total, sum(rendus) AS rendus,
           sum(rembourse) AS rembourse
      FROM ligne
     WHERE (periode, cle) > (coalesce($7::text, ''), coalesce($8::text, ''))
       AND $2::text = 'heure'
     GROUP BY periode, cle, heure, id
    HAVING sum(quantite) <> 0 OR sum(rendus) <> 0
     ORDER BY periode, cle
     LIMIT $6::int
  ) l
  JOIN lieu USING (id)
 ORDER BY l.periode, l.cle
