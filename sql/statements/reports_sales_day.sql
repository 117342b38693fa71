-- GET /api/v1/reports/sales/ by days, weeks or months ($2: par), of all sales or
-- of each store ($3: groupe).  $1: one store; $4, $5: the first and the last
-- day; $6: the number of rows; $7, $8: the key after which the rows start.
-- Store 0 of the sums is all stores.  What came back counts on the day when it
-- did, in columns of its own.
--
-- PostgreSQL expects few rows of a range whose bounds it does not know: both
-- bounds of the sales after the edge are columns, so that it uses the index.
WITH demande AS MATERIALIZED (
    SELECT coalesce($4::date, least($5::date, current_date) - 30) AS depuis,
           coalesce($5::date, 'infinity') AS jusqu_a,
           (SELECT bord FROM vente_periode) AS bord,
           'infinity'::timestamptz AS toujours
), lieu AS MATERIALIZED (
    SELECT coalesce($1::bigint, 0) AS id
     WHERE $3::text IS NULL OR $1::bigint IS NOT NULL
     UNION ALL
    SELECT id FROM magasin WHERE $3::text IS NOT NULL AND $1::bigint IS NULL
), jour AS (
    SELECT j.jour, lieu.id, j.quantite, j.total, j.rendus, j.rembourse
      FROM demande d
     CROSS JOIN lieu
     CROSS JOIN LATERAL (
        SELECT jour, quantite, total, rendus, rembourse
          FROM vente_jour
         WHERE magasin_id = lieu.id
           AND jour BETWEEN d.depuis AND d.jusqu_a
        OFFSET 0
      ) j
     UNION ALL
    SELECT v.jour, CASE WHEN $3::text IS NULL AND $1::bigint IS NULL THEN 0
                        ELSE v.magasin_id END, l.quantite,
           l.quantite * l.prix_unitaire, 0, 0
      FROM demande d
     CROSS JOIN LATERAL (
        SELECT v.id, v.magasin_id, jour_local(v.date_vente, m.fuseau) AS jour
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
     WHERE v.jour BETWEEN d.depuis AND d.jusqu_a
     UNION ALL
    SELECT r.jour, CASE WHEN $3::text IS NULL AND $1::bigint IS NULL THEN 0
                        ELSE r.magasin_id END, 0, 0, l.quantite,
           l.quantite * l.prix_unitaire
      FROM demande d
     CROSS JOIN LATERAL (
        SELECT r.id, r.magasin_id, jour_local(r.date_retour, m.fuseau) AS jour
          FROM retour r
          JOIN magasin m ON m.id = r.magasin_id
         WHERE r.date_retour >= d.bord AND r.date_retour < d.toujours
           AND ($1::bigint IS NULL OR r.magasin_id = $1::bigint)
      ) r
     CROSS JOIN LATERAL (
        SELECT quantite, prix_unitaire
          FROM retour_ligne
         WHERE retour_id = r.id
        OFFSET 0
      ) l
     WHERE r.jour BETWEEN d.depuis AND d.jusqu_a
), ligne AS (
    SELECT CASE $2::text WHEN 'semaine' THEN to_char(jour, 'IYYY-"W"IW')
                         WHEN 'mois' THEN to_char(jour, 'YYYY-MM')
                         ELSE to_char(jour, 'YYYY-MM-DD') END AS periode,
           lpad(id::text, 20, '0') AS cle, id, quantite, total, rendus,
           rembourse
      FROM jour
)
SELECT l.periode, l.cle, l.periode, m.id, NULL::bigint, NULL::text, m.nom,
       l.quantite, l.total::numeric(20,2), l.rendus,
       l.rembourse::numeric(20,2), (l.total - l.rembourse)::numeric(20,2)
  FROM (
    SELECT periode, cle, id, sum(quantite) AS quantite, sum(total) AS total,
           sum(rendus) AS rendus, sum(rembourse) AS rembourse
      FROM ligne
     WHERE (periode, cle) > (coalesce($7::text, ''), coalesce($8::text, ''))
     GROUP BY periode, cle, id
    HAVING sum(quantite) <> 0 OR sum(rendus) <> 0
     ORDER BY periode, cle
     LIMIT $6::int
  ) l
  LEFT JOIN magasin m ON m.id = l.id
 ORDER BY l.periode, l.cle
