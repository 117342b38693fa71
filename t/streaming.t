# Answers that leave in pieces, and large ones that leave whole.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;

# About answers that are sent piece by piece: a cache gathers them.
delete $ENV{TEST_NGINX_CACHE};

# A big store with this many rows
sub rows {
    my ($rows) = @_;
    return MagasinTest::reset(
        'INSERT INTO produit (id, nom, categorie, prix, quantite_stock)'
            . " SELECT 1000 + i, 'Produit ' || i, 'x', 1, 0"
            . " FROM generate_series(1, $rows) i",
        "INSERT INTO magasin (id, nom, adresse) VALUES (9, 'Grand', 'x')",
        'INSERT INTO stock_local (magasin_id, produit_id, quantite)'
            . " SELECT 9, 1000 + i, i FROM generate_series(1, $rows) i",
    );
}

sub expected {
    my ($rows) = @_;
    return '[' . join(',', map {
        '{"produit_id":' . (1000 + $_) . qq(,"nom":"Produit $_","quantite":$_})
    } 1 .. $rows) . ']';
}

# What a page of products has, in short.
sub ids {
    my ($body) = @_;
    my ($next) = $body =~ /\A\{"next":(null|")/ or return $body;
    $body =~ /\]\}\z/ or return 'not whole';
    my $long = () = $body =~ /"description":"(?:é){9999}"/g;
    my @ids = $body =~ /"id":(\d+),/g;
    my $short = grep { $_ % 7 == 0 } @ids;
    return CORE::join ' ', $next eq 'null' ? 'null' : 'link', @ids,
        $long + $short == @ids || @ids == 1 ? () : "$long long ones";
}

log_level('info');
no_root_location();
no_shuffle();
no_long_string();
MagasinTest::defaults();

run_tests();
MagasinTest::reset();

__DATA__

=== TEST 1: several pieces, whole and in order
--- init: main::rows(3500)
--- request
GET /api/v1/stores/9/stock/
--- response_body eval: main::expected(3500)
--- raw_response_headers_unlike: ETag|Content-Length
--- no_error_log
[error]


=== TEST 2: HEAD of it
--- request
HEAD /api/v1/stores/9/stock/
--- response_body:
--- error_code: 200


=== TEST 3: HTTP/1.0: to the end of the connection
--- raw_request eval
"GET /api/v1/stores/9/stock/ HTTP/1.0\r\nHost: localhost\r\n\r\n"
--- response_body eval: main::expected(3500)


=== TEST 4: at a limited rate
--- config
location /api/v1/ { magasin; limit_rate 60k; limit_rate_after 20k; }
--- request
GET /api/v1/stores/9/stock/
--- timeout: 10
--- response_body eval: main::expected(3500)


=== TEST 5: through gzip
--- config
location /api/v1/ { magasin; gzip on; gzip_types application/json; }
--- request
GET /api/v1/stores/9/stock/
--- more_headers
Accept-Encoding: gzip
--- response_headers
Content-Encoding: gzip
--- error_code: 200


=== TEST 6: HTTP/2
--- http2
--- request
GET /api/v1/stores/9/stock/
--- response_body eval: main::expected(3500)


=== TEST 7: one piece to the last row, and not one more
--- init: main::rows(1000)
--- request
GET /api/v1/stores/9/stock/
--- response_body eval: main::expected(1000)


=== TEST 8: two of them
--- init: main::rows(2000)
--- request
GET /api/v1/stores/9/stock/
--- response_body eval: main::expected(2000)


=== TEST 9: one row less: whole, with its length
--- init: main::rows(999)
--- request
GET /api/v1/stores/9/stock/
--- response_body eval: main::expected(999)
--- raw_response_headers_like: ETag: "[0-9a-f]{32}"


=== TEST 10: a result of 1 MB in one row
--- init
# Longer than what is taken by now.
MagasinTest::reset(
    'ALTER TABLE produit DISABLE TRIGGER produit_description_changee',
    "UPDATE produit SET description = repeat('0123456789', 104858) WHERE id = 3",
    'ALTER TABLE produit ENABLE ALWAYS TRIGGER produit_description_changee');
--- request
GET /api/v1/products/3/
--- response_body eval
'{"nom":"Tapis de souris XL","categorie":"Accessoire","prix":"19.99","description":"' . ('0123456789' x 104858) . '"}'


=== TEST 11: several of them in one batch
--- pipelined_requests eval
[("GET /api/v1/products/3/") x 4]
--- response_body eval
[('{"nom":"Tapis de souris XL","categorie":"Accessoire","prix":"19.99","description":"' . ('0123456789' x 104858) . '"}') x 4]


=== TEST 12: 1 MB that comes
--- config
location /api/v1/ { magasin; client_max_body_size 4m; client_body_buffer_size 8k; }
--- request eval
['PUT /api/v1/products/3/
{"inconnu":"' . ('abcdefghij' x 104858) . '","description":"fin"}', 'GET /api/v1/products/3/']
--- more_headers eval: $MagasinTest::Json
--- response_body eval
[('{"nom":"Tapis de souris XL","categorie":"Accessoire","prix":"19.99","description":"fin"}') x 2]


=== TEST 13: a page of long rows in pieces, with its link and no row twice
--- init
MagasinTest::reset(
    "INSERT INTO produit (id, nom, categorie, prix, description)"
        . " SELECT 1000 + i, 'Lent ' || to_char(i, 'FM000'), 'lent', 1, repeat('é', 9999)"
        . ' FROM generate_series(1, 120) i',
    'UPDATE produit SET description = NULL WHERE id % 7 = 0');
--- request eval
my $list = '/api/v1/products/?categorie=lent';
["GET $list&limit=100", "GET $list&limit=120", "GET $list&limit=119",
 "GET $list&q=lent&limit=110", 'GET /api/v1/products/?limit=1', "HEAD $list&limit=100"]
--- response_body_filters eval: \&main::ids
--- response_body eval
my $all = sub { CORE::join ' ', map { 1000 + $_ } 1 .. $_[0] };
["link " . $all->(100), "null " . $all->(120), "link " . $all->(119),
 "link " . $all->(110), 'link 13', '']
--- raw_response_headers_like eval
[('Link: <http://localhost[^>]*cursor=[^>]*>; rel="next"') , 'Transfer-Encoding: chunked', ('Link: <') x 4]
