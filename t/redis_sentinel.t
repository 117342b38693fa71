# Redis behind Sentinels: the node asks them for the primary, and follows when
# another server becomes it.

use strict;
use warnings;

use lib 't/inc';
use IO::Socket::INET;
use Test::More;
use MagasinTest;
use MagasinNginx;
use MagasinCache;
use MagasinRedis qw(start sentinel ask);

plan skip_all => 'redis-server is not installed'
    unless grep { -x "$_/" . MagasinRedis::program('server') }
    split /:/, $ENV{PATH};

MagasinTest::reset();

my %port = map { $_ => MagasinNginx::free_port() } qw(one two s1 s2 s3);
my @sentinels = qw(s1 s2 s3);
my $all       = join ' ', map {"127.0.0.1:$port{$_}"} @sentinels;

sub cache {
    my ($nginx) = @_;
    my ($state) = ($nginx->get('/readyz'))[1] =~ /"cache":"([^"]+)"/;
    return $state // '';
}

sub cached {
    my ($nginx) = @_;
    return MagasinNginx::wait_for(sub { cache($nginx) eq 'ok' });
}

# asked(SENTINEL, WORD...): what it answers
sub asked {
    my ($name, @words) = @_;
    open my $pipe, '-|', MagasinRedis::program('cli'), '-p', $port{$name}, @words
        or die "redis-cli: $!\n";
    my $text = do { local $/; <$pipe> } // '';
    close $pipe;
    return $text;
}

# primary(NAME): whether all Sentinels say that it is this one
sub primary {
    my ($name) = @_;
    return MagasinNginx::wait_for(sub {
        !grep { asked($_, qw(SENTINEL GET-MASTER-ADDR-BY-NAME boutique))
            !~ /^$port{$name}$/m } @sentinels });
}

# used(NGINX, NAME): whether reads get to this server
sub used {
    my ($nginx, $name) = @_;
    my $n     = 0;
    my $taken = sub {
        my $sum   = 0;
        my $stats = ask($name, qw(INFO commandstats));
        $sum += $1 while $stats =~ /^cmdstat_(?:hmget|eval\w*|mget):calls=(\d+)/mg;
        return $sum;
    };
    return MagasinNginx::wait_for(sub {
        my $before = $taken->();
        $nginx->get('/api/v1/products/' . (1 + $n++ % 3) . '/');
        $nginx->put('/api/v1/products/1/', '{"prix":"' . $n . '.00"}');
        return $taken->() > $before;
    });
}

start('one', '--port', $port{one}, '--requirepass', 'sesame', '--masterauth', 'sesame');
$ENV{REDISCLI_AUTH} = 'sesame';
start('two', '--port', $port{two}, '--requirepass', 'sesame', '--masterauth', 'sesame',
    '--replicaof', '127.0.0.1', $port{one});
ok(MagasinNginx::wait_for(sub {
    ask('two', qw(INFO replication)) =~ /^master_link_status:up/m }), 'a replica');

sentinel($_, $port{$_}, "sentinel monitor boutique 127.0.0.1 $port{one} 2",
    'sentinel auth-pass boutique sesame', 'sentinel down-after-milliseconds boutique 500',
    'sentinel failover-timeout boutique 2000', 'requirepass guardian',
    'sentinel sentinel-pass guardian')
    for @sentinels;
$ENV{REDISCLI_AUTH} = 'guardian';
ok(primary('one'), 'the Sentinels know the primary');
ok(MagasinNginx::wait_for(sub {
    3 == grep { asked($_, qw(SENTINEL MASTER boutique))
        =~ /^num-other-sentinels\n2$/m } @sentinels }), 'and each other');
ok(MagasinNginx::wait_for(sub {
    3 == grep { asked($_, qw(SENTINEL MASTER boutique)) =~ /^num-slaves\n1$/m } @sentinels }),
    'and the replica');

sub redis_asked {
    local $ENV{REDISCLI_AUTH} = 'sesame';
    return used(@_);
}

my $nginx = MagasinCache->start(workers => 2, http => "magasin_redis $all sentinel=boutique"
    . ' timeout=1s password=sesame sentinel_password=guardian;');
ok(cached($nginx), 'the primary is found');
ok(redis_asked($nginx, 'one'), 'and used');
unlike($nginx->log, qr/\[(?:warn|error|crit|alert)\]/, 'there is nothing to warn of');

# The first Sentinel that is asked has gone.
MagasinRedis::tell('s1', 'STOP');
ok($nginx->reload, 'a reload');
ok(cached($nginx), 'a Sentinel that hangs is left for the next');
MagasinRedis::tell('s1', 'CONT');
ok(primary('one'), 'it is back');

