-- Is each sequence ahead of the ids that it makes?  A line for each one that is
-- not, none when all is well.  Rows that were inserted with their ids leave a
-- sequence behind, and then each insert without an id fails (SQLSTATE 23505)
-- until the sequence has passed them.

SELECT format('SELECT %L || m.id || %L || (s.last_value + s.is_called::integer)'
              ' FROM %s s, (SELECT max(%I) AS id FROM %s) m'
              ' WHERE m.id >= s.last_value + s.is_called::integer',
              c.relname || ': there is the ' || a.attname || ' ',
              ', and the sequence gives ',
              pg_get_serial_sequence(c.oid::regclass::text, a.attname),
              a.attname, c.oid::regclass)
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE c.relnamespace = 'public'::regnamespace
   AND c.relkind IN ('r', 'p')
   AND a.attidentity <> ''
   -- From PostgreSQL 17 on, partitions have the identity of their table.
   AND NOT c.relispartition
   AND NOT a.attisdropped
 ORDER BY c.relname
\gexec
