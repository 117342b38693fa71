# What conf/ says of every answer: X-Request-ID, X-Content-Type-Options and a
# Content-Security-Policy, once each, on every answer of every location, errors
# too.  A location that is new has to be walked here.

use strict;
use warnings;

use lib 't/inc';
use Test::More;

use MagasinConf;
use MagasinStream;
use MagasinTest;

my @wanted = ('X-Request-ID', 'X-Content-Type-Options',
    'Content-Security-Policy');

MagasinTest::reset();

# locations(TEXT): "server number: location", in the order of the file.
sub locations {
    my ($text) = @_;
    my ($server, @found) = 0;
    for (split /\n/, $text =~ s/#.*//gr) {
        $server++ if /^\s*server\s*\{/;
        push @found, "$server: $1" if /^\s*location\s+(.*?)\s*\{/;
    }
    return @found;
}

my %walked;

# walk(NGINX, SERVER, LOCATION, REQUEST...): a request is "STATUS METHOD PATH"
# with lines of headers and a body behind it.
sub walk {
    my ($nginx, $location, @requests) = @_;
    $walked{$location} = 1;
    for my $request (@requests) {
        my ($line, $rest) = split /\n/, $request, 2;
        my ($status, $method, $path) = split ' ', $line;
        my ($host) = ($rest // '') =~ /^(Host: .*)$/m;
        my ($headers, $body) = split /\n\n/, $rest // '', 2;
        $headers = join '', map {"$_\r\n"} $host ? () : 'Host: localhost',
            'Connection: close', split(/\n/, $headers // ''),
            defined $body ? 'Content-Length: ' . length $body : ();
        my ($got, $answer) = $nginx->ask("$method $path HTTP/1.1\r\n$headers\r\n"
                . ($body // ''));
        my $what = length $line > 60 ? substr($line, 0, 60) . '...' : $line;
        is($got, $status, "$location: $what");
        my ($head) = $answer =~ /\A(.*?\r\n)\r\n/s;
        is(join(' ', map { my $name = $_; scalar(() = $head =~ /^$name: \S/mig) }
                @wanted), '1 1 1', '  has its headers')
            or diag $head;
        like($head, qr/^X-Content-Type-Options: nosniff\r/m, '  nosniff');
        like($head, qr/^Content-Security-Policy: default-src 'none'; /m,
            '  a policy that begins with nothing');
        unlike($head, qr{^Location: http}m, '  no absolute redirect');
    }
    return;
}

sub operators {
    my ($nginx) = @_;
    return bless { %$nginx, port => $nginx->{metrics} }, ref $nginx;
}

# Of a configuration in $_: this machine has the limits of all others.
sub not_exempt { return s/^\s*magasin_exempt\s.*$//mr }

# limited(NGINX, FILE): one address has as many streams as the file says, and no
# more.
sub limited {
    my ($nginx, $file) = @_;
    my ($most) = MagasinNginx::slurp("$MagasinConf::Top/$file")
        =~ /limit_conn\s+magasin_streams (\d+);/;
    my @streams = map { MagasinStream->open($nginx) } 1 .. $most;
    is(scalar(grep { $_->status == 200 } @streams), $most,
        "$file: $most streams of one address");
    my $refused = MagasinStream->open($nginx);
    is($refused->status, 429, '  one more is refused');
    like($refused->{head}, qr/^Retry-After: \d+\r$/m, '  for a while');
    like($refused->{body}, qr/^\{"detail":"Trop de requêtes/, '  and says why');
    is($nginx->code('/api/v1/stores/'), 200, '  which takes nothing else away');
    (pop @streams)->close;
    my $next;
    ok(MagasinNginx::wait_for(sub {
        $next = MagasinStream->open($nginx);
        return $next->status == 200;
    }), '  when one has gone the next may come');
    is(scalar(grep { !$_->look->{ended} } @streams), $most - 1,
        '  and the others are there');
    $_->close for @streams, $next;
    return;
}

my $put = 'Authorization: Token token-430' . "\nContent-Type: application/json\n\n";

{
    my $nginx = MagasinConf::make();
    mkdir "$nginx->{root}/$_" for qw(openapi/swagger openapi/swagger/deep web/assets);
    MagasinConf::put("$nginx->{root}/openapi/$_", '{}')
        for 'openapi.json', 'swagger/index.html';
    MagasinConf::put("$nginx->{root}/web/$_", 'x')
        for 'index.html', 'assets/a.js';
    is(MagasinConf::tested($nginx), '', 'nginx -t');
    MagasinConf::start($nginx);

    my $operators = operators($nginx);
    walk($operators, '1: = /metrics', '200 GET /metrics', '405 POST /metrics',
        "304 GET /metrics\nIf-None-Match: *");
    walk($operators, '1: = /status', "200 GET /status\nAccept: text/html",
        "200 GET /status\nAccept: application/json", '405 PUT /status');
    walk($operators, '1: = /readyz', '200 GET /readyz', '405 POST /readyz');
    walk($operators, '1: = /healthz', '200 GET /healthz');
    walk($operators, '1: /', '404 GET /', '404 GET /api/v1/stores/');

    walk($nginx, '2: /api/v1/', '200 GET /api/v1/stores/',
        '200 HEAD /api/v1/stores/', '301 GET /api/v1/stores',
        '304 GET /api/v1/stores/' . "\nIf-None-Match: *",
        '404 GET /api/v1/x/', '405 DELETE /api/v1/stores/',
        "406 GET /api/v1/stores/\nAccept: text/x",
        '400 GET /api/v1/stores/?limit=x', '401 PUT /api/v1/products/3/',
        "412 GET /api/v1/stores/\nIf-Match: \"x\"",
        "400 PUT /api/v1/products/3/\n$put\{",
        "200 PUT /api/v1/products/3/\n$put\{}",
        "415 PUT /api/v1/products/3/\nContent-Encoding: gzip\n$put\{}",
        "413 PUT /api/v1/products/3/\n$put" . '{' x 300_000,
        '200 OPTIONS /api/v1/stores/');
    walk($nginx, '2: = /api/v1/journal/stream/',
        '200 HEAD /api/v1/journal/stream/', '405 POST /api/v1/journal/stream/',
        '400 GET /api/v1/journal/stream/?magasin=x',
        "406 GET /api/v1/journal/stream/\nAccept: text/x");
    for my $batch ('/api/v1/products/batch/', '/api/v1/stock/batch/') {
        walk($nginx, "2: = $batch", "405 GET $batch",
            "401 POST $batch\nContent-Type: text/csv\n\nid\n",
            "413 POST $batch\nContent-Length: 40000000");
    }
    walk($nginx, '2: = /healthz', '200 GET /healthz', '405 POST /healthz');
    walk($nginx, '2: = /readyz', '200 GET /readyz');
    walk($nginx, '2: = /openapi.json', '200 GET /openapi.json',
        '405 POST /openapi.json');
    walk($nginx, '2: /swagger/', '200 GET /swagger/', '404 GET /swagger/x',
        '405 POST /swagger/', '404 GET /swagger/deep', '404 GET /swagger/deep/');
    walk($nginx, '2: = /swagger', '301 GET /swagger');
    walk($nginx, '2: /', '200 GET /assets/a.js', '404 GET /nowhere',
        '405 POST /assets/a.js', '400 GET /%00', '414 GET /' . 'x' x 9000,
        "400 GET /x\nX-Long: " . 'x' x 9000, '404 GET //api/v1/stores/',
        '200 GET /assets/a.js' . "\nRange: bytes=9-");
    walk($nginx, '2: ~ ^/(?:caisse|central|chiffres|commander|demandes|etiquettes|importer|inventaire|journal|magasins|prix|produits|rapport|receptions|stock|transferts)?$',
        '200 GET /', '200 GET /caisse', '405 POST /caisse');
    walk($nginx, '3: = /healthz', "200 GET /healthz\nHost: 10.0.0.1");
    walk($nginx, '3: /', "421 GET /\nHost: evil.example",
        "421 GET /api/v1/stores/\nHost: evil.example");

    is(join("\n", sort keys %walked), join("\n", sort(locations(
        MagasinNginx::slurp("$MagasinConf::Top/conf/nginx.conf")))),
        'every location of nginx.conf is walked');

    # What is said of an answer fits what it is.
    my $policy = sub { ($nginx->get($_[0]))[1] =~ /^Content-Security-Policy: (.*?)\r/m };
    is(($policy->('/api/v1/stores/'))[0], "default-src 'none'; frame-ancestors 'none'",
        'data load nothing');
    is(($policy->('/openapi.json'))[0], "default-src 'none'; frame-ancestors 'none'",
        '  nor does the description of the API');
    like(($nginx->get('/openapi.json'))[1], qr/^Allow: GET, HEAD\r/m,
        '  which says what may be done with it');
    like(($policy->('/'))[0], qr/script-src 'self'.*trusted-types service-worker\z/, 'pages');
    like(($policy->('/swagger/'))[0], qr/img-src 'self' data:/, 'Swagger UI');
    like($operators->get('/status') && ($operators->ask(
        "GET /status HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\nConnection: close\r\n\r\n"))[1],
        qr/script-src 'sha256-/, 'the policy of /status is its own');
    for my $case (['/assets/a.js', 'public, max-age=31536000, immutable'],
        ['/', 'no-cache'], ['/openapi.json', 'no-cache'], ['/swagger/', 'no-cache'],
        ['/api/v1/stores/', 'no-cache'], ['/healthz', 'no-cache'])
    {
        my @said = ($nginx->get($case->[0]))[1] =~ /^Cache-Control: (.*?)\r/mg;
        is_deeply(\@said, [$case->[1]], "Cache-Control of $case->[0]");
    }

    is($nginx->complaints, '', 'nothing is wrong in the log');
    ok($nginx->stop, 'it ends');
}

# One stream more than an address may have

{
    my $nginx = MagasinConf::make(change => sub { $_ = not_exempt() });
    MagasinConf::start($nginx);
    limited($nginx, 'conf/nginx.conf');
    is($nginx->complaints, '', 'nothing is wrong in the log');
    ok($nginx->stop, 'it ends');
}

# A balancer, before a node.

{
    %walked = ();
    my $node = MagasinConf::make(default => '',
        cluster => qq(include "$MagasinConf::Top/conf/cluster/node.conf";));
    MagasinConf::start($node);
    my $balancer = MagasinConf::make(template => 'conf/cluster/balancer.conf',
        change => sub {
            s/server 127\.0\.0\.1:\d+;/server 127.0.0.1:$node->{port};/;
            $_ = not_exempt();
        });
    is(MagasinConf::tested($balancer), '', 'nginx -t takes balancer.conf');
    $balancer->remember;
    system($ENV{TEST_NGINX_BINARY} || 'nginx', '-p', "$balancer->{root}/", '-c',
        "$balancer->{root}/nginx.conf") == 0 or die $balancer->log;

    walk($balancer, '1: /', '200 GET /api/v1/stores/', '301 GET /api/v1/stores',
        '404 GET /api/v1/x/', '301 GET /swagger', '404 GET /nowhere');
    walk($balancer, '1: = /api/v1/journal/stream/',
        '200 HEAD /api/v1/journal/stream/',
        '400 GET /api/v1/journal/stream/?magasin=x');
    walk($balancer, "1: = /api/v1/$_/batch/", "405 GET /api/v1/$_/batch/")
        for qw(products stock);
    walk($balancer, '1: = /metrics', '404 GET /metrics');
    walk($balancer, '1: = /status', '404 GET /status');
    walk($balancer, '1: = /healthz', '200 GET /healthz');
    walk($balancer, '2: = /healthz', "200 GET /healthz\nHost: 10.0.0.1");
    walk($balancer, '2: /', "421 GET /\nHost: evil.example");
    is(join("\n", sort keys %walked), join("\n", sort(locations(
        MagasinNginx::slurp("$MagasinConf::Top/conf/cluster/balancer.conf")))),
        'every location of balancer.conf is walked');

    # A stream comes through at once, and its end, too.
    my $stream = MagasinStream->open($balancer);
    is($stream->status, 200, 'a stream of the journal');
    MagasinTest::sql('UPDATE produit SET prix = prix + 1 WHERE id = 1');
    is($stream->wait_events(1), 1, '  an event of it');
    ok($node->reload, '  the node is reloaded');
    ok($stream->wait_end, '  the end of it');
    my $again = MagasinStream->open($balancer, id => $stream->{id});
    MagasinTest::sql('UPDATE produit SET prix = prix - 1 WHERE id = 1');
    is($again->wait_events(1), 1, '  which goes on');
    $again->close;

    limited($balancer, 'conf/cluster/balancer.conf');

    ok($node->stop, 'the node ends');
    walk($balancer, '1: /', '502 GET /api/v1/stores/');
    ok($balancer->stop, 'the balancer ends');
}

MagasinTest::reset();
done_testing();
