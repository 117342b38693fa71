# Redis with a replica: the node uses the one that accepts writes, follows when
# they change places, and signs in as a user of the access control list.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use MagasinTest;
use MagasinNginx;
use MagasinCache;
use MagasinRedis qw(start ask);

plan skip_all => 'redis-server is not installed'
    unless grep { -x "$_/redis-server" } split /:/, $ENV{PATH};

MagasinTest::reset();

my ($one, $two) = map { "$MagasinRedis::Directory/$_" } qw(one two);
my $port = MagasinNginx::free_port();

sub cache {
    my ($nginx) = @_;
    my ($state) = ($nginx->get('/readyz'))[1] =~ /"cache":"([^"]+)"/;
    return $state // '';
}

# How many commands of the module this server has taken.
sub taken {
    my ($name) = @_;
    my $n     = 0;
    my $stats = ask($name, qw(INFO commandstats));
    $n += $1 while $stats =~ /^cmdstat_(?:hmget|eval\w*|fcall\w*):calls=(\d+)/mg;
    return $n;
}

# used(NGINX, NAME): whether reads get to this server.
sub used {
    my ($nginx, $name) = @_;
    my $n = 0;
    return MagasinNginx::wait_for(sub {
        my $before = taken($name);
        $nginx->get('/api/v1/products/' . (1 + $n++ % 3) . '/');
        $nginx->put('/api/v1/products/1/', '{"prix":"' . $n . '.00"}');
        return taken($name) > $before;
    });
}

sub linked {
    my ($name) = @_;
    return MagasinNginx::wait_for(sub {
        ask($name, qw(INFO replication)) =~ /^master_link_status:up/m });
}

start('one', '--port', $port);
start('two', '--replicaof', '127.0.0.1', $port);
ok(linked('two'), 'a replica');

# Alone, it is no cache.
my $nginx = MagasinCache->start(workers => 1,
    http => "magasin_redis unix:$two;");
ok(MagasinNginx::wait_for(sub {
    $nginx->log =~ /\[warn\].*no\ cache\ from\ Redis\ at\ unix:\S+two:
        \ it\ is\ a\ replica$/mx }), 'a replica alone: the log says so');
is(cache($nginx), 'unavailable', 'a replica alone: no cache');
is($nginx->code('/api/v1/products/1/'), 200, 'a replica alone: answers');
ok($nginx->stop, 'a graceful stop');

# As the first address, it is left for the second.
$nginx = MagasinCache->start(workers => 1,
    http => "magasin_redis unix:$two unix:$one timeout=1s;");
ok(MagasinNginx::wait_for(sub { cache($nginx) eq 'ok' }),
    'the first address is a replica: the second is used');
ok(used($nginx, 'one'), 'and its cache too');
unlike($nginx->log, qr/\[(?:warn|error|crit|alert)\]/,
    'there is nothing to warn of');

# They change places: no connection breaks, but the first refuses writes.
ask('two', qw(REPLICAOF NO ONE));
ask('one', 'REPLICAOF', '127.0.0.1', '1');
ok(used($nginx, 'two'), 'they changed places: the node follows');
ok(MagasinNginx::wait_for(sub { cache($nginx) eq 'ok' }),
    'they changed places: the cache is there');
is(($nginx->put('/api/v1/products/1/', '{"prix":"77.00"}'))[0], 200,
    'they changed places: a write');
like(($nginx->get('/api/v1/products/1/'))[1], qr/"prix":"77.00"/,
    'they changed places: a read sees it');
like($nginx->log, qr/Redis\ at\ unix:\S+one:\ it\ became\ a\ replica
    \ \(READONLY\)/x, 'they changed places: the log says why');
ok($nginx->stop, 'a graceful stop');
is($nginx->complaints, '', 'nothing alarming in the log');

# A user of the access control list, who may do what docs/DIRECTIVES.md says.
ask('two', 'ACL', 'SETUSER', 'magasin', 'on', '>correct horse', '~*', '&*',
    '-@all', map {"+$_"} qw(auth select info ping subscribe publish eval
        evalsha del hget hmget hset mget pexpire pttl set));
$nginx = MagasinCache->start(workers => 1, http => "magasin_redis unix:$two"
    . ' user=magasin "password=correct horse";');
ok(MagasinNginx::wait_for(sub { cache($nginx) eq 'ok' }), 'a user');
like(ask('two', qw(CLIENT LIST)), qr/user=magasin/, 'it is the one');
ok(used($nginx, 'two'), 'its commands are enough');
unlike($nginx->log, qr/NOPERM/, 'none is refused');
ok($nginx->stop, 'a graceful stop');

$nginx = MagasinCache->start(workers => 1, http => "magasin_redis unix:$two"
    . ' user=magasin "password=battery staple";');
ok(MagasinNginx::wait_for(sub { $nginx->log
    =~ /AUTH was refused \(WRONGPASS\)/ }), 'a wrong password');
is(cache($nginx), 'unavailable', 'a wrong password: no cache');
unlike($nginx->log, qr/battery/, 'a wrong password: it is not in the log');
ok($nginx->stop, 'a graceful stop');

MagasinTest::reset();
done_testing();
