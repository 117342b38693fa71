# The timer that keeps the database in order: the window of the reports moves
# on, old idempotency keys go, one worker asks, and nothing depends on it.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use Time::HiRes qw(sleep time);
use MagasinTest;
use MagasinNginx;

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

my $product = '/api/v1/products/1/';
my $failed  = qr/the maintenance of the database failed/;

# The function as the schema has it, for when a suite's own took its place.
my $original = MagasinTest::sql(
    "SELECT pg_get_functiondef('entretien()'::regprocedure)");

END {
    my $status = $?;
    MagasinTest::sql($original,
        'GRANT EXECUTE ON FUNCTION entretien() TO magasin_web',
        'DROP TABLE IF EXISTS t_appels')
        if defined $original;
    $? = $status;
}

# Seconds by which the edge of the window is older than it could be.
sub behind {
    return MagasinTest::sql('SELECT extract(epoch FROM'
            . " now() - interval '168 hours' - bord)::integer FROM fenetre");
}

sub wrong_sums {
    return MagasinTest::sql('SELECT count(*) FROM cumul_ecarts()');
}

# With a zone, whose counters tell how often it was asked.
my %counted = (
    http   => 'magasin_zone entretien:2m; magasin_cache off;',
    server => 'location = /metrics { magasin_metrics; }',
);

sub asked {
    my ($nginx) = @_;
    my ($n) = ($nginx->get('/metrics'))[1]
        =~ /^magasin_postgresql_statement_seconds_count
            \{statement="maintenance"\}\ (\d+)/mx;
    return $n // 0;
}

# A store that sold something every hour of the last nine days, with the edge
# of the window where it was two days ago.
sub behind_by_days {
    MagasinTest::reset(
        "INSERT INTO vente (id, magasin_id, date_vente, total)
         SELECT 1000 + n, 4, now() - n * interval '1 hour', 1
           FROM generate_series(0, 216) n",
        'INSERT INTO ligne_vente (vente_id, produit_id, quantite, prix_unitaire)
         SELECT 1000 + n, 6, 1, 1 FROM generate_series(0, 216) n',
        "UPDATE fenetre SET bord = now() - interval '216 hours'",
        'DELETE FROM cumul_vente',
        'SELECT cumul_reconstruire()',
        "UPDATE fenetre SET bord = now() - interval '216.5 hours'",
        "UPDATE cumul_vente c
            SET recente = (SELECT coalesce(sum(l.quantite), 0)
                             FROM vente v
                             JOIN ligne_vente l ON l.vente_id = v.id
                            WHERE v.magasin_id = c.magasin_id
                              AND l.produit_id = c.produit_id
                              AND v.date_vente >= (SELECT bord FROM fenetre))",
    );
    return;
}

# The window, an hour of sales in each call, and the keys of a day

{
    behind_by_days();
    MagasinTest::sql(
        'DELETE FROM idempotence',
        "INSERT INTO idempotence (jour, acteur, cle, empreinte, reponse)
         SELECT idempotence_jour(now() - interval '48 hours'),
                'demo', 'old' || n, 'e', repondre(200, NULL, NULL, NULL, '{}')
           FROM generate_series(1, 500) n",
        "INSERT INTO idempotence (jour, acteur, cle, empreinte, reponse,
                                  cree_le)
         SELECT idempotence_jour(instant), 'demo', 'new' || n, 'e',
                repondre(200, NULL, NULL, NULL, '{}'), instant
           FROM (SELECT n, now() - n * interval '24 hours' / 5 AS instant
                   FROM generate_series(0, 5) n) i",
    );
    cmp_ok(behind(), '>', 170_000, 'the window is two days behind');
    is(wrong_sums(), 0, 'and its sums are right');
    my $trends = MagasinTest::sql('SELECT recente FROM cumul_vente'
            . ' WHERE magasin_id = 4 AND produit_id = 6');
    is($trends, 217, 'they count nine days');

    my $nginx = MagasinNginx->start(workers => 2);
    my ($status, $before) = $nginx->get('/api/v1/dashboard/');
    is($status, 200, 'the dashboard is served meanwhile');

    ok(MagasinNginx::wait_for(sub { behind() < 10 }),
        'the window has come up by itself');
    is(wrong_sums(), 0, 'its sums are right');
    my $window = MagasinTest::sql('SELECT recente FROM cumul_vente'
            . ' WHERE magasin_id = 4 AND produit_id = 6');
    ok($window >= 168 && $window <= 170, 'they count a week')
        or diag $window;
    my ($again, $after) = $nginx->get('/api/v1/dashboard/');
    is($after =~ s/.*\r\n\r\n//sr, $before =~ s/.*\r\n\r\n//sr,
        'and the dashboard says what it said');

    ok(MagasinNginx::wait_for(sub {
            MagasinTest::sql("SELECT count(*) FROM idempotence") == 6 }),
        'old keys are gone');
    is(MagasinTest::sql("SELECT string_agg(cle, ' ' ORDER BY cle)"
                . ' FROM idempotence'), 'new0 new1 new2 new3 new4 new5',
        'and younger ones are there');

    my $begun = time;
    ok($nginx->stop, 'a graceful stop');
    cmp_ok(time - $begun, '<', 15, 'that does not wait for the timer');
    is($nginx->complaints, '', 'nothing alarming in the log');
    unlike($nginx->log, $failed, 'and nothing about maintenance');
}

