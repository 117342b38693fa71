# What conf/nginx.conf ships: who is answered where, how much one client may
# ask for, and how long nginx waits for it.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use IO::Select;
use IO::Socket::INET;
use Time::HiRes qw(time);

use MagasinConf;
use MagasinTest;

my $misdirected = qq({"detail":"La requête s'adresse à un autre serveur."});
my $slower      = qq({"detail":"Trop de requêtes : réessayez plus tard."});
my $product     = '/api/v1/products/3/';

sub body_of { return $_[0] =~ s/\A.*?\r\n\r\n//sr }

# A client as the node behind a balancer sees it.
sub client { return "X-Forwarded-For: $_[0]" }

# many(NGINX, COUNT, HEADER): statuses of so many requests on one connection,
# and the last answer
sub many {
    my ($nginx, $count, $header) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $nginx->{port}) or die "no connection: $!\n";
    $socket->autoflush(1);
    print {$socket} "GET /healthz HTTP/1.1\r\nHost: localhost\r\n$header\r\n\r\n"
        x $count;
    my ($text, %seen) = ('');
    my $end    = time + $MagasinNginx::Patience;
    my $select = IO::Select->new($socket);
    while ((() = $text =~ m{HTTP/1\.1 \d}g) < $count
        || $text !~ /\}\z/)
    {
        last if time > $end || !$select->can_read($end - time);
        sysread $socket, $text, 65536, length $text or last;
    }
    $seen{$1}++ while $text =~ m{HTTP/1\.1 (\d+)}g;
    my ($refused) = $text =~ m{(HTTP/1\.1 429 .*?\})}s;
    return (\%seen, $refused // '');
}

MagasinTest::reset();

# How long nginx waits for a client: 5 to 10 seconds, here and in front of nodes

for my $file ('conf/nginx.conf', 'conf/cluster/balancer.conf') {
    my $text = MagasinNginx::slurp("$MagasinConf::Top/$file");
    for my $name (qw(client_header_timeout client_body_timeout send_timeout)) {
        my @seconds = $text =~ /^\s*$name\s+(\d+)s;/mg;
        ok(@seconds && !grep({ $_ < 5 || $_ > 10 } @seconds),
            "$file: $name of 5 to 10 seconds");
    }
}

# Who has a batch of rows, and who has anything else, that is long

my $Long = 300_000;

sub long {
    my ($nginx, $path) = @_;
    my ($status) = $nginx->ask("POST $path HTTP/1.1\r\nHost: localhost\r\n"
            . "Connection: close\r\nContent-Type: text/csv\r\nContent-Length: $Long\r\n\r\n"
            . 'x' x $Long);
    return $status;
}

# Without a token: what is not too long is refused for that.
sub batches {
    my ($nginx, $what) = @_;
    is(long($nginx, "/api/v1/$_/batch/"), 401, "$what lets a batch of $_ through")
        for qw(products stock);
    is(long($nginx, '/api/v1/products/'), 413, '  and a long product not');
    return;
}

for my $file ('conf/nginx.conf', map { glob "$MagasinConf::Top/conf/$_/*.conf" }
    qw(cluster examples identity))
{
    my $text = MagasinNginx::slurp($file =~ m{^/} ? $file : "$MagasinConf::Top/$file");
    next if $text !~ m{location = /api/v1/journal/stream/};
    my @long = $text =~ m{location = /api/v1/(\w+)/batch/ \{[^\}]*client_max_body_size\s+32m;}g;
    is("@long", 'products stock', "$file: batches may be long");
}

# Alone

