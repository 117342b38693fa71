-- Set the time that the statements of this transaction wait for a lock.  $1:
-- the time with its unit; $2: the time that they may take, or NULL, which
-- leaves it as it is.
SELECT set_config('lock_timeout', $1::text, true),
       CASE WHEN $2::text IS NOT NULL
            THEN set_config('statement_timeout', $2::text, true) END
