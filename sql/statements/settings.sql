-- The settings of a session.  $1, $2: their names and values; $3: its
-- lock_timeout with the unit; $4: the process that the connection was told to
-- be its own; $5: the one that answered the last time, or NULL.
-- Where another process answers, a pooler is between: whoever comes next may
-- get the session, and the settings are those of this transaction alone.
-- Returns whether that is so; the process; whether a session of somebody else
-- has a statement of this name, which a pooler that knows of prepared
-- statements would have renamed; the first time, whether this one is renamed;
-- whether the transaction has an isolation that statements are not made for.
-- This is a statement, because a pooler passes on no options of a connection.
SELECT pg_backend_pid() <> $4::int,
       pg_backend_pid(),
       CASE WHEN pg_backend_pid() <> $5::int
            THEN EXISTS (SELECT
                           FROM pg_prepared_statements
                          WHERE name = 'settings')
            END,
       CASE WHEN $5::int IS NULL
            THEN NOT EXISTS (SELECT
                               FROM pg_prepared_statements
                              WHERE name = 'settings')
            END,
       current_setting('transaction_isolation')
           IN ('repeatable read', 'serializable'),
       count(set_config(nom, valeur, pg_backend_pid() <> $4::int)),
       set_config('lock_timeout', $3::text, pg_backend_pid() <> $4::int)
  FROM unnest($1::text[], $2::text[]) AS r (nom, valeur)
