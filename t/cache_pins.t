# Long answers and clients that take their time: what they hold, and what they
# get when the answer is invalidated, evicted or flushed meanwhile.

use strict;
use warnings;

use lib 't/inc';
use Socket qw(MSG_PEEK SOL_SOCKET SO_RCVBUF inet_aton);
use Test::More;
use Time::HiRes qw(sleep);
use MagasinTest;
use MagasinCache;
use MagasinRedis qw(start finish);

plan skip_all => 'TEST_NGINX_RUN_DIR is not set (make test)'
    unless $ENV{TEST_NGINX_RUN_DIR};

my $list = '/api/v1/products/?categorie=lent&limit=1000';

# An answer of 1 MB, and one of 3 MB that is not cached.
sub fixture {
    return MagasinTest::reset(
        'INSERT INTO produit (id, nom, categorie, prix, description)'
            . " SELECT 1000 + i, 'Lent ' || i, 'lent', 1, repeat('d', 900)"
            . ' FROM generate_series(1, 1000) i',
        'INSERT INTO produit (id, nom, categorie, prix)'
            . " SELECT 10000 + i, repeat('n', 50) || i, 'x', 1"
            . ' FROM generate_series(1, 30000) i',
        "INSERT INTO magasin (id, nom, adresse) VALUES (9, 'Grand', 'x')",
        'INSERT INTO stock_local (magasin_id, produit_id, quantite)'
            . ' SELECT 9, 10000 + i, i FROM generate_series(1, 30000) i',
        'ANALYZE',
    );
}

my $nginx;

# Private memory of the workers, in kB.
sub memory {
    my ($sum) = (0);
    $sum += (MagasinNginx::slurp("/proc/$_/status") =~ /^RssAnon:\s+(\d+)/m)[0]
        for $nginx->workers;
    return $sum;
}

# Clients that ask, and read no more than their sockets take.
sub slow {
    my ($number, $path, $port) = @_;
    my @slow;
    for (1 .. $number) {
        my $socket = IO::Socket::INET->new(Proto => 'tcp')
            or die "socket: $!\n";
        setsockopt $socket, SOL_SOCKET, SO_RCVBUF, 4096
            or die "setsockopt: $!\n";
        $socket->connect($port || $nginx->{port}, inet_aton('127.0.0.1'))
            or die "connect: $!\n";
        $socket->autoflush(1);
        push @slow, { socket => $socket };
        MagasinCache::ask_for($slow[-1], $path);
    }
    return @slow;
}

sub begun {
    my (@slow) = @_;
    return MagasinNginx::wait_for(sub {
        grep({ IO::Select->new($_->{socket})->can_read(0) } @slow) == @slow;
    });
}

sub pinned { return $nginx->zone_word('pinned') }

sub unpinned {
    return MagasinNginx::wait_for(sub { pinned() == 0 });
}

fixture();
my ($off, $l2) = map { MagasinNginx::free_port() } 1 .. 2;
start('pins');
$nginx = MagasinCache->start(workers => 1, zone => '16m',
    listen => 'sndbuf=16k',
    http   => "magasin_redis unix:$MagasinRedis::Directory/pins;",
    cache  => "server { listen 127.0.0.1:$off sndbuf=16k;"
        . ' location / { magasin; magasin_cache off; } }'
        . "server { listen 127.0.0.1:$l2 sndbuf=16k;"
        . ' location / { magasin; magasin_cache l2; } }');

# How much 60 of them hold

my $body = $nginx->direct($list)->{content};
# The sanitizer keeps what was freed for a while.

my $most = $ENV{TEST_NGINX_ASAN} ? 80_000 : 20_000;

sub holds {
    my ($what, $path, $port, $before) = @_;

    my $start = memory();
    my @slow  = slow(60, $path, $port);
    $before->(@slow) if $before;
    ok(begun(@slow), "$what: all are answered");
    my $more = memory() - $start;
    cmp_ok($more, '<', $most, "$what: 60 slow readers hold $more kB");
    return @slow;
}

# From here on it reads as fast as it can; the body of its answer.
sub rest {
    my ($reader) = @_;
    setsockopt $reader->{socket}, SOL_SOCKET, SO_RCVBUF, 1 << 20
        or die "setsockopt: $!\n";
    my $answer = MagasinCache::receive($reader);
    return $answer->{head} =~ /^Transfer-Encoding: chunked/m
        ? unchunked($answer->{content}) : $answer->{content};
}

sub unchunked {
    my ($text) = @_;
    my ($whole, $at) = ('', 0);
    while (substr($text, $at, 16) =~ /\A([0-9a-f]+)\r\n/) {
        my $size = hex $1;
        $whole .= substr $text, $at + length($1) + 2, $size;
        $at += length($1) + 2 + $size + 2;
        last if !$size;
    }
    return $whole;
}

