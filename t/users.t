# An instance that root starts: nginx's workers are a user of their own, who
# gets magasin_web and Redis and nothing else; others get nothing.

use strict;
use warnings;

use lib 't/inc';
use File::Temp qw(tempdir);
use Test::More;
use MagasinTest;
use MagasinNginx;
use MagasinRedis;

plan skip_all => 'only root starts servers as other users' if $> != 0;
plan skip_all => 'the module is sanitized: it wants libasan before nginx'
    if $ENV{TEST_NGINX_ASAN};
plan skip_all => 'TEST_NGINX_LOAD_MODULES is not set (make test)'
    unless $ENV{TEST_NGINX_LOAD_MODULES};

my $redis = MagasinRedis::program('cli');
my $top  = $MagasinTest::Top;
my $port = MagasinNginx::free_port();
my $run  = tempdir('magasin-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $hidden = tempdir('magasin-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $run;
chmod 0700, $hidden;

my %own = (PORT => $port, METRICS_PORT => MagasinNginx::free_port(),
    WORKERS => 2, ADDRESS => '127.0.0.1',
    NODE_OF => '', TEMPLATE => '', DEMO_TOKEN => '', START_TIMEOUT => 60);

sub instance {
    my ($directory, $command, %other) = @_;
    local @ENV{ keys %own } = values %own;
    local @ENV{ keys %other } = values %other;
    local $ENV{RUN_DIR} = $directory;
    my $output = qx($top/scripts/instance.sh $command 2>&1);
    chomp $output;
    return ($? == 0, $output);
}

sub slurp {
    my ($path) = @_;
    open my $file, '<', $path or return '';
    local $/;
    return scalar <$file>;
}

END {
    my $status = $?;
    instance($_, 'remove') for grep {defined} $run, $hidden;
    $? = $status;
}

# as_user(USER, COMMAND...): whether it ended well, and what it said
sub as_user {
    my ($user, @command) = @_;
    my $pid = open(my $pipe, '-|') // die "fork: $!\n";
    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT;
        chdir '/';
        exec 'setpriv', '--reuid', $user, '--regid', (getpwnam $user)[3],
            '--init-groups', '--', @command;
    }
    my $output = do { local $/; <$pipe> } // '';
    close $pipe;
    return ($? == 0, $output);
}

