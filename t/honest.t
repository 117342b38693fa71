# Signs that say what is so: a reload is no crash, what a killed worker had is
# not counted, a lease costs no memory, a client that has gone is a 499, logs
# are clean whatever clients send, refused tokens are counted.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use IO::Socket::INET;
use JSON::PP;
use Socket qw(SOL_SOCKET SO_LINGER);
use Time::HiRes qw(sleep time);
use MagasinTest;
use MagasinCache;
use MagasinRedis qw(start);

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

MagasinTest::reset();
start('main');

my $conf = MagasinNginx::slurp('conf/access_log.conf');
my $node = MagasinCache->start(workers => 2,
    http => "magasin_redis unix:$MagasinRedis::Directory/main;\n$conf\n"
        . 'log_format texts escape=json \'{"agent":"$magasin_text_http_user_agent",'
        . '"referer":"$magasin_text_http_referer","host":"$magasin_text_http_host",'
        . '"args":"$magasin_text_args","uri":"$magasin_text_uri",'
        . '"none":"$magasin_text_http_nobody"}\';',
    server => 'access_log logs/access.log magasin;'
        . ' access_log logs/texts.log texts;'
        . ' large_client_header_buffers 4 16k;'
        . ' location = /metrics { magasin_metrics; }');

sub scrape {
    my ($status, $answer) = $node->get('/metrics');
    return { $answer =~ /^([a-z_]+(?:\{[^}]*\})?) (\S+)$/mg };
}

sub waiting { return scrape()->{'magasin_connections{state="waiting"}'} }