# Of many some are enough.
sub all_get {
    my ($what, $wanted, @slow) = @_;
    my @some = splice @slow, 0, 10;
    is(scalar(grep { rest($_) eq $wanted } @some), scalar @some,
        "$what: each has all of it");
    close $_->{socket} for @slow;
    return;
}

$nginx->fill($list);
cmp_ok(length $body, '>', 900_000, 'a long answer');
is($nginx->fetch($list)->{content}, $body, 'a hit is the same');

my @slow = holds('hits', $list);
ok(pinned() >= length $body && pinned() < 1.2 * length $body,
    'hits: it is pinned once');
all_get('hits', $body, @slow);
ok(unpinned(), 'hits: and no more');

@slow = holds('hits that leave', $list);
close $_->{socket} for @slow;
ok(unpinned(), 'hits that leave: not pinned any more');

my $stock = $nginx->direct('/api/v1/stores/9/stock/')->{content};
cmp_ok(length $stock, '>', 2_500_000, 'a longer answer');
@slow = holds('streamed', '/api/v1/stores/9/stock/');

# But for the poller now and then.

ok(MagasinNginx::wait_for(sub {
    MagasinTest::sql('SELECT count(*) FROM pg_stat_activity'
        . " WHERE usename = 'magasin_web' AND state <> 'idle'") == 0;
}), 'streamed: nothing is asked of the database meanwhile');
all_get('streamed', $stock, @slow);

@slow = holds('not cached', $list, $off);
all_get('not cached', $body, @slow);

$nginx->fetch('/api/v1/cache/flush/', method => 'POST');
MagasinTest::gates('produit');
@slow = holds('coalesced', $list, undef, do {
    my $held = MagasinTest::hold_reads('produit');
    sub {
        MagasinNginx::wait_for(sub { $nginx->blocked >= 1 });
        MagasinTest::release($held);
    };
});
all_get('coalesced', $body, @slow);
MagasinTest::no_gates();
ok(unpinned(), 'coalesced: not pinned any more');

# Out of Redis each gets an answer of its own: half of the zone is pinned, some
# are in the worker's memory, and the others are made anew.

sub from_redis {
    my ($connection) = $nginx->connections(1, $l2);
    MagasinCache::ask_for($connection, $list);
    return MagasinCache::receive($connection)->{state} eq 'REDIS';
}
ok(MagasinNginx::wait_for(\&from_redis), 'it is in Redis');
@slow = holds('from Redis', $list, $l2);
cmp_ok(pinned(), '<', 8 * 1024 * 1024, 'from Redis: half of the zone at most');
all_get('from Redis', $body, @slow);
ok(unpinned(), 'from Redis: not pinned any more');

# What a reader gets when the answer changes meanwhile

