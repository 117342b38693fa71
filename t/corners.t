# Corners of HTTP: codings of bodies, null, authorities, and a prefix.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;

our $coded = q({"detail":"Le corps doit être envoyé sans codage (Content-Encoding)."});
our $nul   = q({"description":["Ce champ ne peut être nul."]});
our $list  = '/api/v1/stores/1/stock/list/';
our $body  = MagasinTest::product_body(%MagasinTest::Product);

# Only the link.
sub link_of {
    my ($body) = @_;
    return $body =~ /"next":"(.*?)"/ ? $1 : $body;
}

our $inv = <<'CONFIG';
merge_slashes off;
magasin_json_errors on;
magasin_base /inv;
location /inv/api/v1/ { magasin; }
location /api/v1/ { magasin; }
location / { return 404; }
CONFIG

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();

MagasinTest::reset();
run_tests();
MagasinTest::reset();

__DATA__

=== TEST 1: a body with a coding is not read, and nothing is done
--- request eval
[map { "$_->[0]\n$_->[1]" }
    ['PUT /api/v1/products/3/', '{"prix":"1.00"}'],
    ['PATCH /api/v1/products/3/', '{"prix":"1.00"}'],
    ['POST /api/v1/products/', '{"nom":"n","categorie":"c","prix":1}'],
    ['POST /api/v1/sales/', '{"magasin":1,"lignes":[{"produit":4,"quantite":1}]}'],
    ['POST /api/v1/stores/1/stock/3/adjust/', '{"delta":1}'],
    ['PUT /api/v1/products/3/', '{"prix":"1.00"}'],
    ['PUT /api/v1/products/3/', '{"prix":"1.00"}'],
    ['PUT /api/v1/products/3/', '{"prix":"1.00"}'],
    ['GET /api/v1/products/3/', '']]
--- more_headers eval
[map { "$MagasinTest::Json\n$_" } (map { "Content-Encoding: $_" } 'gzip', 'deflate', 'br',
    'GZIP', 'identity, gzip', ' zstd ', ', x'),
    "Content-Encoding: identity\nContent-Encoding: gzip", 'X: y']
--- error_code eval: [(415) x 8, 200]
--- response_body eval: [($::coded) x 8, $::body]
--- response_headers eval: [('Accept-Encoding: identity') x 8, '! Accept-Encoding']


=== TEST 2: no coding is no coding
--- request eval
[("PUT /api/v1/products/3/\n{}") x 4, 'DELETE /api/v1/products/999/']
--- more_headers eval
[(map { "$MagasinTest::Json\nContent-Encoding: $_" } 'identity', 'Identity, ,identity', '', ','),
 "$MagasinTest::Token\nContent-Encoding: gzip"]
--- error_code eval: [(200) x 4, 404]


=== TEST 3: 401 before 415, and 415 for a coding without a body is none
--- request eval
["PUT /api/v1/products/3/\n{}", "PUT /api/v1/products/3/"]
--- more_headers eval
["Content-Encoding: gzip", "$MagasinTest::Token\nContent-Encoding: gzip"]
--- error_code eval: [401, 200]


=== TEST 4: what GET gives, PUT takes: null where null is what is there
--- init
MagasinTest::reset('UPDATE produit SET description = NULL WHERE id = 3');
--- request eval
my $null = $::body =~ s/"description":"[^"]*"/"description":null/r;
["GET /api/v1/products/3/", "PUT /api/v1/products/3/\n$null",
 "PUT /api/v1/products/3/\n" . '{"description":null,"prix":"5"}',
 "PATCH /api/v1/products/3/\n" . '{"description":null,"prix":"19.99"}',
 "PUT /api/v1/products/3/\n" . '{"description":null,"nom":""}',
 "PUT /api/v1/products/3/\n" . '{"description":"d"}',
 "PUT /api/v1/products/3/\n" . '{"description":null,"prix":"6"}',
 "PATCH /api/v1/products/3/\n" . '{"description":null,"prix":"6"}',
 "PUT /api/v1/products/999/\n" . '{"description":null}',
 "PUT /api/v1/products/99999999999999999999/\n" . '{"description":null}',
 "GET /api/v1/products/3/"]
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [200, 200, 200, 200, 400, 200, 400, 400, 400, 400, 200]
--- response_body_like eval
my $null = '^' . quotemeta($::body =~ s/"description":"[^"]*"/"description":null/r) . '$';
[$null, $null, '"prix":"5.00","description":null\}$', $null,
 '^\{"nom":\["Ce champ ne peut être vide\."\],"description":\["Ce champ ne peut être nul\."\]\}$',
 '"description":"d"', (quotemeta $::nul) x 4, '"prix":"19.99","description":"d"']


