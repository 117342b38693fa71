# What is wrong fails, and says why.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Suite;
use Test::More;

fails('wrong body', config(<<'END'), why => qr/status code\n.*not ok.*body/s);
--- response_body
hullo
END

fails('missing newline', config(<<'END'));
--- response_body chomp
hello
END

fails('pattern with its newline', config(<<'END'));
--- response_body_like
^hell
END

fails('pattern that must not match', config(<<'END'));
--- response_body_unlike
hell
END

fails('long body', <<'END', why => qr/got 6, expected 1000; differ at 0/);
=== TEST 1: long
--- config
location = /t { return 200 "hello\n"; }
--- request
GET /t
--- response_body eval
"x" x 1000
END

fails('wrong code', config('--- error_code: 201'), why => qr/got: '200'/);
fails('wrong default code', <<'END', why => qr/got: '404'/);
=== TEST 1: no such thing
--- config
--- request
GET /nothing
END
fails('wrong code pattern', config('--- error_code_like: ^5'));

fails('missing header', config(<<'END'), why => qr/header X-Foo/);
--- response_headers
X-Foo: bar
END

fails('forbidden header', config(<<'END'), why => qr/is not present/);
--- response_headers
! Content-Type
END

fails('header value that matches in part', config(<<'END'));
--- response_headers_like
Content-Type: text
END

fails('raw headers', config('--- raw_response_headers_like: X-Foo'));
fails('raw headers unlike', config('--- raw_response_headers_unlike: HTTP'));

fails('missing error_log line', config(<<'END'), why => qr/"blah" matches a/);
--- error_log
blah
END

fails('unwanted error_log line', <<'END', why => qr/the line: .*open\(\)/);
=== TEST 1: no such file
--- config
--- request
GET /nothing
--- error_code: 404
--- no_error_log
[error]
END

fails('grep_error_log', config(<<'END'));
--- grep_error_log: foo
--- grep_error_log_out
foo
END

fails('missing access_log line', config(<<'END'));
--- access_log
POST
END

fails('unwanted access_log line', config(<<'END'));
--- no_access_log
GET
END

fails('must_die that lives', config('--- must_die'), why => qr/must die/);

fails('a configuration that is wrong', <<'END',
=== TEST 1: typing error
--- config
nonsense;
--- request
GET /
=== TEST 2: a good one after it
--- config
--- request
GET /
END
    why    => qr/unknown directive "nonsense".*^ok 2/ms);

fails('location / twice', <<'END', why => qr/duplicate location/);
=== TEST 1: no no_root_location()
--- config
location / { return 200; }
--- request
GET /
END

fails('time out', <<'END', not_ok => 3, why => qr/the client timed out/);
=== TEST 1: slow
--- config
location = /t { limit_rate 1; return 200 "slow slow slow"; }
--- request
GET /t
--- timeout: 0.2
--- error_code: 200
--- response_body: slow slow slow
END

fails('expectations that are no arrays', <<'END', why => qr/must be an array/);
=== TEST 1: two
--- config
--- request eval
["GET /", "GET /"]
--- response_body
x
END

fails('wrong number of tests', config(), not_ok => 0, head => <<'END');
use Test::Nginx::Socket tests => 2;
no_shuffle();
END

fails('eval that does not compile', config(<<'END'), not_ok => 0,
--- no_error_log eval
]
END
    why => qr/syntax error/);

fails('variable that is not set', <<'END', why => qr/TEST_NGINX_NONE defined/);
=== TEST 1: none
--- config
set $x $TEST_NGINX_NONE;
--- request
GET /
END

fails('no request', <<'END', why => qr/no request section/);
=== TEST 1: none
--- config
END

fails('init that dies', config("--- init\ndie 'oh no'"), why => qr/oh no/);

fails('HTTP/2 to a server that has none', <<'END', not_ok => 2,
=== TEST 1: no HTTP/2
--- http2
--- config
location = /t { return 444; }
--- request
GET /t
END
    why => qr/curl failed/);

done_testing();
