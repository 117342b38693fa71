# /status for programs and for a person, Server-Timing, and what is wrong with
# the directives of both.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;

BEGIN { delete $ENV{TEST_NGINX_CACHE} }    # the zone is of this suite's making

our $base = MagasinTest::database_directive() . ' magasin_tokens $TEST_NGINX_TOKENS;';
our $http = "$base magasin_zone magasin:2m;"
    . ' magasin_redis unix:$TEST_NGINX_REDIS;';

our $config = <<'CONFIG';
magasin_json_errors on;
magasin_server_timing on;
location /api/v1/ { magasin; add_header X-Trace $magasin_trace_id; }
location = /quiet/ { rewrite ^ /healthz break; magasin; magasin_server_timing off; }
location = /healthz { magasin; }
location = /status { magasin_status; }
location = /metrics { magasin_metrics; }
CONFIG

our $number = '\d+(?:\.\d{6})?';
log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();

MagasinTest::reset();
run_tests();

__DATA__

=== TEST 1: JSON for whoever asks
--- http_config eval: $::http
--- config eval: $::config
--- request
GET /status
--- response_headers
Content-Type: application/json
Cache-Control: no-store
--- response_body_like eval
qr/\A\{"version":"\d+\.\d+\.\d+","nginx":"[\d.]+","time":\d+,"clock":$::number,"started":\d+,"worker_respawns":0,"workers":\[\{"pid":\d+,"started":\d+,"active":1,.*\}\],"connections":\{"accepted":\d+,.*\},"requests":\{"endpoints":\[.*\],"active":1,"server_errors":0,"count":\d+,"mean":$::number,"p50":$::number,"p95":$::number,"p99":$::number\},"postgresql":\{"connections":3,.*"statements":\[.*\]\},"redis":\{"connections":[01],.*\},"cache":\{"entries":\d+,.*\},"zone":\{"size":2097152,.*\},("business":\{.*\},)?"errors":\[\]\}\z/s


=== TEST 2: a page for a browser
--- http_config eval: $::http
--- config eval: $::config
--- request
GET /status
--- more_headers
Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8
--- response_headers
Content-Type: text/html; charset=utf-8
Cache-Control: no-store
X-Content-Type-Options: nosniff
--- response_headers_like
Content-Security-Policy: default-src 'none'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src 'sha256-[\w+/]{43}='; script-src 'sha256-[\w+/]{43}='
--- response_body_like eval
qr/\A<!DOCTYPE html>\n<html lang="fr">.*<\/html>\n\z/s


=== TEST 3: by the address, both
--- http_config eval: $::http
--- config eval: $::config
--- request eval
["GET /status?format=json", "GET /status?format=html"]
--- more_headers eval
["Accept: text/html", "Accept: application/json"]
--- response_headers_like eval
['Content-Type: application/json', 'Content-Type: text/html; charset=utf-8']


=== TEST 4: nothing from elsewhere, no places left empty
--- http_config eval: $::http
--- config eval: $::config
--- request
GET /status?format=html
--- response_body_unlike eval
qr/https?:|src=|@[A-Z]+@|innerHTML/


=== TEST 5: only to be read
--- http_config eval: $::http
--- config eval: $::config
--- request eval
["POST /status\nx", "HEAD /status", "DELETE /status", "PUT /metrics\nx"]
--- error_code eval: [405, 200, 405, 405]
--- response_headers eval
["Allow: GET, HEAD", "! Allow", ("Allow: GET, HEAD") x 2]


=== TEST 6: the last errors, with their cause and without what clients sent
--- http_config eval: $::http
--- config eval: $::config
--- init
MagasinTest::sql('ALTER TABLE produit RENAME TO ailleurs');
--- request eval
["GET /api/v1/products/?q=geheim", "GET /status"]
--- error_code eval: [500, 200]
--- response_body_like eval
['Erreur', '"errors":\[\{"time":\d+,"method":"GET","endpoint":"/api/v1/products/","status":500,"cause":"42P01"\}\]\}\z']
--- response_body_unlike eval
['geheim', 'geheim']
--- error_log
failed with SQLSTATE 42P01