sub put {
    my ($address) = @_;
    my $code = qx(curl -s -o /dev/null -w '%{http_code}' -m 60 -X PUT \\
        -H 'Authorization: Token token-430' -d prix=5.00 \\
        http://$address:$port/api/v1/products/1/);
    return $code;
}

for my $case ([ $run, 'a directory for all' ], [ $hidden, 'a hidden one' ]) {
    my ($directory, $name) = @$case;
    my ($done, $said) = instance($directory, 'start');
    ok($done, "$name: it starts") or diag $said;

    my (undef, $home) = instance($directory, 'home');
    my $master = (split ' ', slurp("$home/pid/nginx.pid"))[0] // 0;
    my $uid    = getpwnam 'magasin';
    ok($uid, "$name: there is a user for the workers");
    isnt($uid, scalar getpwnam 'postgres', "$name: who is not PostgreSQL's");

    my %users;
    for my $status (map { slurp($_) } glob '/proc/[0-9]*/status') {
        next unless $status =~ /^PPid:\s+$master$/m;
        my ($user) = $status =~ /^Uid:\s+(\d+)/m;
        my ($groups) = $status =~ /^Groups:[ \t]*(.*?) *$/m;
        $users{"$user, $groups"}++;
    }
    is_deeply(\%users, { "$uid, " . getgrnam('magasin') => 2 },
        "$name: workers are that user, with no other group");
    is(put('127.0.0.1'), 200, "$name: they serve");

    my $database = "host=$home/sockets dbname=magasin";
    my @psql = qw(psql -X -q -A -t -c);
    my @ask = (@psql, 'SELECT current_user', '-d');
    is_deeply([ as_user('magasin', @ask, "$database user=magasin_web") ],
        [ 1, "magasin_web\n" ], "$name: the user is magasin_web");
    for my $role (qw(postgres magasin_owner magasin)) {
        my ($in, $output) = as_user('magasin', @ask, "$database user=$role");
        ok(!$in && $output =~ /Peer authentication failed|no pg_hba\.conf/,
            "$name: and not $role") or diag $output;
    }
    for my $other (qw(postgres template1)) {
        my ($in, $output) = as_user('magasin', @ask,
            "host=$home/sockets dbname=$other user=magasin_web");
        ok(!$in && $output =~ /permission denied for database/,
            "$name: nor in the database $other") or diag $output;
    }
    is((as_user('magasin', $redis, '-s', "$home/sockets/redis.sock",
        'ping'))[1], "PONG\n", "$name: Redis is there");

    for my $role (qw(postgres magasin_web)) {
        my ($in, $output) = as_user('nobody', @ask, "$database user=$role");
        ok(!$in && $output =~ /Permission denied|Is the server running/,
            "$name: nobody is not $role") or diag $output;
    }
    unlike((as_user('nobody', $redis, '-s', "$home/sockets/redis.sock",
        'ping'))[1], qr/PONG/, "$name: nobody has no Redis");

    ok((as_user('magasin', 'test', '-r', "$home/tokens"))[0],
        "$name: workers read the tokens");
    for my $file (qw(tokens nginx.conf log/error.log data data/PG_VERSION)) {
        ok(!(as_user('magasin', 'test', '-w', "$home/$file"))[0],
            "$name: and do not write $file");
    }
    ok(!(as_user('magasin', 'test', '-w', "$home$_"))[0],
        "$name: nor in the directory $_") for '/', '/sockets', '/log', '/pid';
    ok(!(as_user('nobody', 'test', '-r', "$home/$_"))[0],
        "$name: $_ is not for all") for qw(tokens log/error.log log/access.log);

    # Servers that are started again are found again.
    for my $server (qw(postgres redis)) {
        instance($directory, "stop-$server");
        ($done, $said) = instance($directory, "start-$server");
        ok($done, "$name: $server starts again") or diag $said;
    }
    ok(MagasinNginx::wait_for(sub { put('127.0.0.1') eq '200' }),
        "$name: and the workers find it");

    ok((instance($directory, 'stop'))[0], "$name: it stops");
    unlike(slurp("$home/log/error.log"), qr/\[(?:alert|crit|emerg)\]/,
        "$name: nothing alarming in the log");
}

# What an older version has left: one user for all, who owns everything.

{
    chown scalar getpwnam('postgres'), scalar getgrnam('postgres'),
        "$run/sockets";
    chmod 0700, "$run/sockets";
    chown 0, scalar getgrnam('postgres'), "$run/tokens";
    my ($done, $said) = instance($run, 'start');
    ok($done, 'an older instance starts') or diag $said;
    like($said, qr/tokens belongs to the group magasin now/,
        'and says what it has changed');
    is(put('127.0.0.1'), 200, 'and has tokens');
    instance($run, 'stop');
}

# On another address than the loopback's

my ($address) = map {/\binet (\d+\.\d+\.\d+\.\d+)/ ? $1 : ()}
    grep { !/ inet 127\./ } `ip -4 -o address 2>/dev/null`;
SKIP: {
    skip 'there is no other address', 6 unless $address;
    my ($done, $said) = instance($run, 'start', ADDRESS => $address);
    ok($done, 'on an address') or diag $said;
    like($said, qr/counts on this machine alone/, 'it says what counts not');
    is(put($address), 401, 'the token of the demonstration does not count');
    instance($run, 'stop');

    ($done, $said)
        = instance($run, 'start', ADDRESS => $address, DEMO_TOKEN => 1);
    like($said, qr/whoever reaches \Q$address\E may write/,
        'DEMO_TOKEN=1: it says so');
    is(put($address), 200, 'DEMO_TOKEN=1: it counts');
    ok((instance($run, 'stop'))[0], 'and stops');
}

done_testing();
