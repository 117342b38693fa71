# error_page for some statuses leaves the JSON of all others.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;

our $refused = qq({"detail":"Vous n'avez pas la permission d'effectuer cette action."});
our $large   = qq(PUT /api/v1/products/3/\n{"description":"more than ten bytes"});
our $limit   = MagasinTest::database_directive()
    . ' magasin_tokens $TEST_NGINX_TOKENS; limit_req_zone $server_name zone=one:1m rate=1r/m;';

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();

MagasinTest::reset();
run_tests();

__DATA__

=== TEST 1: a page for one status, JSON for another
--- config
error_page 403 /denied.html;
location /api/v1/ { magasin; client_max_body_size 10; }
location /api/v1/stores/ { magasin; deny all; }
location = /denied.html { internal; default_type text/html; return 403 "<p>non</p>"; }
--- request eval: [$::large, "GET /api/v1/stores/", "GET /api/v1/nowhere/"]
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [413, 403, 404]
--- response_headers eval
["Content-Type: application/json", "Content-Type: text/html", "Content-Type: application/json"]
--- response_body eval
['{"detail":"Le corps de la requête est trop volumineux."}', '<p>non</p>', '{"detail":"Pas trouvé."}']
--- error_log eval
[["client intended to send too large body"], ["access forbidden by rule"], []]


=== TEST 2: the same in the location alone
--- config
location /api/v1/ { magasin; deny all; error_page 500 502 503 504 /50x.html; }
location = /50x.html { return 503 "<p>plus tard</p>"; default_type text/html; }
--- request
GET /api/v1/reports/
--- error_code: 403
--- response_headers
Content-Type: application/json
--- response_body eval: $::refused
--- error_log
access forbidden by rule


=== TEST 3: a file as a page, which another location serves
--- user_files
>>> pages/denied.html
<p>fichier</p>
--- config
location /api/v1/ { magasin; deny all; error_page 403 /pages/denied.html; }
location /pages/ { root html; types { text/html html; } magasin_json_errors on; }
--- request
GET /api/v1/reports/
--- error_code: 403
--- response_headers
Content-Type: text/html
--- response_body
<p>fichier</p>
--- error_log
access forbidden by rule


=== TEST 4: a page that cannot be had fails in JSON
--- config
magasin_json_errors on;
location /api/v1/ { magasin; deny all; error_page 403 /pages/none.html; }
location /pages/ { root html; }
--- request
GET /api/v1/reports/
--- error_code: 404
--- response_headers
Content-Type: application/json
--- response_body chomp
{"detail":"Pas trouvé."}
--- error_log
access forbidden by rule


=== TEST 5: pages of pages
--- config
recursive_error_pages on;
location /api/v1/ { magasin; deny all; error_page 403 /first; }
location = /first { return 404; error_page 404 /second; }
location = /second { default_type text/html; return 404 "<p>deux</p>"; magasin_json_errors on; }
--- request
GET /api/v1/reports/
--- error_code: 404
--- response_headers
Content-Type: text/html
--- response_body chomp
<p>deux</p>
--- error_log
access forbidden by rule


=== TEST 6: another status for the page, and the page's own
--- config
magasin_json_errors on;
location /api/v1/reports/ { magasin; deny all; error_page 403 =503 /page; }
location /api/v1/stores/ { magasin; deny all; error_page 403 = /page; }
location /api/v1/products/ { magasin; deny all; error_page 403 =200 /page; }
location /api/v1/sales/ { magasin; deny all; error_page 403 = /none; }
location = /page { default_type text/html; return 404 "<p>page</p>"; }
location = /none { return 404; }
--- request eval
["GET /api/v1/reports/", "GET /api/v1/stores/", "GET /api/v1/products/", "GET /api/v1/sales/"]
--- error_code eval: [503, 404, 200, 404]
--- response_headers eval
[("Content-Type: text/html") x 3, "Content-Type: application/json"]
--- response_body eval
[('<p>page</p>') x 3, '{"detail":"Pas trouvé."}']
--- error_log
access forbidden by rule


=== TEST 7: a named location of ours as the page
--- config
location / { root html; error_page 404 = @api; }
location @api { magasin; client_max_body_size 10; }
--- request eval
["GET /api/v1/products/3/", "GET /nowhere", "GET /api/v1/stores/1/"]
--- error_code eval: [200, 404, 200]
--- response_headers eval: [("Content-Type: application/json") x 3]
--- error_log
No such file or directory


