-- Where the log of the primary ends, in bytes: what was committed before this
-- is before that.
SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn
