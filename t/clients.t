# Clients that read slowly, leave early, or speak HTTP/2 badly.

use strict;
use warnings;

use lib 't/inc';
use IO::Select;
use IO::Socket::INET;
use IO::Uncompress::Gunzip qw(gunzip);
use Socket qw(SOL_SOCKET SO_LINGER SO_RCVBUF);
use Test::More;
use Time::HiRes qw(sleep time);
use MagasinTest;
use MagasinNginx;

# About connections to PostgreSQL: a cache would have one more, and answer
# where they are away (t/cache_faults.t).
delete $ENV{TEST_NGINX_CACHE};

plan skip_all => 'TEST_NGINX_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_DATABASE};

my $rows = 20000;
my $list = '[' . join(',', map {
    '{"produit_id":' . (1000 + $_) . qq(,"nom":"Produit $_","quantite":$_})
} 1 .. $rows) . ']';

MagasinTest::reset(
    'INSERT INTO produit (id, nom, categorie, prix)'
        . " SELECT 1000 + i, 'Produit ' || i, 'x', 1"
        . " FROM generate_series(1, $rows) i",
    "INSERT INTO magasin (id, nom, adresse) VALUES (9, 'Grand', 'x')",
    'INSERT INTO stock_local (magasin_id, produit_id, quantite)'
        . " SELECT 9, 1000 + i, i FROM generate_series(1, $rows) i",
);

my $product = '/api/v1/products/1/';
my $big     = '/api/v1/stores/9/stock/';

sub backends {
    return MagasinTest::sql('SELECT count(*) FROM pg_stat_activity'
        . " WHERE usename = 'magasin_web'");
}

# A connection whose kernel takes little.
sub narrow {
    my ($nginx) = @_;
    my $socket = IO::Socket::INET->new(Proto => 'tcp') or die "socket: $!\n";
    setsockopt $socket, SOL_SOCKET, SO_RCVBUF, pack 'i', 4096;
    connect $socket, Socket::pack_sockaddr_in($nginx->{port},
        Socket::inet_aton('127.0.0.1')) or die "connect: $!\n";
    $socket->autoflush(1);
    return $socket;
}

# Until there is something to read.
sub begun {
    my ($socket) = @_;
    IO::Select->new($socket)->can_read($MagasinNginx::Patience)
        or die "no answer\n";
    return;
}

# Everything until the end of the connection; a pause after each piece.
sub rest {
    my ($socket, $pause) = @_;
    my $text = '';
    local $SIG{ALRM} = sub { die "the answer does not end\n" };
    alarm $MagasinNginx::Patience;
    while (sysread $socket, $text, 65536, length $text) {
        sleep $pause if $pause;
    }
    alarm 0;
    return $text;
}

sub dechunk {
    my ($text) = @_;
    my ($head, $body) = split /\r\n\r\n/, $text, 2;
    my $whole = '';
    while ($body =~ s/\A([0-9a-f]+)\r\n//i) {
        my $size = hex $1;
        return $whole if $size == 0 && $body eq "\r\n";
        return undef  if length $body < $size + 2 || $size == 0;
        $whole .= substr $body, 0, $size, '';
        $body =~ s/\A\r\n// or return undef;
    }
    return undef;
}

my $nginx = MagasinNginx->start(workers => 1, database => 'connections=1',
    listen => 'sndbuf=16k',
    server => 'send_timeout 10s; gzip on; gzip_types application/json;');

# A slow reader holds no connection to PostgreSQL

{
    my @slow = map { narrow($nginx) } 1 .. 10;
    print {$_} "GET $big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        for @slow;
    begun($_) for @slow;

    is($nginx->code($product), 200, 'slow: others are served meanwhile');
    ok(MagasinNginx::wait_for(sub {
        MagasinTest::sql('SELECT count(*) FROM pg_stat_activity'
            . " WHERE usename = 'magasin_web' AND state <> 'idle'") == 0;
    }), 'slow: nothing waits in PostgreSQL');

    my $text = rest(shift @slow, 0.001);
    ok(dechunk($text) eq $list, 'slow: the answer is whole and in order');

    # The others never read: send_timeout ends them.
    ok(MagasinNginx::wait_for(
        sub { 9 == (() = $nginx->log =~ /client timed out/g) }),
        'slow: who does not read is given up');
    my @ended = grep { !defined dechunk(rest($_)) } @slow;
    is(scalar @ended, 9, 'slow: who does not read at all is cut off');
}