=== TEST 8: a page at an address elsewhere
--- config
location /api/v1/ { magasin; deny all; error_page 403 http://aide.example/; }
--- request
GET /api/v1/reports/
--- error_code: 302
--- response_headers
Location: http://aide.example/
--- error_log
access forbidden by rule


=== TEST 9: limits, with a page for something else
--- http_config eval: $::limit
--- config
error_page 404 /404.html;
location /api/v1/ { magasin; limit_req zone=one; limit_req_status 429; }
--- request eval
[("GET /api/v1/stores/") x 3]
--- more_headers eval
['X: none', 'X: none', 'Accept: application/problem+json']
--- error_code eval: [200, 429, 429]
--- response_headers eval
['! Retry-After', "Retry-After: 1\nContent-Type: application/json",
 "Retry-After: 1\nContent-Type: application/problem+json"]
--- response_body_like eval
['"nom"', '\A\{"detail":"Trop de requêtes : réessayez plus tard\."\}\z',
 '"status":429,"instance":"/api/v1/stores/"']
--- error_log
limiting requests


=== TEST 10: what nginx refuses before there is a location
--- config
error_page 404 /404.html;
magasin_json_errors on;
location / { magasin; }
--- raw_request eval
"GET /api/v1/reports/ HTTP/1.1\r\nConnection: close\r\n\r\n"
--- error_code: 400
--- response_headers
Content-Type: application/json
--- response_body chomp
{"detail":"Requête non valide."}


=== TEST 11: with an "if", try_files and a named location on the way
--- config
error_page 500 /500.html;
magasin_json_errors on;
location / { root html; try_files /none @api; }
location @api { magasin; if ($arg_no) { return 403; } deny 127.0.0.1; }
--- request eval: ["GET /api/v1/reports/?no=1", "GET /api/v1/reports/"]
--- error_code eval: [403, 403]
--- response_headers eval: [("Content-Type: application/json") x 2]
--- response_body eval: [($::refused) x 2]
--- error_log eval
[[], ["access forbidden by rule"]]


=== TEST 12: satisfy any with a password
--- user_files eval
">>> pass\ncaisse:{PLAIN}secret\n"
--- config
error_page 404 /404.html;
location /api/v1/ {
    magasin;
    satisfy any;
    deny all;
    auth_basic "caisse";
    auth_basic_user_file ../html/pass;
}
--- request eval
["GET /api/v1/stores/", "GET /api/v1/stores/"]
--- more_headers eval
['X: none', 'Authorization: Basic Y2Fpc3NlOnNlY3JldA==']
--- error_code eval: [401, 200]
--- response_headers eval
[qq(WWW-Authenticate: Basic realm="caisse"\nContent-Type: application/json), "! WWW-Authenticate"]


=== TEST 13: auth_request that refuses, and one that fails
--- config
error_page 404 /404.html;
magasin_json_errors on;
location /api/v1/ { magasin; auth_request /gate; }
location /api/v1/stores/ { magasin; auth_request /broken; }
location /api/v1/sales/ { magasin; auth_request /ours; }
location = /gate { internal; return 403; }
location = /broken { internal; return 404; }
location = /ours { internal; magasin; rewrite ^ /api/v1/products/999/ break; }
--- request eval
["GET /api/v1/reports/", "GET /api/v1/stores/", "GET /api/v1/sales/"]
--- error_code eval: [403, 500, 500]
--- response_headers eval: [("Content-Type: application/json") x 3]
--- error_log eval
[[], ["auth request unexpected status: 404"], ["auth request unexpected status: 404"]]


=== TEST 14: a text of "return" is the operator's
--- config
magasin_json_errors on;
default_type text/html;
location = /text { return 403 "<p>non</p>"; }
location = /none { return 403; }
--- request eval: ["GET /text", "GET /none"]
--- error_code eval: [403, 403]
--- response_body eval: ['<p>non</p>', $::refused]


=== TEST 15: an upstream's page is its own, nginx's about it is not
--- config
magasin_json_errors on;
error_page 405 /405.html;
location = /page { default_type text/html; return 503 "<p>là-bas</p>"; }
location = /theirs { proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/page; }
location = /gone { proxy_pass http://127.0.0.1:1/; }
location = /taken {
    proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/page;
    proxy_intercept_errors on;
    error_page 503 /ours;
}
location = /ours { default_type text/html; return 503 "<p>ici</p>"; }
--- request eval: ["GET /theirs", "GET /gone", "GET /taken"]
--- error_code eval: [503, 502, 503]
--- response_headers eval: ["Content-Type: text/html", "Content-Type: application/json", "Content-Type: text/html"]
--- response_body_like eval: ['là-bas', '"detail"', 'ici']
--- error_log eval
[[], ["connect() failed"], []]


=== TEST 16: an action after the answer
--- config
location /api/v1/ { magasin; post_action /after; error_page 404 /404.html; }
location = /after { internal; magasin; rewrite ^ /api/v1/stores/ break; }
location = /again { magasin; }
--- request eval: ["GET /api/v1/products/3/", "GET /api/v1/nowhere/", "GET /api/v1/products/3/"]
--- error_code eval: [200, 404, 200]
--- response_headers eval: [("Content-Type: application/json") x 3]
