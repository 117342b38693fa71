# HTTP as clients speak it: pipelined, kept alive, old and new.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;

our $product = MagasinTest::product_body(%MagasinTest::Product);

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();

MagasinTest::reset();
run_tests();

__DATA__

=== TEST 1: pipelined requests are answered in their order
--- pipelined_requests eval
["GET /api/v1/products/3/", "GET /api/v1/stores/999/stock/", "GET /healthz",
 "GET /api/v1/products/999999999999999999999/", "GET /api/v1/products/3/"]
--- error_code eval
[200, 200, 200, 404, 200]
--- response_body_like eval
["\\A\Q$::product\E\\z", '\A\[\]\z', '"ok"', 'introuvable', "\\A\Q$::product\E\\z"]


=== TEST 2: many of them
--- pipelined_requests eval
[("GET /api/v1/products/3/") x 200]
--- response_body eval
[($::product) x 200]


=== TEST 3: writes among them
--- pipelined_requests eval
[(map { qq(PUT /api/v1/products/3/\n{"prix":"$_.00"}) } 1 .. 20), "GET /api/v1/products/3/"]
--- more_headers eval: $MagasinTest::Json
--- response_body_like eval
[(map { qq("prix":"$_\\.00") } 1 .. 20), '"prix":"20\.00"']


=== TEST 4: HTTP/1.0
--- raw_request eval
"GET /api/v1/stores/999/stock/ HTTP/1.0\r\n\r\n"
--- response_body chomp
[]


=== TEST 5: HTTP/2, a read
--- http2
--- request
GET /api/v1/stores/999/stock/
--- response_body chomp
[]


=== TEST 6: HTTP/2, a write
--- http2
--- request
PUT /api/v1/products/3/
{"prix":"33.00"}
--- more_headers eval: $MagasinTest::Json
--- response_body_like: "prix":"33\.00"


=== TEST 7: HTTP/2, links
--- http2
--- request
GET /api/v1/stores/1/stock/list/
--- response_body_like: "next":"http://[^"/]+/api/v1/stores/1/stock/list/\?page=2"


=== TEST 8: a GET with a body: not looked at, and out of the way
--- pipelined_requests eval
["GET /api/v1/stores/999/stock/\n{bad}", "GET /healthz"]
--- response_body eval
["[]", '{"status":"ok"}']


=== TEST 9: gzip
--- config
location /api/v1/ { magasin; gzip on; gzip_types application/json; gzip_min_length 10; }
--- request
GET /api/v1/stores/1/stock/
--- more_headers
Accept-Encoding: gzip
--- response_headers
Content-Encoding: gzip
--- error_code: 200


=== TEST 10: ranges are not for these answers
--- request
GET /api/v1/products/1/
--- more_headers
Range: bytes=0-9
--- error_code: 200
--- raw_response_headers_unlike: Content-Range


=== TEST 11: as a subrequest
--- config
location /api/v1/ { magasin; }
location = /mirrored { mirror /api/v1/products/1/; return 204; }
location = /guarded { auth_request /api/v1/products/1/; return 204; }
location = /denied { auth_request /api/v1/products/999/; return 204; }
--- request eval
["GET /guarded", "GET /mirrored"]
--- error_code eval
[204, 204]


=== TEST 12: behind a proxy of our own
--- config
location /api/v1/ { magasin; }
location /front/ { proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/api/; }
--- request eval
["GET /front/v1/stores/999/stock/", "GET /front/v1/products/999/"]
--- error_code eval
[200, 404]
--- response_body_like eval
['\A\[\]\z', 'introuvable']
