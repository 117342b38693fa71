# Wrong directives fail "nginx -t" with a sentence that helps.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;
use File::Temp qw(tempdir);

our $directory = tempdir('magasin-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $directory;
open my $bad, '>', "$directory/bad" or die $!;
print {$bad} "# fine\nun:zz:produits\n";
close $bad;

our $tokens = 'magasin_tokens $TEST_NGINX_TOKENS;';
our $good   = MagasinTest::database_directive();

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();

MagasinTest::reset();
run_tests();

__DATA__

=== TEST 1: all options
--- http_config eval
MagasinTest::database_directive('connections=1', 'queue=10', 'timeout=500ms',
    'connect_timeout=1s') . $::tokens
--- request
GET /api/v1/products/1/
--- error_code: 200


=== TEST 2: without a database
--- http_config eval: $::tokens
--- must_die
--- error_log
"magasin" is used without "magasin_database": say in the http block where PostgreSQL is


=== TEST 3: without tokens it warns, and no write is taken
--- http_config eval: $::good
--- request
PUT /api/v1/products/1/
{}
--- more_headers eval: $MagasinTest::Json
--- error_code: 401
--- error_log
"magasin" is used without "magasin_tokens"


=== TEST 4: the database twice
--- http_config eval: "$::good $::good"
--- must_die
--- error_log
"magasin_database" directive is duplicate


=== TEST 5: what is no conninfo, and is not shown
--- http_config
magasin_database "host=x password=geheim nonsense";
--- must_die
--- error_log
"magasin_database" is no libpq connection string
--- no_error_log
missing "="


=== TEST 6: an empty one
--- http_config
magasin_database "";
--- must_die
--- error_log
needs a libpq connection string


=== TEST 7: an option that is not known
--- http_config
magasin_database "host=/tmp" conections=2;
--- must_die
--- error_log
"magasin_database" does not know "conections"


=== TEST 8: a conninfo without quotes
--- http_config
magasin_database host=/tmp dbname=magasin;
--- must_die
--- error_log
after the connection string (one word, in quotes)


=== TEST 9: too many connections
--- http_config
magasin_database "host=/tmp" connections=65;
--- must_die
--- error_log
takes "connections" from 1 to 64


=== TEST 10: no queue
--- http_config
magasin_database "host=/tmp" queue=0;
--- must_die
--- error_log
takes "queue" from 1 to 1000000


=== TEST 11: a timeout that is none
--- http_config
magasin_database "host=/tmp" timeout=soon;
--- must_die
--- error_log
takes "timeout" as a time over 0


=== TEST 12: a connect timeout of nothing
--- http_config
magasin_database "host=/tmp" connect_timeout=0;
--- must_die
--- error_log
takes "connect_timeout" as a time over 0


=== TEST 13: encryption by chance
--- http_config
magasin_database "host=127.0.0.1 sslmode=prefer";
--- must_die
--- error_log
"sslmode=prefer" in "magasin_database" leaves encryption to chance


=== TEST 14: a service file
--- http_config
magasin_database "service=magasin";
--- must_die
--- error_log
"service" is not supported in "magasin_database"


=== TEST 15: a port that is none
--- http_config
magasin_database "host=127.0.0.1 port=70000";
--- must_die
--- error_log
invalid port "70000" in "magasin_database"


=== TEST 16: a name that nobody knows
--- http_config
magasin_database "host=nobody.invalid";
--- must_die
--- error_log
host "nobody.invalid" in "magasin_database"


=== TEST 17: a URI
--- http_config eval
my ($host) = $ENV{TEST_NGINX_DATABASE} =~ /host=(\S+)/;
my ($user) = $ENV{TEST_NGINX_DATABASE} =~ /user=(\S+)/;
my ($name) = $ENV{TEST_NGINX_DATABASE} =~ /dbname=(\S+)/;
$host =~ s{/}{%2F}g;
"magasin_database postgresql://$user\@$host/$name;"
--- request
GET /api/v1/products/1/
--- error_code: 200


=== TEST 18: tokens that are not there
--- http_config eval
"$::good magasin_tokens $::directory/none;"
--- must_die
--- error_log
"magasin_tokens":


=== TEST 19: tokens with a wrong line
--- http_config eval
"$::good magasin_tokens $::directory/bad;"
--- must_die
--- error_log
"magasin_tokens": line 2 is not "id:sha256 in 64 hex digits:scopes"


=== TEST 20: another handler in the same location
--- config
location / { stub_status; magasin; }
--- must_die
--- error_log
cannot share a location with another content handler


=== TEST 21: magasin twice
--- config
location / { magasin; magasin; }
--- must_die
--- error_log
"magasin" directive is duplicate


=== TEST 22: magasin with a word too many
--- config
location / { magasin on; }
--- must_die
--- error_log
invalid number of arguments in "magasin" directive


=== TEST 23: magasin outside of a location
--- config
magasin;
--- must_die
--- error_log
"magasin" directive is not allowed here


=== TEST 24: no flag
--- config
magasin_json_errors maybe;
--- must_die
--- error_log
invalid value "maybe" in "magasin_json_errors" directive


=== TEST 25: a module that nobody uses does nothing
--- http_config
--- config
location / { return 204; }
--- request
GET /
--- error_code: 204


=== TEST 26: a password out of place is not shown
--- http_config
magasin_database host=/tmp password=geheim dbname=magasin;
--- must_die
--- error_log
"magasin_database" does not know "password"
--- no_error_log
geheim


=== TEST 27: another handler after it
--- config
location / { magasin; proxy_pass http://127.0.0.1:1; }
--- must_die
--- error_log
"magasin" cannot share location "/" with another content handler


=== TEST 28: an address of IPv6 without brackets
--- http_config
magasin_database "host=::1 port=1 dbname=magasin" connect_timeout=200ms;
magasin_tokens $TEST_NGINX_TOKENS;
--- request
GET /healthz
--- error_code: 200


=== TEST 29: magasin_cors where the API is not
--- http_config
magasin_cors *;
--- config
location / { return 204; }
--- request
GET /
--- more_headers
Origin: https://shop.example
--- error_code: 204
--- response_headers
Access-Control-Allow-Origin: *


=== TEST 30: one that is no origin
--- config
location / { magasin; magasin_cors shop.example; }
--- must_die
--- error_log
"magasin_cors" does not take "shop.example": it takes "off", "*", or origins such as "https://shop.example", without a path


=== TEST 31: magasin_cors outside of http
--- main_config
magasin_cors *;
--- must_die
--- error_log
"magasin_cors" directive is not allowed here
