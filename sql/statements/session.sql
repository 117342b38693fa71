-- The life of the database that a connection leads to: the identifier of the
-- cluster, and its timeline, or NULL on a standby.  $1: the highest life that
-- was seen, as pg_life.c counts it, or NULL.  It fails where the life is a lower
-- one, and what follows it in the transaction is not done.
SELECT system_identifier, branche,
       1 / CASE WHEN (system_identifier >> 32 << 32)
                     + ('x' || branche)::bit(32)::bigint < $1::bigint
                THEN 0 ELSE 1 END
  FROM (
    SELECT system_identifier,
           CASE WHEN NOT pg_is_in_recovery()
                THEN left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)
                END AS branche
      FROM pg_control_system()
  ) c
