# What "make run" refuses, with one sentence that says what to do, before it
# makes anything; and that it ends well, however it is ended.

use strict;
use warnings;

use lib 't/inc';
use File::Temp qw(tempdir);
use IO::Socket::INET;
use IO::Socket::IP;
use Test::More;
use MagasinTest;
use MagasinNginx;

plan skip_all => 'TEST_NGINX_RUN_DIR is not set (make test)'
    unless $ENV{TEST_NGINX_RUN_DIR};
plan skip_all => 'the module is sanitized: it wants libasan before nginx'
    if $ENV{TEST_NGINX_ASAN};

my $top   = $MagasinTest::Top;
my $where = tempdir('magasin-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $where;
my $port = MagasinNginx::free_port();
my %own = (RUN_DIR => "$where/run", PORT => $port,
    METRICS_PORT => MagasinNginx::free_port(), ADDRESS => '127.0.0.1',
    map { $_ => '' } qw(METRICS_ADDRESS NODE_OF NODE_PORTS TEMPLATE
        DEMO_TOKEN NAMES PROXIES WORKERS CACHE START_TIMEOUT));

# run({ENVIRONMENT}, COMMAND...): exit status and output
sub run {
    my ($settings, @command) = @_;
    my $pid = open(my $pipe, '-|') // die "fork: $!\n";
    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT;
        open STDIN, '<', '/dev/null';
        %ENV = (%ENV, %own, %$settings);
        delete $ENV{$_} for grep { $ENV{$_} eq '' } keys %own;
        exec @command;
    }
    my $text = do { local $/; <$pipe> } // '';
    close $pipe;
    return ($? >> 8, $text);
}

my $script = "$top/scripts/instance.sh";

# refused(NAME, {ENVIRONMENT}, SENTENCE)
sub refused {
    my ($name, $settings, $sentence) = @_;
    my ($status, $said) = run($settings, $script, 'up');
    is($status, 1, "$name: it does not start");
    like($said, qr/\Amagasin: [^\n]*$sentence[^\n]*\n\z/,
        "$name: one sentence says why");
    ok(!-e "$where/run", "$name: and nothing was made");
    return;
}

refused('a word as a port', { PORT => 'web' }, 'use a number from 1024');
refused('no such port', { PORT => 65536 }, 'PORT=65536 is no port');
refused('port 0', { PORT => 0 }, 'PORT=0 is no port');
refused('no port after it', { PORT => 65535, METRICS_PORT => '' },
    'METRICS_PORT=65536 is no port');
refused('one port twice', { METRICS_PORT => $port }, 'choose two');
refused('a word as an address', { ADDRESS => 'here' }, 'is no address');
refused('half an address', { ADDRESS => '127.0.0' }, 'is no address');
refused('the address of another', { ADDRESS => '192.0.2.1' },
    'is not an address of this machine');
refused('an IPv6 address of another', { ADDRESS => '2001:db8::1' },
    'is not an address of this machine');
refused('another address for operators', { METRICS_ADDRESS => 'all' },
    'METRICS_ADDRESS=all is no address');
refused('no worker', { WORKERS => 0 }, 'a number from 1 to 21');
refused('too many workers', { WORKERS => 22 }, 'a number from 1 to 21');
refused('a word as workers', { WORKERS => 'many' }, 'use auto or');
refused('no such cache', { CACHE => 'yes' }, 'use on, off, l1 or l2');
refused('no host name', { NAMES => 'a.example "b' }, 'is no host name');
refused('no network', { PROXIES => 'proxy.example' }, 'no address or network');
refused('no time', { START_TIMEOUT => 'long' }, 'is no number of seconds');
refused('a module that is not there', { MODULE => "$where/none.so" },
    'does not exist \(make build\)');
{
    my $listener = IO::Socket::INET->new(Listen => 1, ReuseAddr => 1,
        LocalAddr => '127.0.0.1', LocalPort => 0);
    my $busy = $listener->sockport();
    refused('a busy port', { PORT => $busy },
        "port $busy is in use: choose another");
    refused('a busy port on all addresses',
        { PORT => $busy, ADDRESS => '0.0.0.0' }, "port $busy is in use");
    refused('a busy port for operators', { METRICS_PORT => $busy },
        "\\(METRICS_PORT\\) is in use");
}
refused('a file', { RUN_DIR => $script }, 'is not a directory');
refused('a foreign directory', { RUN_DIR => '/' }, 'choose another RUN_DIR');
refused('a directory in a file', { RUN_DIR => "$script/run" },
    'choose another RUN_DIR');

# Directories of others

