# Variables for logs.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;

our $config = <<'CONFIG';
location / {
    magasin;
    add_header X-Route "[$magasin_route]" always;
    add_header X-Token "[$magasin_token]" always;
    add_header X-Trace "[$magasin_trace_id]" always;
    add_header X-Time "[$magasin_db_time]" always;
}
CONFIG

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();

MagasinTest::reset();
run_tests();

__DATA__

=== TEST 1: the template of the route
--- config eval: $::config
--- request eval
["GET /api/v1/products/3/", "GET /api/v1/stores/07/stock/list/?page=1",
 "GET /healthz", "GET /api/v1/nowhere/", "POST /api/v1/reports/"]
--- response_headers eval
["X-Route: [/api/v1/products/{id}/]", "X-Route: [/api/v1/stores/{id}/stock/list/]",
 "X-Route: [/healthz]", "X-Route: []", "X-Route: [/api/v1/reports/]"]
--- error_code eval
[200, 200, 200, 404, 405]


=== TEST 2: the id of the token, never the token
--- config eval: $::config
--- request eval
[("PUT /api/v1/products/3/\n{}") x 2]
--- more_headers eval
[$MagasinTest::Json, "Content-Type: application/json\nAuthorization: Token wrong"]
--- response_headers_like eval
['X-Token: \[\w[\w-]*\]', 'X-Token: \[\]']
--- error_code eval: [200, 401]
--- raw_response_headers_unlike eval: ['token-430', 'wrong']


=== TEST 3: the time in the database, where it was asked
--- config eval: $::config
--- request eval
["GET /api/v1/products/3/", "GET /healthz"]
--- response_headers_like eval
['X-Time: \[\d+\.\d{3}\]', 'X-Time: \[\]']


=== TEST 4: a trace goes on
--- config eval: $::config
--- request
GET /healthz
--- more_headers
traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
--- response_headers
X-Trace: [4bf92f3577b34da6a3ce929d0e0e4736]


=== TEST 5: of a later version too
--- config eval: $::config
--- request
GET /healthz
--- more_headers
traceparent: 01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more
--- response_headers
X-Trace: [4bf92f3577b34da6a3ce929d0e0e4736]


=== TEST 6: what is no trace starts a new one
--- config eval: $::config
--- request eval
[("GET /healthz") x 8]
--- more_headers eval
[map { "traceparent: $_" }
    '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7',
    'ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    '00-00000000000000000000000000000000-00f067aa0ba902b7-01',
    '00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01',
    '00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01',
    '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more',
    '00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    'nonsense']
--- response_headers_like eval
[('X-Trace: \[(?!4bf92f|4BF92F|0{32})[0-9a-f]{32}\]') x 8]


=== TEST 7: the templates of the other routes
--- config eval: $::config
--- request eval
["GET /api/v1/stores/", "GET /api/v1/stores/1/", "GET /api/v1/stores/1/stock/02/",
 "GET /api/v1/stores/1/stock/2/adjust/", "GET /api/v1/stock/central/",
 "GET /api/v1/products/", "GET /api/v1/products/1/availability/",
 "GET /api/v1/sales/", "GET /api/v1/sales/1/", "GET /api/v1/replenishments/",
 "GET /api/v1/replenishments/99/", "GET /api/v1/replenishments/99/approve/",
 "GET /api/v1/replenishments/99/reject/", "GET /api/v1/journal/"]
--- error_code eval
[200, 200, 200, 405, 200, 200, 200, 200, 200, 200, 404, 405, 405, 200]
--- response_headers eval
[map {"X-Route: [/api/v1/$_]"} 'stores/', 'stores/{id}/',
    'stores/{id}/stock/{produit}/', 'stores/{id}/stock/{produit}/adjust/',
    'stock/central/', 'products/', 'products/{id}/availability/', 'sales/',
    'sales/{id}/', 'replenishments/', 'replenishments/{id}/',
    'replenishments/{id}/approve/', 'replenishments/{id}/reject/', 'journal/']


=== TEST 8: the token and the time of the other writes
--- config eval: $::config
--- request eval
["PATCH /api/v1/products/3/\n{}", "DELETE /api/v1/products/999/",
 "POST /api/v1/products/\n{}", "POST /api/v1/sales/\n{}"]
--- more_headers eval: $MagasinTest::Json
--- error_code eval: [200, 404, 400, 400]
--- response_headers eval
[("X-Token: [demo]") x 4]
--- response_headers_like eval
[('X-Time: \[\d+\.\d{3}\]') x 2, ('X-Time: \[\]') x 2]
