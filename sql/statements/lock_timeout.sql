-- How long statements of a connection wait for a lock.  $1: the time, with its
-- unit; $2: of this transaction alone, or of the session.  A statement and
-- not an option of the connection, which a pooler need not pass on.
SELECT set_config('lock_timeout', $1::text, $2::boolean)
