# Wrong directives fail "nginx -t" with a sentence that helps.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;
use File::Temp qw(tempdir);

# Where zones are tried, there is none but theirs.
delete $ENV{TEST_NGINX_CACHE};

our $directory = tempdir('magasin-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $directory;
open my $open, '>', "$directory/open" or die $!;
close $open;
chmod 0666, "$directory/open";
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
MagasinTest::database_directive('connections=1', 'queue=10', 'timeout=9s',
    'connect_timeout=8s') . $::tokens
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


=== TEST 32: all of the cache
--- http_config eval: "$::good $::tokens magasin_zone test:2m;"
--- config
magasin_cache on;
magasin_cache_ttl 1d;
magasin_cache_stale 1h;
magasin_cache_max_size 64k;
magasin_cache_header on;
location / { magasin; }
--- request
GET /api/v1/products/1/
--- error_code: 200
--- response_headers
X-Magasin-Cache: MISS


=== TEST 33: with a zone the cache is on, without its header
--- http_config eval: "$::good $::tokens magasin_zone test:2m;"
--- config
location / { magasin; add_header X-Word $magasin_cache; }
--- request
GET /api/v1/products/1/
--- response_headers
X-Word: MISS
! X-Magasin-Cache


=== TEST 34: without a zone it is off
--- http_config eval: "$::good $::tokens"
--- config
location / { magasin; magasin_cache off; magasin_cache_header on; }
--- request
GET /api/v1/products/1/
--- response_headers
X-Magasin-Cache: OFF


=== TEST 35: magasin_cache on without a zone
--- http_config eval: "$::good $::tokens"
--- config
location / { magasin; magasin_cache on; }
--- must_die
--- error_log
"magasin_cache" needs shared memory: say in the http block as "magasin_zone magasin:64m;"


=== TEST 36: magasin_cache l1 without a zone
--- http_config eval: "$::good $::tokens"
--- config
location / { magasin; magasin_cache l1; }
--- must_die
--- error_log
"magasin_cache" needs shared memory: say in the http block as "magasin_zone magasin:64m;"


=== TEST 37: magasin_cache l2 without a zone
--- http_config eval: "$::good $::tokens"
--- config
location / { magasin; magasin_cache l2; }
--- must_die
--- error_log
"magasin_cache" needs shared memory: say in the http block as "magasin_zone magasin:64m;"


=== TEST 38: levels by location
--- http_config eval: "$::good $::tokens magasin_zone test:2m; magasin_cache off; magasin_cache_header on;"
--- config
location / { magasin; }
location /api/v1/stores/ { magasin; magasin_cache l1; }
--- request eval
['GET /api/v1/products/1/', 'GET /api/v1/stores/1/']
--- response_headers eval
['X-Magasin-Cache: OFF', 'X-Magasin-Cache: MISS']


=== TEST 39: a zone without a size
--- http_config eval: "$::good $::tokens magasin_zone test;"
--- must_die
--- error_log
"magasin_zone" directive takes a name and a size, as "magasin:64m"


=== TEST 40: a zone without a name
--- http_config eval: "$::good $::tokens magasin_zone :2m;"
--- must_die
--- error_log
"magasin_zone" directive takes a name and a size, as "magasin:64m"


=== TEST 41: a zone of no size
--- http_config eval: "$::good $::tokens magasin_zone test:;"
--- must_die
--- error_log
"magasin_zone" directive has no valid size after the colon: say as "magasin:64m"


=== TEST 42: a zone of what is no size
--- http_config eval: "$::good $::tokens magasin_zone test:much;"
--- must_die
--- error_log
"magasin_zone" directive has no valid size after the colon: say as "magasin:64m"


=== TEST 43: a zone that is too small
--- http_config eval: "$::good $::tokens magasin_zone test:1m;"
--- must_die
--- error_log
"magasin_zone" directive is too small: 2m are the least, 64m hold some 30000 answers


=== TEST 44: a zone and more
--- http_config eval: "$::good $::tokens magasin_zone test:2m test;"
--- must_die
--- error_log
invalid number of arguments in "magasin_zone" directive


=== TEST 45: the zone twice
--- http_config eval: "$::good $::tokens magasin_zone test:2m; magasin_zone test:2m;"
--- must_die
--- error_log
"magasin_zone" directive is duplicate


=== TEST 46: a zone in a server
--- config
magasin_zone test:2m;
location / { magasin; }
--- must_die
--- error_log
"magasin_zone" directive is not allowed here


=== TEST 47: a level that is not known
--- http_config eval: "$::good $::tokens magasin_zone test:2m;"
--- config
location / { magasin; magasin_cache l3; }
--- must_die
--- error_log
"magasin_cache" directive takes "on", "off", "l1" (shared memory alone) or "l2" (Redis alone)


=== TEST 48: levels twice
--- http_config eval: "$::good $::tokens magasin_zone test:2m;"
--- config
location / { magasin; magasin_cache on; magasin_cache off; }
--- must_die
--- error_log
"magasin_cache" directive is duplicate


=== TEST 49: no level
--- http_config eval: "$::good $::tokens magasin_zone test:2m;"
--- config
location / { magasin; magasin_cache; }
--- must_die
--- error_log
invalid number of arguments in "magasin_cache" directive


=== TEST 50: a time that is none
--- http_config eval: "$::good $::tokens magasin_zone test:2m;"
--- config
location / { magasin; magasin_cache_ttl soon; }
--- must_die
--- error_log
"magasin_cache_ttl" directive invalid value


=== TEST 51: a time that is too short
--- http_config eval: "$::good $::tokens magasin_zone test:2m;"
--- config
location / { magasin; magasin_cache_ttl 999ms; }
--- must_die
--- error_log
"magasin_cache_ttl" takes a time from 1s to 1d


=== TEST 52: a time that is too long
--- http_config eval: "$::good $::tokens magasin_zone test:2m;"
--- config
location / { magasin; magasin_cache_ttl 2d; }
--- must_die
--- error_log
"magasin_cache_ttl" takes a time from 1s to 1d


=== TEST 53: a time twice
--- http_config eval: "$::good $::tokens magasin_zone test:2m;"
--- config
location / { magasin; magasin_cache_ttl 1s; magasin_cache_ttl 1s; }
--- must_die
--- error_log
"magasin_cache_ttl" directive is duplicate


=== TEST 54: a stale time that is none
--- http_config eval: "$::good $::tokens magasin_zone test:2m;"
--- config
location / { magasin; magasin_cache_stale soon; }
--- must_die
--- error_log
"magasin_cache_stale" directive takes "off" or a time, such as 30s: for how long after its time an answer may be used while PostgreSQL is away


=== TEST 55: a stale time of nothing
--- http_config eval: "$::good $::tokens magasin_zone test:2m;"
--- config
location / { magasin; magasin_cache_stale 0; }
--- must_die
--- error_log
"magasin_cache_stale" directive takes "off" or a time


=== TEST 56: a stale time twice
--- http_config eval: "$::good $::tokens magasin_zone test:2m;"
--- config
location / { magasin; magasin_cache_stale off; magasin_cache_stale 1s; }
--- must_die
--- error_log
"magasin_cache_stale" directive is duplicate


=== TEST 57: a size that is none
--- http_config eval: "$::good $::tokens magasin_zone test:2m;"
--- config
location / { magasin; magasin_cache_max_size much; }
--- must_die
--- error_log
"magasin_cache_max_size" directive invalid value


=== TEST 58: a size twice
--- http_config eval: "$::good $::tokens magasin_zone test:2m;"
--- config
location / { magasin; magasin_cache_max_size 1k; magasin_cache_max_size 1k; }
--- must_die
--- error_log
"magasin_cache_max_size" directive is duplicate


=== TEST 59: a header that is no flag
--- http_config eval: "$::good $::tokens magasin_zone test:2m;"
--- config
location / { magasin; magasin_cache_header yes; }
--- must_die
--- error_log
invalid value "yes" in "magasin_cache_header" directive


=== TEST 60: a header twice
--- http_config eval: "$::good $::tokens magasin_zone test:2m;"
--- config
location / { magasin; magasin_cache_header on; magasin_cache_header on; }
--- must_die
--- error_log
"magasin_cache_header" directive is duplicate


=== TEST 26: tokens that are no file
--- http_config eval
"$::good magasin_tokens /dev/zero;"
--- must_die
--- error_log
"magasin_tokens": the file is no regular file: name one that is


=== TEST 27: tokens that everybody can write
--- http_config eval
"$::good magasin_tokens $::directory/open;"
--- must_die
--- error_log
"magasin_tokens": the file can be written by its group or by everybody: "chmod go-w" it


=== TEST 28: no flag for the demonstration's token
--- config
magasin_demonstration loopback;
--- must_die
--- error_log
invalid value "loopback" in "magasin_demonstration" directive


=== TEST 61: a wait for locks that is longer than the request
--- http_config
magasin_database "host=/tmp" timeout=1s lock_timeout=2s;
--- must_die
--- error_log
takes a "lock_timeout" that is not over "timeout"


=== TEST 62: a queue of a class that is none
--- http_config
magasin_database "host=/tmp" queue_slow=4;
--- must_die
--- error_log
does not know "queue_slow"


=== TEST 63: fewer connections than keep what is promised
--- http_config eval
MagasinTest::database_directive('connections=2') . ' magasin_tokens $TEST_NGINX_TOKENS;'
--- request
GET /readyz
--- error_code: 200


=== TEST 64: queues of the classes, and a wait for locks
--- http_config eval
MagasinTest::database_directive('queue=10', 'queue_read=20', 'queue_write=5', 'queue_heavy=1', 'lock_timeout=100ms') . ' magasin_tokens $TEST_NGINX_TOKENS;'
--- request
GET /api/v1/products/1/
--- error_code: 200


=== TEST 65: magasin_exempt with what is no address
--- http_config
magasin_exempt 127.0.0.1 localhost;
--- must_die
--- error_log
"magasin_exempt" takes addresses and networks, as 10.0.0.0/8; "localhost" is none


=== TEST 66: magasin_exempt without a client
--- http_config
magasin_exempt;
--- must_die
--- error_log
invalid number of arguments in "magasin_exempt"


=== TEST 67: all of gzip
--- http_config eval: "$::good $::tokens magasin_zone test:2m;"
--- config
magasin_gzip on;
magasin_gzip_min_length 2k;
magasin_gzip_comp_level 9;
location / { magasin; }
--- request
GET /api/v1/products/1/
--- error_code: 200


=== TEST 68: a level that there is not
--- http_config eval: "$::good $::tokens magasin_zone test:2m;"
--- config
location / { magasin; magasin_gzip_comp_level 10; }
--- must_die
--- error_log
value must be between 1 and 9


=== TEST 69: gzip that is no flag
--- http_config eval: "$::good $::tokens magasin_zone test:2m;"
--- config
location / { magasin; magasin_gzip yes; }
--- must_die
--- error_log
it must be "on" or "off"


=== TEST 70: replicas without a zone
--- http_config eval: qq{$::good $::tokens magasin_database_replicas "host=/tmp";}
--- config
location / { magasin; }
--- must_die
--- error_log
"magasin_database_replicas" needs "magasin_zone"


=== TEST 71: a replica with two hosts
--- http_config eval: qq{$::good $::tokens magasin_zone test:2m; magasin_database_replicas "host=/tmp,/run";}
--- config
location / { magasin; }
--- must_die
--- error_log
"magasin_database_replicas" takes one host in each connection string


=== TEST 72: a replica of an address that is none
--- http_config eval: qq{$::good $::tokens magasin_zone test:2m; magasin_database_replicas "host=/tmp" "host=/tmp sslmode=allow";}
--- config
location / { magasin; }
--- must_die
--- error_log
"sslmode=allow" in "magasin_database_replicas" leaves encryption to chance


=== TEST 73: too many replicas
--- http_config eval: qq{$::good $::tokens magasin_zone test:2m; magasin_database_replicas 1 2 3 4 5 6 7 8 9;}
--- config
location / { magasin; }
--- must_die
--- error_log
"magasin_database_replicas" directive takes at most 8 connection strings


=== TEST 74: a stale time of replicas that is none
--- http_config eval: qq{$::good $::tokens magasin_zone test:2m; magasin_database_replicas_stale soon;}
--- config
location / { magasin; }
--- must_die
--- error_log
"magasin_database_replicas_stale" directive takes "off" or a time
