# Errors that nginx makes itself leave as JSON.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();

MagasinTest::reset();
run_tests();

__DATA__

=== TEST 1: a body too large
--- config
location /api/v1/ { magasin; client_max_body_size 10; }
--- request
PUT /api/v1/products/3/
{"description":"more than ten bytes"}
--- more_headers eval: $MagasinTest::Json
--- error_code: 413
--- response_headers
Content-Type: application/json
--- response_body chomp
{"detail":"Le corps de la requête est trop volumineux."}


=== TEST 2: 100 MB announced
--- config
location /api/v1/ { magasin; lingering_timeout 100ms; }
--- raw_request eval
"PUT /api/v1/products/3/ HTTP/1.1\r
Host: localhost\r
Connection: close\r
Authorization: Token token-430\r
Content-Type: application/json\r
Content-Length: 104857600\r
\r
"
--- error_code: 413
--- response_headers
Content-Type: application/json


=== TEST 3: a malformed request line
--- raw_request eval
"GET /api/v1/reports/ HTTP/x\r\n\r\n"
--- error_code: 400
--- response_headers
Content-Type: application/json
--- response_body chomp
{"detail":"Requête non valide."}


=== TEST 4: HTTP/1.1 without Host
--- raw_request eval
"GET /api/v1/reports/ HTTP/1.1\r\nConnection: close\r\n\r\n"
--- error_code: 400
--- response_headers
Content-Type: application/json


=== TEST 5: a length that is none
--- raw_request eval
"PUT /api/v1/products/3/ HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n"
--- error_code: 400
--- response_headers
Content-Type: application/json


=== TEST 6: an address too long
--- raw_request eval
"GET /api/v1/" . ("x" x 40000) . " HTTP/1.1\r\nHost: x\r\n\r\n"
--- error_code: 414
--- response_headers
Content-Type: application/json
--- response_body chomp
{"detail":"L'adresse de la requête est trop longue."}


=== TEST 7: a header too long
--- raw_request eval
"GET /api/v1/reports/ HTTP/1.1\r\nHost: x\r\nX-A: " . ("x" x 40000) . "\r\n\r\n"
--- error_code: 400
--- response_headers
Content-Type: application/json
--- response_body chomp
{"detail":"Requête non valide."}


=== TEST 8: TRACE is not allowed
--- raw_request eval
"TRACE /api/v1/reports/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
--- error_code: 405
--- response_headers
Content-Type: application/json
Allow: GET, HEAD, OPTIONS


=== TEST 8a: nor is CONNECT
--- raw_request eval
"CONNECT /api/v1/products/3/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
--- error_code: 405
--- response_headers
Content-Type: application/json
Allow: GET, PUT, PATCH, DELETE, HEAD, OPTIONS


=== TEST 8b: any other path is nginx's, which only reads
--- raw_request eval
"TRACE /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
--- error_code: 405
--- response_headers
Allow: GET, HEAD


=== TEST 9: a limit
--- http_config eval
MagasinTest::database_directive()
    . ' magasin_tokens $TEST_NGINX_TOKENS;'
    . ' limit_req_zone $server_name zone=one:1m rate=1r/m;'
--- config
location /api/v1/ { magasin; limit_req zone=one; limit_req_status 429; }
--- request eval
["GET /api/v1/products/1/", "GET /api/v1/products/1/", "HEAD /api/v1/products/1/"]
--- error_code eval
[200, 429, 429]
--- response_body_like eval
['"nom"', '\A\{"detail":"Trop de requêtes : réessayez plus tard\."\}\z', '\A\z']
--- error_log
limiting requests


=== TEST 10: access denied
--- config
location /api/v1/ { magasin; deny all; }
--- request
GET /api/v1/reports/
--- error_code: 403
--- response_body chomp
{"detail":"Vous n'avez pas la permission d'effectuer cette action."}
--- error_log
access forbidden by rule


=== TEST 11: elsewhere in a server that speaks JSON
--- request
GET /nowhere
--- error_code: 404
--- response_body chomp
{"detail":"Pas trouvé."}


