# limit_except makes a location of its own: what it lets through is answered
# as it would be outside, what it refuses is JSON.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;

our $refused = qq({"detail":"Vous n'avez pas la permission d'effectuer cette action."});
our $put     = qq(PUT /api/v1/products/3/\n{"prix":"20.00"});

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();

run_tests();

__DATA__

=== TEST 1: writes from an address that may
--- init: MagasinTest::reset();
--- config
location /api/v1/ { magasin; limit_except GET { allow 127.0.0.1; deny all; } }
--- request eval
["GET /api/v1/products/3/", "HEAD /api/v1/products/3/", $::put, "POST /api/v1/sales/\n{}",
 "OPTIONS /api/v1/products/3/", "DELETE /api/v1/products/999/", "PUT /api/v1/nowhere/\n{}"]
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [200, 200, 200, 400, 200, 404, 404]
--- response_headers eval: [("Content-Type: application/json") x 7]
--- response_body_like eval
['"nom"', '\A\z', '"prix":"?20.00', '"magasin"', '"renders"', '"status":404', '"detail":"Pas trouv']


=== TEST 2: and from one that may not
--- config
location /api/v1/ { magasin; limit_except GET { deny all; } }
--- request eval
["GET /api/v1/products/3/", "HEAD /api/v1/products/3/", $::put, "POST /api/v1/sales/\n{}", "PURGE /api/v1/sales/"]
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [200, 200, 403, 403, 403]
--- response_headers eval: [("Content-Type: application/json") x 5]
--- response_body_like eval
['"nom"', '\A\z', ("\\A\Q$::refused\E\\z") x 3]
--- error_log
access forbidden by rule


=== TEST 3: in nested and regex locations
--- init: MagasinTest::reset();
--- config
location / {
    return 404;
    location /api/ {
        magasin;
        limit_except GET { deny all; }
        location /api/v1/products/ { magasin; limit_except GET { allow all; } }
        location ~ ^/api/v1/stores/\d+/stock/ { magasin; limit_except GET { allow 127.0.0.1; deny all; } }
        location ~ /sales/$ { magasin; limit_except GET POST { deny all; } }
    }
}
--- request eval
[$::put, "POST /api/v1/stores/1/stock/1/adjust/\n{}", "POST /api/v1/sales/\n{}",
 "PUT /api/v1/sales/\n{}", "POST /api/v1/replenishments/\n{}", "GET /api/v1/replenishments/"]
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [200, 400, 400, 403, 403, 200]
--- response_headers eval: [("Content-Type: application/json") x 6]
--- error_log
access forbidden by rule


=== TEST 4: what the location and the server say holds there too
--- init: MagasinTest::reset();
--- http_config eval
MagasinTest::database_directive() . ' magasin_tokens $TEST_NGINX_TOKENS; magasin_zone except:4m;'
--- config
magasin_cors https://caisse.example;
location /api/v1/ {
    magasin;
    magasin_cache_header on;
    magasin_scheme https;
    magasin_server_timing on;
    limit_except HEAD { allow 127.0.0.1; }
}
--- request eval
["GET /api/v1/stores/1/stock/list/", $::put, "OPTIONS /api/v1/products/3/"]
--- more_headers eval
[map { "Origin: https://caisse.example\n$_" } 'X: none', $MagasinTest::Json,
    'Access-Control-Request-Method: PUT']
--- error_code eval: [200, 200, 204]
--- response_headers eval
[("Access-Control-Allow-Origin: https://caisse.example") x 3]
--- response_body_like eval: ['"next":"https://', '"prix":"?20.00', '\A\z']


=== TEST 5: JSON errors switched off there are off
--- config
location /api/v1/ { magasin; magasin_json_errors off; limit_except GET { deny all; } }
--- request eval: $::put
--- more_headers eval: $MagasinTest::Json
--- error_code: 403
--- response_headers
Content-Type: text/html
--- error_log
access forbidden by rule


=== TEST 6: /metrics and /status
--- http_config eval
MagasinTest::database_directive() . ' magasin_tokens $TEST_NGINX_TOKENS; magasin_zone shown:4m;'
--- config
location = /metrics { magasin_metrics; limit_except POST { allow 127.0.0.1; deny all; } }
location = /status { magasin_status; limit_except POST { allow 127.0.0.1; deny all; } }
location = /closed { magasin_status; magasin_json_errors on; limit_except POST { deny all; } }
--- request eval
["GET /metrics", "GET /status", "POST /status", "GET /closed"]
--- error_code eval: [200, 200, 405, 403]
--- response_headers_like eval
['Content-Type: text/plain.*', 'Content-Type: application/json', 'Content-Type: text/html', 'Content-Type: application/json']
--- error_log eval
[[], [], [], ["access forbidden by rule"]]


=== TEST 7: with a password instead of an address
--- user_files eval
">>> pass\ncaisse:{PLAIN}secret\n"
--- config
location /api/v1/ {
    magasin;
    limit_except GET {
        auth_basic "caisse";
        auth_basic_user_file ../html/pass;
    }
}
--- request eval: [$::put, $::put, "GET /api/v1/products/3/"]
--- more_headers eval
["Content-Type: application/json",
 "Content-Type: application/json\nAuthorization: Basic Y2Fpc3NlOnNlY3JldA==", 'X: none']