=== TEST 7: where the time went
# Of the nginx of the block before: a new one starts without the table.
--- skip_eval: 8: !defined &Test::Nginx::Server::excuse
--- http_config eval: $::http
--- config eval: $::config
--- init
MagasinTest::sql('ALTER TABLE ailleurs RENAME TO produit');
--- request eval
["GET /api/v1/products/3/", "GET /api/v1/products/3/", "GET /healthz",
 "GET /api/v1/nowhere/"]
--- more_headers eval
[("traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01") x 4]
--- error_code eval: [200, 200, 200, 404]
--- response_headers_like eval
["Server-Timing: total;dur=\\d+\\.\\d{3}, db;dur=\\d+\\.\\d{3}, (redis;dur=\\d+\\.\\d{3}, )?cache;desc=MISS, trace;desc=\"4bf92f3577b34da6a3ce929d0e0e4736\"",
 "Server-Timing: total;dur=\\d+\\.\\d{3}, (db;dur=\\d+\\.\\d{3}, )?(redis;dur=\\d+\\.\\d{3}, )?cache;desc=(HIT|MISS|REDIS), trace;desc=\"4bf92f3577b34da6a3ce929d0e0e4736\"",
 "Server-Timing: total;dur=\\d+\\.\\d{3}, trace;desc=\"4bf92f3577b34da6a3ce929d0e0e4736\"",
 "Server-Timing: total;dur=\\d+\\.\\d{3}, trace;desc=\"4bf92f3577b34da6a3ce929d0e0e4736\""]


=== TEST 8: where nobody asked for it
--- http_config eval: $::http
--- config eval: $::config
--- request
GET /quiet/
--- response_headers
! Server-Timing


=== TEST 9: metrics need shared memory
--- http_config eval: $::base
--- config
location = /healthz { magasin; }
location = /metrics { magasin_metrics; }
--- must_die
--- error_log
"magasin_metrics" needs shared memory to count in: say in the http block as "magasin_zone magasin:64m;"


=== TEST 10: and so does the status
--- http_config eval: $::base
--- config
location = /healthz { magasin; }
location = /status { magasin_status; }
--- must_die
--- error_log
"magasin_status" needs shared memory to count in


=== TEST 11: two handlers in one place
--- http_config eval: $::http
--- config
location / { magasin; magasin_metrics; }
--- must_die
--- error_log
"magasin_metrics" directive cannot share a location with another content handler


=== TEST 12: the other one comes later
--- http_config eval: $::http
--- config
location / { magasin_status; stub_status; }
--- must_die
--- error_log
"magasin_status" cannot share location "/" with another content handler


=== TEST 13: twice
--- http_config eval: $::http
--- config
location / { magasin_status; magasin_status; }
--- must_die
--- error_log
"magasin_status" directive is duplicate


=== TEST 14: too many stores
--- http_config eval: $::http
--- config
location / { magasin_metrics stores=4097; }
--- must_die
--- error_log
takes "stores" from 0 to 4096


=== TEST 15: too often
--- http_config eval: $::http
--- config
location / { magasin_metrics interval=10ms; }
--- must_die
--- error_log
takes "interval" from 1s to 1h


=== TEST 16: what nobody knows
--- http_config eval: $::http
--- config
location / { magasin_metrics magasins=3; }
--- must_die
--- error_log
"magasin_metrics" does not know "magasins=3": it takes stores= and interval=


=== TEST 17: without the API there is a status all the same
--- http_config
magasin_zone magasin:2m;
--- config
location = /status { magasin_status; }
location = /metrics { magasin_metrics; }
--- request eval
["GET /status", "GET /metrics"]
--- response_body_like eval
['"requests":\{"endpoints":\[\],"active":0', 'magasin_workers 1']
