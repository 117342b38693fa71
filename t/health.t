# /healthz and /readyz.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();

# Where nobody has applied the schema.
MagasinTest::psql('-c', 'DROP DATABASE IF EXISTS t_health', '-c',
    'CREATE DATABASE t_health');

END {
    my $status = $?;
    MagasinTest::psql('-c', 'DROP DATABASE IF EXISTS t_health WITH (FORCE)');
    $? = $status;
}

MagasinTest::reset();
run_tests();

__DATA__

=== TEST 1: alive and ready
--- request eval
["GET /healthz", "GET /readyz", "HEAD /readyz", "OPTIONS /healthz", "POST /readyz"]
--- error_code eval
[200, 200, 200, 200, 405]
--- response_body_like eval
['\A\{"status":"ok"\}\z', '\A\{"status":"ok","database":"ok"', '\A\z', '"name":"Healthz"', 'POST']


=== TEST 2: without a database: alive and not ready
--- http_config
magasin_database "host=/nonexistent dbname=magasin";
magasin_tokens $TEST_NGINX_TOKENS;
--- request eval
["GET /readyz", "GET /healthz", "GET /readyz", "GET /api/v1/products/1/",
 "PUT /api/v1/products/1/\n{}"]
--- more_headers eval
[("X: y") x 4, $MagasinTest::Json]
--- error_code eval
[503, 200, 503, 503, 503]
--- response_body_like eval
['\A\{"status":"unavailable","database":"unavailable"', '"ok"',
 '"database":"unavailable"', '\A\{"detail":"Service momentanément indisponible\."\}\z',
 '"detail"']
--- error_log
magasin: PostgreSQL at /nonexistent:5432


=== TEST 3: what needs no database is answered all the same
--- http_config
magasin_database "host=/nonexistent dbname=magasin";
magasin_tokens $TEST_NGINX_TOKENS;
--- request eval
["GET /api/v1/products/99999999999999999999/", "GET /api/v1/stores/1/stock/list/?quantite=x",
 "PUT /api/v1/products/1/\n{\"prix\":-1}", "OPTIONS /api/v1/reports/"]
--- more_headers eval
["X: y", "X: y", $MagasinTest::Json, "X: y"]
--- error_code eval
[404, 400, 400, 200]


=== TEST 4: a wrong database is no server
--- http_config eval
my $database = $ENV{TEST_NGINX_DATABASE} =~ s/dbname=\S+/dbname=nobody_has_this/r;
qq(magasin_database "$database"; magasin_tokens \$TEST_NGINX_TOKENS;)
--- request
GET /readyz
--- error_code: 503
--- error_log
database "nobody_has_this" does not exist


=== TEST 5: a database without our tables is told in the log
--- http_config eval
my $database = $ENV{TEST_NGINX_DATABASE} =~ s/dbname=\S+/dbname=t_health/r;
qq(magasin_database "$database"; magasin_tokens \$TEST_NGINX_TOKENS;)
--- request
GET /readyz
--- error_code: 503
--- error_log
does not exist


=== TEST 6: without a database the other routes refuse, and check what they can
--- http_config
magasin_database "host=/nonexistent dbname=magasin";
magasin_tokens $TEST_NGINX_TOKENS;
--- request eval
["GET /api/v1/stores/", "GET /api/v1/journal/", "GET /api/v1/products/1/availability/",
 "PATCH /api/v1/products/1/\n{}", "DELETE /api/v1/products/1/",
 "POST /api/v1/products/\n" . '{"nom":"a","categorie":"b","prix":1}',
 "GET /api/v1/stores/?limit=0", "GET /api/v1/stores/99999999999999999999/",
 "PATCH /api/v1/products/1/\n" . '{"truc":1}', "POST /api/v1/products/\n{}",
 "DELETE /api/v1/products/99999999999999999999/"]
--- more_headers eval: $MagasinTest::Json
--- error_code eval
[(503) x 6, 400, 404, 400, 400, 404]
--- response_headers eval
[("Retry-After: 1\nContent-Type: application/json") x 6, ("! Retry-After") x 5]
--- error_log
magasin: PostgreSQL at /nonexistent:5432