# Leaving in the middle of an answer of many pieces

{
    for my $n (1 .. 60) {
        my $socket = narrow($nginx);
        print {$socket} "GET $big HTTP/1.1\r\nHost: a\r\n\r\n";
        sysread $socket, my $some, 1000 * ($n % 5);
        setsockopt $socket, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0 if $n % 2;
        close $socket;
    }
    ok(MagasinNginx::wait_for(sub { $nginx->code($product) == 200 }),
        'left: it serves');
    ok(MagasinNginx::wait_for(sub { backends() == 1 }),
        'left: the pool is whole');
}

# The connection goes on after each kind of answer

{
    my ($status, $text) = $nginx->ask(join '',
        "HEAD $big HTTP/1.1\r\nHost: a\r\n\r\n",
        "PUT $product HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n{\"a\":1} ",
        "POST /api/v1/reports/ HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        "GET $big HTTP/1.1\r\nHost: a\r\n\r\n",
        "PUT $product HTTP/1.1\r\nHost: a\r\nAuthorization: Token token-430\r\n"
            . "Content-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n"
            . "3\r\nabc\r\n0\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    is(join(' ', $text =~ m{HTTP/1\.1 (\d{3}) }g),
        '200 401 405 200 415 200', 'six answers on one connection');
    like($text, qr/\{"status":"ok"\}\z/, 'and the last is the last');
}

# gzip, over many pieces

{
    my (undef, $text) = $nginx->ask("GET $big HTTP/1.1\r\nHost: a\r\n"
        . "Accept-Encoding: gzip\r\nConnection: close\r\n\r\n");
    my $packed = dechunk($text);
    my $plain  = '';
    gunzip(\$packed, \$plain);
    ok($plain eq $list, 'gzip: whole and in order');
}

# Five hundred requests at once by one who does not read until the end

{
    my $socket = narrow($nginx);
    print {$socket} "GET $product HTTP/1.1\r\nHost: a\r\n\r\n" for 1 .. 500;
    begun($socket);
    is($nginx->code($product), 200, 'pipeline: others are served meanwhile');
    print {$socket} "GET $product HTTP/1.1\r\nHost: a\r\n"
        . "Connection: close\r\n\r\n";
    my $text = rest($socket);
    is(scalar(() = $text =~ m{HTTP/1\.1 200 OK}g), 501,
        'pipeline: all are answered');
}

# The rest of an answer that PostgreSQL cannot give any more: the client must
# see that it is not whole.

{
    my $socket = narrow($nginx);
    print {$socket} "GET $big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    begun($socket);
    MagasinTest::sql('ALTER TABLE stock_local RENAME TO stock_parti');
    my $text = rest($socket);
    MagasinTest::sql('ALTER TABLE stock_parti RENAME TO stock_local');
    like($text, qr{\AHTTP/1\.1 200 }, 'broken: it had begun');
    ok(!defined dechunk($text), 'broken: and has no end');
    is($nginx->code('/api/v1/stores/1/stock/'), 200, 'broken: it serves');
}

ok($nginx->stop, 'a graceful stop');
is($nginx->complaints, '', 'nothing alarming in the log');
undef $nginx;


# HTTP/2, spoken by hand: streams that are reset while their statement runs

sub frame {
    my ($type, $flags, $stream, $payload) = @_;
    return substr(pack('N', length $payload), 1)
        . pack('CCN', $type, $flags, $stream) . $payload;
}

# Literal header fields without indexing and without Huffman coding.
sub headers {
    my ($stream, $end, @fields) = @_;
    my $block = '';
    while (my ($name, $value) = splice @fields, 0, 2) {
        $block .= "\0" . pack('C/a* C/a*', $name, $value);
    }
    return frame(1, $end ? 5 : 4, $stream, $block);
}

