# magasin_header: as add_header with "always", on every answer of a location.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;

# Headers of all kinds, beside that of the outer block.
our $config = <<'CONFIG';
magasin_json_errors on;
magasin_header X-Outer outer;
location / {
    magasin;
    client_max_body_size 10;
    magasin_header X-Text    "one text; 'quoted'";
    magasin_header X-Empty   "";
    magasin_header X-Alone   $arg_a;
    magasin_header X-Mixed   "<$arg_a>$arg_b";
    magasin_header X-Braces  "${arg_a}";
    magasin_header X-Id      $magasin_request_id;
}
location /outer { return 204; }
location /none { magasin_header X-Inner inner; return 404; }
location ~ ^/captured/(.*)$ { magasin_header X-Capture $1; return 204; }
location /if/ {
    magasin_header X-If no;
    if ($arg_a) { magasin_header X-If $arg_a; return 204; }
    return 200 "";
}
CONFIG

# $_[0] headers, as directives and as what is expected.
sub directives {
    return join '', map {"magasin_header X-$_ value-$_;"} 1 .. $_[0];
}

sub expected {
    return join "\n", map {"X-$_: value-$_"} 1 .. $_[0];
}

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();

MagasinTest::reset();
run_tests();

__DATA__

=== TEST 1: texts, variables, and what is empty
--- config eval: $::config
--- request eval
["GET /healthz?a=x&b=y", "GET /healthz", "GET /healthz?b=y", "HEAD /healthz?a=z"]
--- response_headers eval
[(map { "X-Text: one text; 'quoted'\n! X-Empty\n! X-Outer\n$_" }
    "X-Alone: x\nX-Mixed: <x>y\nX-Braces: x",
    "! X-Alone\nX-Mixed: <>\n! X-Braces",
    "! X-Alone\nX-Mixed: <>y\n! X-Braces",
    "X-Alone: z\nX-Mixed: <z>\nX-Braces: z")]
--- response_headers_like eval: [('X-Id: \d+\.\d{3}-\d+-\d+-\d+') x 4]
--- error_code eval: [(200) x 4]


=== TEST 2: errors have them, the module's and nginx's own
--- config eval: $::config
--- request eval
["GET /api/v1/nowhere/", "DELETE /healthz", "PUT /api/v1/products/3/\n{\"prix\": \"1.00\"}",
 "GET /healthz", "GET /api/v1/stores"]
--- more_headers eval
["X: y", "X: y", $MagasinTest::Json, "X-Request-ID: caisse-7", "X: y"]
--- response_headers eval
[map { "X-Text: one text; 'quoted'\nX-Mixed: <>" . ($_ ? "\nX-Id: $_" : '') }
    '', '', '', 'caisse-7', '']
--- error_code eval: [404, 405, 413, 200, 301]


=== TEST 3: blocks inherit what they have none of
--- config eval: $::config
--- request eval
["GET /outer", "GET /none", "GET /captured/abc", "GET /captured/", "GET /if/", "GET /if/?a=yes"]
--- response_headers eval
["X-Outer: outer", "X-Inner: inner\n! X-Outer", "X-Capture: abc", "! X-Capture",
 "X-If: no", "X-If: yes"]
--- error_code eval: [204, 404, 204, 204, 200, 204]


=== TEST 4: more of them than a part of nginx's list has room for
--- config eval
'magasin_cors https://a.example; location / { magasin; ' . ::directives(16)
    . ' add_header X-Last last always; add_header X-Sent $sent_http_x_16 always; }'
--- request eval
[("GET /api/v1/products/1/") x 2]
--- more_headers
Origin: https://a.example
--- response_headers eval
[(::expected(16) . "\nX-Last: last\nX-Sent: value-16\nVary: Origin") x 2]
--- error_code eval: [200, 200]


=== TEST 5: the most of a block
--- config eval
'location / { magasin; ' . ::directives(17) . ' }'
--- must_die
--- error_log
"magasin_header" directive has more than 16 headers in this block


=== TEST 6: an unknown variable
--- config
location / { magasin; magasin_header X-Text $nowhere; }
--- must_die
--- error_log
unknown "nowhere" variable


=== TEST 7: HTTP/2
--- http2
--- config eval: $::config
--- request
GET /healthz?a=x
--- response_headers
x-text: one text; 'quoted'
x-alone: x


=== TEST 8: variables that have changed since they were read
--- config
location /before/ {
    set $seen "$uri $args";
    rewrite ^/before(/.*) $1?later=1? last;
}
location /after/ {
    magasin_header X-Uri   $uri;
    magasin_header X-Args  $args;
    magasin_header X-Both  "$uri $args";
    return 204;
}
--- request
GET /before/after/?early=1
--- response_headers
X-Uri: /after/
X-Args: later=1
X-Both: /after/ later=1
--- error_code: 204


=== TEST 9: a limit, a page, a named location, a subrequest, and what a filter refuses
--- http_config
map $uri $seen { default $request_method; }
--- config
magasin_header X-Outer outer;
location /limited { limit_except GET { deny all; } return 204; }
location /failed { magasin_header X-Failed no; error_page 404 /page; return 404; }
location = /page { internal; magasin_header X-Page $status; return 200 page; }
location /named { magasin_header X-Failed no; error_page 418 = @named; return 418; }
location @named { magasin_header X-Named yes; return 204; }
location = /parts { ssi on; ssi_types *; default_type text/plain;
    magasin_header X-Parts $seen; return 200 '<!--# include virtual="/part" -->'; }
location = /part { magasin_header X-Part no; return 200 part; }
location = /index.html { if_modified_since before; magasin_header X-File $seen; }
--- user_files
>>> index.html
a file
--- request eval
["PUT /limited", "GET /failed", "GET /named", "GET /parts", "GET /index.html", "GET /index.html"]
--- more_headers eval
["X: y", "X: y", "X: y", "X: y", "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT",
 "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT"]
--- response_headers eval
["X-Outer: outer", "! X-Failed\nX-Page: 404", "! X-Failed\nX-Named: yes",
 "! X-Part\nX-Parts: GET", "X-File: GET", "X-File: GET"]
--- error_code eval: [403, 404, 204, 200, 412, 304]


=== TEST 10: a value that asks what the answer has already
--- http_config
map $sent_http_x_once $once { default ""; "" added; }
map $sent_http_location $place { default ""; "" here; }
--- config
location / {
    magasin_header X-Once   $once;
    magasin_header X-Place  $place;
    magasin_header X-Both   "$once$place";
    return 204;
    location = /moved { return 301 /elsewhere; }
}
--- request eval
["GET /", "GET /moved"]
--- response_headers eval
["X-Once: added\nX-Place: here", "X-Once: added\n! X-Place"]
--- error_code eval: [204, 301]
