-- How far a standby has replayed the log of the primary, in bytes, and the life
-- of the database that it shows (journal_vie).  The first is NULL on a server
-- that is no standby, or where a snapshot is older than its statement.  What is
-- asked next on this connection shows at least all that was replayed.
--
-- The primary counts from behind the header of a page, which has up to 40 bytes,
-- as soon as the page before is full; a standby does when the page has a record.
-- No record is within 40 bytes of a page's beginning, so all are replayed.
SELECT CASE WHEN pg_is_in_recovery()
             AND current_setting('transaction_isolation') = 'read committed'
            THEN place + CASE WHEN place % taille = 0 THEN 40 ELSE 0 END END,
       v.systeme, v.branche
  FROM (SELECT pg_last_wal_replay_lsn() - '0/0'::pg_lsn AS place,
               current_setting('wal_block_size')::numeric AS taille) un
  LEFT JOIN (
    SELECT systeme, branche
      FROM journal_vie
     ORDER BY vie DESC
     LIMIT 1
  ) v ON true
