# Conditional requests as RFC 9110, section 13 has them.  No resource has a
# modification date, so the headers with a date are ignored.

use strict;
use warnings;

use lib 't/inc';
use HTTP::Tiny;
use IO::Socket::INET;
use Test::More;
use MagasinNginx;
use MagasinRoutes;
use MagasinTest;

plan skip_all => 'TEST_NGINX_RUN_DIR is not set (make test)'
    unless $ENV{TEST_NGINX_RUN_DIR};

my $past   = 'Tue, 15 Nov 1994 12:45:26 GMT';
my $future = 'Tue, 24 Nov 2099 00:00:00 GMT';

MagasinTest::reset(@MagasinRoutes::Rows);

my $nginx  = MagasinNginx->start(workers => 1);
my $client = HTTP::Tiny->new(timeout => 20, proxy => undef,
    http_proxy => undef, max_redirect => 0);
my $url = "http://127.0.0.1:$nginx->{port}";

sub ask {
    my ($method, $path, $content, @headers) = @_;
    my %headers = (Authorization => 'Token token-430', @headers);
    $headers{'Content-Type'} //= 'application/json' if defined $content;
    return $client->request($method, "$url$path",
        { headers => \%headers, defined $content ? (content => $content) : () });
}

# Reads: each route, GET and HEAD.  A stream of a long answer has no tag.
for my $read (MagasinRoutes::reads()) {
    my $path  = MagasinRoutes::fill($read->{path});
    my $plain = ask(GET => $path);
    my $tag   = $plain->{headers}{etag};
    is($plain->{status}, 200, "GET $path");
    ok(defined $tag && $tag =~ /^"/, "$path has a strong tag");
    ok(!exists $plain->{headers}{'last-modified'}, "$path has no date");
    next if $read->{name} =~ /^(?:healthz|readyz|journal)$/ && !defined $tag;

    my @cases = (
        # 13.1.4, 13.1.3: without a date they are ignored
        [200, 'If-Unmodified-Since' => $past],
        [200, 'If-Unmodified-Since' => $future],
        [200, 'If-Unmodified-Since' => 'yesterday'],
        [200, 'If-Modified-Since' => $future],
        [200, 'If-Modified-Since' => $past],
        # 13.1.3: If-None-Match precedes If-Modified-Since
        [304, 'If-None-Match' => $tag, 'If-Modified-Since' => $past],
        [304, 'If-None-Match' => $tag, 'If-Modified-Since' => $future],
        [200, 'If-None-Match' => '"x"', 'If-Modified-Since' => $future],
        # 13.1.2: weak comparison, lists, "*"
        [304, 'If-None-Match' => "W/$tag"],
        [304, 'If-None-Match' => "\"a,b\", W/\"c\" , $tag"],
        [304, 'If-None-Match' => '*'],
        [200, 'If-None-Match' => $tag =~ s/"//gr],
        # 13.1.1: strong comparison
        [200, 'If-Match' => $tag],
        [200, 'If-Match' => '*'],
        [200, 'If-Match' => "\"x\", $tag"],
        [412, 'If-Match' => "W/$tag"],
        [412, 'If-Match' => '"x"'],
        # 13.2.2: If-Match first; then If-Unmodified-Since is not asked
        [200, 'If-Match' => $tag, 'If-Unmodified-Since' => $past],
        [412, 'If-Match' => '"x"', 'If-None-Match' => $tag],
        [304, 'If-Match' => $tag,  'If-None-Match' => $tag],
        # 13.1.5: no ranges, so If-Range changes nothing
        [200, 'If-Range' => $tag, Range => 'bytes=0-1'],
        [200, 'If-Range' => $past, Range => 'bytes=0-1'],
    );

    # Their bytes change with time and state: what is not "*" cannot be asked.
    @cases = grep { "@$_" !~ /\Q$tag\E/ } @cases
        if $read->{name} =~ /^(?:readyz|journal)$/;

    my @wrong;
    for my $method ('GET', 'HEAD') {
        for my $case (@cases) {
            my ($status, @headers) = @$case;
            my $answer = ask($method, $path, undef, @headers);
            push @wrong, "$method @headers: $answer->{status}, not $status $answer->{content}"
                if $answer->{status} != $status;
            push @wrong, "$method @headers: no ETag or Cache-Control"
                if $status == 304
                && !($answer->{headers}{etag}
                    && $answer->{headers}{'cache-control'});
            push @wrong, "$method @headers: a body"
                if $status == 304 && length $answer->{content};
            push @wrong, "$method @headers: not our 412"
                if $status == 412 && $method eq 'GET'
                && $answer->{content}
                ne q({"detail":"La condition de la requête n'est pas remplie."});
        }
    }
    is(join("\n", @wrong), '', "conditions of $path");
}

# A connection goes on after 412, as it says.
my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
    PeerPort => $nginx->{port});
print {$socket} "$_ HTTP/1.1\r\nHost: a\r\nIf-Match: \"x\"\r\n\r\n"
    for map { ("HEAD $_", "GET $_") } '/api/v1/sales/1/', '/api/v1/stores/';
print {$socket} "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
my $answers = do { local $/; <$socket> };
is(join(' ', $answers =~ m{HTTP/1\.1 (\d+)}g), '412 412 412 412 200',
    '412 leaves the connection open');
is(() = $answers =~ /^Allow: GET/mg, 5, 'and has the other headers');

# 13.2.1: an answer that would be an error keeps its status.
for my $case ([404, '/api/v1/products/999/'], [400, '/api/v1/products/?limit=x'],
    [301, '/api/v1/products/1'], [404, '/api/v1/'])
{
    is(ask(GET => $case->[1], undef, 'If-Match' => '"x"',
            'If-None-Match' => '*')->{status},
        $case->[0], "$case->[1] stays $case->[0]");
}

# Writes of one product, and of one row of stock.
my $product = '/api/v1/products/3/';
my $stock   = '/api/v1/stores/1/stock/4/';
my $adjust  = "${stock}adjust/";

for my $write (
    [PUT => $product, '{}', $product], [PATCH => $product, '{}', $product],
    [POST => $adjust, '{"delta":1}', $stock],
    [DELETE => $product, undef, $product],
    )
{
    my ($method, $path, $body, $of) = @$write;
    my $tag = ask(GET => $of)->{headers}{etag};
    my @cases = (
        [412, 'If-None-Match' => '*'],
        [412, 'If-None-Match' => $tag],
        [412, 'If-None-Match' => "W/$tag"],
        [412, 'If-None-Match' => "\"0\", $tag"],
        [412, 'If-Match' => "W/$tag"],
        [412, 'If-Match' => $tag, 'If-None-Match' => $tag],
        [412, 'If-Match' => '"0"', 'If-None-Match' => '"0"'],
    );
    my @good = (
        ['If-None-Match' => '"0"'],
        ['If-Unmodified-Since' => $past],
        ['If-Modified-Since' => $future],
        ['If-Match' => $tag, 'If-None-Match' => '"0"',
            'If-Unmodified-Since' => $past],
    );
    for my $case (@cases) {
        my ($status, @headers) = @$case;
        is(ask($method, $path, $body, @headers)->{status}, $status,
            "$method $path, @headers");
    }
    is(ask(GET => $of)->{headers}{etag}, $tag, "$method: nothing is done");

    @good = $good[-1] if $method eq 'DELETE';
    for my $headers (@good) {
        my %headers = @$headers;
        $headers{'If-Match'} = ask(GET => $of)->{headers}{etag}
            if $headers{'If-Match'};
        is(ask($method, $path, $body, %headers)->{status},
            $method eq 'DELETE' ? 204 : 200,
            "$method $path, " . join ' ', %headers);
    }
}

# A tag of If-None-Match that is its own answer's: the key replays.
my @key = ('Idempotency-Key' => 'conditions-1', 'If-None-Match' => '"999"');
my $first = ask(POST => $adjust, '{"delta":2}', @key);
is($first->{status}, 200, 'adjusted');
$key[3] = $first->{headers}{etag};
is(ask(POST => $adjust, '{"delta":2}', @key)->{content}, $first->{content},
    'a key that is known replays, whatever the condition says now');

# A product that does not exist, or not any more, has nothing to match.
for my $method (qw(PUT PATCH DELETE)) {
    is(ask($method => '/api/v1/products/999/', $method eq 'DELETE' ? undef : '{}',
            'If-None-Match' => '*')->{status}, 404, "$method of no product");
}

# A POST has no tag to compare.  "*" asks whether GET has something there.
my $sale = '{"magasin":1,"lignes":[{"produit":4,"quantite":1}]}';
my $before = MagasinTest::sql('SELECT count(*) FROM vente');
for my $case (
    [412, '/api/v1/sales/', $sale, 'If-None-Match' => '*'],
    [412, '/api/v1/sales/', $sale, 'If-Match' => '"x"'],
    [412, '/api/v1/sales/', $sale, 'If-Match' => ask(GET => '/api/v1/sales/')
        ->{headers}{etag}],
    [400, '/api/v1/sales/', '{}', 'If-None-Match' => '*'],
    [412, '/api/v1/products/', '{"nom":"n","categorie":"c","prix":1}',
        'If-None-Match' => '*'],
    [412, '/api/v1/replenishments/1/approve/', undef, 'If-Match' => '*'],
    )
{
    my ($status, $path, $body, @headers) = @$case;
    is(ask(POST => $path, $body, @headers)->{status}, $status,
        "POST $path, @headers");
}
is(MagasinTest::sql('SELECT count(*) FROM vente'), $before, 'nothing was sold');
is(ask(POST => '/api/v1/sales/', $sale, 'If-Match' => '*',
        'If-None-Match' => '"x"', 'If-Unmodified-Since' => $past)->{status},
    201, 'If-Match: * of a list that is there');
is(ask(POST => '/api/v1/replenishments/1/reject/', undef,
        'If-None-Match' => '*')->{status}, 200, 'nothing is at reject/');

ok($nginx->stop, 'a graceful stop');
is($nginx->complaints, '', 'nothing alarming in the log');
MagasinTest::reset();
done_testing();
