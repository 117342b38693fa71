-- Set the time that statements of a connection wait for a lock.  $1: the time
-- with its unit; $2: true for this transaction only, false for the session; $3:
-- the time that they may take, or NULL, which leaves it as it is.
-- This is a statement, not an option of the connection, because a connection
-- pooler may not pass on options.
SELECT set_config('lock_timeout', $1::text, $2::boolean),
       CASE WHEN $3::text IS NOT NULL
            THEN set_config('statement_timeout', $3::text, $2::boolean) END
