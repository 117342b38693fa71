-- The isolation of the transaction that begins with this.  A role may have
-- another default, which the transaction has taken before a statement can
-- change it; a statement with a snapshot before this one would forbid it.
SET transaction_isolation = 'read committed'
