-- GET /api/v1/reports/sales/ by days, weeks or months, of each product or of
-- each category ($3: groupe).  The parameters are those of
-- reports_sales_day.sql.
--
-- PostgreSQL expects few rows of a range whose bounds it does not know: both
-- bounds of the sales after the edge are columns, so that it uses the index.
WITH demande AS MATERIALIZED (
    SELECT coalesce($4::date, least($5::date, current_date) - 30) AS depuis,
           coalesce($5::date, 'infinity') AS jusqu_a,
           (SELECT bord FROM vente_periode) AS bord,
           'infinity'::timestamptz AS toujours
), jour AS (
    SELECT j.jour, j.produit_id, j.quantite, j.total, j.rendus, j.rembourse
      FROM demande d
     CROSS JOIN LATERAL (
        SELECT jour, produit_id, quantite, total, rendus, rembourse
          FROM vente_jour_produit
         WHERE magasin_id = coalesce($1::bigint, 0)
           AND jour BETWEEN d.depuis AND d.jusqu_a
        OFFSET 0
      ) j
     UNION ALL
    SELECT v.jour, l.produit_id, l.quantite, l.quantite * l.prix_unitaire, 0, 0
      FROM demande d
     CROSS JOIN LATERAL (
        SELECT v.id, jour_local(v.date_vente, m.fuseau) AS jour
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
    SELECT r.jour, l.produit_id, 0, 0, l.quantite,
           l.quantite * l.prix_unitaire
      FROM demande d
     CROSS JOIN LATERAL (
        SELECT r.id, jour_local(r.date_retour, m.fuseau) AS jour
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
     WHERE r.jour BETWEEN d.depuis AND d.jusqu_a
), ligne AS (
    SELECT CASE $2::text WHEN 'semaine' THEN to_char(jour, 'IYYY-"W"IW')
                         WHEN 'mois' THEN to_char(jour, 'YYYY-MM')
                         ELSE to_char(jour, 'YYYY-MM-DD') END AS periode,
           CASE WHEN $3::text = 'categorie' THEN p.categorie
                ELSE lpad(p.id::text, 20, '0') END
           COLLATE magasin_fr AS cle,
           CASE WHEN $3::text = 'produit' THEN p.id END AS id,
           CASE WHEN $3::text = 'produit' THEN p.nom END AS nom,
           CASE WHEN $3::text = 'categorie' THEN p.categorie END AS categorie,
           j.quantite, j.total, j.rendus, j.rembourse
      FROM jour j
      JOIN produit p ON p.id = j.produit_id
)
SELECT periode, cle, periode, $1::bigint, id, categorie, nom, sum(quantite),
       sum(total)::numeric(20,2), sum(rendus), sum(rembourse)::numeric(20,2),
       sum(total - rembourse)::numeric(20,2)
  FROM ligne
 WHERE (periode, cle) > (coalesce($7::text, ''), coalesce($8::text, ''))
 GROUP BY periode, cle, id, categorie, nom
HAVING sum(quantite) <> 0 OR sum(rendus) <> 0
 ORDER BY periode, cle
 LIMIT $6::int
