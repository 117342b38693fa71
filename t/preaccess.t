# $magasin_token and $magasin_route before the content handler: in the phases
# of rewrite, limits and access, and wherever a request goes from there.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;

$ENV{TEST_NGINX_OWN_TOKENS} = MagasinTest::tokens(
    lecture => '', 'caisse-1' => 'ventes,produits', 'caisse-2' => 'ventes');

# http(MORE): with tokens of three clients, and a log of what the log phase sees
sub http {
    my ($more) = @_;
    return MagasinTest::database_directive()
        . ' magasin_tokens $TEST_NGINX_OWN_TOKENS; ' . ($more // '');
}

# Each in another phase: rewrite, and the header of the answer.
our $seen = <<'CONFIG';
set $before "[$magasin_token][$magasin_route]";
add_header X-Before $before always;
add_header X-Now "[$magasin_token][$magasin_route]" always;
CONFIG

sub as {
    my ($id) = @_;
    return "Authorization: Token secret-$id";
}

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();

MagasinTest::reset();
run_tests();

__DATA__

=== TEST 1: in the rewrite phase, of reads and writes
--- http_config eval: ::http()
--- config eval: "location / { magasin; $::seen }"
--- request eval
["GET /api/v1/products/3/", "GET /api/v1/products/3/", "GET /api/v1/products/3/",
 "PUT /api/v1/products/3/\n{}", "GET /nowhere", "GET /api/v1/products/3"]
--- more_headers eval
["X: none", ::as('caisse-1'), ::as('nobody'),
 ::as('caisse-1') . "\nContent-Type: application/json", ::as('caisse-2'), ::as('lecture')]
--- error_code eval: [200, 200, 200, 200, 404, 301]
--- response_headers eval
[map { "X-Before: $_\nX-Now: $_" }
    '[][/api/v1/products/{id}/]', '[caisse-1][/api/v1/products/{id}/]',
    '[][/api/v1/products/{id}/]', '[caisse-1][/api/v1/products/{id}/]',
    '[caisse-2][]', '[lecture][]']


=== TEST 2: a limit for each token
--- http_config eval
::http('limit_req_zone $magasin_token zone=token:1m rate=1r/m;')
--- config
location / { magasin; limit_req zone=token; limit_req_status 429; }
--- request eval
[("GET /api/v1/products/3/") x 7]
--- more_headers eval
[::as('caisse-1'), ::as('caisse-1'), ::as('caisse-2'), ::as('caisse-2'),
 ::as('wrong'), ::as('wrong'), 'X: none']
--- error_code eval: [200, 429, 200, 429, 200, 200, 200]
--- response_headers eval
['! Retry-After', 'Retry-After: 1', '! Retry-After', 'Retry-After: 1', ('! Retry-After') x 3]
--- error_log
limiting requests


=== TEST 3: a limit for each route
--- http_config eval
::http('limit_req_zone $magasin_route zone=route:1m rate=1r/m;')
--- config
location / { magasin; limit_req zone=route; limit_req_status 429; }
--- request eval
["GET /api/v1/products/1/", "GET /api/v1/products/2/", "GET /api/v1/stores/",
 "GET /api/v1/stores/", "GET /nowhere/1", "GET /nowhere/1"]
--- error_code eval: [200, 429, 200, 429, 404, 404]
--- error_log
limiting requests


=== TEST 4: a map of both, for a limit of connections
--- http_config eval
::http('map "$magasin_token $magasin_route" $dear {'
    . ' "caisse-1 /api/v1/reports/" "$magasin_token"; default ""; }'
    . ' limit_conn_zone $dear zone=dear:1m;'
    . ' limit_req_zone $dear zone=slow:1m rate=1r/m;')
--- config
location / { magasin; limit_conn dear 1; limit_req zone=slow; limit_req_status 429; }
--- request eval
["GET /api/v1/reports/", "GET /api/v1/reports/", "GET /api/v1/stores/",
 "GET /api/v1/reports/"]
--- more_headers eval
[::as('caisse-1'), ::as('caisse-1'), ::as('caisse-1'), ::as('caisse-2')]
--- error_code eval: [200, 429, 200, 200]
--- error_log
limiting requests


=== TEST 5: in an "if"
--- http_config eval: ::http()
--- config
location / {
    magasin;
    if ($magasin_token = caisse-2) { return 403; }
    if ($magasin_route = /api/v1/reports/) { add_header X-Report yes; }
}
--- request eval
["GET /api/v1/stores/", "GET /api/v1/reports/", "GET /api/v1/stores/"]
--- more_headers eval: [::as('caisse-2'), ::as('caisse-1'), 'X: none']
--- error_code eval: [403, 200, 200]
--- response_headers eval
['Content-Type: application/json', 'X-Report: yes', '! X-Report']


=== TEST 6: in an "if" after another one, and in the header of one
--- http_config eval: ::http()
--- config
location / {
    magasin;
    if ($arg_x) { add_header X-First "[$magasin_token][$magasin_route]"; }
    if ($magasin_token = caisse-2) { return 403; }
}
--- request eval
["GET /api/v1/stores/?x=1", "GET /api/v1/stores/?x=1", "GET /api/v1/stores/"]
--- more_headers eval: [::as('caisse-2'), ::as('caisse-1'), ::as('caisse-2')]
--- error_code eval: [403, 200, 403]
--- response_headers eval
['Content-Type: application/json', 'X-First: [caisse-1][/api/v1/stores/]',
 'Content-Type: application/json']


=== TEST 7: a rewrite makes another path
--- http_config eval: ::http()
--- config
location /old/ {
    magasin;
    set $before "[$magasin_route]";
    rewrite ^/old/(\d+)/(\d+)$ /api/v1/stores/$1/stock/$2/;
    set $between "[$magasin_route]";
    rewrite ^/api/v1/stores/(\d+)/ /api/v1/products/$1/;
    break;
    add_header X-Route "$before$between[$magasin_route]" always;
}
--- request eval
["GET /old/2/3", "GET /old/x"]
--- error_code eval: [200, 404]
--- response_headers eval
['X-Route: [][/api/v1/stores/{id}/stock/{produit}/][/api/v1/products/{id}/]', 'X-Route: [][][]']
--- response_body_like eval: ['"nom":', 'Pas trouvé']


=== TEST 8: named locations and internal redirects
--- http_config eval: ::http()
--- config eval
"location / { root html; try_files \$uri \@api; }
 location \@api { magasin; $::seen }
 location /moved/ { rewrite ^/moved(/.*) \$1 last; }
 location /api/v1/stores/ { magasin; $::seen }"
--- request eval
["GET /api/v1/products/3/", "GET /moved/api/v1/stores/1/", "GET /moved/api/v1/products/3/"]
--- more_headers eval: [(::as('caisse-1')) x 3]
--- response_headers eval
[map { "X-Before: $_\nX-Now: $_" } '[caisse-1][/api/v1/products/{id}/]',
    '[caisse-1][/api/v1/stores/{id}/]', '[caisse-1][/api/v1/products/{id}/]']


=== TEST 9: an error page tells about the request that failed
--- http_config eval
::http('limit_req_zone $magasin_token zone=token:1m rate=1r/m;')
--- config
location / {
    magasin;
    limit_req zone=token;
    limit_req_status 429;
    error_page 429 @slow;
}
location @slow {
    default_type text/plain;
    return 429 "[$magasin_token][$magasin_route]";
}
--- request eval
[("GET /api/v1/stores/") x 2]
--- more_headers eval: [(::as('caisse-1')) x 2]
--- error_code eval: [200, 429]
--- response_body_like eval
['"nom"', '\A\[caisse-1\]\[/api/v1/stores/\]\z']
--- error_log
limiting requests


=== TEST 10: nothing where the API does not answer
--- http_config eval: ::http()
--- config
set $early "[$magasin_token]";
location /api/ { magasin; }
location / {
    default_type text/plain;
    return 200 "$early[$magasin_token][$magasin_route]";
}
location /api/v1/stores/ {
    proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/other/;
    add_header X-Now "[$magasin_token][$magasin_route]" always;
}
location /late/ {
    magasin;
    rewrite ^/late(.*)$ $1 break;
    add_header X-Now "$early[$magasin_token]" always;
}
--- request eval
["GET /x", "GET /api/v1/stores/", "GET /late/api/v1/products/3/"]
--- more_headers eval: [(::as('caisse-1')) x 3]
--- response_headers eval
['! X-Now', 'X-Now: [][]', 'X-Now: [][caisse-1]']
--- response_body_like eval: ['\A\[\]\[\]\[\]\z', '\A\[\]\[\]\[\]\z', '"nom"']


=== TEST 11: subrequests have their own
--- http_config eval: ::http()
--- config
location = /page {
    ssi on;
    ssi_types *;
    default_type text/plain;
    add_header X-Now "[$magasin_route]";
    return 200 '<!--# include virtual="/api/v1/products/3/" wait="yes" --><!--# include virtual="/echo" wait="yes" --><!--# echo var="magasin_route" default="none" -->';
}
location = /echo { default_type text/plain; return 200 "[$magasin_token][$magasin_route]"; }
location /api/ {
    magasin;
    set $before "[$magasin_token][$magasin_route]";
    add_header X-Now $before;
}
--- request
GET /page
--- more_headers eval: ::as('caisse-1')
--- response_headers
X-Now: []
--- response_body_like eval: '\A\{"nom":.*\}\[\]\[\](?:none)?\z'


=== TEST 12: auth_request to a location of ours, and from one
--- http_config eval: ::http()
--- config
location = /who { magasin; set $x $magasin_route; }
location /ask/ {
    auth_request /api/v1/stores/;
    auth_request_set $asked $magasin_route;
    default_type text/plain;
    return 200 "unused";
}
location /api/ { magasin; auth_request /gate; add_header X-Now "[$magasin_token][$magasin_route]" always; }
location = /gate {
    internal;
    if ($http_x_gate = shut) { return 403; }
    return 204;
}
--- request eval
["GET /api/v1/products/3/", "GET /api/v1/products/3/", "POST /api/v1/sales/\n{}"]
--- more_headers eval
[::as('caisse-1'), ::as('caisse-1') . "\nX-Gate: shut",
 ::as('caisse-1') . "\nContent-Type: application/json"]
--- error_code eval: [200, 403, 400]
--- response_headers eval
['X-Now: [caisse-1][/api/v1/products/{id}/]',
 "X-Now: [caisse-1][/api/v1/products/{id}/]\nContent-Type: application/json",
 'X-Now: [caisse-1][/api/v1/sales/]']


=== TEST 13: a mirror of a request
--- http_config eval: ::http()
--- config
location /api/ {
    magasin;
    mirror /copy;
    set $before "[$magasin_route]";
    add_header X-Now "$before[$magasin_route]" always;
}
location = /copy { internal; rewrite ^ /api/v1/stores/ break; magasin; set $copied $magasin_route; }
--- request eval
["GET /api/v1/products/3/", "PUT /api/v1/products/3/\n{}"]
--- more_headers eval
[(::as('caisse-1') . "\nContent-Type: application/json") x 2]
--- response_headers eval
[('X-Now: [/api/v1/products/{id}/][/api/v1/products/{id}/]') x 2]


=== TEST 14: the log of a request that a limit refused
--- http_config eval
::http('limit_req_zone $magasin_token zone=token:1m rate=1r/m;'
    . ' log_format who "who=$magasin_token route=$magasin_route status=$status";')
--- config
access_log logs/error.log who;
location / { magasin; limit_req zone=token; limit_req_status 429; }
--- request eval
[("GET /api/v1/stores/") x 2]
--- more_headers eval: [(::as('caisse-1')) x 2]
--- error_code eval: [200, 429]
--- error_log eval
[["who=caisse-1 route=/api/v1/stores/ status=200"],
 ["who=caisse-1 route=/api/v1/stores/ status=429", "limiting requests"]]


=== TEST 15: over HTTP/2 the same
--- http2
--- http_config eval: ::http()
--- config eval: "location / { magasin; $::seen }"
--- request
GET /api/v1/products/3/
--- more_headers eval: ::as('caisse-1')
--- response_headers
X-Before: [caisse-1][/api/v1/products/{id}/]
X-Now: [caisse-1][/api/v1/products/{id}/]


=== TEST 16: the examples of DIRECTIVES.md
--- http_config eval
::http(do {
    open my $file, '<', 'docs/DIRECTIVES.md' or die;
    local $/;
    my ($text) = <$file> =~ /^## Limits$(.*)\z/ms or die;
    join "\n", grep {/^    +(?:map|\S+\s+(?:\$binary_remote_addr|"");|\}|limit_\w+_zone)/}
        split /\n/, $text =~ s/^    (server|location) .*?^    \}$//gmsr;
})
--- config
location /api/ {
    magasin;
    limit_req         zone=token    burst=1 nodelay;
    limit_req         zone=address  burst=1 nodelay;
    limit_req_status  429;
}
location /api/v1/reports/ { magasin; limit_conn heavy 2; limit_req zone=heavy_rate; limit_req_status 429; }
--- request eval
["GET /api/v1/reports/?a", "GET /api/v1/reports/?b", "GET /api/v1/stores/", "GET /api/v1/stores/"]
--- error_code eval: [200, 429, 200, 200]
--- error_log
limiting requests