# One worker of a node asks, again at once when there is more to do, and not
# at once when there is not

{
    MagasinTest::reset(
        'CREATE TABLE t_appels (pid integer, instant timestamptz)',
        'CREATE OR REPLACE FUNCTION entretien() RETURNS boolean LANGUAGE sql
            SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
            BEGIN ATOMIC
                INSERT INTO public.t_appels
                    VALUES (pg_backend_pid(), clock_timestamp());
                SELECT count(*) <= 10 FROM public.t_appels;
            END',
        'GRANT ALL ON t_appels TO magasin_owner',
    );

    my $nginx = MagasinNginx->start(workers => 4, database => 'connections=1');
    ok(MagasinNginx::wait_for(sub {
            MagasinTest::sql('SELECT count(*) FROM t_appels') >= 11 }),
        'it is asked again while there is more to do');
    sleep 2;
    is(MagasinTest::sql('SELECT count(*) FROM t_appels'), 11,
        'and left alone when there is not');
    is(MagasinTest::sql('SELECT count(DISTINCT pid) FROM t_appels'), 1,
        'one worker asks');
    is(scalar(my @workers = $nginx->workers), 4, 'of four');

    # After a reload it is one of the new ones.
    kill 'HUP', $nginx->master;
    ok(MagasinNginx::wait_for(sub {
            MagasinTest::sql('SELECT count(DISTINCT pid) FROM t_appels') == 2 }
        ), 'after a reload a new one');
    is($nginx->code($product), 200, 'it serves');
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');

    MagasinTest::sql($original, 'DROP TABLE t_appels');
}

# A worker that ends is followed by one that asks.  The one that ends has asked
# already: it would not ask again for twenty seconds.

{
    MagasinTest::reset(
        "UPDATE fenetre SET bord = now() - interval '168 hours'");
    my $nginx = MagasinNginx->start(workers => 1, %counted);
    MagasinNginx::wait_for(sub { asked($nginx) >= 1 }) or die "not asked\n";
    behind_by_days();
    $nginx->crash($nginx->workers) or die "no new worker\n";
    ok(MagasinNginx::wait_for(sub { behind() < 10 }),
        'killed: the next one asks');
    is($nginx->code($product), 200, 'killed: it serves');
    ok($nginx->stop, 'killed: a graceful stop');
    is($nginx->complaints(qr/exited on signal 9/), '',
        'killed: nothing alarming in the log');
}

# It fails: that is told once, and requests are served