# They change places.
like(asked('s2', qw(SENTINEL FAILOVER boutique)), qr/^OK$/m, 'a failover is ordered');
ok(primary('two'), 'the other one is the primary');
ok(redis_asked($nginx, 'two'), 'the node follows');
ok(cached($nginx), 'and its cache is there');
is(($nginx->put('/api/v1/products/1/', '{"prix":"77.00"}'))[0], 200, 'a write');
like(($nginx->get('/api/v1/products/1/'))[1], qr/"prix":"77.00"/, 'a read sees it');

# The primary dies.
{
    local $ENV{REDISCLI_AUTH} = 'sesame';
    ok(MagasinNginx::wait_for(sub {
        ask('one', qw(INFO replication)) =~ /^master_link_status:up/m }), 'a replica again');
}
MagasinRedis::finish('two');
is($nginx->code('/api/v1/products/1/'), 200, 'no primary: reads go on');
ok(primary('one'), 'the Sentinels have made the other one the primary');
ok(redis_asked($nginx, 'one'), 'the node follows');
ok(cached($nginx), 'and its cache is there');
ok($nginx->stop, 'a graceful stop');
is($nginx->complaints, '', 'nothing alarming in the log');

# What is configured wrong.
for ([ 'sentinel=epicerie', qr/Sentinel at \S+: it knows no primary of this name$/m,
        'an unknown name', 'guardian' ],
    [ 'sentinel=boutique', qr/Sentinel at \S+: AUTH was refused \(WRONGPASS\)$/m,
        'a wrong password', 'watchman' ])
{
    my ($option, $log, $what, $password) = @$_;
    $nginx = MagasinCache->start(workers => 1, http => "magasin_redis 127.0.0.1:$port{s1}"
        . " $option password=sesame sentinel_password=$password;");
    ok(MagasinNginx::wait_for(sub { $nginx->log =~ $log }), "$what: the log says it");
    is(cache($nginx), 'unavailable', "$what: no cache");
    is($nginx->code('/api/v1/products/1/'), 200, "$what: answers");
    unlike($nginx->log, qr/watchman|guardian|sesame/, "$what: no password in the log");
    ok($nginx->stop, "$what: a graceful stop");
}

# Whatever answers as a Sentinel: the connection ends, and nothing else.
my %hostile = (
    'a name'             => "*2\r\n\$5\r\nredis\r\n\$4\r\n6379\r\n",
    'an empty address'   => "*2\r\n\$0\r\n\r\n\$4\r\n6379\r\n",
    'a long address'     => "*2\r\n\$300\r\n" . ('1' x 300) . "\r\n\$4\r\n6379\r\n",
    'port 0'             => "*2\r\n\$9\r\n127.0.0.1\r\n\$1\r\n0\r\n",
    'port 65536'         => "*2\r\n\$9\r\n127.0.0.1\r\n\$5\r\n65536\r\n",
    'a port of letters'  => "*2\r\n\$9\r\n127.0.0.1\r\n\$4\r\nhttp\r\n",
    'one element'        => "*1\r\n\$9\r\n127.0.0.1\r\n",
    'three elements'     => "*3\r\n\$1\r\n1\r\n\$1\r\n1\r\n\$1\r\n1\r\n",
    'numbers'            => "*2\r\n:1\r\n:6379\r\n",
    'nulls'              => "*2\r\n\$-1\r\n\$-1\r\n",
    'another type'       => "+OK\r\n",
    'an empty array'     => "*0\r\n",
);

my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 16, ReuseAddr => 1)
    or die "listen: $!\n";
my $false = $listener->sockport;

for my $what (sort keys %hostile) {
    my $pid = fork;
    die "fork: $!\n" unless defined $pid;
    if ($pid == 0) {
        while (my $client = $listener->accept) {
            sysread $client, my $question, 4096;
            syswrite $client, $hostile{$what};
            1 while sysread $client, $question, 4096;
        }
        require POSIX;
        POSIX::_exit(0);
    }
    $nginx = MagasinCache->start(workers => 1,
        http => "magasin_redis 127.0.0.1:$false sentinel=boutique;");
    ok(MagasinNginx::wait_for(sub { $nginx->log =~
        /Sentinel at \S+: (?:it names a primary by no address|SENTINEL has a strange reply)$/m }),
        "$what: the log says it");
    is($nginx->code('/api/v1/products/1/'), 200, "$what: answers");
    ok($nginx->stop, "$what: a graceful stop");
    is($nginx->complaints, '', "$what: nothing alarming");
    kill 'TERM', $pid;
    waitpid $pid, 0;
}

MagasinTest::reset();
done_testing();