SKIP: {
    skip 'only root has other users', 18 if $> != 0;
    my ($uid, $gid) = (getpwnam 'nobody')[2, 3];
    my @nobody = ('setpriv', "--reuid=$uid", "--regid=$gid", '--clear-groups');
    my ($status, $said) = run({}, @nobody, $script, 'up');
    is($status, 1, "a directory of root's: nobody does not start there");
    like($said, qr{\Amagasin: \Q$where\E\S* belongs to root, .* RUN_DIR},
        'and is told whose it is');
    ($status, $said) = run({ PORT => 80 }, @nobody, $script, 'up');
    is($status, 1, 'a port of root');
    # Where all ports are everybody's, the directory is in the way.
    like($said, qr/\Amagasin: (?:only root may listen on port 80|\Q$where\E)/,
        'and why not');

    mkdir "$where/user" or die "mkdir: $!\n";
    open my $lock, '>', "$where/user/.lock" or die "open: $!\n";
    chown $uid, $gid, "$where/user", "$where/user/.lock";
    for my $command (qw(up start start-db)) {
        ($status, $said) = run({ RUN_DIR => "$where/user" }, $script,
            $command);
        is($status, 1, "$command: root does not start a user's instance");
        like($said, qr/is that of the user nobody: start it as nobody/,
            "$command: and says whose it is");
    }
    is((stat "$where/user/.lock")[4], $uid, 'which is as it was');
    is(scalar(() = glob("$where/user/*")), 0, 'and nothing is in it');

    # A full disk
    skip 'there are no namespaces here', 6
        if system('unshare --mount true 2>/dev/null') != 0;
    mkdir "$where/full" or die "mkdir: $!\n";
    ($status, $said) = run({ RUN_DIR => "$where/full/run" }, 'unshare',
        '--mount', '--', 'sh', '-c',
        'mount -t tmpfs -o size=40m full "$1" && "$2" up; status=$?;'
            . ' ls -A "$1"; exit $status', 'sh', "$where/full", $script);
    is($status, 1, 'a full disk: it does not start');
    like($said, qr/has \d+ MB left, and this needs 300: make room/,
        'a full disk: it says how much it needs');
    is(scalar(() = $said =~ /\n/g), 1, 'and has made nothing')
        or diag $said;
}

# Data of a PostgreSQL that is not installed, as after an upgrade of the system

{
    mkdir "$where/aged" or die "mkdir: $!\n";
    mkdir "$where/aged/data", 0700 or die "mkdir: $!\n";
    for my $file ('.lock', 'data/PG_VERSION') {
        open my $out, '>', "$where/aged/$file" or die "open: $!\n";
        print {$out} "9\n" if $file ne '.lock';
    }
    my ($status, $said) = run({ RUN_DIR => "$where/aged" }, $script, 'up');
    is($status, 1, 'data of another PostgreSQL: it does not start');
    like($said, qr/are those of PostgreSQL 9, .* install postgresql-9, or/,
        'and says which one is missing');
    ok(!-e "$where/aged/data/base", 'and begins no new one there');
}

# remove deletes nothing that is not its own

mkdir "$where/mine" or die "mkdir: $!\n";
mkdir "$where/mine/log" or die "mkdir: $!\n";
my ($status, $said) = run({ RUN_DIR => "$where/mine" }, $script, 'remove');
is($status, 1, 'remove: a foreign directory is refused');
ok(-d "$where/mine/log", 'and is as it was');

# On the loopback of IPv6, with an address as people write it

SKIP: {
    skip 'there is no IPv6', 4 unless IO::Socket::IP->new(Listen => 1, LocalHost => '::1',
        LocalPort => 0);
    ($status, $said) = run({ ADDRESS => '::1' }, $script, 'start');
    is($status, 0, '::1: it starts') or diag $said;
    like($said, qr{http://\[::1\]:$port/}, '::1: and says where it is');
    my $answer = qx(curl -s -g --noproxy '*' -m 20 -o /dev/null \\
        -w '%{http_code}' -X PUT -H 'Authorization: Token token-430' \\
        -d prix=5.00 'http://[::1]:$port/api/v1/products/1/');
    is($answer, '200', '::1: it serves, and has the demonstration\'s token');
    ($status, $said) = run({}, $script, 'remove');
    is($status, 0, '::1: it can be removed') or diag $said;
}

# However it is ended

($status, $said) = run({ RUN_DIR => "$where/ends" }, "$top/t/stops/run",
    '--short');
is($status, 0, 'it ends well, however it is ended') or diag $said;
like($said, qr/^12 passed, 0 failed$/m, 'in all ways');

done_testing();
