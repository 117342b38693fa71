# The connections to PostgreSQL: too few of them, a postmaster that is silent,
# writes that must never run twice, and a stop while PostgreSQL is away.

use strict;
use warnings;

use lib 't/inc';
use IO::Select;
use Test::More;
use Time::HiRes qw(sleep time);
use MagasinTest;
use MagasinNginx;

# About connections to PostgreSQL: a cache would have one more, and answer
# where they are away (t/cache_faults.t).
delete $ENV{TEST_NGINX_CACHE};

plan skip_all => 'TEST_NGINX_RUN_DIR is not set (make test)'
    unless $ENV{TEST_NGINX_RUN_DIR};

my $top     = $MagasinTest::Top;
my $product = '/api/v1/products/1/';

sub instance {
    my (@command) = @_;
    local $ENV{RUN_DIR} = $ENV{TEST_NGINX_RUN_DIR};
    system("$top/scripts/instance.sh @command >/dev/null 2>&1 </dev/null") == 0
        or die "instance.sh @command failed\n";
    return;
}

sub backends {
    return MagasinTest::sql('SELECT count(*) FROM pg_stat_activity'
        . " WHERE usename = 'magasin_web'");
}

sub terminate {
    my ($limit) = @_;
    return MagasinTest::sql('SELECT pg_terminate_backend(pid) FROM'
        . " (SELECT pid FROM pg_stat_activity WHERE usename = 'magasin_web'"
        . " ORDER BY random() LIMIT $limit) t");
}

# Whether the workers use less than a tenth of a core, once they have done what
# they were at.
sub near_idle {
    my ($nginx) = @_;
    return MagasinNginx::wait_for(sub {
        my ($before, $begun) = ($nginx->ticks, time);
        sleep 1.5;
        return ($nginx->ticks - $before) / (100 * (time - $begun)) < 0.1;
    }, 20);
}

# Seconds: less than what somebody else waits, and more than any machine takes.
my $soon = 15;

# With counters, and without a cache.
my %counted = (
    http   => 'magasin_zone connections:2m; magasin_cache off;',
    server => 'location = /metrics { magasin_metrics; }',
);

# Whether so many reads are under way, as the workers know.
sub under_way {
    my ($nginx, $number) = @_;
    return MagasinNginx::wait_for(sub {
        my ($active) = ($nginx->get('/metrics'))[1]
            =~ /^magasin_http_requests_active\{method="GET"\} (\d+)/m;
        return ($active // 0) == $number + 1;
    });
}

my $postmaster;

# Whatever happens, the next suite finds PostgreSQL as it was.
END {
    my $status = $?;
    kill 'CONT', $postmaster if $postmaster;
    if ($ENV{TEST_NGINX_RUN_DIR}) {
        eval {
            instance('start-postgres');
            MagasinTest::psql('-c',
                'ALTER ROLE magasin_web CONNECTION LIMIT -1');
        };
    }
    $? = $status;
}

MagasinTest::reset();


# Writes while connections break: each is applied once or not at all

{
    MagasinTest::sql(
        'CREATE SEQUENCE t_updates',
        'CREATE FUNCTION t_count() RETURNS trigger LANGUAGE plpgsql'
            . ' SECURITY DEFINER AS'
            . " \$\$ BEGIN PERFORM nextval('t_updates'); RETURN new; END \$\$",
        'CREATE TRIGGER t_count AFTER UPDATE ON produit FOR EACH ROW'
            . ' EXECUTE FUNCTION t_count()',
    );

    my $nginx = MagasinNginx->start(workers => 2,
        database => 'connections=2 timeout=3s');
    my $load = $nginx->load(connections => 8, requests => [
        map { MagasinNginx::put_request("/api/v1/products/$_/",
            '{"prix":"' . $_ . '.25"}') } 1 .. 15 ]);
    for (1 .. 10) {
        sleep 0.25;
        terminate(2);
    }
    my $count   = $load->finish;
    my $applied = MagasinTest::sql('SELECT last_value FROM t_updates');

    is($count->{failed}, 0, 'writes: every request was answered');
    is($count->{sent}, $count->{200} + $count->{503} + $count->{504},
        'writes: with 200, 503 or 504');
    cmp_ok($applied, '>=', $count->{200}, 'writes: what is told is done');
    cmp_ok($applied, '<=', $count->{sent}, 'writes: and nothing is done twice');

    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
    MagasinTest::sql('DROP TRIGGER t_count ON produit',
        'DROP FUNCTION t_count()', 'DROP SEQUENCE t_updates');
}


# Fewer connections than asked for

{
    MagasinTest::psql('-c', 'ALTER ROLE magasin_web CONNECTION LIMIT 1');
    my $nginx = MagasinNginx->start(workers => 1, database => 'connections=4');

    is(backends(), 1, 'few: one of four connections is there');
    is(scalar(grep { $nginx->code($product) == 200 } 1 .. 20), 20,
        'few: it serves');
    is($nginx->code('/api/v1/reports/'), 200, 'few: also long statements');
    ok(near_idle($nginx), 'few: the others try at their leisure');

    MagasinTest::psql('-c', 'ALTER ROLE magasin_web CONNECTION LIMIT -1');
    ok(MagasinNginx::wait_for(sub { backends() == 4 }),
        'few: they all come once they may');
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
}


# A postmaster that accepts and says nothing

{
    my $nginx = MagasinNginx->start(workers => 1,
        database => 'connections=2 timeout=1s connect_timeout=500ms');
    ($postmaster) = MagasinTest::sql("SELECT pg_read_file('postmaster.pid')")
        =~ /\A(\d+)/;

    my @pids = split /\n/, MagasinTest::sql('SELECT pid FROM pg_stat_activity'
        . " WHERE usename = 'magasin_web'");

    MagasinNginx::halt($postmaster);
    is($nginx->code($product), 200,
        'mute: what is connected goes on');
    kill 'TERM', @pids;

    # Nobody waits for them while the postmaster stands still.

    MagasinNginx::wait_for(sub {
        !grep { MagasinNginx::slurp("/proc/$_/stat") =~ /\) [^Z] / } @pids;
    }) or die "sessions do not end\n";

    my ($begun, $status) = (time, undef);
    ($status) = $nginx->get($product);
    like($status, qr/^50[34]$/, 'mute: without a connection 503 or 504');
    cmp_ok(time - $begun, '<', $soon, 'mute: about in its time');
    is($nginx->code('/healthz'), 200, 'mute: the worker is alive');
    ok(near_idle($nginx), 'mute: and near idle');

    kill 'CONT', $postmaster;
    ok(MagasinNginx::wait_for(sub { $nginx->code($product) == 200 }),
        'mute: it serves again');
    ok(MagasinNginx::wait_for(sub { backends() == 2 }),
        'mute: the pool is whole');
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
}


