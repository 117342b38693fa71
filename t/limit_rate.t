# A long answer at a limited rate, to a client that reads it through small
# buffers: the socket can be written to while the rate forbids it.  And a client
# that reads nothing.

use strict;
use warnings;

use lib 't/inc';
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_RCVBUF);
use Test::More;
use MagasinTest;
use MagasinNginx;

# A cache would gather the answer.
delete $ENV{TEST_NGINX_CACHE};

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

my $rows = 20_000;

MagasinTest::reset(
    'INSERT INTO produit (id, nom, categorie, prix, quantite_stock)'
        . " SELECT 1000 + i, 'Produit ' || i, 'x', 1, 0"
        . " FROM generate_series(1, $rows) i",
    "INSERT INTO magasin (id, nom, adresse) VALUES (9, 'Grand', 'x')",
    'INSERT INTO stock_local (magasin_id, produit_id, quantite)'
        . " SELECT 9, 1000 + i, i FROM generate_series(1, $rows) i");

my $right = '[' . join(',', map {
    '{"produit_id":' . (1000 + $_) . qq(,"nom":"Produit $_","quantite":$_})
} 1 .. $rows) . ']';

# Each connection has a small buffer at both ends.
sub ask {
    my ($nginx) = @_;
    my $socket = IO::Socket::INET->new(Proto => 'tcp') or die "socket: $!\n";
    setsockopt $socket, SOL_SOCKET, SO_RCVBUF, 4096 or die "buffer: $!\n";
    $socket->connect(Socket::pack_sockaddr_in($nginx->{port},
        Socket::inet_aton('127.0.0.1'))) or die "connect: $!\n";
    print {$socket} "GET /api/v1/stores/9/stock/ HTTP/1.0\r\n"
        . "Host: localhost\r\n\r\n";
    $socket->flush;
    return $socket;
}

{
    my $nginx = MagasinNginx->start(workers => 1, listen => 'sndbuf=8k',
        server => 'limit_rate 500k;');
    my $socket = ask($nginx);
    my $answer = '';
    1 while sysread $socket, $answer, 3000, length $answer;
    my ($head, $body) = split /\r\n\r\n/, $answer, 2;
    like($head, qr{\AHTTP/1\.1 200 }, 'at a limited rate: answered');
    cmp_ok(length $body, '>', 900_000, 'at a limited rate: long');
    ok($body eq $right, 'at a limited rate: all of it, once');
    ok($nginx->stop, 'at a limited rate: a graceful stop');
    is($nginx->complaints, '', 'at a limited rate: nothing alarming');
}

{
    my $nginx = MagasinNginx->start(workers => 1, listen => 'sndbuf=8k',
        server => 'send_timeout 1s;');
    my $socket = ask($nginx);
    ok(MagasinNginx::wait_for(sub { $nginx->log =~ /client timed out/ }),
        'a client that reads nothing is given up');
    my $answer = '';
    1 while sysread $socket, $answer, 65536, length $answer;
    cmp_ok(length $answer, '<', length $right, 'and has not all of it');
    is($nginx->code('/api/v1/products/3/'), 200, 'others are answered');
    ok($nginx->stop, 'a client that reads nothing: a graceful stop');
    is($nginx->complaints, '', 'a client that reads nothing: nothing alarming');
}

MagasinTest::reset();
done_testing();
