# PostgreSQL goes away in every way it can, and comes back.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use Time::HiRes qw(sleep time);
use MagasinTest;
use MagasinNginx;

# About connections to PostgreSQL: a cache would have one more, and answer
# where they are away (t/cache_faults.t).
delete $ENV{TEST_NGINX_CACHE};

plan skip_all => 'TEST_NGINX_RUN_DIR is not set (make test)'
    unless $ENV{TEST_NGINX_RUN_DIR};

my $top = $MagasinTest::Top;

sub instance {
    my (@command) = @_;
    local $ENV{RUN_DIR} = $ENV{TEST_NGINX_RUN_DIR};
    system("$top/scripts/instance.sh @command >/dev/null 2>&1 </dev/null") == 0
        or die "instance.sh @command failed\n";
    return;
}

sub backends {
    my ($column) = @_;
    return MagasinTest::sql("SELECT coalesce(string_agg($column, ' '), '')"
        . " FROM pg_stat_activity WHERE usename = 'magasin_web'");
}

my $product = '/api/v1/products/1/';
my @reads   = map { MagasinNginx::get_request("/api/v1/products/$_/") } 1 .. 15;

MagasinTest::reset();

my $nginx = MagasinNginx->start(workers => 2,
    database => 'connections=2 timeout=5s connect_timeout=5s');

is($nginx->code($product), 200, 'it serves');

# Stopped

for my $how (qw(fast immediate)) {
    my $load = $nginx->load(connections => 8, requests => \@reads);
    sleep 0.5;
    instance('stop-postgres', $how);

    my ($status, $answer) = $nginx->get($product);
    is($status, 503, "$how: 503 while PostgreSQL is stopped");
    like($answer, qr/^Retry-After: \d+\r$/m, "$how: with Retry-After");
    like($answer, qr/\r\n\r\n\{"detail":"[^"]+"\}\z/, "$how: and JSON");
    is($nginx->code('/readyz'),  503, "$how: not ready");
    is($nginx->code('/healthz'), 200, "$how: but alive");
    ($status) = $nginx->put($product, '{"prix":"1.00"}');
    is($status, 503, "$how: writes are refused too");

    my $count = $load->finish;
    is($count->{failed}, 0, "$how: every request was answered");
    cmp_ok($count->{503} + $count->{504}, '>', 0, "$how: some with an error");
    is($count->{sent}, $count->{200} + $count->{503} + $count->{504},
        "$how: with 200, 503 or 504 and nothing else");

    # Nothing to do but to try again from time to time.
    ok(MagasinNginx::wait_for(sub {
        my ($before, $begun) = ($nginx->ticks, time);
        sleep 2;
        return ($nginx->ticks - $before) / (100 * (time - $begun)) < 0.1;
    }, 20), "$how: the workers are near idle");

    instance('start-postgres');
    ok(MagasinNginx::wait_for(sub { $nginx->code($product) == 200 }, 10),
        "$how: it serves again soon");
    ok(MagasinNginx::wait_for(
            sub { my @pids = split ' ', backends('pid::text'); @pids == 4 }),
        "$how: with all its connections");
}

# Terminated, one connection after the other

{
    my $load = $nginx->load(connections => 8, requests => \@reads);
    for (1 .. 8) {
        sleep 0.25;

        # The next one goes when the last one has been replaced for a while.
        MagasinNginx::wait_for(sub {
            MagasinTest::sql('SELECT count(*) FROM pg_stat_activity WHERE'
                . " usename = 'magasin_web' AND backend_start <"
                . " clock_timestamp() - interval '0.25 s'") == 4 });
        MagasinTest::sql('SELECT pg_terminate_backend(pid)'
                . " FROM pg_stat_activity WHERE usename = 'magasin_web'"
                . ' ORDER BY random() LIMIT 1');
    }
    my $count = $load->finish;
    is($count->{failed}, 0,              'terminated: no request failed');
    is($count->{sent},   $count->{200},  'terminated: reads are sent again');
}

# Silent

{
    my @pids;
    ok(MagasinNginx::wait_for(
        sub { @pids = split ' ', backends('pid::text'); @pids == 4 }),
        'two workers with two connections each');

    MagasinNginx::halt(@pids);
    my ($begun, $status) = (time, undef);
    $status = $nginx->code($product);
    is($status, 504, 'silent: 504');
    cmp_ok(time - $begun, '<', 20, 'silent: about in its time');
    ok(MagasinNginx::wait_for(sub { $nginx->code($product) == 200 }),
        'silent: new connections take their place');
    kill 'CONT', @pids;
    ok(MagasinNginx::wait_for(
            sub { my @now = split ' ', backends('pid::text'); @now == 4 }),
        'silent: and the old ones end');
}

# Locked: the rows are not free in time

{
    my $held = MagasinTest::hold('LOCK TABLE produit');
    my ($status, $answer) = $nginx->get($product);
    is($status, 503, 'locked: 503');
    is($nginx->code('/healthz'), 200, 'locked: the worker is alive');
    MagasinTest::release($held);
    ok(MagasinNginx::wait_for(sub { $nginx->code($product) == 200 }),
        'locked: it serves again');
}

# Read only, as after a failover to a standby

{
    MagasinTest::psql('-c', 'ALTER ROLE magasin_web'
        . ' SET default_transaction_read_only = on');
    MagasinTest::sql('SELECT pg_terminate_backend(pid)'
        . " FROM pg_stat_activity WHERE usename = 'magasin_web'");
    ok(MagasinNginx::wait_for(sub { $nginx->code($product) == 200 }),
        'read only: reads are served');

    # Of both workers: the other one may still connect.

    my ($status, $answer);
    MagasinNginx::wait_for(sub {
        ($status, $answer) = $nginx->get('/readyz');
        return $answer =~ /"database":"read-only"/;
    });
    is($status, 503, 'read only: not ready');
    like($answer, qr/"database":"read-only"/, 'read only: and says why');
    ($status) = $nginx->put($product, '{"prix":"1.00"}');
    is($status, 503, 'read only: writes are refused');
    MagasinTest::psql('-c',
        'ALTER ROLE magasin_web RESET default_transaction_read_only');
    MagasinTest::sql('SELECT pg_terminate_backend(pid)'
        . " FROM pg_stat_activity WHERE usename = 'magasin_web'");
    ok(MagasinNginx::wait_for(sub { $nginx->code('/readyz') == 200 }),
        'read only: ready again');
}

ok($nginx->stop, 'a graceful stop');
is($nginx->complaints, '', 'nothing alarming in the log');
undef $nginx;

# Several hosts: the first has nobody, the second serves.

{
    my $database = $ENV{TEST_NGINX_DATABASE};
    my ($directory) = $database =~ /host=(\S+)/;
    local $ENV{TEST_NGINX_DATABASE}
        = $database =~ s/host=\S+/host=127.0.0.1,\/nonexistent,$directory/r
        . ' port=1,5432,5432';
    my $several = MagasinNginx->start(workers => 1);
    is($several->code($product), 200, 'the third of three hosts serves');
    instance('stop-postgres');
    is($several->code($product), 503, 'none of them serves');
    instance('start-postgres');
    ok(MagasinNginx::wait_for(sub { $several->code($product) == 200 }),
        'the third serves again');
    ok($several->stop, 'a graceful stop');
    is($several->complaints, '', 'nothing alarming in the log');
}

MagasinTest::reset();
done_testing();
