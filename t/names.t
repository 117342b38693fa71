# Hosts by their names: nginx's resolver is asked when a server cannot be
# reached, and a name that has no address yet does not keep nginx from starting.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use MagasinTest;
use MagasinNginx;
use MagasinCache;
use MagasinNames qw(serve says relay finish asked);
use MagasinRedis;

MagasinTest::reset();

my $socket = $ENV{TEST_NGINX_DATABASE};
my ($where) = $socket =~ /\bhost=(\S+)/ or die "no host in $socket\n";
$where =~ s/%2F/\//g;
my ($number) = $socket =~ /\bport=(\d+)/;
my $path = "$where/.s.PGSQL." . ($number // 5432);
my $dns  = serve();
my $resolver = "resolver 127.0.0.1:$dns valid=1s ipv6=off;";

# The conninfo by a name and the port of the relays.
sub named {
    my ($name, $port) = @_;
    return $socket =~ s/\s*\bport=\S+//r =~ s/\bhost=\S+/host=$name port=$port/r;
}

sub ready {
    my ($nginx) = @_;
    return MagasinNginx::wait_for(sub { $nginx->code('/readyz') == 200 });
}

sub cached {
    my ($nginx) = @_;
    return MagasinNginx::wait_for(
        sub { ($nginx->get('/readyz'))[1] =~ /"cache":"ok"/ });
}

# node(HTTP): one whose start is not waited for
sub node {
    my ($database, $http) = @_;
    local $ENV{TEST_NGINX_DATABASE} = $database;
    return MagasinNginx->start(workers => 2, unready => 1, http => $http);
}

# --- PostgreSQL

my $port = relay('one', '127.0.0.2', 0, $path);
relay('two', '127.0.0.3', $port, $path);

# Its name has no address: nginx starts.
my $nginx = node(named('db.magasin.test', $port), $resolver);
ok(MagasinNginx::wait_for(sub {
    $nginx->log =~ /PostgreSQL at db\.magasin\.test:$port, \S+ \d+: its name has no address yet$/m
}), 'without an address: the log says it');
is($nginx->code('/healthz'), 200, 'without an address: nginx runs');
is($nginx->code('/readyz'), 503, 'without an address: it is not ready');
is($nginx->code('/api/v1/products/1/'), 503, 'without an address: 503');

says("db.magasin.test 127.0.0.2\n");
ok(ready($nginx), 'the name gets an address: it is ready');
# Each worker learns it by itself: the other one may still refuse.
ok(MagasinNginx::wait_for(sub { $nginx->code('/api/v1/products/1/') == 200 }),
    'the name gets an address: answers');
like($nginx->log, qr/"db\.magasin\.test" has 1 addresses now, the first is 127\.0\.0\.2$/m,
    'the name gets an address: the log says which');

# It moves.
says("db.magasin.test 127.0.0.3\n");
finish('one');
ok(MagasinNginx::wait_for(sub {
    $nginx->code('/api/v1/products/1/') == 200
        && $nginx->log =~ /has 1 addresses now, the first is 127\.0\.0\.3$/m }),
    'the name gets another address: the node follows');
ok(MagasinNginx::wait_for(sub {
    ($nginx->put('/api/v1/products/1/', '{"prix":"78.00"}'))[0] == 200 }),
    'and writes');

# DNS that fails takes nothing away, and is not asked more than once a second
# by a worker.
for my $fault (qw(failure nothing silent)) {
    says("db.magasin.test $fault\n");
    finish('two');
    ok(MagasinNginx::wait_for(sub { $nginx->code('/readyz') == 503 }), "$fault: away");
    my $before = asked();
    ok(MagasinNginx::wait_for(sub { asked() > $before }), "$fault: DNS is asked");
    relay('two', '127.0.0.3', $port, $path);
    ok(ready($nginx), "$fault: the old address is used");
}
says('');
ok(ready($nginx), 'no name: ready all the same');

# More addresses than there is place for, most of them of nobody.
finish('two');
ok(MagasinNginx::wait_for(sub { $nginx->code('/readyz') == 503 }), 'away');
says('db.magasin.test ' . join(' ', map {"127.0.1.$_"} 1 .. 20) . " 127.0.0.2\n");
ok(MagasinNginx::wait_for(sub { $nginx->log =~ /has 8 addresses now/ }),
    'twenty addresses: eight are taken');
says("db.magasin.test 127.0.0.4 127.0.0.2\n");
relay('one', '127.0.0.2', $port, $path);
ok(ready($nginx), 'two addresses: the one that answers is found');
ok($nginx->reload, 'a reload');
ok(ready($nginx), 'and it is ready again');
ok($nginx->stop, 'a graceful stop');
is($nginx->complaints =~ s/^.*(?:PostgreSQL at|host ".*cannot be resolved).*\n?//gmr, '',
    'nothing else alarming');

# Several names, of which one has no address.
says("two.magasin.test 127.0.0.2\n");
$nginx = node(named('one.magasin.test,two.magasin.test', $port), $resolver);
ok(ready($nginx), 'several names: the one with an address is found');
ok($nginx->stop, 'several names: a graceful stop');

# Nobody to ask.
{
    open my $saved, '>&', \*STDERR or die "dup: $!\n";
    open STDERR, '>', "$MagasinRedis::Directory/refused" or die "open: $!\n";
    my $started = eval { node(named('db.magasin.test', $port), '') };
    open STDERR, '>&', $saved or die "dup: $!\n";
    ok(!$started, 'no resolver: nginx does not start');
    like(MagasinNginx::slurp("$MagasinRedis::Directory/refused"),
        qr/host "db\.magasin\.test" in "magasin_database" cannot be resolved; with a "resolver"/,
        'no resolver: it says why');
}

# A name of the system's needs no resolver.
$port = relay('local', '127.0.0.1', 0, $path);
$nginx = node(named('localhost', $port), '');
ok(ready($nginx), 'a name of the system');
ok($nginx->stop, 'a name of the system: a graceful stop');

# --- Redis

MagasinRedis::start('redis');
$port = relay('three', '127.0.0.2', 0, "$MagasinRedis::Directory/redis");
says('');
$nginx = MagasinCache->start(workers => 1,
    http => "$resolver magasin_redis cache.magasin.test:$port;");
ok(MagasinNginx::wait_for(sub {
    $nginx->log =~ /Redis at cache\.magasin\.test:$port: its name has no address yet$/m }),
    'Redis without an address: the log says it');
is($nginx->code('/api/v1/products/1/'), 200, 'Redis without an address: answers');
says("cache.magasin.test 127.0.0.2\n");
ok(cached($nginx), 'Redis gets an address: a cache');
like($nginx->log, qr/Redis at cache\.magasin\.test \(127\.0\.0\.2\):$port answers again$/m,
    'Redis gets an address: the log says which');
says("cache.magasin.test 127.0.0.3\n");
relay('four', '127.0.0.3', $port, "$MagasinRedis::Directory/redis");
finish('three');
ok(MagasinNginx::wait_for(sub {
    $nginx->log =~ /Redis at cache\.magasin\.test \(127\.0\.0\.3\):$port answers again$/m }),
    'Redis moves: the node follows');
ok(cached($nginx), 'Redis moves: a cache');
ok($nginx->stop, 'a graceful stop');
is($nginx->complaints, '', 'nothing alarming');

MagasinTest::reset();
done_testing();