sub gone {
    return MagasinNginx::wait_for(
        sub { (scrape()->{magasin_workers} // 0) == 2 });
}

# A reload is no crash, however often; a kill is one.

for (1 .. 30) {
    $node->reload or last;
    gone();
}
is(scrape()->{magasin_worker_respawns_total}, 0,
    'thirty reloads are no crash');

my @idle = map {
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $node->{port}) or die "connect: $!\n";
    $socket->autoflush(1);
    print {$socket} "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    sysread $socket, my $answer, 4096;
    $socket;
} 1 .. 40;
my @half = map {
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $node->{port}) or die "connect: $!\n";
    $socket->autoflush(1);
    print {$socket} "GET /healthz HTTP/1.1\r\nHost";
    $socket;
} 1 .. 7;
ok(MagasinNginx::wait_for(sub { waiting() == 40 }),
    'idle connections are waiting') or diag waiting();
for my $case ([ reading => 7, 'headers without an end are read' ],
    [ writing => 1, 'this one is written' ])
{
    my ($state, $number, $name) = @$case;
    my $found;
    MagasinNginx::wait_for(sub {
        $found = scrape()->{"magasin_connections{state=\"$state\"}"};
        return $found == $number;
    });
    is($found, $number, $name);
}

for my $round (1 .. 2) {
    $node->crash(($node->workers)[0]) or die "no new worker\n";
    ok(MagasinNginx::wait_for(sub {
        (scrape()->{magasin_worker_respawns_total} // -1) == $round;
    }), "a kill is one crash: $round");
}
$node->crash($node->workers) or die "no new workers\n";
my $after;
ok(MagasinNginx::wait_for(sub {
    $after = scrape();
    return $after->{'magasin_connections{state="waiting"}'} == 0
        && $after->{'magasin_connections{state="reading"}'} == 0
        && $after->{'magasin_connections{state="writing"}'} == 1;
}), 'connections of killed workers are not counted')
    or diag explain { map { $_ => $after->{$_} } grep {/_connections\{/}
        keys %$after };
MagasinNginx::wait_for(
    sub { scrape()->{magasin_worker_respawns_total} >= 4 });
is(scrape()->{magasin_worker_respawns_total}, 4, 'and each kill was');
close $_ for @idle, @half;

# An Expect whose client has gone: many, since it is a race.

sub expect {
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $node->{port}) or die "connect: $!\n";
    $socket->autoflush(1);
    setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'll', 1, 0;
    print {$socket} "PUT /api/v1/products/1/ HTTP/1.1\r\nHost: localhost\r\n"
        . "Authorization: Token token-430\r\nExpect: 100-continue\r\n"
        . "Content-Type: application/json\r\nContent-Length: 20\r\n\r\n";
    close $socket;
    return;
}
{
    my @both = $node->workers;
    $node->halt(@both);
    expect() for 1 .. 60;
    kill 'CONT', @both;
    my $seen = sub {
        my $log = MagasinNginx::slurp("$node->{root}/logs/access.log");
        my %status;
        $status{$1}++ while $log =~ /"method":"PUT".*?"status":(\d+)/g;
        return \%status;
    };

    # As many as it is, in the end.

    MagasinNginx::wait_for(sub { ($seen->()->{499} // 0) > 40 }, 10)
        || MagasinNginx::wait_for(sub { ($seen->()->{499} // 0) > 0 });
    my $status = $seen->();
    cmp_ok($status->{499} // 0, '>', 0, 'an Expect that is given up: 499');
    is($status->{500}, undef, 'and never 500') or diag explain $status;
}

# Whatever bytes there are in a request, a line of the log is JSON in UTF-8,
# and error.log has neither them nor a query string.

my @bytes = ((map {chr} 0x80 .. 0xff), "\xc3", "\xc3\xa9", "\xe2\x82",
    "\xe2\x82\xac", "\xf0\x9f\x98", "\xf0\x9f\x98\x80", "\xed\xa0\x80",
    "\xf4\x90\x80\x80", "\xc0\xaf", "\xfe\xff", "\xe2\x80\xa8",
    '%ff', '%00', '%1b', '"', "\\");
for my $bytes (@bytes) {
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $node->{port}) or die "connect: $!\n";
    $socket->autoflush(1);
    local $SIG{PIPE} = 'IGNORE';
    print {$socket} "GET /api/v1/$bytes/?secret=$bytes HTTP/1.1\r\n"
        . "Host: a$bytes\r\nUser-Agent: \x01\e[2J$bytes\x7f\r\n"
        . "Referer: http://a/$bytes?secret=1\r\nConnection: close\r\n\r\n";
    1 while sysread $socket, my $answer, 4096;
}

for my $name (qw(access texts)) {
    my $file = "$node->{root}/logs/$name.log";
    my $lines;
    MagasinNginx::wait_for(sub {
        $lines = () = MagasinNginx::slurp($file) =~ /\n/g;
        return $lines >= @bytes;
    });
    open my $pipe, '-|', 'python3', '-c', <<'PYTHON', $file or die $!;
import json, sys
bad = 0
for line in open(sys.argv[1], "rb"):
    try:
        assert isinstance(json.loads(line.decode("utf-8")), dict)
    except Exception as fault:
        bad += 1
        print(fault, line)
print("bad:", bad)
PYTHON
    my $said = do { local $/; <$pipe> };
    close $pipe;
    cmp_ok($lines, '>=', @bytes, "$name.log: a line of each");
    like($said, qr/^bad: 0$/m, "$name.log: all are JSON") or diag $said;
}

# Another worker may write its line later.

sub logged {
    my ($line) = @_;
    return MagasinNginx::wait_for(sub {
        MagasinNginx::slurp("$node->{root}/logs/access.log") =~ $line;
    });
}
ok(logged(qr{"path":"/api/v1/\xef\xbf\xbd/"}), 'an invalid byte is U+FFFD');
ok(logged(qr{"path":"/api/v1/\xc3\xa9/"}), 'a letter is as it was');

# What nginx adds to a line about a request.
{
    my $before = length $node->log;
    my $held = MagasinTest::hold('LOCK TABLE produit IN ACCESS EXCLUSIVE MODE');
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $node->{port}) or die "connect: $!\n";
    $socket->autoflush(1);
    print {$socket} "GET /api/v1/products/?q=secret&nom=\xff HTTP/1.1\r\n"
        . "Host: a\r\nReferer: http://b/?secret\r\n\r\n";
    sleep 0.2;
    close $socket;
    MagasinNginx::wait_for(sub {
        substr($node->log, $before) =~ m{prematurely closed}
    });
    MagasinTest::release($held);
    my $log = substr $node->log, $before;
    like($log, qr{request: "GET /api/v1/products/ HTTP/1.1"},
        'a request is told without its query');
    like($log, qr{referrer: "http://b/"}, 'its referrer has no query');
}

# The API refuses a host that is no name; other locations do not.
{
    my $before = length $node->log;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $node->{port}) or die "connect: $!\n";
    print {$socket} "GET /missing HTTP/1.1\r\nHost: a\"b\xff\r\n"
        . "Connection: close\r\n\r\n";
    1 while sysread $socket, my $answer, 4096;
    like(substr($node->log, $before), qr{host: "a\\x22b\\xff"},
        'its host is escaped');
}

# What fails before its header is there is nginx's alone, at level info.

my $own = join "\n", grep { !/client sent (?:invalid|too)/ }
    split /\n/, $node->log;
unlike($own, qr/secret/, 'no query string in error.log');
unlike($own, qr/[^\n\t -~]/, 'no control character in error.log');

# Refused tokens.

{
    my $was = scrape();
    my %header = (
        missing   => '',
        malformed => "Authorization: Bearer x\r\n",
        unknown   => "Authorization: Token nobody-has-it\r\n",
    );
    for my $reason (sort keys %header) {
        $node->ask("DELETE /api/v1/products/1/ HTTP/1.1\r\nHost: localhost\r\n"
                . "$header{$reason}Connection: close\r\n\r\n");
    }
    my $now = scrape();
    my $of = sub { return "magasin_tokens_refused_total{reason=\"$_[0]\"}" };
    MagasinNginx::wait_for(sub {
        $now = scrape();
        return !grep { $now->{ $of->($_) } == $was->{ $of->($_) } }
            keys %header;
    });
    for my $reason (sort keys %header) {
        my $series = $of->($reason);
        is($now->{$series} - $was->{$series}, 1, "a token refused: $reason");
    }
    is($now->{'magasin_tokens_refused_total{reason="scope"}'}, 0,
        'none for its scope');
}

# The lease moves to and fro: each time its holder is stopped for longer than
# the lease, and goes on.

SKIP: {
    my ($worker) = $node->workers;
    skip 'AddressSanitizer keeps what is freed', 1
        if MagasinNginx::slurp("/proc/$worker/maps") =~ /libasan/;

    my $memory = sub {
        my $kb = 0;
        for my $pid ($node->workers) {
            my ($own) = MagasinNginx::slurp("/proc/$pid/smaps_rollup")
                =~ /^Private_Dirty:\s*(\d+)/m;
            $kb += $own;
        }
        return $kb;
    };
    my $move = sub {
        my ($poller) = $node->poller;
        $node->halt($poller);
        my $moved = MagasinNginx::wait_for(
            sub { ($node->poller)[0] != $poller });
        kill 'CONT', $poller;
        return $moved;
    };
    my $moves = $ENV{MAGASIN_LEASE_MOVES} || 24;
    $move->() for 1 .. 8;
    my $before = $memory->();
    my $moved = grep { $move->() } 1 .. $moves;
    my $grown = $memory->() - $before;
    diag "$moved moves of the lease: $grown kB";
    cmp_ok($moved, '>=', $moves / 2, 'the lease moves');
    cmp_ok($grown, '<', 6 * $moves, 'and takes nothing with it');
}

ok($node->stop, 'a graceful stop');
is($node->complaints('exited on signal 9'), '',
    'nothing alarming in the log');

MagasinTest::reset();
done_testing();
