// 300 products that are in store 3 and in the centre
export const many = `
    INSERT INTO produit (id, nom, categorie, prix)
    SELECT n, 'Essai ' || lpad(n::text, 4, '0'), 'Essai', 1
      FROM generate_series(5001, 5300) n;
    INSERT INTO stock_local (magasin_id, produit_id, quantite)
    SELECT 3, n, 7 FROM generate_series(5001, 5300) n;
    INSERT INTO stock_central (produit_id, quantite)
    SELECT n, n FROM generate_series(5001, 5300) n;`;
export const few = `
    DELETE FROM stock_central WHERE produit_id BETWEEN 5001 AND 5300;
    DELETE FROM stock_local WHERE produit_id BETWEEN 5001 AND 5300;
    DELETE FROM produit WHERE id BETWEEN 5001 AND 5300;`;
