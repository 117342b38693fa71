# magasin_cors: pages of other origins.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;

our $origin = 'Origin: https://shop.example';
our $ask    = 'Access-Control-Request-Method: PUT';

our $none = join "\n", map {"! Access-Control-$_"} qw(Allow-Origin
    Allow-Methods Allow-Headers Max-Age Expose-Headers Allow-Credentials);

# What a simple answer has for an origin that may call.
sub allowed {
    my ($value) = @_;
    return "Access-Control-Allow-Origin: $value\n"
        . "! Access-Control-Allow-Methods\n"
        . "! Access-Control-Allow-Headers\n! Access-Control-Allow-Credentials\n"
        . ($value eq '*' ? '! Vary' : 'Vary: Origin');
}

# The same of a list, which may be CSV.
sub listed {
    my ($value) = @_;
    return allowed($value) =~ s/! Vary$/Vary: Accept/r
        =~ s/Vary: Origin$/Vary: Accept, Origin/r;
}

# What a preflight's answer has.
sub preflight {
    my ($value, $methods) = @_;
    return "Access-Control-Allow-Origin: $value\n"
        . "Access-Control-Allow-Methods: $methods\n"
        . "Access-Control-Max-Age: 600\n! Access-Control-Allow-Credentials\n"
        . "! Content-Type\n"
        . ($value eq '*' ? '! Vary' : 'Vary: Origin');
}

our $product = 'GET, PUT, PATCH, DELETE, HEAD, OPTIONS';

our $list = 'magasin_cors https://shop.example http://caisse.local:8080;';

# A configuration with these directives in http, server and location.
sub config {
    my ($server, $location) = @_;
    return <<"CONFIG";
merge_slashes off;
magasin_json_errors on;
$server
location /api/v1/ { magasin; $location }
location = /healthz { magasin; magasin_cors off; }
location / { return 404; }
CONFIG
}

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();

MagasinTest::reset();
run_tests();
MagasinTest::reset();

__DATA__

=== TEST 1: off unless it is asked for
--- request eval
["GET /api/v1/products/1/", "OPTIONS /api/v1/products/1/", "GET /api/v1/nothing/"]
--- more_headers eval: "$::origin\n$::ask"
--- error_code eval: [200, 200, 404]
--- response_headers eval
[("$::none\n! Vary") x 3]
--- response_body_like eval
['"nom"', '"name":"Produit Update Api"', '"detail"']


=== TEST 2: off in so many words
--- config eval: main::config('magasin_cors off;', '')
--- request eval
["GET /api/v1/products/1/", "OPTIONS /api/v1/products/1/"]
--- more_headers eval: "$::origin\n$::ask"
--- error_code eval: [200, 200]
--- response_headers eval
[("$::none\n! Vary") x 2]


=== TEST 3: everybody
--- config eval: main::config('', 'magasin_cors *;')
--- request eval
["GET /api/v1/products/1/", "GET /api/v1/products/1/", "HEAD /api/v1/stores/",
 "GET /api/v1/products/?limit=1", "GET /api/v1/products/999/", "OPTIONS /api/v1/products/1/",
 "GET /api/v1/products", "PUT /api/v1/products/1/\n{}", "GET /api/v1/products/1/"]
--- more_headers eval
[$::origin, 'X: y', ($::origin) x 6, 'Origin: null']
--- error_code eval: [200, 200, 200, 200, 404, 200, 301, 401, 200]
--- response_headers eval
[(main::allowed('*')) x 2, (main::listed('*')) x 2, (main::allowed('*')) x 5]


=== TEST 4: a page may read these headers
--- config eval: main::config('', 'magasin_cors *;')
--- request eval
["GET /api/v1/products/?limit=1", "GET /api/v1/products/1/"]
--- more_headers eval: $::origin
--- response_headers_like eval
[(CORE::join "\n", map {"Access-Control-Expose-Headers: .*\\b$_\\b.*"}
    qw(ETag Link Location Retry-After WWW-Authenticate)) x 2]


=== TEST 5: a preflight
--- config eval: main::config('', 'magasin_cors *;')
--- request eval
[map {"OPTIONS /api/v1/$_"} 'products/1/', 'products/999/', 'products/',
    'stores/', 'stores/1/stock/1/adjust/', 'sales/', 'reports/']
--- more_headers eval
"$::origin\n$::ask\nAccess-Control-Request-Headers: authorization,content-type"
--- error_code eval: [(204) x 7]
--- response_body eval: [('') x 7]
--- response_headers eval
[map { main::preflight('*', $_) } $::product, $::product,
    ('GET, POST, HEAD, OPTIONS') x 2, 'POST, OPTIONS',
    'GET, POST, HEAD, OPTIONS', 'GET, HEAD, OPTIONS']