sub request2 {
    my ($stream, $path) = @_;
    return headers($stream, 1, ':method' => 'GET', ':scheme' => 'http',
        ':path' => $path, ':authority' => 'a');
}

my $preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . frame(4, 0, 0, '');

sub open2 {
    my ($nginx) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $nginx->{port}) or die "connect: $!\n";
    $socket->autoflush(1);
    print {$socket} $preface;
    return $socket;
}

# Reads until so many streams have ended: bodies by stream.
sub bodies2 {
    my ($socket, $count) = @_;
    my ($in, %body) = ('');
    local $SIG{ALRM} = sub { die "the streams do not end\n" };
    alarm $MagasinNginx::Patience;
    while ($count > grep { $_->{ended} } values %body) {
        while (length $in >= 9) {
            my ($size, $type, $flags, $stream)
                = unpack 'N C C N', "\0" . substr $in, 0, 9;
            last if length $in < 9 + $size;
            my $payload = substr $in, 9, $size;
            substr $in, 0, 9 + $size, '';
            print {$socket} frame(4, 1, 0, '') if $type == 4 && !($flags & 1);
            next unless $stream;
            $body{$stream}{text} .= $payload if $type == 0;
            $body{$stream}{ended} = 1
                if ($type == 0 || $type == 1) && $flags & 1 || $type == 3;
        }
        next if $count <= grep { $_->{ended} } values %body;
        sysread $socket, $in, 65536, length $in or last;
    }
    alarm 0;
    return { map { $_ => $body{$_}{text} } grep { $body{$_}{ended} } keys %body };
}

my $two = MagasinNginx->start(workers => 1, listen => 'http2',
    database => 'connections=2');

{
    my $socket = open2($two);
    print {$socket} join '', map { request2(2 * $_ - 1,
        '/api/v1/products/' . ($_ % 15 + 1) . '/') } 1 .. 100;
    my $bodies = bodies2($socket, 100);
    is(scalar(grep { /^\{"nom":"/ } values %$bodies), 100,
        'HTTP/2: a hundred streams at once');
    like($bodies->{1},  qr/Souris/,  'HTTP/2: each has its own answer');
    like($bodies->{19}, qr/Webcam/,  'HTTP/2: each has its own answer');
}

{
    my $held = MagasinTest::hold('LOCK TABLE produit');
    for (1 .. 10) {
        my $socket = open2($two);
        print {$socket} join '', map { request2(2 * $_ - 1, $product) } 1 .. 50;
        sleep 0.02;
        print {$socket} join '', map { frame(3, 0, 2 * $_ - 1, pack 'N', 8) }
            1 .. 50;
        sleep 0.02;
        close $socket;
    }
    MagasinTest::release($held);

    ok(MagasinNginx::wait_for(sub {
        my $socket = open2($two);
        print {$socket} request2(1, $product);
        my $bodies = bodies2($socket, 1);
        return ($bodies->{1} // '') =~ /^\{"nom":"Clavier/;
    }), 'HTTP/2: it serves after resets');
    ok(MagasinNginx::wait_for(sub { backends() == 2 }),
        'HTTP/2: the pool is whole');
}

{
    # A body in two frames, with a pause between them.
    my $socket = open2($two);
    print {$socket} headers(1, 0, ':method' => 'PUT', ':scheme' => 'http',
        ':path' => '/api/v1/products/3/', ':authority' => 'a',
        authorization => 'Token token-430',
        'content-type' => 'application/json'), frame(0, 0, 1, '{"nom":');
    sleep 0.1;
    print {$socket} frame(0, 1, 1, '"deux"}');
    my $bodies = bodies2($socket, 1);
    like($bodies->{1}, qr/^\{"nom":"deux"/, 'HTTP/2: a body without a length');
}

ok($two->stop, 'a graceful stop');
is($two->complaints, '', 'nothing alarming in the log');

MagasinTest::reset();
done_testing();
