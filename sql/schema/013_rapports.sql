-- A report of a store that is larger than one result reads its sums in the
-- order of the report.  A sale changes neither column of the index, so its
-- update stays on its page (HOT).

SET LOCAL ROLE magasin_owner;

CREATE INDEX cumul_vente_premiere ON cumul_vente (magasin_id, premiere);