{
    my $nginx = MagasinConf::make(names => 'caisse.example *.shop.example');
    is(MagasinConf::tested($nginx), '', 'nginx -t takes conf/nginx.conf');
    MagasinConf::start($nginx);

    for my $host ('127.0.0.1', "127.0.0.1:$nginx->{port}", 'localhost', 'LOCALHOST',
        'caisse.example', 'nord.shop.example')
    {
        my ($status) = MagasinConf::call($nginx, $product, "Host: $host");
        is($status, 200, "it answers as $host");
    }
    for my $host ('evil.example', '10.0.0.1', 'localhost.evil.example', '_', 'shop.example') {
        my ($status, $answer) = MagasinConf::call($nginx, $product, "Host: $host");
        is($status, 421, "and not as $host");
        is(body_of($answer), $misdirected, '  in JSON');
        like($answer, qr{^Content-Type: application/json\r}m, '  of that type');
    }
    my ($status, $answer) = MagasinConf::call($nginx, $product,
        'Host: evil.example', 'Accept: application/problem+json');
    like($answer, qr{^Content-Type: application/problem\+json\r.*"status":421}ms,
        'or as a problem');
    ($status) = MagasinConf::call($nginx, '/healthz', 'Host: 10.0.0.1');
    is($status, 200, 'a machine asks for /healthz by any name');
    ($status, $answer) = $nginx->ask("GET $product HTTP/1.0\r\n\r\n");
    is($status, 421, 'without a host there is nothing');
    ($status, $answer) = $nginx->ask("GET $product HTTP/1.1\r\n\r\n");
    is($status, 400, 'which HTTP/1.1 forbids');
    like($answer, qr/\{"detail":"Requ/, '  in JSON');

    is($nginx->code('//api/v1/stores/'), 404, 'two slashes are not one');

    batches($nginx, 'conf/nginx.conf');

    for my $path ('/metrics', '/status') {
        is(MagasinConf::operator($nginx, $path)->[0], 200, "operators have $path");
        is($nginx->code($path), 404, '  clients have not');
    }
    is($nginx->code('/readyz'), 200, '/readyz answers the machine itself');
    is(MagasinConf::operator($nginx, '/nowhere')->[0], 404, 'operators have nothing else');
    is(MagasinConf::operator($nginx, $product)->[0], 404, '  no API');

    my ($seen) = many($nginx, 800, 'X: none');
    is_deeply($seen, { 200 => 800 }, 'the machine itself has no limit');

    my @counted = MagasinConf::operator($nginx, '/metrics')->[1]
        =~ /^(magasin_http_requests_total\{.*status="421".*)$/mg;
    ok(scalar @counted, 'what was refused is counted');

    # Files, and what is none

    mkdir "$nginx->{root}/openapi/swagger";
    MagasinConf::put("$nginx->{root}/openapi/$_", 'here') for 'openapi.json',
        'swagger/index.html', 'swagger/swagger.js';
    is($nginx->code("/$_"), 200, "/$_ is served")
        for 'openapi.json', 'swagger/', 'swagger/index.html', 'swagger/swagger.js';
    is($nginx->code("/$_"), 404, "/$_ is not") for 'swagger/no.js', 'swagger/no/';

    # What a path decodes to does not reach the log of errors: there it would
    # begin lines of its own, or colour a terminal.
    my %location;
    for my $file ('conf/nginx.conf', 'conf/cluster/balancer.conf', 'conf/examples/tls.conf') {
        $location{$_} = 1 for grep { $_ ne '' }
            MagasinNginx::slurp("$MagasinConf::Top/$file")
                =~ m{^\s*location\s+(?:=\s+)?(/\S*)\s}mg;
    }
    ok($location{$_}, "$_ is among the locations") for '/', '/swagger/', '/openapi.json';
    my $asked = 0;
    for my $path (sort(keys %location), '/assets/', '/swagger/x/') {
        for my $name ('%0afake%20line', '%1b%5b31mred', '%ff', "\xff", '%7f', '%c2%85') {
            my ($code) = MagasinConf::call($nginx, "$path$name");
            $asked += $code =~ /^4/ ? 1 : diag("$path$name: $code") * 0;
        }
    }
    is($asked, 6 * (2 + keys %location), 'paths of strange bytes: no such thing');
    is(join("\n", grep { !m{\A\d{4}/\d\d/\d\d [\x20-\x7e]*\z} } split /\n/, $nginx->log), '',
        '  and none of them reaches the log of errors');

    # Both at once: ten seconds each
    my %silent;
    for my $text ("GET $product HTTP/1.1\r\nHost: localhost\r\nX-Half: ",
        "PUT $product HTTP/1.1\r\nHost: localhost\r\nAuthorization: Token token-430\r\n"
            . "Content-Type: application/json\r\nContent-Length: 20\r\n\r\n{")
    {
        my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
            PeerPort => $nginx->{port}) or die "no connection: $!\n";
        $socket->autoflush(1);
        print {$socket} $text;
        $silent{$text} = $socket;
    }
    for my $text (sort keys %silent) {
        my $what = $text =~ /^GET/ ? 'header' : 'body';
        ok(IO::Select->new($silent{$text})->can_read($MagasinNginx::Patience),
            "nginx does not wait for a $what for ever");
    }

    is($nginx->complaints, '', 'nothing is wrong in the log');
    ok($nginx->stop, 'it ends');
}

# With clients of other addresses: as node.conf has it

{
    my $nginx = MagasinConf::make(default => '', proxies => '10.9.0.0/16',
        cluster => qq(include "$MagasinConf::Top/conf/cluster/node.conf";));
    is(MagasinConf::tested($nginx), '', 'nginx -t takes it with node.conf');
    MagasinConf::start($nginx);

    for my $host ('caisse.example', 'localhost') {
        my ($status) = MagasinConf::call($nginx, $product, "Host: $host");
        is($status, 200, "what a balancer lets through is answered, as $host");
    }

    my ($status) = MagasinConf::call($nginx, '/readyz', client('203.0.113.9'));
    is($status, 404, '/readyz is not for clients');
    ($status) = MagasinConf::call($nginx, '/readyz', client('10.9.3.4'));
    is($status, 200, 'but for a proxy that is listed');

    my ($seen, $refused) = many($nginx, 800, client('203.0.113.9'));
    ok(($seen->{200} // 0) > 400, 'a busy shop is let in');
    ok($seen->{429}, 'what is too much is not');
    is(($seen->{200} // 0) + ($seen->{429} // 0), 800, '  with no other status');
    like($refused, qr{^Retry-After: 1\r}m, '  it says when');
    is(body_of($refused), $slower, '  in JSON');
    ($seen) = many($nginx, 800, client('10.9.3.4'));
    is_deeply($seen, { 200 => 800 }, 'a proxy has no limit');
    ($status) = MagasinConf::call($nginx, '/healthz', client('203.0.113.10'));
    is($status, 200, 'one client is not another');

    my $put = "PUT $product HTTP/1.1\r\nHost: localhost\r\n%s\r\n"
        . "Authorization: Token token-430\r\nContent-Type: application/json\r\n"
        . "Content-Length: 2\r\n\r\n";
    my (@held, $answer);

    # Each for ten seconds, and all at once.

    ok(MagasinNginx::wait_for(sub {
        @held = map {
            my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                PeerPort => $nginx->{port}) or die "no connection: $!\n";
            $socket->autoflush(1);
            print {$socket} sprintf $put, client('203.0.113.20');
            $socket;
        } 1 .. 200;
        return MagasinNginx::wait_for(sub {
            ($status, $answer) = MagasinConf::call($nginx, $product,
                client('203.0.113.20'));
            return $status == 429;
        }, 9);
    }), '200 requests under way are all that a client may have');
    like($answer // '', qr{^Retry-After: 1\r}m, '  it says when');
    ($status) = MagasinConf::call($nginx, $product, client('203.0.113.21'));
    is($status, 200, '  others are not meant');
    $_->close for @held;

    is($nginx->complaints, '', 'nothing is wrong in the log');
    ok($nginx->stop, 'it ends');
}

# In front of nodes

{
    my $nginx = MagasinConf::make(template => 'conf/cluster/balancer.conf');
    is(MagasinConf::tested($nginx), '', 'nginx -t takes balancer.conf');

    my $node = MagasinConf::start(MagasinConf::make(default => '',
        cluster => qq(include "$MagasinConf::Top/conf/cluster/node.conf";)));
    my $front = MagasinConf::make(template => 'conf/cluster/balancer.conf',
        change => sub { s/server 127\.0\.0\.1:\d+;/server 127.0.0.1:$node->{port};/ });
    $front->remember;
    system($ENV{TEST_NGINX_BINARY} || 'nginx', '-p', "$front->{root}/", '-c',
        "$front->{root}/nginx.conf") == 0
        or die 'nginx does not start: ' . $front->log;
    ok(MagasinNginx::wait_for(sub { $front->code($product) == 200 }), 'it has a node');
    batches($front, 'balancer.conf');
    ok($front->stop, 'it ends');
    ok($node->stop,  '  and its node');
}

done_testing();