=== TEST 12: switched off
--- config
location /api/v1/ { magasin; client_max_body_size 10; magasin_json_errors off; }
--- request
PUT /api/v1/products/3/
{"description":"more than ten bytes"}
--- more_headers eval: $MagasinTest::Json
--- error_code: 413
--- response_headers
Content-Type: text/html


=== TEST 13: our own errors stay JSON all the same
--- config
location /api/v1/ { magasin; magasin_json_errors off; }
--- request
GET /api/v1/nowhere/
--- error_code: 404
--- response_headers
Content-Type: application/json
--- response_body chomp
{"detail":"Pas trouvé."}


=== TEST 14: a page of the operator's own is left alone
--- config
location /api/v1/ { magasin; deny all; error_page 403 /denied.html; }
location = /denied.html { return 403 "<p>non</p>"; default_type text/html; }
--- request
GET /api/v1/reports/
--- error_code: 403
--- response_body chomp
<p>non</p>
--- error_log
access forbidden by rule


=== TEST 15: a chunked body that is malformed
--- raw_request eval
"PUT /api/v1/products/3/ HTTP/1.1\r
Host: localhost\r
Connection: close\r
Authorization: Token token-430\r
Content-Type: application/json\r
Transfer-Encoding: chunked\r
\r
zz\r
{}\r
"
--- error_code: 400
--- response_headers
Content-Type: application/json


=== TEST 16: the same where nobody wants a body
--- raw_request eval
"GET /healthz HTTP/1.1\r
Host: localhost\r
Connection: close\r
Transfer-Encoding: chunked\r
\r
zz\r
{}\r
"
--- error_code: 400
--- response_headers
Content-Type: application/json


=== TEST 17: and before a token was shown
--- raw_request eval
"PUT /api/v1/products/3/ HTTP/1.1\r
Host: localhost\r
Connection: close\r
Transfer-Encoding: chunked\r
\r
zz\r
{}\r
"
--- error_code: 400
--- response_headers
Content-Type: application/json


=== TEST 18: a body too large for the other writes
--- config
location /api/v1/ { magasin; client_max_body_size 10; }
--- request eval
[map {"$_\n" . '{"description":"more than ten bytes"}'}
    'PATCH /api/v1/products/3/', 'POST /api/v1/products/', 'POST /api/v1/sales/',
    'POST /api/v1/stores/1/stock/1/adjust/', 'POST /api/v1/replenishments/1/approve/']
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [(413) x 5]
--- response_headers eval
[("Content-Type: application/json") x 5]
--- response_body eval
[('{"detail":"Le corps de la requête est trop volumineux."}') x 5]


=== TEST 19: a malformed body that DELETE does not want
--- raw_request eval
"DELETE /api/v1/products/999/ HTTP/1.1\r
Host: localhost\r
Connection: close\r
Authorization: Token token-430\r
Transfer-Encoding: chunked\r
\r
zz\r
{}\r
"
--- error_code: 400
--- response_headers
Content-Type: application/json


=== TEST 20: the same for POST and PATCH
--- raw_request eval
"PATCH /api/v1/products/3/ HTTP/1.1\r
Host: localhost\r
Connection: close\r
Authorization: Token token-430\r
Content-Type: application/json\r
Transfer-Encoding: chunked\r
\r
zz\r
{}\r
"
--- error_code: 400
--- response_headers
Content-Type: application/json
--- response_body chomp
{"detail":"Requête non valide."}


=== TEST 21: a condition of a GET that nginx checks itself
--- request eval
["GET /api/v1/products/3/", "GET /api/v1/stores/", "HEAD /api/v1/reports/"]
--- more_headers
If-Match: "x"
--- error_code eval: [412, 412, 412]
--- response_headers eval
[("Content-Type: application/json\n! ETag") x 3]
--- response_body eval
[(q({"detail":"La condition de la requête n'est pas remplie."})) x 2, '']