# One session is silent, and has been asked by /readyz: it is asked elsewhere.

{
    my $nginx = MagasinNginx->start(workers => 1,
        database => 'connections=4 timeout=50s');
    MagasinNginx::wait_for(sub { backends() == 4 })
        or die "not all connections are made\n";
    my @pids = split /\n/, MagasinTest::sql('SELECT pid FROM pg_stat_activity'
        . " WHERE usename = 'magasin_web'");
    my ($load, $silent);

    # Until it is the one that is asked, which may be another one each time; an
    # answer is good for half a second.

    for (1 .. 50) {
        sleep 0.6;
        MagasinNginx::halt($silent = $pids[ rand @pids ]);
        $load = $nginx->load(connections => 1, seconds => 0,
            requests => [ MagasinNginx::get_request('/readyz') ]);
        last if !IO::Select->new($load->{pipe})->can_read(2);
        kill 'CONT', $silent;
        $load->finish;
        $silent = 0;
    }
    ok($silent, 'silent: /readyz waits for a session');
    my $begun = time;
    is($nginx->code('/readyz', $soon), 200, 'silent: /readyz is answered');
    cmp_ok(time - $begun, '<', $soon, 'silent: by another one');
    kill 'CONT', $silent if $silent;
    is($load->finish->{200}, 1, 'silent: and the first in the end');
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
}


# Reload and stop while PostgreSQL is away

{
    my $nginx = MagasinNginx->start(workers => 2);
    instance('stop-postgres');

    my @before = $nginx->workers;
    kill 'HUP', $nginx->master;
    ok(MagasinNginx::wait_for(sub {
        my %now = map { $_ => 1 } $nginx->workers;
        return keys %now == 2 && !grep { $now{$_} } @before;
    }), 'away: a reload makes new workers');
    ok(MagasinNginx::wait_for(
        sub { !grep { -d "/proc/$_" } @before }), 'away: the old ones end');
    is($nginx->code($product), 503, 'away: 503');

    my $begun = time;
    ok($nginx->stop, 'away: a graceful stop');
    cmp_ok(time - $begun, '<', $soon, 'away: at once');
    is($nginx->complaints, '', 'nothing alarming in the log');
    instance('start-postgres');
}


# A stop while a request waits that nobody will answer any more

{
    my $nginx = MagasinNginx->start(workers => 1, %counted,
        database => 'timeout=6s lock_timeout=5s');
    my $held  = MagasinTest::hold('LOCK TABLE produit');
    my $load  = $nginx->load(connections => 5, seconds => 0,
        requests => [ MagasinNginx::get_request($product) ]);
    ok(under_way($nginx, 5), 'held: requests wait');
    ok($nginx->stop, 'held: a graceful stop');
    my $count = $load->finish;
    is($count->{503}, 5, 'held: after the requests have given up');
    MagasinTest::release($held);
    is($nginx->complaints, '', 'nothing alarming in the log');
}


# Long statements do not keep short ones waiting

{
    my $nginx = MagasinNginx->start(workers => 1, %counted,
        database => 'connections=2 timeout=60s lock_timeout=50s');
    my $held = MagasinTest::hold('LOCK TABLE cumul_vente');
    my $load = $nginx->load(connections => 10, seconds => 0,
        requests => [ MagasinNginx::get_request('/api/v1/reports/') ]);
    ok(under_way($nginx, 10), 'long: they wait');
    is(scalar(grep { $nginx->code($product, $soon) == 200 } 1 .. 20), 20,
        'long: short statements are served meanwhile');
    my ($status) = $nginx->put($product, '{"prix":"3.00"}');
    is($status, 200, 'long: and writes');
    MagasinTest::release($held);
    my $count = $load->finish;
    is($count->{200}, 10, 'long: in the end they are served too');
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming in the log');
}

MagasinTest::reset();
done_testing();