{
    behind_by_days();
    MagasinTest::sql(
        'REVOKE EXECUTE ON FUNCTION entretien() FROM magasin_web');

    my $nginx = MagasinNginx->start(workers => 2);
    ok(MagasinNginx::wait_for(sub { $nginx->log =~ $failed }),
        'refused: the log tells');
    like($nginx->log, qr/\[error\]\ .*magasin:\ $failed\ with\ SQLSTATE\ 42501:
            \ permission\ denied\ for\ function\ entretien$/mx,
        'refused: what it was, as an error');
    is($nginx->code($product),    200, 'refused: reads are served');
    is($nginx->code('/readyz'),   200, 'refused: it is ready');
    is(($nginx->put($product, '{"prix":"1.00"}'))[0], 200,
        'refused: writes are served');
    is($nginx->code('/api/v1/dashboard/'), 200,
        'refused: the dashboard is served, from a window of nine days');
    sleep 2;
    is(scalar(() = $nginx->log =~ /$failed/g), 1, 'refused: told once');
    cmp_ok(behind(), '>', 170_000, 'refused: the window stays');

    MagasinTest::sql('GRANT EXECUTE ON FUNCTION entretien() TO magasin_web');
    kill 'HUP', $nginx->master;
    ok(MagasinNginx::wait_for(sub { behind() < 10 }),
        'granted: the window moves on');
    is(wrong_sums(), 0, 'granted: its sums are right');
    ok($nginx->stop, 'granted: a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
}

# Another node is at it: nobody waits

{
    behind_by_days();
    my $held = MagasinTest::hold(
        'LOCK TABLE entretien_tour IN EXCLUSIVE MODE');
    my $nginx = MagasinNginx->start(workers => 1, %counted);
    ok(MagasinNginx::wait_for(sub { asked($nginx) >= 1 }),
        'another node: it is asked');
    is($nginx->code($product), 200, 'another node: it serves');
    cmp_ok(behind(), '>', 170_000, 'another node: the work is left to it');
    unlike($nginx->log, $failed, 'another node: that is no error');
    MagasinTest::release($held);
    ok($nginx->stop, 'another node: a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
}

# Locks that anybody could take are none of its business

{
    behind_by_days();
    my $held = MagasinTest::hold(
        'SELECT pg_advisory_lock(430115, 1), pg_advisory_lock(430115)');
    my $nginx = MagasinNginx->start(workers => 1);
    ok(MagasinNginx::wait_for(sub { behind() < 10 }),
        'an advisory lock: the window moves on');
    MagasinTest::release($held);
    ok($nginx->stop, 'an advisory lock: a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
}

# It hangs: requests do not

{
    behind_by_days();
    my $held  = MagasinTest::hold('SELECT FROM fenetre FOR UPDATE');
    my $nginx = MagasinNginx->start(workers => 1, %counted,
        database => 'connections=2 timeout=30s lock_timeout=20s');
    my (%reads, %ready, %writes);
    my $longest = 0;
    ok(MagasinNginx::wait_for(sub {
            my $begun = time;
            $reads{ $nginx->code($product) }++;
            $ready{ $nginx->code('/readyz') }++;
            $writes{ ($nginx->put($product, '{"prix":"1.00"}'))[0] }++;
            my $took = time - $begun;
            $longest = $took if $took > $longest;
            return asked($nginx) >= 1;
        }), 'hangs: it gives up');
    is(join(' ', keys %reads), 200, 'hangs: reads are served');
    is(join(' ', keys %ready), 200, 'hangs: it is ready');
    is(join(' ', keys %writes), 200, 'hangs: writes are served');
    cmp_ok($longest, '<', 10, 'hangs: without a wait');
    cmp_ok(behind(), '>', 170_000, 'hangs: the window stays');
    MagasinTest::release($held);
    ok($nginx->stop, 'hangs: a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
}

# What sales lock first it locks first.  While it waits for the sums of the
# window, nobody has to wait for the hours and days: a sale of last week, made by
# hand, has the sums and wants those.

{
    behind_by_days();
    my $held   = MagasinTest::hold('SELECT FROM fenetre FOR UPDATE');
    my $caller = fork() // die "fork: $!\n";
    if ($caller == 0) {
        open STDOUT, '>', '/dev/null';
        exec qw(psql -X -q -d), MagasinTest::admin(),
            map { ('-c', 'SELECT entretien()') } 1 .. 1000;
    }

    # It waits for 100 ms; a look counts if the same wait goes on after it.
    is(MagasinTest::sql(<<'SQL'), '', 'the order of locks: it was looked at');
        DO $$
        DECLARE
            waits    timestamptz;
            goes_on  timestamptz;
            locked   boolean;
        BEGIN
            FOR n IN 1 .. 20000 LOOP
                SELECT waitstart INTO waits
                  FROM pg_locks JOIN pg_stat_activity USING (pid)
                 WHERE NOT granted AND query LIKE 'SELECT entretien()%';
                IF waits IS NOT NULL THEN
                    BEGIN
                        PERFORM FROM vente_periode FOR UPDATE NOWAIT;
                        -- Whoever has got it gives it back.
                        RAISE no_data_found;
                    EXCEPTION
                        WHEN no_data_found THEN
                            locked := false;
                        WHEN lock_not_available THEN
                            locked := true;
                    END;
                    SELECT waitstart INTO goes_on
                      FROM pg_locks JOIN pg_stat_activity USING (pid)
                     WHERE NOT granted AND query LIKE 'SELECT entretien()%';
                    IF goes_on = waits AND locked THEN
                        RAISE 'the hours and days are locked';
                    END IF;
                    EXIT WHEN goes_on = waits;
                END IF;
                PERFORM pg_sleep(0.002);
                PERFORM pg_stat_clear_snapshot();
            END LOOP;
            IF goes_on IS DISTINCT FROM waits OR waits IS NULL THEN
                RAISE 'it was not seen to wait';
            END IF;
        END
        $$
SQL
    MagasinTest::release($held);
    kill TERM => $caller;
    waitpid $caller, 0;
}

# What takes long comes first: while it reads the journal, or waits for what it
# writes of it, no sale has to wait for the sums.

{
    behind_by_days();
    MagasinTest::sql("ALTER FUNCTION entretien() SET lock_timeout = '60s'");
    my $held   = MagasinTest::hold('LOCK TABLE journal_repere');
    my $caller = fork() // die "fork: $!\n";
    if ($caller == 0) {
        open STDOUT, '>', '/dev/null';
        exec qw(psql -X -q -d), MagasinTest::admin(), '-c',
            'SELECT entretien()';
    }
    ok(MagasinNginx::wait_for(sub {
            MagasinTest::sql('SELECT count(*) FROM pg_stat_activity WHERE'
                . " wait_event_type = 'Lock' AND query = 'SELECT entretien()'")
        }), 'the journal: it waits');
    is(MagasinTest::sql('SELECT count(*) FROM'
            . ' (SELECT FROM cumul_vente FOR UPDATE SKIP LOCKED) libre'),
        MagasinTest::sql('SELECT count(*) FROM cumul_vente'),
        'the journal: and all sums are free meanwhile');
    MagasinTest::release($held);
    waitpid $caller, 0;
    is(wrong_sums(), 0, 'the journal: they are right after it');
    MagasinTest::sql($original);
}

MagasinTest::reset();
done_testing();
