# conf/examples/tls.conf: TLS and HTTP/2 to clients.

use strict;
use warnings;

use lib 't/inc';
use Test::More;

use MagasinConf;
use MagasinTest;

my $tls  = MagasinNginx::free_port();
my $http = MagasinNginx::free_port();
my $base = "https://magasin.example:$tls";

# The example's ports and files are ours, and this machine is a client like
# any other, with a limit that is soon reached.
sub ours {
    my ($nginx) = @_;
    my $root = $nginx->{root};
    system("openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=magasin.example"
        . " -addext subjectAltName=DNS:magasin.example -out $root/cert.pem"
        . " -keyout $root/key.pem 2>/dev/null") == 0
        or die "no certificate\n";
    s{listen\s+80;}{listen 127.0.0.1:$http;};
    s{listen\s+443}{listen 127.0.0.1:$tls}g;
    s{/etc/magasin/tls/fullchain\.pem}{$root/cert.pem};
    s{/etc/magasin/tls/privkey\.pem}{$root/key.pem};
    s{^\s*magasin_exempt\b[^;]*;}{}m;
    s{rate=100r/s}{rate=1r/m};
    s{burst=400}{burst=30}g;
    if (`$ENV{TEST_NGINX_BINARY} -V 2>&1` =~ /http_v3_module/) {
        s{# HTTP/3: listen 443}{listen 127.0.0.1:$tls};
        s{# HTTP/3: }{}g;
        s{(ssl) http2}{$1}g;
        s{(ssl_reject_handshake|ssl_certificate )}{http2 on; $1}g;
    }
    return;
}

my $nginx = MagasinConf::make(include => ['conf/examples/tls.conf'], change => \&ours);
is(MagasinConf::tested($nginx), '', 'nginx -t takes it');
MagasinTest::reset();
MagasinConf::start($nginx);

# curl(ARGUMENT...): the answer with its header
sub curl {
    my (@arguments) = @_;
    my @command = ('curl', '-s', '-i', '-m', '20', '--noproxy', '*', '--cacert',
        "$nginx->{root}/cert.pem", '--resolve', "magasin.example:$tls:127.0.0.1",
        '--resolve', "evil.example:$tls:127.0.0.1",
        '--resolve', "magasin.example:$http:127.0.0.1", @arguments);
    open my $pipe, '-|', @command or die "curl: $!\n";
    local $/;
    my $text = <$pipe> // '';
    close $pipe;
    return $text;
}

my @token = ('-H', 'Authorization: Token token-430', '-H', 'Content-Type: application/json');

my $answer = curl('--http2', "$base/api/v1/products/3/");
like($answer, qr{\AHTTP/2 200 \r\n}, 'HTTP/2 over TLS');
like($answer, qr{\r\n\r\n\{"nom":"Tapis de souris XL"}, '  with the product');
like($answer, qr{^strict-transport-security: max-age=31536000\r}m, '  and no way back to http');
like($answer, qr{^x-request-id: \S+\r}m, '  and its id');

like(curl('--http1.1', "$base/api/v1/products/3/"), qr{\AHTTP/1\.1 200 OK\r\n},
    'HTTP/1.1 as well');
like(curl('--http2', '-I', "$base/api/v1/products/3/"), qr{\AHTTP/2 200 \r\n.*\r\n\r\n\z}s, 'HEAD');

$answer = curl('--http2', "$base/api/v1/stores/1/stock/list/");
like($answer, qr{"next":"https://magasin\.example:$tls/api/v1/stores/1/stock/list/\?page=2"},
    'links say https');
like(curl('--http2', "$base/api/v1/products/?limit=2"),
    qr{^link: <https://magasin\.example:$tls/}m, '  in headers too');

$answer = curl('--http2', @token, '-d', '{"magasin":1,"lignes":[{"produit":1,"quantite":1}]}',
    "$base/api/v1/sales/");
like($answer, qr{\AHTTP/2 201 \r\n}, 'a sale');
$answer = curl('--http2', @token, '-X', 'PUT', '-d', '{"prix":"21.50"}',
    "$base/api/v1/products/3/");
like($answer, qr{\AHTTP/2 200 .*"prix":"?21\.50}s, 'a new price');
like(curl('--http2', '-H', 'Content-Type: application/json', '-d', '{}', "$base/api/v1/sales/"),
    qr{\AHTTP/2 401 .*^www-authenticate: Token\r.*"status":401}ms, 'no token');
like(curl('--http2', "$base/api/v1/nowhere/"),
    qr{\AHTTP/2 404 .*^content-type: application/json\r.*\{"detail":"Pas trouv}ms, 'an error');
MagasinConf::put("$nginx->{root}/large", 'x' x 1_200_000);
like(curl('--http2', @token, '-H', 'Expect:', '-X', 'PUT', '--data-binary', "\@$nginx->{root}/large",
    "$base/api/v1/products/3/"), qr{\AHTTP/2 413 .*\{"detail":"Le corps}s, 'a body too large');

$answer = curl('--http2', '-H', 'Host: evil.example', "$base/api/v1/products/3/");
like($answer, qr{\AHTTP/2 421 .*\{"detail":"La requ}s, 'another host on the same connection');
is(curl('-k', "https://evil.example:$tls/"), '', 'another name has no certificate');
like(curl("http://magasin.example:$http/rapport?x=1"),
    qr{\AHTTP/1\.1 301 .*^Location: https://magasin\.example/rapport\?x=1\r}ms, 'without TLS');

my @limited;
for (1 .. 60) {
    $answer = curl('--http2', "$base/healthz");
    next if $answer =~ m{\AHTTP/2 200};
    @limited = ($answer);
    last;
}
like($limited[0] // '', qr{\AHTTP/2 429 .*^retry-after: 1\r.*\{"detail":"Trop}ms, 'the limit');

is($nginx->complaints, '', 'nothing is wrong in the log');
ok($nginx->stop, 'it ends');

done_testing();
