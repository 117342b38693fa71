-- Whose turn it is, for the timer of the nodes: a lock that only the owner of
-- the tables can take.  An advisory lock is for everybody who can log in, so
-- that a session of the web tier could have kept the timer from ever working.

SET LOCAL ROLE magasin_owner;

CREATE TABLE entretien_tour ();
COMMENT ON TABLE entretien_tour IS
    'empty: whoever has it locked is at entretien()';

-- As 006_ecritures.sql has it, but for the lock.
CREATE OR REPLACE FUNCTION entretien() RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    SET lock_timeout = '100ms'
AS $$
DECLARE
    encore  boolean;
    n       bigint;
BEGIN
    -- One at a time is enough; the others have nothing to wait for.
    BEGIN
        LOCK TABLE public.entretien_tour IN EXCLUSIVE MODE NOWAIT;
    EXCEPTION
        WHEN lock_not_available THEN
            RETURN false;
    END;

    WITH vieilles AS (
        SELECT acteur, cle
          FROM idempotence
         WHERE cree_le < now() - interval '24 hours'
         ORDER BY cree_le
         LIMIT 10000
           FOR UPDATE SKIP LOCKED
    )
    DELETE FROM idempotence i
     USING vieilles v
     WHERE i.acteur = v.acteur AND i.cle = v.cle;

    GET DIAGNOSTICS n = ROW_COUNT;

    -- Last, since sales wait for what it locks.
    BEGIN
        encore := cumul_avancer();
    EXCEPTION
        WHEN lock_not_available THEN
            encore := false;
    END;

    RETURN encore OR n = 10000;
END
$$;
