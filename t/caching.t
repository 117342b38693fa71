# ETag, conditional requests and Cache-Control.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;
use MagasinRoutes;

our $body = MagasinTest::product_body(%MagasinTest::Product);

# Of the fields, not of the body: PostgreSQL computes the same for If-Match.
our $etag = MagasinTest::product_etag(map {s/^"|"$//gr}
        @MagasinTest::Product{qw(nom categorie prix description)});

our $refused
    = q({"detail":"La condition de la requête n'est pas remplie."});

# Of the API; the tag of a single quantity is not a hash (test 11).
our %reads = map { $_->{name} => MagasinRoutes::fill($_->{path}) }
    grep { $_->{path} =~ m{^/api/} } MagasinRoutes::reads();
our @reads = (
    (map { $reads{$_} } sort keys %reads),
    '/api/v1/products/?q=a', '/api/v1/journal/?ordering=-id',
);
our @hashed = grep {
    $_ ne $reads{stock_item} && $_ ne $reads{stock_central_item}
} @reads;

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();

MagasinTest::reset();
run_tests();

__DATA__

=== TEST 1: a strong ETag, and storing only with asking again
--- request
GET /api/v1/products/3/
--- response_body eval: $::body
--- response_headers eval
"ETag: $::etag\nCache-Control: no-cache\nContent-Length: " . length $::body


=== TEST 2: not modified
--- request
GET /api/v1/products/3/
--- more_headers eval: "If-None-Match: $::etag"
--- error_code: 304
--- response_body:
--- response_headers eval: "ETag: $::etag"


=== TEST 3: one of several, weak, or any
--- request eval
[("GET /api/v1/products/3/") x 3]
--- more_headers eval
[qq(If-None-Match: "x", $::etag), "If-None-Match: W/$::etag", "If-None-Match: *"]
--- error_code eval: [304, 304, 304]


=== TEST 4: modified
--- request
GET /api/v1/products/3/
--- more_headers
If-None-Match: "0123456789abcdef0123456789abcdef"
--- error_code: 200


=== TEST 5: HEAD
--- request
HEAD /api/v1/products/3/
--- more_headers eval: "If-None-Match: $::etag"
--- error_code: 304


=== TEST 6: a date is no validator here
--- request
GET /api/v1/products/3/
--- more_headers
If-Modified-Since: Tue, 24 Nov 2099 00:00:00 GMT
--- error_code: 200


=== TEST 7: the ETag follows the product
--- request eval
['PUT /api/v1/products/3/
{"prix":"1.00"}', "GET /api/v1/products/3/"]
--- more_headers eval
[$MagasinTest::Json, "If-None-Match: $::etag"]
--- error_code eval: [200, 200]


=== TEST 8: a write is not stored, and If-None-Match is a condition of it
--- request eval
[("PUT /api/v1/products/3/\n" . '{"prix":"2.00"}') x 2]
--- more_headers eval
[map { "$MagasinTest::Json\nIf-None-Match: $_" } '"0"', '*']
--- error_code eval: [200, 412]
--- response_headers eval
[("Cache-Control: no-store") x 2]


=== TEST 9: errors are not stored
--- request eval
["GET /api/v1/products/999/", "GET /api/v1/stores/1/stock/list/?page=x"]
--- error_code eval: [404, 404]
--- response_headers eval
[("Cache-Control: no-store") x 2]


=== TEST 10: every read has one
--- init
MagasinTest::reset(@MagasinRoutes::Rows);
--- request eval
[map {"GET $_"} @::hashed]
--- error_code eval: [(200) x @::hashed]
--- response_headers_like eval
[('ETag: "[0-9a-f]{32}"') x @::hashed]


=== TEST 11: the ETag of a stock row is its quantities
--- request eval
[("GET /api/v1/stores/1/stock/3/") x 4, "HEAD /api/v1/stores/1/stock/3/"]
--- more_headers eval
["X: y", 'If-None-Match: "15-15"', 'If-None-Match: W/"15-15", "7"',
 'If-None-Match: "16-16"', 'If-None-Match: "15-15"']
--- error_code eval: [200, 304, 304, 200, 304]
--- response_headers eval
[(qq(ETag: "15-15"\nCache-Control: no-cache)) x 5]


=== TEST 12: not modified, for every read
--- init
MagasinTest::reset(@MagasinRoutes::Rows);
--- request eval
[map {"GET $_"} @::reads]
--- more_headers
If-None-Match: *
--- error_code eval: [(304) x @::reads]
--- response_body eval: [('') x @::reads]
--- response_headers_like eval: [('ETag: "[^"]+"') x @::reads]


=== TEST 13: a GET under a condition that does not hold
--- request eval
[("GET /api/v1/products/3/") x 4]
--- more_headers eval
["If-Match: $::etag", 'If-Match: *', 'If-Match: "x"', "If-Match: W/$::etag"]
--- error_code eval: [200, 200, 412, 412]
--- response_body eval
[$::body, $::body, ($::refused) x 2]
--- response_headers eval
[("Content-Type: application/json") x 4]
