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


=== TEST 13: writes of every kind, pipelined with reads
--- init
MagasinTest::reset();
--- pipelined_requests eval
["POST /api/v1/products/\n" . '{"nom":"a","categorie":"b","prix":1}',
 "GET /api/v1/products/16/", "PATCH /api/v1/products/16/\n" . '{"prix":2}',
 "GET /api/v1/stores/9/", "DELETE /api/v1/products/16/", "GET /api/v1/products/16/",
 "OPTIONS /api/v1/products/", "HEAD /api/v1/products/", "GET /api/v1/products/?limit=1"]
--- more_headers eval: $MagasinTest::Json
--- error_code eval
[201, 200, 200, 404, 204, 404, 200, 200, 200]
--- response_body_like eval
['"id":16', '"prix":"1\.00"', '"prix":"2\.00"', 'introuvable', '\A\z', 'introuvable',
 '"Produits"', '\A\z', '"next":"http://localhost/']


=== TEST 14: HTTP/2, a POST
--- http2
--- request
POST /api/v1/products/
{"nom":"a","categorie":"b","prix":1}
--- more_headers eval: $MagasinTest::Json
--- error_code: 201
--- response_body_like: ^\{"id":\d+,


=== TEST 15: HTTP/2, the link to the next page
--- http2
--- request
GET /api/v1/stores/?limit=1
--- response_headers_like
Link: <http://[^"/]+/api/v1/stores/\?cursor=[\w-]+&limit=1>; rel="next"


=== TEST 16: HTTP/1.0, a page without a Host
--- raw_request eval
"GET /api/v1/stores/?limit=1 HTTP/1.0\r\n\r\n"
--- response_body_like: ^\{"next":"http://[^/"]+/api/v1/stores/\?cursor=[\w-]+&limit=1","results":\[\{"id":1,


=== TEST 17: chunked bodies, and one in pieces
--- init
MagasinTest::reset();
--- raw_request eval
["POST /api/v1/products/ HTTP/1.1\r
Host: localhost\r
Connection: close\r
Authorization: Token token-430\r
Content-Type: application/json\r
Transfer-Encoding: chunked\r
\r
8\r
{\"nom\":\"\r
", "1c\r
a\",\"categorie\":\"b\",\"prix\":1}\r
0\r
\r
"]
--- raw_request_middle_delay: 0.1
--- error_code: 201
--- response_body chomp
{"id":16,"nom":"a","categorie":"b","prix":"1.00","description":""}


=== TEST 18: lists as subrequests and behind a proxy
--- config
location /api/v1/ { magasin; }
location = /guarded { auth_request /api/v1/journal/; return 204; }
location /front/ { proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/api/; proxy_set_header Host front.example; }
--- request eval
["GET /guarded", "GET /front/v1/stores/?limit=1"]
--- error_code eval
[204, 200]
--- response_body_like eval
['', '"next":"http://front\.example/api/v1/stores/\?cursor=[\w-]+&limit=1"']


=== TEST 19: ranges and dates are not for the new answers either
--- request
GET /api/v1/stores/
--- more_headers
Range: bytes=0-9
If-Modified-Since: Tue, 24 Nov 2099 00:00:00 GMT
--- error_code: 200


=== TEST 20: a header counts wherever it stands: nginx keeps them by twenties
--- request eval
[("GET /api/v1/products/3/") x 5]
--- more_headers eval
my @filling = map { "X-Filling-$_: yes" } 1 .. 50;
[map { CORE::join("\n", @$_) . "\n" }
    [@filling[0 .. 24], "Accept: text/html"],
    [@filling[0 .. 44], "Accept: text/html"],
    ["Accept: text/html", @filling[0 .. 24], "Accept: application/json"],
    ["Accept: text/html", @filling[0 .. 24], "Accept: text/plain", @filling[25 .. 49], "Accept: application/json"],
    ["Accept: text/html", @filling[0 .. 24], "Accept: text/plain"]]
--- error_code eval
[406, 406, 200, 200, 406]


=== TEST 21: and where only a variable asks for it
--- config
location / { add_header X-Id $magasin_request_id always; return 204; }
--- request
GET /elsewhere
--- more_headers eval
CORE::join("\n", (map { "X-Filling-$_: yes" } 1 .. 25), "X-Request-ID: caisse-7")
--- response_headers
X-Id: caisse-7
--- error_code: 204