=== TEST 17: the address of a client, which is empty for those that speak for many
--- http_config eval
::http('set_real_ip_from 127.0.0.1; real_ip_header X-Client;'
    . ' magasin_exempt 127.0.0.0/8 10.9.0.0/16; magasin_exempt 2001:db8::/32;'
    . ' limit_req_zone $magasin_address zone=each:1m rate=1r/m;')
--- config
location = /a {
    default_type text/plain;
    set $is other;
    if ($magasin_address = "") { set $is empty; }
    if ($magasin_address = $binary_remote_addr) { set $is same; }
    return 200 $is;
}
location /api/ { magasin; limit_req zone=each; limit_req_status 429; }
--- request eval
[("GET /a") x 6, ("GET /api/v1/stores/") x 6]
--- more_headers eval
[map { "X-Client: $_" } qw(127.0.0.1 10.9.255.1 10.8.0.1 2001:db8::7 2001:db9::7 nonsense),
    qw(10.9.0.7 10.9.0.7 10.8.0.7 10.8.0.7 10.8.0.8 2001:db8::7)]
--- error_code eval: [(200) x 9, 429, 200, 200]
--- response_body_like eval
[(map {"\\A$_\\z"} qw(empty empty same empty same empty)), ('.') x 6]
--- error_log
limiting requests


=== TEST 18: a map of that name overrides it
--- http_config eval: ::http('map $http_x_client $magasin_address { default "<$http_x_client>"; }')
--- config
location = /a { default_type text/plain; return 200 $magasin_address; }
--- request
GET /a
--- more_headers
X-Client: moi
--- response_body chomp
<moi>
