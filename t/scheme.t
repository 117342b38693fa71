# Links behind a proxy that ends TLS, which the nodes do not see.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;

our $config = 'location / { magasin; magasin_scheme $http_x_forwarded_proto; }';

# Only the link.
sub link_of {
    my ($body) = @_;
    return $body =~ /"next":"(.*?)"/ ? $1 : $body;
}

our $list = '/api/v1/stores/1/stock/list/';

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();

MagasinTest::reset();
run_tests();

__DATA__

=== TEST 1: the proxy says what the client speaks
--- http_config eval
MagasinTest::database_directive() . ' magasin_zone scheme:4m;'
--- config eval: $::config
--- response_body_filters: main::link_of
--- request eval
[("GET $::list") x 8]
--- more_headers eval
['X-Forwarded-Proto: https', 'X-Forwarded-Proto: http', 'X-Forwarded-Proto: HTTPS',
 'X: none', 'X-Forwarded-Proto:', 'X-Forwarded-Proto: ftp',
 'X-Forwarded-Proto: https, http', 'X-Forwarded-Proto: https']
--- response_body eval
[map { "$_://localhost$::list?page=2" } 'https', 'http', 'https', ('http') x 4, 'https']


=== TEST 2: links in headers too
--- config eval: $::config
--- request
GET /api/v1/products/?limit=2
--- more_headers
X-Forwarded-Proto: https
--- response_headers_like
Link: <https://localhost/api/v1/products/\?cursor=.*


=== TEST 3: nobody is believed unasked
--- config
location / { magasin; }
--- response_body_filters: main::link_of
--- request eval
"GET $::list"
--- more_headers
X-Forwarded-Proto: https
--- response_body eval
"http://localhost$::list?page=2"


=== TEST 4: from the server, and another word in a location
--- config
magasin_scheme https;
location / { magasin; }
location /api/v1/products/ { magasin; magasin_scheme http; }
--- request eval
["GET $::list", "GET /api/v1/products/?limit=2"]
--- response_body_like eval
['"next":"https://', '"next":"http://']
