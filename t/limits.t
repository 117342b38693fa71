# The limits of nginx around the API: too many requests, too many
# connections, who may and who may not.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;

our $http = MagasinTest::database_directive()
    . ' magasin_tokens $TEST_NGINX_TOKENS;';

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();

MagasinTest::reset();
run_tests();

__DATA__

=== TEST 1: limit_req says 503 unless told otherwise
--- http_config eval
$::http . ' limit_req_zone $server_name zone=one:1m rate=1r/m;'
--- config
location /api/v1/ { magasin; limit_req zone=one; }
--- request eval
['GET /api/v1/products/1/', 'GET /api/v1/products/1/', "PUT /api/v1/products/1/\n{}"]
--- more_headers eval: $MagasinTest::Json
--- error_code eval
[200, 503, 503]
--- response_body eval
[qr/^\{"nom":/, ('{"detail":"Service momentanément indisponible."}') x 2]
--- response_headers eval
[('Content-Type: application/json') x 3]
--- error_log
limiting requests


=== TEST 2: a limit by token
--- http_config eval
$::http . ' limit_req_zone $http_authorization zone=two:1m rate=1r/m;'
--- config
location /api/v1/ { magasin; limit_req zone=two; limit_req_status 429; }
--- request eval
['GET /api/v1/products/1/', 'GET /api/v1/products/1/',
 ("PUT /api/v1/products/1/\n{}") x 2]
--- more_headers eval
['X: y', 'X: y', $MagasinTest::Json, $MagasinTest::Json]
--- error_code eval
[200, 200, 200, 429]
--- error_log
limiting requests


=== TEST 3: who may not write by address
--- config
location /api/v1/ { magasin; limit_except GET { deny all; } }
--- request eval
['GET /api/v1/products/1/', 'HEAD /api/v1/products/1/', "PUT /api/v1/products/1/\n{}"]
--- more_headers eval: $MagasinTest::Json
--- error_code eval
[200, 200, 403]
--- response_body_like eval
['^\{"nom":', '^$', '^\{"detail":"[^"]+"\}$']
--- error_log
access forbidden by rule


=== TEST 4: nginx's own words, everywhere JSON and with their length
--- config
magasin_json_errors on;
location /api/v1/ { magasin; }
location = /401 { return 401; }
location = /409 { return 409; }
location = /411 { return 411; }
location = /416 { return 416; }
location = /500 { return 500; }
location = /504 { return 504; }
location = /507 { return 507; }
--- request eval
[map {"GET /$_"} 401, 409, 411, 416, 500, 504, 507]
--- error_code eval
[401, 409, 411, 416, 500, 504, 507]
--- response_body_like eval
[('\A\{"detail":"[^"]+"\}\z') x 7]
--- response_headers eval
[('Content-Type: application/json') x 7]


=== TEST 5: HEAD has the headers of the error and no body
--- config
magasin_json_errors on;
location = /500 { return 500; }
--- http_config
--- request
HEAD /500
--- error_code: 500
--- response_headers
Content-Type: application/json
--- response_body:


=== TEST 6: what an upstream says is left alone
--- config
magasin_json_errors on;
location / { proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/up/; }
location /up/ { magasin_json_errors off; return 404 "<p>absent</p>"; default_type text/html; }
--- http_config
--- request
GET /x
--- error_code: 404
--- response_headers
Content-Type: text/html
--- response_body chomp
<p>absent</p>


=== TEST 7: a text of the operator's own is left alone
--- config
magasin_json_errors on;
location = /own { default_type text/plain; return 403 "non"; }
--- http_config
--- request
GET /own
--- error_code: 403
--- response_body chomp
non


=== TEST 8: only JSON, in HTTP/2 too
--- http2
--- request
GET /nowhere
--- error_code: 404
--- response_headers
content-type: application/json
--- response_body chomp
{"detail":"Pas trouvé."}


=== TEST 9: redirects are no errors
--- config
magasin_json_errors on;
location = /old { return 302 /new; }
--- http_config
--- request
GET /old
--- error_code: 302
--- response_headers
Content-Type: text/html


=== TEST 10: requests that are cut, or are none
--- config
magasin_json_errors on;
location /api/v1/ { magasin; }
--- request eval
[map {"$_ /api/v1/products/1/"} 'get', 'G(T', 'Get']
--- error_code eval
[(400) x 3]
--- response_body eval
[('{"detail":"Requête non valide."}') x 3]


=== TEST 11: an upstream that cannot be reached is nginx's own error
--- config
magasin_json_errors on;
location = /502 { proxy_pass http://127.0.0.1:1; }
--- http_config
--- request
GET /502
--- error_code: 502
--- response_headers
Content-Type: application/json
--- response_body_like: ^\{"detail":"[^"]+"\}$
--- error_log
connect() failed