sub reader {
    my ($path) = @_;
    my ($reader) = slow(1, $path // $list);
    begun($reader) or die "no answer\n";
    return $reader;
}

$nginx->fill($list);
my $reader = reader();
is($nginx->fetch('/api/v1/products/1001/', method => 'PATCH',
    content => '{"prix":"2.50"}')->{status}, 200, 'one product changes');
my $new = $nginx->fetch($list)->{content};
isnt($new, $body, 'invalidated: others get the new answer');
is($new, $nginx->direct($list)->{content}, 'invalidated: which is right');
all_get('invalidated: the reader, of the old one', $body, $reader);
ok(unpinned(), 'invalidated: the old one is gone');

$nginx->fill($list);
$reader = reader();
my $flushed = $nginx->fetch('/api/v1/cache/flush/', method => 'POST');
like($flushed->{content}, qr/^\{"reponses":[1-9]/, 'flushed in the middle');
ok(pinned() > 0, 'flushed: it is pinned still');
is($nginx->fetch('/api/v1/cache/flush/', method => 'POST')->{content},
    '{"reponses":0}', 'flushed: all of it');
$nginx->fetch($list);
all_get('flushed: the reader', $new, $reader);
ok(unpinned(), 'flushed: the memory is free');

# A reader of each version: half of the zone is pinned, some are in the worker's
# memory, some others are streamed, and who comes then is refused.

$nginx->fetch('/api/v1/products/1/');
my (@versions, $refused);
for my $price (1 .. 80) {
    my $next = reader();
    recv $next->{socket}, my $start, 1024, MSG_PEEK;
    push @versions, $next;
    $refused = $start;
    last if $start !~ m{\AHTTP/1.1 200 };
    $nginx->fetch('/api/v1/products/1001/', method => 'PATCH',
        content => qq({"prix":"$price.00"}))->{status} == 200 or die;
}
like($refused, qr{\AHTTP/1.1 503 .*^Retry-After: \d+\r$}ms,
    'a reader of each version: one is refused');
cmp_ok(scalar @versions, '>', 32, 'which is not among the first');
is($nginx->fetch("/api/v1/products/$_/")->{status}, 200, 'short answers go on')
    for 1, 2;
close $_->{socket} for @versions;
ok(unpinned(), 'they leave: nothing is pinned');
ok(MagasinNginx::wait_for(sub { $nginx->fetch($list)->{status} == 200 }),
    'and others are answered');
$new = $nginx->fetch($list)->{content};

# HEAD, 304, gzip, HTTP/2

$nginx->fill($list);
my $hit = $nginx->fetch($list);
my $head;
MagasinNginx::wait_for(sub {
    $head = $nginx->fetch($list, method => 'HEAD');
    return $head->{state} eq 'HIT';
});
is("$head->{state} $head->{headers}{'content-length'} $head->{headers}{etag}",
    "HIT " . length($new) . " $hit->{headers}{etag}", 'HEAD: the same headers');
my $same = $nginx->fetch($list,
    headers => { 'If-None-Match' => $hit->{headers}{etag} });
is($same->{status}, 304, 'If-None-Match: not modified');
ok(unpinned(), 'neither pins anything');

# A worker that is killed in the middle of the shared memory takes it along

$reader = reader();
$nginx->quiet(sub { $nginx->zone_word(dirty => 1) });
is($nginx->fetch('/api/v1/products/1/')->{status}, 200,
    'the memory is emptied, and goes on');
my $rest = rest($reader);
cmp_ok(length $rest, '<', length $new, 'emptied: the reader does not get all');
ok($rest eq substr($new, 0, length $rest), 'emptied: nor anything else');
ok(MagasinNginx::wait_for(
    sub { $nginx->log =~ /an answer was lost in shared memory/ }),
    'emptied: the log says so');
is($nginx->fetch($list)->{content}, $new, 'emptied: others get all');
ok(unpinned(), 'emptied: nothing is pinned');

ok($nginx->stop, 'a graceful stop');
is($nginx->complaints, '', 'nothing alarming in the log');

# A small zone: readers have half of it, others the rest

# Links name the host that was asked.
sub rows { return $_[0] =~ s/\A\{"next":"[^"]*",//r }

$nginx = MagasinCache->start(workers => 1, zone => '5m',
    listen => 'sndbuf=16k');
$nginx->fill($list);
@slow = (reader(), map { reader($list =~ s/1000/$_/r) } 990 .. 999);
my %wanted = map { $_ => rows($nginx->direct($list =~ s/1000/$_/r)->{content}) }
    990 .. 999;
cmp_ok(pinned(), '<', 2_500_000, 'a small zone: not all are pinned');
ok($nginx->fill("/api/v1/products/$_/"), "product $_ is cached")
    for 1 .. 3;
for my $id (1001 .. 2000) {
    $nginx->fetch("/api/v1/products/$id/");
}
my $wrong = rest(shift @slow) ne $new ? 1 : 0;
for my $limit (990 .. 999) {
    $wrong++ if rows(rest(shift @slow)) ne $wanted{$limit};
}
is($wrong, 0, 'evictions around them: each has all of it');
ok(unpinned(), 'and nothing stays pinned');
ok($nginx->stop, 'a graceful stop');
is($nginx->complaints, '', 'nothing alarming in the log');

# A worker that is killed, and a reload

$nginx = MagasinCache->start(workers => 2, zone => '16m',
    listen => 'sndbuf=16k');
$nginx->fill($list);
@slow = map { reader() } 1 .. 8;
my %of;
for (@slow) {
    sysread $_->{socket}, my $text, 1024;
    ($_->{worker}) = $text =~ /^X-Worker: (\d+)/m;
    $of{ $_->{worker} }++;
}
my ($victim) = sort keys %of;
ok($nginx->crash($victim), 'one worker is killed, another takes its place');
close $_->{socket} for grep { $_->{worker} != $victim } @slow;
ok(unpinned(), 'what it had pinned is free');

$nginx->fill($list);
$reader = reader();
ok($nginx->reload, 'a reload');
is($nginx->fetch($list)->{content}, $new, 'reload: new workers answer');
all_get('reload: the reader of an old worker', $new, $reader);
ok(unpinned(), 'reload: nothing stays pinned');

$nginx->stop;
is(join("\n", grep { !/\Q$victim\E exited on signal 9/ }
        split /\n/, $nginx->complaints), '',
    'nothing alarming in the log but that');

finish('pins');
MagasinTest::reset();
done_testing();