--- response_headers_like eval
[(CORE::join "\n", map {"Access-Control-Allow-Headers: (?i).*\\b$_\\b.*"}
    qw(Authorization Content-Type Idempotency-Key If-Match If-None-Match)) x 7]
--- no_error_log
[error]


=== TEST 6: what is none: it describes as ever
--- config eval: main::config('', $::list)
--- request eval
[("OPTIONS /api/v1/products/1/") x 3]
--- more_headers eval
[$::origin, $::ask, "Origin: https://other.example\n$::ask"]
--- error_code eval: [200, 200, 200]
--- response_body eval
[(qr/^\{"name":"Produit Update Api"/) x 3]
--- response_headers eval
[main::allowed('https://shop.example'), ("$::none\nVary: Origin") x 2]


=== TEST 7: a preflight of a path that is none, and in a wrong form
--- config eval: main::config('', 'magasin_cors *;')
--- request eval
["OPTIONS /api/v1/nothing/", "OPTIONS /api/v1/products/1/?format=xml", "OPTIONS /api/v1/products/1/"]
--- more_headers eval
[("$::origin\n$::ask") x 2, "$::origin\n$::ask\nAccept: text/html"]
--- error_code eval: [404, 404, 406]
--- response_headers eval
[(main::allowed('*')) x 3]


=== TEST 8: the headers of a browser's preflight
--- config eval: main::config('', 'magasin_cors *;')
--- raw_request eval
"OPTIONS /api/v1/products/1/ HTTP/1.1\r
Host: localhost\r
Connection: close\r
Accept: */*\r
Access-Control-Request-Method: PATCH\r
Access-Control-Request-Headers: authorization,content-type,if-match\r
Origin: https://shop.example\r
Sec-Fetch-Mode: cors\r
\r
"
--- error_code: 204
--- response_headers
Access-Control-Allow-Origin: *
Access-Control-Allow-Methods: GET, PUT, PATCH, DELETE, HEAD, OPTIONS
Cache-Control: no-store
! Transfer-Encoding


=== TEST 9: some origins
--- config eval: main::config('', $::list)
--- request eval
[("GET /api/v1/products/1/") x 12]
--- more_headers eval
['Origin: https://shop.example', 'Origin: http://caisse.local:8080',
 'Origin: HTTPS://Shop.Example',
 map({"Origin: $_"} 'http://shop.example', 'https://shop.example:443',
    'https://shop.example.evil', 'https://evil.shop.example', 'https://shop.exampl',
    'http://caisse.local', 'null', 'https://shop.example, https://evil.example'),
 'X: y']
--- response_headers eval
[main::allowed('https://shop.example'), main::allowed('http://caisse.local:8080'),
 main::allowed('HTTPS://Shop.Example'), ("$::none\nVary: Origin") x 9]


=== TEST 10: a preflight of one of them, and of another
--- config eval: main::config('', $::list)
--- request eval
[("OPTIONS /api/v1/products/1/") x 2]
--- more_headers eval
["Origin: http://caisse.local:8080\n$::ask", "Origin: https://evil.example\n$::ask"]
--- error_code eval: [204, 200]
--- response_headers eval
[main::preflight('http://caisse.local:8080', $::product), "$::none\nVary: Origin"]


=== TEST 11: errors of ours
--- config eval: main::config('', $::list)
--- request eval
["GET /api/v1/nothing/", "GET /api/v1/products/999/", "POST /api/v1/reports/",
 "PUT /api/v1/products/1/\n{}", "PUT /api/v1/products/1/\n" . '{"prix":-1}',
 "PUT /api/v1/products/1/\n{}", "GET /api/v1/products/1/", "DELETE /api/v1/products/1/"]
--- more_headers eval
[($::origin) x 4, "$::origin\n$MagasinTest::Json",
 "$::origin\n$MagasinTest::Token\nContent-Type: text/plain",
 "$::origin\nAccept: text/html", qq($::origin\n$MagasinTest::Token\nIf-Match: "x")]
--- error_code eval: [404, 404, 405, 401, 400, 415, 406, 412]
--- response_headers eval
[(main::allowed('https://shop.example')) x 8]


=== TEST 12: nothing was modified
--- config eval: main::config('', $::list)
--- request eval
[("GET /api/v1/products/1/") x 2]
--- more_headers eval
["$::origin\nIf-None-Match: *", "If-None-Match: *"]
--- error_code eval: [304, 304]
--- response_headers eval
[main::allowed('https://shop.example'), "$::none\nVary: Origin"]
--- response_headers_like eval
[('ETag: "[0-9a-f]{32}"') x 2]


=== TEST 13: a condition that nginx finds not to hold
--- config eval: main::config('', $::list)
--- request
GET /api/v1/products/1/
--- more_headers eval: qq($::origin\nIf-Match: "x")
--- error_code: 412
--- response_headers eval
main::allowed('https://shop.example')


=== TEST 14: errors of nginx's own
--- config eval: main::config('', "$::list client_max_body_size 10;")
--- request eval
["PUT /api/v1/products/3/\n" . '{"description":"more than ten bytes"}']
--- more_headers eval: "$::origin\n$MagasinTest::Json"
--- error_code eval: [413]
--- response_headers eval
[main::allowed('https://shop.example') . "\nContent-Type: application/json"]


=== TEST 15: and its pages
--- config
location /api/v1/ { magasin; magasin_cors *; deny all; magasin_json_errors off; }
--- request
GET /api/v1/reports/
--- more_headers eval: $::origin
--- error_code: 403
--- response_headers eval
main::allowed('*') . "\nContent-Type: text/html"
--- error_log
access forbidden by rule


=== TEST 16: limits
--- http_config eval
MagasinTest::database_directive()
    . ' magasin_tokens $TEST_NGINX_TOKENS;'
    . ' limit_req_zone $server_name zone=one:1m rate=1r/m;'
--- config
location /api/v1/ { magasin; magasin_cors *; limit_req zone=one; limit_req_status 429; }
--- request eval
["GET /api/v1/products/1/", "GET /api/v1/products/1/"]
--- more_headers eval: "$::origin\nAccept: application/problem+json"
--- error_code eval: [200, 429]
--- response_headers eval
[main::allowed('*'), main::allowed('*') . "\nContent-Type: application/problem+json"]
--- error_log
limiting requests


=== TEST 17: a malformed request, where the server says so
--- config eval: main::config('magasin_cors *;', '')
--- raw_request eval
"GET /api/v1/reports/ HTTP/1.1\r\nOrigin: https://shop.example\r\nConnection: close\r\n\r\n"
--- error_code: 400
--- response_headers
Access-Control-Allow-Origin: *


=== TEST 18: an address too long
--- config eval: main::config('magasin_cors *;', '')
--- raw_request eval
"GET /api/v1/" . ("x" x 40000) . " HTTP/1.1\r\nHost: x\r\n\r\n"
--- error_code: 414
--- response_headers
Access-Control-Allow-Origin: *


=== TEST 19: without a database
--- http_config
magasin_database "host=/nonexistent dbname=magasin";
magasin_tokens $TEST_NGINX_TOKENS;
--- config eval: main::config('', $::list)
--- request
GET /api/v1/products/1/
--- more_headers eval: $::origin
--- error_code: 503
--- response_headers eval
main::allowed('https://shop.example') . "\nRetry-After: 1"
--- error_log
magasin: PostgreSQL at /nonexistent:5432


=== TEST 20: the server's counts below, and not where it is off
--- config eval: main::config($::list, '')
--- request eval
["GET /api/v1/products/1/", "GET /healthz", "GET /elsewhere"]
--- more_headers eval: $::origin
--- error_code eval: [200, 200, 404]
--- response_headers eval
[main::allowed('https://shop.example'), "$::none\n! Vary",
 main::allowed('https://shop.example')]


=== TEST 21: the http block's too
--- http_config eval
MagasinTest::database_directive()
    . ' magasin_tokens $TEST_NGINX_TOKENS; magasin_cors *;'
--- request eval
["GET /api/v1/products/1/", "GET /healthz", "OPTIONS /api/v1/products/1/"]
--- more_headers eval: "$::origin\n$::ask"
--- error_code eval: [200, 200, 204]
--- response_headers eval
[(main::allowed('*')) x 2, main::preflight('*', $::product)]


=== TEST 22: the nearest one alone counts
--- http_config eval
MagasinTest::database_directive()
    . ' magasin_tokens $TEST_NGINX_TOKENS; magasin_cors *;'
--- config eval: main::config('magasin_cors https://other.example;', $::list)
--- request eval
["GET /api/v1/products/1/", "GET /api/v1/products/1/", "GET /elsewhere", "GET /healthz"]
--- more_headers eval
[$::origin, ('Origin: https://other.example') x 3]
--- error_code eval: [200, 200, 404, 200]
--- response_headers eval
[main::allowed('https://shop.example'), "$::none\nVary: Origin",
 main::allowed('https://other.example'), "$::none\n! Vary"]


=== TEST 23: off in the server, on below
--- http_config eval
MagasinTest::database_directive()
    . ' magasin_tokens $TEST_NGINX_TOKENS; magasin_cors *;'
--- config eval: main::config('magasin_cors off;', 'location /api/v1/stores/ { magasin; magasin_cors *; }')
--- request eval
["GET /api/v1/products/1/", "GET /api/v1/stores/"]
--- more_headers eval: $::origin
--- response_headers eval
["$::none\n! Vary", main::listed('*')]


=== TEST 24: a long answer, in pieces
--- config eval: main::config('', $::list . ' magasin_cache off;')
--- init
MagasinTest::reset(
    q{INSERT INTO produit (id, nom, categorie, prix)
      SELECT n, 'P', 'c', 1 FROM generate_series(100, 1500) n},
    'INSERT INTO stock_local (magasin_id, produit_id, quantite)
     SELECT 5, n, 1 FROM generate_series(100, 1500) n');
--- request
GET /api/v1/stores/5/stock/
--- more_headers eval: $::origin
--- response_headers eval
main::listed('https://shop.example') . "\nTransfer-Encoding: chunked"


=== TEST 25: gzip says Vary of its own
--- config eval: main::config('', "$::list gzip on; gzip_vary on; gzip_types application/json; gzip_min_length 10;")
--- request
GET /api/v1/stores/
--- more_headers eval: "$::origin\nAccept-Encoding: gzip"
--- response_headers
Content-Encoding: gzip
Access-Control-Allow-Origin: https://shop.example
--- response_headers_like
Vary: .*\bOrigin\b.*


=== TEST 26: HTTP/2
--- http2
--- config eval: main::config('', $::list)
--- request eval
["GET /api/v1/products/1/", "OPTIONS /api/v1/products/1/"]
--- more_headers eval: "$::origin\n$::ask"
--- error_code eval: [200, 204]
--- response_headers eval
[('Access-Control-Allow-Origin: https://shop.example') x 2]


=== TEST 27: a subrequest has nothing to say
--- config
location /api/v1/ { magasin; magasin_cors *; }
location = /guarded { auth_request /api/v1/products/1/; return 204; }
--- request
GET /guarded
--- more_headers eval: $::origin
--- error_code: 204
--- response_headers eval: $::none


=== TEST 28: a path is no part of an origin
--- config
location / { magasin; magasin_cors https://shop.example/; }
--- must_die
--- error_log
"magasin_cors" does not take "https://shop.example/": it takes "off", "*", or origins such as "https://shop.example", without a path


=== TEST 29: a host alone is no origin
--- config
location / { magasin; magasin_cors shop.example; }
--- must_die
--- error_log
"magasin_cors" does not take "shop.example"


=== TEST 30: a scheme alone
--- config
location / { magasin; magasin_cors https://; }
--- must_die
--- error_log
"magasin_cors" does not take "https://"


=== TEST 31: no scheme
--- config
location / { magasin; magasin_cors ://shop.example; }
--- must_die
--- error_log
"magasin_cors" does not take "://shop.example"


=== TEST 32: all and one
--- config
location / { magasin; magasin_cors * https://shop.example; }
--- must_die
--- error_log
"magasin_cors" does not take "*"


=== TEST 33: off and one
--- config
location / { magasin; magasin_cors https://shop.example off; }
--- must_die
--- error_log
"magasin_cors" does not take "off"


=== TEST 34: a part of them
--- config
location / { magasin; magasin_cors https://*.shop.example; }
--- must_die
--- error_log
"magasin_cors" does not take "https://*.shop.example"


=== TEST 35: a query
--- config
location / { magasin; magasin_cors https://shop.example?x; }
--- must_die
--- error_log
"magasin_cors" does not take "https://shop.example?x"


=== TEST 36: an empty one
--- config
location / { magasin; magasin_cors ""; }
--- must_die
--- error_log
"magasin_cors" does not take ""


=== TEST 37: on is none of them
--- config
location / { magasin; magasin_cors on; }
--- must_die
--- error_log
"magasin_cors" does not take "on"


=== TEST 38: twice
--- config
location / { magasin; magasin_cors *; magasin_cors off; }
--- must_die
--- error_log
"magasin_cors" directive is duplicate


=== TEST 39: nothing
--- config
location / { magasin; magasin_cors; }
--- must_die
--- error_log
invalid number of arguments in "magasin_cors" directive
