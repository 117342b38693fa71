-- The life of the database that a new connection leads to: the identifier of
-- the cluster, and its timeline, or NULL on a standby.
SELECT system_identifier,
       CASE WHEN NOT pg_is_in_recovery()
            THEN left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)
            END
  FROM pg_control_system()