--- error_code eval: [401, 401, 200]
--- response_headers eval
[qq(WWW-Authenticate: Basic realm="caisse"\nContent-Type: application/json),
 "WWW-Authenticate: Token", "! WWW-Authenticate"]


=== TEST 8: another handler in it, and ours in another's
--- config
location /api/v1/products/ {
    magasin;
    limit_except GET { proxy_pass http://127.0.0.1:1; }
}
location /api/v1/stores/ {
    proxy_pass http://127.0.0.1:1;
    limit_except POST { magasin; }
}
--- request eval
["GET /api/v1/products/3/", $::put, "GET /api/v1/stores/", "POST /api/v1/stores/"]
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [200, 502, 200, 502]
--- error_log eval
[[], ["connect() failed"], [], ["connect() failed"]]


=== TEST 9: in an "if", and with one
--- init: MagasinTest::reset();
--- config
location /api/v1/ {
    return 404;
}
location /api/v1/stores/ {
    proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/nowhere;
    if ($arg_ours) { magasin; }
}
location /api/v1/products/ {
    magasin;
    if ($arg_x) { add_header X-If yes always; }
    limit_except GET { allow 127.0.0.1; deny all; }
}
--- request eval
["GET /api/v1/stores/?ours=1", "GET /api/v1/products/3/?x=1", $::put]
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [200, 200, 200]
--- response_headers eval: ['! X-If', 'X-If: yes', '! X-If']


=== TEST 10: named locations, and a redirect to one
--- init: MagasinTest::reset();
--- config
location / { root html; try_files /none @api; }
location @api { magasin; limit_except GET { allow 127.0.0.1; deny all; } }
--- request eval: [$::put, "GET /api/v1/products/3/"]
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [200, 200]
--- response_body_like eval: [('"prix":"?20.00') x 2]


=== TEST 11: a location around it passes nothing on
--- config
location /api/ {
    magasin;
    limit_except GET { allow all; }
    location /api/v1/stores/ { limit_except GET { allow all; } }
}
--- request eval: ["GET /api/v1/stores/", "POST /api/v1/stores/", "GET /api/v1/products/3/"]
--- error_code eval: [404, 404, 200]


=== TEST 12: satisfy any: an address or a password
--- init: MagasinTest::reset();
--- user_files eval
">>> pass\ncaisse:{PLAIN}secret\n"
--- config
satisfy any;
location /api/v1/ {
    magasin;
    limit_except GET {
        allow 127.0.0.1;
        deny all;
        auth_basic "caisse";
        auth_basic_user_file ../html/pass;
    }
}
location /api/v1/stores/ {
    magasin;
    limit_except GET {
        deny all;
        auth_basic "caisse";
        auth_basic_user_file ../html/pass;
    }
}
--- request eval
[$::put, "POST /api/v1/stores/1/stock/1/adjust/\n{}", "GET /api/v1/stores/"]
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [200, 401, 200]
--- response_headers eval
["Content-Type: application/json",
 qq(WWW-Authenticate: Basic realm="caisse"\nContent-Type: application/json),
 "! WWW-Authenticate"]


=== TEST 13: auth_request
--- init: MagasinTest::reset();
--- config
location = /check { if ($http_x_pass) { return 204; } return 403; }
location /api/v1/ {
    magasin;
    auth_request /check;
    limit_except GET { allow 127.0.0.1; deny all; }
}
--- request eval
[$::put, $::put, "GET /api/v1/products/3/", "GET /api/v1/products/3/"]
--- more_headers eval
["$MagasinTest::Json\nX-Pass: yes", $MagasinTest::Json, 'X-Pass: yes', 'X: none']
--- error_code eval: [200, 403, 200, 403]
--- response_headers eval: [("Content-Type: application/json") x 4]
--- response_body_like eval
['"prix":"?20.00', "\\A\Q$::refused\E\\z", '"prix":"?20.00', "\\A\Q$::refused\E\\z"]


=== TEST 14: a request that was rewritten
--- init: MagasinTest::reset();
--- config
location /old/ { rewrite ^/old/(.*)$ /api/v1/$1 last; }
location /api/v1/ { magasin; limit_except GET { allow 127.0.0.1; deny all; } }
location /api/v1/sales/ { magasin; limit_except GET { deny all; } }
--- request eval
[qq(PUT /old/products/3/\n{"prix":"20.00"}), "POST /old/sales/\n{}", "GET /old/products/3/"]
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [200, 403, 200]
--- response_headers eval: [("Content-Type: application/json") x 3]
--- response_body_like eval
['"prix":"?20.00', "\\A\Q$::refused\E\\z", '"prix":"?20.00']
--- error_log eval
[[], ["access forbidden by rule"], []]


=== TEST 15: an error_page for 403 leaves JSON to the others
--- config
error_page 403 /denied;
location = /denied { internal; default_type text/plain; return 403 "closed\n"; }
location /api/v1/ { magasin; limit_except GET { deny all; } }
location /api/v1/products/ { magasin; limit_except GET { allow all; } }
--- request eval
["POST /api/v1/sales/\n{}", "DELETE /api/v1/products/999/", "GET /api/v1/nowhere/"]
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [403, 404, 404]
--- response_headers eval
["Content-Type: text/plain", ("Content-Type: application/json") x 2]
--- response_body_like eval: ['\Aclosed', '"status":404', '"detail":"Pas trouv']
--- error_log eval
[["access forbidden by rule"], [], []]
