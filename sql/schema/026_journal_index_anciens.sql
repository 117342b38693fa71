-- The indexes of the journal that those of 025_journal_index.sql replace.

SET LOCAL ROLE magasin_owner;

LOCK TABLE journal IN ACCESS EXCLUSIVE MODE;

DROP INDEX journal_type, journal_produit;
ALTER INDEX journal_type_c RENAME TO journal_type;
ALTER INDEX journal_produit_connu RENAME TO journal_produit;
