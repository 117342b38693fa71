-- Put each sequence ahead of the ids that it makes.  A line for each one that
-- was behind.  Its table takes no new rows meanwhile: an id that was given out
-- between the look and the change would be given out again.

SET lock_timeout = '5s';

BEGIN;

CREATE TEMPORARY TABLE sequences_reparees (ligne text) ON COMMIT DROP;

DO $$
DECLARE
    colonne    record;
    plus_haut  bigint;
    suivant    numeric;
    essai      integer;
BEGIN
    FOR colonne IN
        SELECT c.relname, c.oid::regclass AS relation, a.attname,
               pg_get_serial_sequence(c.oid::regclass::text, a.attname)
                   AS sequence
          FROM pg_class c
          JOIN pg_attribute a ON a.attrelid = c.oid
         WHERE c.relnamespace = 'public'::regnamespace
           AND c.relkind IN ('r', 'p')
           AND a.attidentity <> ''
           -- From PostgreSQL 17 on, partitions have the identity of their table.
           AND NOT c.relispartition
           AND NOT a.attisdropped
         ORDER BY c.relname
    LOOP
        -- The second look is under the lock, and only who is behind has it.
        FOR essai IN 1..2 LOOP
            -- The highest id that there can be has none after it: a
            -- sequence goes on before it.
            EXECUTE format('SELECT max(%1$I) FROM %2$s'
                           ' WHERE %1$I < 9223372036854775807',
                           colonne.attname, colonne.relation) INTO plus_haut;
            EXECUTE format('SELECT last_value::numeric + is_called::integer'
                           ' FROM %s', colonne.sequence) INTO suivant;

            EXIT WHEN plus_haut IS NULL OR plus_haut < suivant;

            IF essai = 1 THEN
                EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE',
                               colonne.relation);
            ELSE
                PERFORM setval(colonne.sequence, plus_haut);
                INSERT INTO sequences_reparees
                VALUES (format('%s: the sequence gave %s, and gives %s now',
                               colonne.relname, suivant, plus_haut + 1));
            END IF;
        END LOOP;
    END LOOP;
END
$$;

SELECT ligne FROM sequences_reparees ORDER BY ligne;

COMMIT;
