-- Types of the journal are looked for and never sorted for a reader, and the
-- row of a sale has no product.
--
-- To build these indexes takes long where the journal is long.  It is done in a
-- transaction of its own, which locks nothing else: writes wait for it, and
-- neither those who read nor the poll of the caches.  The indexes that they
-- replace go in the next one.

SET LOCAL ROLE magasin_owner;

CREATE INDEX journal_type_c ON journal (type COLLATE "C", xid, id);
CREATE INDEX journal_produit_connu ON journal (produit_id, xid, id)
    WHERE produit_id IS NOT NULL;