=== TEST 5: with a condition: 400 before 412
--- request eval
["PUT /api/v1/products/3/\n" . '{"description":null}',
 "PUT /api/v1/products/3/\n" . '{"description":null}']
--- more_headers eval
["$MagasinTest::Json\nIf-Match: \"0\"", "$MagasinTest::Json\nIf-None-Match: *"]
--- error_code eval: [400, 400]


=== TEST 6: and 412 where null is there
--- init
MagasinTest::reset('UPDATE produit SET description = NULL WHERE id = 3');
--- request eval
[("PUT /api/v1/products/3/\n" . '{"description":null}') x 3]
--- more_headers eval
["$MagasinTest::Json\nIf-Match: \"0\"", "$MagasinTest::Json\nIf-None-Match: *",
 "$MagasinTest::Json\nIf-Match: *"]
--- error_code eval: [412, 412, 200]


=== TEST 7: POST without a description stores ""
--- request eval
["POST /api/v1/products/\n" . '{"nom":"n","categorie":"c","prix":1}']
--- more_headers eval: $MagasinTest::Json
--- error_code: 201
--- response_body_like: "description":""\}$


=== TEST 8: the authority of the target precedes Host
--- response_body_filters: main::link_of
--- raw_request eval
[map { "GET $_->[0] HTTP/1.1\r\nHost: $_->[1]\r\nConnection: close\r\n\r\n" }
    ["http://a.example$::list", 'b.example'],
    ["http://a.example:8080$::list", 'b.example:9'],
    ["http://[::1]:81$::list", 'b.example'],
    ["http://a.example:$::list", 'b.example'],
    [$::list, 'b.example:8443']]
--- response_body eval
[map { "http://$_$::list?page=2" } 'a.example', 'a.example:8080', '[::1]:81',
    'a.example', 'b.example:8443']


=== TEST 9: a Host with characters that no name has
--- raw_request eval
[map { "GET $_->[0] HTTP/1.1\r\nHost: $_->[1]\r\nConnection: close\r\n\r\n" }
    (map { [$::list, $_] } 'a"b', 'a<b', 'a,b', 'a b', 'a@b', 'a?b', 'a#b', "\xc3\xa9.example",
        "\xff", 'a:b', 'a:80:80', '[::1', '::1]', '[g::1]', 'a:-1', '[]', "a'b", 'a;b', 'a%41'),
    ["http://a\"b$::list", 'a'], ["http://a$::list", 'a"b']]
--- error_code eval: [(400) x 21]
--- response_body_like eval: [('^\{"detail":"Requête non valide\."\}$') x 21]


=== TEST 10: and those that names have
--- raw_request eval
[map { "GET $::list HTTP/1.1\r\nHost: $_\r\nConnection: close\r\n\r\n" }
    'a', 'A-1.example.', 'a_b:80', '127.0.0.1:8080', '[::1]', '[fe80::A]:81', 'xn--n8j.example']
--- error_code eval: [(200) x 7]


=== TEST 11: a prefix in the location
--- config eval: $::inv
--- response_body_filters: main::link_of
--- request eval
["GET /inv$::list", "GET /inv/api/v1/products/?limit=1&q=souris", "GET /inv/api/v1/products/999/",
 "PUT /inv/api/v1/products/3/", "GET /inv/api/v1/stores/9/", "GET /inv/api/v1/products/1"]
