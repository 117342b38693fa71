# Signals, clients that leave and full queues, under load.

use strict;
use warnings;

use lib 't/inc';
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_LINGER);
use Test::More;
use Time::HiRes qw(sleep time);
use MagasinTest;
use MagasinNginx;

# About connections to PostgreSQL: a cache would have one more, and answer
# where they are busy.
delete $ENV{TEST_NGINX_CACHE};

plan skip_all => 'TEST_NGINX_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_DATABASE};

MagasinTest::reset();

my $product = '/api/v1/products/1/';
my @mix     = (
    (map { MagasinNginx::get_request("/api/v1/products/$_/") } 1 .. 15),
    (map { MagasinNginx::get_request("/api/v1/stores/$_/stock/") } 1 .. 5),
    MagasinNginx::get_request('/api/v1/stores/1/stock/list/?page=2'),
    MagasinNginx::get_request('/api/v1/reports/'),
    (map { MagasinNginx::put_request("/api/v1/products/$_/",
        '{"prix":"' . $_ . '.50"}') } 1 .. 3),
);

my $nginx = MagasinNginx->start(workers => 2);

sub connections {
    return MagasinTest::sql('SELECT count(*) FROM pg_stat_activity'
        . " WHERE usename = 'magasin_web'");
}

# Reload

{
    my $load = $nginx->load(connections => 16,
        requests => \@mix);
    for (1 .. 4) {
        sleep 0.8;
        ok($nginx->reload, 'the workers are new');
    }
    my $count = $load->finish;
    cmp_ok($count->{sent}, '>', 100, "$count->{sent} requests over reloads");
    is($count->{failed}, 0, 'reload: none failed');
    is($count->{200}, $count->{sent}, 'reload: all were served');
    ok(MagasinNginx::wait_for(sub { connections() == 6 }),
        'reload: the old workers have closed their connections');
}

# A worker dies

{
    my $load = $nginx->load(connections => 16,
        requests => \@mix);
    for (1 .. 3) {
        sleep 0.9;
        $nginx->crash(($nginx->workers)[0]) or die "no new worker\n";
    }
    my $count = $load->finish;
    cmp_ok($count->{failed} + $count->{again}, '<=', 3 * 16,
        'killed: at most what was in flight there');
    is($count->{200} + $count->{failed}, $count->{sent},
        'killed: the rest was served');
    ok(MagasinNginx::wait_for(
            sub { $nginx->workers == 2 && connections() == 6 }),
        'killed: the pool is whole again');
}

# Clients that leave while their statement runs

{
    my $held = MagasinTest::hold('LOCK TABLE produit');
    my @clients;

    for my $n (1 .. 1000) {
        my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
            PeerPort => $nginx->{port}) or die "connect: $!\n";
        print {$socket} $n % 4 ? MagasinNginx::get_request($product)
            : MagasinNginx::put_request('/api/v1/products/2/',
                '{"prix":"7.00"}');
        $socket->flush;

        # Half of them politely, half with a reset.
        setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0
            if $n % 2;
        push @clients, $socket;
        if (@clients == 50) {
            sleep 0.01;
            close shift @clients while @clients;
        }
    }

    is($nginx->code('/healthz'), 200, 'aborts: the worker is alive');
    MagasinTest::release($held);

    ok(MagasinNginx::wait_for(sub { $nginx->code($product) == 200 }),
        'aborts: it serves');
    is(scalar(grep { $nginx->code($product) == 200 } 1 .. 50), 50,
        'aborts: and goes on serving');
    ok(MagasinNginx::wait_for(sub { connections() == 6 }),
        'aborts: the pool is whole');
    ok(MagasinNginx::wait_for(sub {
        MagasinTest::sql('SELECT count(*) FROM pg_stat_activity'
            . " WHERE usename = 'magasin_web' AND state <> 'idle'") == 0;
    }), 'aborts: nothing runs any more');
}

ok($nginx->stop, 'a graceful stop');
is($nginx->complaints(qr/exited on signal 9/), '',
    'nothing alarming in the log');
undef $nginx;

# A full queue

{
    my $small = MagasinNginx->start(workers => 1,
        database => 'connections=1 queue=4 timeout=60s lock_timeout=50s');
    my $held = MagasinTest::hold('LOCK TABLE produit');
    my $load = $small->load(connections => 400, seconds => 0,
        requests => [ MagasinNginx::get_request($product) ]);

    # The first to ask may be one that waits.

    my ($status, $answer);
    ok(MagasinNginx::wait_for(sub {
        ($status, $answer) = $small->get($product, 10);
        return $status == 503;
    }), 'full: 503, at once');
    like($answer, qr/^Retry-After: \d+\r$/m, 'full: with Retry-After');

    MagasinTest::release($held);
    my $count = $load->finish;
    is($count->{failed}, 0, 'full: every request was answered');
    cmp_ok($count->{503}, '>', 0, 'full: some were refused');
    ok(MagasinNginx::wait_for(sub { $small->code($product) == 200 }),
        'full: it serves again');
    ok($small->stop, 'a graceful stop');
    is($small->complaints, '', 'nothing alarming in the log');
}

# Requests under way end before their worker does.

{
    my $last = MagasinNginx->start(workers => 1,
        database => 'timeout=60s lock_timeout=50s',
        http     => 'magasin_zone load:2m; magasin_cache off;',
        server   => 'location = /metrics { magasin_metrics; }');
    my $held = MagasinTest::hold('LOCK TABLE produit');
    my $load = $last->load(connections => 5, seconds => 0,
        requests => [ MagasinNginx::get_request($product) ]);
    ok(MagasinNginx::wait_for(sub {
        ($last->get('/metrics'))[1]
            =~ /^magasin_http_requests_active\{method="GET"\} 6$/m;
    }), 'quit: they are under way');
    my $master = $last->master;
    my ($worker) = $last->workers;
    kill 'QUIT', $master;
    ok(MagasinNginx::wait_for(sub {
        MagasinNginx::slurp("/proc/$worker/cmdline") =~ /shutting down/
    }), 'quit: the worker shuts down');
    MagasinTest::release($held);
    my $count = $load->finish;
    is($count->{200}, $count->{sent}, 'quit: what was under way is served');
    ok(MagasinNginx::wait_for(sub { !-d "/proc/$master" }),
        'quit: and nginx ends');
    is($last->complaints, '', 'nothing alarming in the log');
}

MagasinTest::reset();
done_testing();
