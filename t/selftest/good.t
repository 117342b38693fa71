# What is right passes, and counts as many tests as it should.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Suite;
use Test::More;

passes('status only', config(), count => 1);

passes('body, headers, log', config(<<'END'), count => 6);
--- response_body
hello
--- response_headers
Content-Type: text/plain
Content-Length: 6
! X-Foo
--- no_error_log
[error]
END

passes('repeated', config(<<'END'), count => 6, setup => "repeat_each(3);\n");
--- response_body
hello
END

passes('planned', config(<<'END'), count => 4, head => <<'HEAD');
--- response_body
hello
END
use Test::Nginx::Socket;
repeat_each(2);
plan tests => repeat_each() * (blocks() * 2);
no_shuffle();
HEAD

passes('patterns and filters', config(<<'END'), count => 7);
--- response_body_filters
uc
--- response_body_like chomp
^HEL+O$
--- response_body_unlike
hello
--- response_headers_like
Content-Type: text/.*
--- raw_response_headers_like: ^HTTP/1\.1 200 OK\r\n
--- raw_response_headers_unlike: X-Foo
--- error_code_like: ^2\d\d$
--- access_log
"GET /t HTTP/1.1" 200
END

my $no_root = "no_root_location();\n";

passes('several requests', <<'END', setup => $no_root, count => 10);
=== TEST 1: one connection each
--- config
location / { return 200 "$connection_requests $request_method $uri\n"; }
--- request eval
["/a", "POST /b\nbody"]
--- more_headers eval
["X-A: 1", "Content-Type: text/plain"]
--- response_body eval
["1 GET /a\n", "1 POST /b\n"]
=== TEST 2: one connection for all
--- config
location / { return 200 "$connection_requests $request_method $uri\n"; }
--- pipelined_requests eval
["GET /a", "POST /b\nbody", "HEAD /c"]
--- response_body eval
["1 GET /a\n", "2 POST /b\n", ""]
--- error_code eval
[200, 200, 200]
END

passes('a body as nginx sees it', <<'END', count => 12);
=== TEST 1: trimmed, counted
--- config
location = /t { proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/u; }
location = /u { return 200 "$content_length,$content_type"; }
--- request
POST /t

 three

--- response_body chomp
5,
=== TEST 2: framed by its headers
--- config
location = /t { return 200 "$content_length"; }
--- request eval
"POST /t\nab\n"
--- more_headers
Content-Length: 3
--- response_body: 3
=== TEST 3: chunked
--- config
location = /t { proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/u; }
location = /u { return 200 "$content_length"; }
--- more_headers
Transfer-Encoding: chunked
--- request eval
"POST /t\n5\r\nhello\r\n0\r\n\r\n"
--- response_body: 5
=== TEST 4: packets
--- config
location = /t { proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/u; }
location = /u { return 200 "$content_length"; }
--- request eval
[["POST /t\nhel", {value => "lo ", delay_before => 0.05}, "you"]]
--- response_body: 9
=== TEST 5: raw, in pieces
--- config
location = /t { return 200 "$http_host"; }
--- raw_request eval
["GET /t HTTP/1.1\r\nHo", "st: foo\r\nConnection: close\r\n\r\n"]
--- raw_request_middle_delay: 0.02
--- response_body: foo
=== TEST 6: HTTP/1.0 by name
--- config
location = /t { return 200 "$server_protocol $http_connection"; }
--- request
GET /t HTTP/1.0
--- response_body: HTTP/1.0 close
END

passes('HTTP/2', <<'END', count => 7);
=== TEST 1: GET
--- http2
--- config
location = /t { return 200 "$server_protocol $http_x $host"; }
--- request
GET /t
--- more_headers
X: y
--- response_body: HTTP/2.0 y localhost
=== TEST 2: several
--- http2
--- config
location = /t { proxy_pass http://unix:$TEST_NGINX_SERVER_ROOT/temp/u; }
--- http_config
server {
    listen unix:$TEST_NGINX_SERVER_ROOT/temp/u;
    return 200 "$request_method $content_length $content_type";
}
--- request eval
["PUT /t\nabc", "HEAD /t"]
--- more_headers eval
["Content-Type: a/b", ""]
--- response_body eval
["PUT 3 a/b", ""]
--- no_error_log
[error]
END

passes('must_die', <<'END', count => 3);
=== TEST 1: an unknown directive
--- config
nonsense;
--- must_die
--- error_log
[emerg]
unknown directive "nonsense"
END

passes('files and hooks', <<'END', count => 3, setup => <<'HEAD');
=== TEST 1: two files
--- user_files
>>> a.txt
the
file
>>> d/b.txt 201001020304.05
--- main_config
env FOO;
--- config
location = /v { return 200 "$TEST_NGINX_VALUE"; }
--- request
GET /a.txt
--- response_body
the
file
--- wait: 0.01
END
$ENV{TEST_NGINX_VALUE} = 'x';
env_to_nginx('BAR=baz');
add_block_preprocessor(sub {
    my ($block) = @_;
    $block->set_value('no_error_log', "[error]\n");
});
HEAD

passes('giving up', <<'END', count => 1);
=== TEST 1: the client leaves
--- config
location = /t { proxy_pass http://127.0.0.1:$TEST_NGINX_SERVER_PORT/u; }
location = /u { limit_rate 1; return 200 "a long time"; }
--- request
GET /t
--- timeout: 100ms
--- abort
--- ignore_response
--- no_error_log
[alert]
END

passes('skipping', <<'END', count => 6);
=== TEST 1: never
--- SKIP
--- config
nonsense;
=== TEST 2: old
--- config
--- request
GET /
--- skip_nginx: 3: >= 0.1.0
=== TEST 3: condition
--- config
--- request
GET /
--- skip_eval: 2: $^O
=== TEST 4: the last
--- LAST
--- config
--- request
GET /
=== TEST 5: after it
--- config
nonsense;
END

passes('logs', <<'END', count => 6, setup => "repeat_each(2);\n");
=== TEST 1: an error that is expected
--- config
--- request
GET /nothing
--- error_code: 404
--- error_log eval
qr/open\(\) .* failed/
--- grep_error_log eval
qr/No such \w+/
--- grep_error_log_out
No such file
END

passes('logs of its own block only', <<'END', count => 4);
=== TEST 1: an error
--- config
--- request
GET /nothing
--- error_code: 404
--- error_log
[error]
=== TEST 2: no error, the same nginx
--- config
--- request
GET /
--- no_error_log
[error]
END

passes('the log of the end', <<'END', count => 3);
=== TEST 1: a quiet end
--- log_level: notice
--- config
--- request
GET /
--- shutdown_error_log
signal 3 (SIGQUIT)
--- no_shutdown_error_log
[error]
END

passes('init sees nginx', <<'END', count => 2, setup => "master_on();\n");
=== TEST 1: reload
--- log_level: notice
--- config
--- init
open my $file, '<', Test::Nginx::Socket::server_root() . '/logs/nginx.pid';
kill HUP => <$file> + 0;
select undef, undef, undef, 0.1;
--- request
GET /
--- error_log
reconfiguring
END

done_testing();