--- error_code eval: [200, 200, 404, 401, 404, 301]
--- response_body_like eval
["^http://localhost/inv$::list\\?page=2\$", '^http://localhost/inv/api/v1/products/\?cursor=[\w-]+&limit=1&q=souris$',
 '"path":"/inv/api/v1/products/999/"\}$', '"path":"/inv/api/v1/products/3/"\}$',
 '"path":"/inv/api/v1/stores/9/"\}$', '^$']
--- response_headers_like eval
[('X: ?') x 0, 'Cache-Control: no-cache', 'Link: <http://localhost/inv/api/v1/products/\?.*',
 'Cache-Control: no-store', 'Cache-Control: no-store', 'Cache-Control: no-store',
 'Location: /inv/api/v1/products/1/']


=== TEST 12: a prefix that a proxy has removed
--- config eval: $::inv
--- response_body_filters: main::link_of
--- request eval
["GET $::list", "GET /api/v1/products/999/", "GET /api/v1/stores/9/", "GET /api/v1/products/1?a=b"]
--- error_code eval: [200, 404, 404, 301]
--- response_body_like eval
["^http://localhost/inv$::list\\?page=2\$", '"path":"/inv/api/v1/products/999/"\}$',
 '"path":"/inv/api/v1/stores/9/"\}$', '^$']
--- response_headers_like eval
['Cache-Control: no-cache', 'Cache-Control: no-store', 'Cache-Control: no-store',
 'Location: /inv/api/v1/products/1/\?a=b']


=== TEST 13: Location of what was made, also of a replay under another prefix
--- init
MagasinTest::reset();
--- config eval: $::inv
--- request eval
[map { "POST $_/api/v1/products/\n" . '{"nom":"n","categorie":"c","prix":1}' } '/inv', '', '/inv']
--- more_headers eval: "$MagasinTest::Json\nIdempotency-Key: corners-13"
--- error_code eval: [201, 201, 201]
--- response_headers eval
[("Location: /inv/api/v1/products/16/") x 3]


=== TEST 14: problems name the path that a client knows
--- config eval: $::inv
--- request eval
["GET /inv/api/v1/products/999/?a", "GET /api/v1/products/999/", "GET /inv/api/v1/x/",
 "GET /inv/api/v1/stores/1/stock/list/?page=x"]
--- more_headers
Accept: application/problem+json
--- error_code eval: [404, 404, 404, 404]
--- response_body_like eval
['"instance":"/inv/api/v1/products/999/"', '"instance":"/inv/api/v1/products/999/"',
 '"instance":"/inv/api/v1/x/"', '"instance":"/inv/api/v1/stores/1/stock/list/"']


=== TEST 15: a prefix that paths begin with
--- config
magasin_base /api;
location / { magasin; }
--- response_body_filters: main::link_of
--- request eval
["GET $::list", "GET /api$::list", "GET /api/v1/products/9999/"]
--- error_code eval: [200, 200, 404]
--- response_body_like eval
[("^http://localhost/api$::list\\?page=2\$") x 2, '"path":"/api/api/v1/products/9999/"']


=== TEST 16: off again in a location
--- config
magasin_base /inv;
location / { magasin; magasin_base off; }
--- response_body_filters: main::link_of
--- request eval
["GET $::list", "GET /inv$::list"]
--- error_code eval: [200, 404]


=== TEST 17: nor is a body with a coding read of DELETE, and nothing is done
--- init
MagasinTest::reset();
--- raw_request eval
my $head = "Host: localhost\r\nConnection: close\r\n";
my $token = $MagasinTest::Token =~ s/\n/\r\n/gr . "\r\n";
[(map { "DELETE /api/v1/products/6/ HTTP/1.1\r\n$head$token$_" }
    "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
    "Content-Encoding: br\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "Content-Encoding: identity\r\nIf-Match: \"0\"\r\nContent-Length: 2\r\n\r\n{}"),
 "DELETE /api/v1/products/6/ HTTP/1.1\r\n$head"
    . "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
 (map { "DELETE /api/v1/products/6/ HTTP/1.1\r\n$head$token$_" }
    "Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n",
    "Content-Encoding: gzip\r\n\r\n")]
--- error_code eval: [415, 415, 412, 401, 204, 404]
