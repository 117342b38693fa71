# magasin_redis: what it takes, and that Redis is never in the way, whether it
# is there, refuses, dies, falls silent or comes back.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;
use MagasinNginx;
use MagasinRedis qw(start tell finish ask);
use IO::Socket::INET;
use IO::Socket::UNIX;
use Time::HiRes qw(sleep time);

log_level('info');
no_root_location();
no_shuffle();

my $dir = $MagasinRedis::Directory;

$ENV{TEST_NGINX_REDIS} or die "TEST_NGINX_REDIS is not set (make test)\n";
$ENV{TEST_NGINX_REDIS_DIR} = $dir;
$ENV{TEST_NGINX_REDIS_PORT} = MagasinNginx::free_port();
$ENV{TEST_NGINX_REDIS_NO_PORT} = MagasinNginx::free_port();

# Wait until error.log has a line of this kind.
sub logged {
    my ($line) = @_;
    MagasinNginx::wait_for(sub {
        MagasinNginx::slurp(server_root() . '/logs/error.log') =~ $line;
    }) or die "the log does not say $line\n";
    return;
}

# speak(NAME, LINE...): a server that reads a line for each of these and says
# it, and then nothing more until the client leaves
sub speak {
    my ($name, @lines) = @_;

    my $listener = IO::Socket::UNIX->new(Local => "$dir/$name", Listen => 5)
        or die "no socket: $!\n";

    my $pid = fork;
    die "fork: $!\n" unless defined $pid;

    if ($pid == 0) {
        while (my $client = $listener->accept) {
            sysread $client, my $command, 65536 or next;
            print {$client} join '', map {"$_\r\n"} @lines;
            $client->flush;
            1 while sysread $client, $command, 65536;
        }
        require POSIX;
        POSIX::_exit(0);
    }

    MagasinRedis::adopt($name, $pid);
    return;
}

# Wait until /readyz calls the cache so.
sub await {
    my ($state) = @_;

    my $text = '';
    my $end  = time + 60;

    while (time < $end) {
        my $socket = IO::Socket::INET->new(
            PeerAddr => server_addr(),
            PeerPort => server_port(),
        ) or die "nginx is not there: $!\n";

        print {$socket} "GET /readyz HTTP/1.0\r\n\r\n";
        $text = do { local $/; <$socket> };
        return if $text =~ /"cache":"$state"/;
        sleep 0.01;
    }
    die "the cache is not \"$state\": $text\n";
}

# Without sections of its own a block asks /readyz once.

MagasinTest::each_block(sub {
    my ($block) = @_;

    $block->set_value(config => <<'END') unless defined $block->config;
    location / { magasin; }
END

    my $redis = $block->redis;

    # The default is soon over on a busy machine, and that is a warning.
    if (defined $redis && !defined scalar $block->must_die
        && $redis !~ /timeout=/)
    {
        $redis =~ s/\s*\z/ timeout=1s/;
    }
    my $database = $block->database;
    $database = "$ENV{TEST_NGINX_DATABASE}\n" unless defined $database;
    chomp $database;

    $block->set_value(http_config => join "\n",
        "magasin_database \"$database\";",
        "magasin_tokens \"$ENV{TEST_NGINX_TOKENS}\";",
        defined $redis ? "magasin_redis $redis;" : '');

    $block->set_value(request => "GET /readyz\n")
        unless defined $block->request;
    return;
});

start('plain', '--port', $ENV{TEST_NGINX_REDIS_PORT});
start('locked', '--requirepass', 'sesame opens=all');
start('mortal');
start('renamed', '--rename-command', 'AUTH', 'LOGIN');

speak('silent');
speak('other', 'HTTP/1.1 400 Bad Request', '');
speak('polite', ('+OK') x 5);
speak('deep', ('*1') x 20, '+OK');
speak('loading', '$11', "#\r\nrun_id:a", '-LOADING Redis is loading');

run_tests();

__DATA__

=== TEST 1: without the directive there is no cache
--- response_body chomp
{"status":"ok","database":"ok","cache":"off","writes":"ok","collations":"ok"}
--- no_error_log
magasin: no cache
[error]


=== TEST 2: a Redis that answers, at a Unix socket
--- redis
unix:$TEST_NGINX_REDIS
--- init
main::await('ok')
--- response_body chomp
{"status":"ok","database":"ok","cache":"ok","writes":"ok","collations":"ok"}
--- no_error_log
[warn]
[error]


=== TEST 3: at a port
--- redis
127.0.0.1:$TEST_NGINX_REDIS_PORT
--- init
main::await('ok')
--- response_body_like: "cache":"ok"
--- no_error_log
[warn]


=== TEST 4: at a name, which may stand for several addresses
--- redis
localhost:$TEST_NGINX_REDIS_PORT timeout=100ms
--- init
main::await('ok')
--- response_body_like: "cache":"ok"
--- no_error_log
[warn]


=== TEST 5: one that is not there is told once, and asked for again and again
--- redis
unix:$TEST_NGINX_REDIS_DIR/nobody
--- init
main::await('unavailable');
main::logged(qr/\[info\].*magasin: no cache from Redis at unix:\S+nobody/);
sleep 1;
--- response_body chomp
{"status":"ok","database":"ok","cache":"unavailable","writes":"ok","collations":"ok"}
--- grep_error_log eval
qr/\[warn\](?=.*magasin: no cache from Redis at unix:\S+nobody: No such file or directory)/
--- grep_error_log_out
[warn]
--- error_log eval
[qr/\[info\].*magasin: no cache from Redis at unix:\S+nobody/]
--- no_error_log
[error]


=== TEST 6: it comes when nginx runs already
--- redis
unix:$TEST_NGINX_REDIS_DIR/late
--- init
main::await('unavailable');
main::start('late');
main::await('ok');
main::finish('late');
--- request
GET /api/v1/products/999/
--- error_code: 404
--- error_log eval
[qr/\[notice\].*magasin: Redis at unix:\S+late answers again/]


=== TEST 7: the next address is tried when one fails
--- redis
unix:$TEST_NGINX_REDIS_DIR/nobody 127.0.0.1:$TEST_NGINX_REDIS_NO_PORT unix:$TEST_NGINX_REDIS
--- init
main::await('ok')
--- response_body_like: "cache":"ok"
--- error_log eval
[qr/\[info\].*Redis at unix:\S+nobody/, qr/\[info\].*Connection refused/]
--- no_error_log
[warn]


=== TEST 8: a password
--- redis
unix:$TEST_NGINX_REDIS_DIR/locked "password=sesame opens=all"
--- init
main::await('ok')
--- response_body_like: "cache":"ok"
--- no_error_log
[warn]


=== TEST 9: a wrong password is told, but not what it was
--- redis
unix:$TEST_NGINX_REDIS_DIR/locked password=abracadabra
--- init
main::await('unavailable')
--- response_body_like: ^\{"status":"ok","database":"ok","cache":"unavailable","writes":"ok","collations":"ok"\}$
--- error_log eval
[qr/\[warn\].*magasin: no cache from Redis at unix:\S+locked: AUTH was refused \(WRONGPASS\)/]
--- no_error_log
abracadabra


=== TEST 10: no password where one is wanted
--- redis
unix:$TEST_NGINX_REDIS_DIR/locked
--- init
main::await('unavailable')
--- response_body_like: "cache":"unavailable"
--- error_log
INFO was refused (NOAUTH)


=== TEST 11: a password where none is wanted
--- redis
unix:$TEST_NGINX_REDIS_DIR/plain password=abracadabra
--- init
main::await('unavailable')
--- response_body_like: "cache":"unavailable"
--- error_log
AUTH was refused (ERR)
--- no_error_log
abracadabra


=== TEST 12: a server that calls AUTH something else may repeat the password
--- redis
unix:$TEST_NGINX_REDIS_DIR/renamed password=abracadabra
--- init
main::await('unavailable');
main::logged(qr/AUTH was refused/);
sleep 0.7;
--- response_body_like: "cache":"unavailable"
--- error_log
AUTH was refused (ERR)
--- no_error_log
abracadabra


=== TEST 13: a database of its own
--- redis
unix:$TEST_NGINX_REDIS_DIR/plain db=3
--- init
main::await('ok');
main::ask('plain', qw(CLIENT LIST)) =~ / db=3 / or die "not in database 3\n";
--- response_body_like: "cache":"ok"
--- no_error_log
[warn]


=== TEST 14: a database that the server does not have
--- redis
unix:$TEST_NGINX_REDIS_DIR/plain db=99
--- init
main::await('unavailable')
--- response_body_like: "cache":"unavailable"
--- error_log
SELECT was refused (ERR)


=== TEST 15: killed under the worker's hands, and back
--- redis
unix:$TEST_NGINX_REDIS_DIR/mortal
--- init
main::await('ok');
main::finish('mortal');
main::await('unavailable');
main::start('mortal');
main::await('ok');
--- request
GET /api/v1/products/999/
--- error_code: 404
--- grep_error_log eval
qr/\[warn\](?=.*magasin: no cache .*mortal: Server closed the connection)|\[notice\](?=.*mortal answers again)|\[error\]/
--- grep_error_log_out eval
"[warn]\n[notice]\n"


=== TEST 16: the same nginx, and Redis stays away
--- redis
unix:$TEST_NGINX_REDIS_DIR/mortal
--- init
main::await('ok');
main::finish('mortal');
main::await('unavailable');
--- request eval
['GET /readyz', 'GET /api/v1/products/999/']
--- error_code eval
[200, 404]
--- response_body_like eval
['"cache":"unavailable"', '999']
--- no_error_log
[error]


=== TEST 17: a connection that is killed is made anew
--- redis
unix:$TEST_NGINX_REDIS_DIR/plain
--- init
main::await('ok');
main::ask('plain', qw(CLIENT KILL TYPE normal));
main::logged(qr/\[warn\].*no cache/);
main::await('ok');
--- response_body_like: "cache":"ok"
--- grep_error_log eval
qr/\[warn\](?=.*no cache)|\[notice\](?=.*answers again)/
--- grep_error_log_out
[warn]
[notice]


=== TEST 18: a silent server is noticed, and again when it speaks
--- redis
unix:$TEST_NGINX_REDIS_DIR/plain
--- init
main::await('ok');
main::tell('plain', 'STOP');
my $since = time;
main::await('unavailable');
my $took = time - $since;
main::tell('plain', 'CONT');
main::await('ok');
die "noticed after $took s\n" if $took > 20;
--- response_body_like: "cache":"ok"
--- grep_error_log eval
qr/\[warn\](?=.*no cache .*: no reply to PING)|\[notice\](?=.*answers again)/
--- grep_error_log_out
[warn]
[notice]


=== TEST 19: one that accepts and says nothing
--- redis
unix:$TEST_NGINX_REDIS_DIR/silent
--- init
main::await('unavailable');
main::logged(qr/connect timed out/);
--- response_body_like: "cache":"unavailable"
--- error_log eval
[qr/\[warn\].*no cache from Redis at unix:\S+silent: connect timed out/]


=== TEST 20: one that is no Redis
--- redis
unix:$TEST_NGINX_REDIS_DIR/other
--- init
main::await('unavailable');
--- response_body_like: "cache":"unavailable"
--- error_log eval
[qr/\[warn\].*no cache from Redis at unix:\S+other: Protocol error/]


=== TEST 21: one that agrees with everything
--- redis
unix:$TEST_NGINX_REDIS_DIR/polite
--- init
main::await('unavailable');
--- response_body_like: "cache":"unavailable"
--- error_log
INFO has a strange reply


=== TEST 22: replies that are nested too deep
--- redis
unix:$TEST_NGINX_REDIS_DIR/deep
--- init
main::await('unavailable');
--- response_body_like: "cache":"unavailable"
--- error_log eval
[qr/\[warn\].*no cache from Redis at unix:\S+deep: Protocol error: nested arrays/]


=== TEST 23: one that still reads its file is not in service yet
--- redis
unix:$TEST_NGINX_REDIS_DIR/loading
--- init
main::await('unavailable');
--- response_body_like: "cache":"unavailable"
--- error_log
PING was refused (LOADING)


=== TEST 24: ready is what the database says
--- database
host=/nonexistent dbname=magasin
--- redis
unix:$TEST_NGINX_REDIS
--- init
main::await('ok')
--- error_code: 503
--- response_body chomp
{"status":"unavailable","database":"unavailable","cache":"ok","writes":"unavailable","collations":"ok"}


=== TEST 25: an exit leaves nothing open
--- redis
unix:$TEST_NGINX_REDIS
--- init
main::await('ok')
--- response_body_like: "cache":"ok"
--- no_shutdown_error_log
open socket
[alert]
[warn]


=== TEST 26: nor with a server that does not answer
--- redis
unix:$TEST_NGINX_REDIS_DIR/silent
--- init
main::await('unavailable');
--- response_body_like: "cache":"unavailable"
--- no_shutdown_error_log
open socket
[alert]


=== TEST 27: an address is needed
--- redis
password=abracadabra db=1
--- must_die
--- error_log
"magasin_redis" directive needs an address before its options, as "unix:/run/redis/redis.sock" or "127.0.0.1:6379"
--- no_error_log
abracadabra


=== TEST 28: a socket has an absolute path
--- redis
unix:redis.sock
--- must_die
--- error_log
"magasin_redis" directive needs an absolute path after "unix:", as "unix:/run/redis/redis.sock"


=== TEST 29: a socket has a path
--- redis
unix:
--- must_die
--- error_log
needs an absolute path after "unix:"


=== TEST 30: the path of a socket is short
--- redis eval
'unix:/' . 'x' x 120
--- must_die
--- error_log
in "magasin_redis": too long path in the unix domain socket; write "unix:/path" or "host:port"


=== TEST 31: a port is a number
--- redis
127.0.0.1:redis
--- must_die
--- error_log
address "127.0.0.1:redis" in "magasin_redis": invalid port; write "unix:/path" or "host:port"


=== TEST 32: a name must be known when the configuration is read
--- redis
redis.invalid:6379
--- must_die
--- error_log
host "redis.invalid" in "magasin_redis" cannot be resolved; with a "resolver" in the block "http"


=== TEST 33: an address is not empty
--- redis
""
--- must_die
--- error_log
address "" in "magasin_redis": no host; write "unix:/path" or "host:port"


=== TEST 34: no URI
--- redis
redis://:abracadabra@127.0.0.1:6379/1
--- must_die
--- error_log
"magasin_redis" directive takes "unix:/path" or "host:port" and no URI; what a redis:// URI also says goes into "password=" and "db="
--- no_error_log
abracadabra


=== TEST 35: nor a password before the host
--- redis
:abracadabra@127.0.0.1
--- must_die
--- error_log
takes "unix:/path" or "host:port" and no URI
--- no_error_log
abracadabra


=== TEST 36: what is not known is told without its value
--- redis
127.0.0.1 pasword=abracadabra
--- must_die
--- error_log
"magasin_redis" does not know "pasword=": besides addresses it takes user=, password=, db=, timeout=, sentinel=, sentinel_user=, sentinel_password=, tls=, tls_name=, ca=, certificate= and key=
--- no_error_log
abracadabra


=== TEST 37: a password is not empty
--- redis
127.0.0.1 password=
--- must_die
--- error_log
"magasin_redis" directive has an empty "password=": leave it out when Redis wants none


=== TEST 38: a database is a number
--- redis
127.0.0.1 db=-1
--- must_die
--- error_log
"magasin_redis" directive takes "db" as a number from 0, below the "databases" of the server, which are 16 unless set


=== TEST 39: a timeout is a time
--- redis
127.0.0.1 timeout=soon
--- must_die
--- error_log
"magasin_redis" directive takes "timeout" as a time from 1ms to 1s, such as 50ms


=== TEST 40: a timeout is over nothing
--- redis
127.0.0.1 timeout=0
--- must_die
--- error_log
takes "timeout" as a time from 1ms to 1s


=== TEST 41: a timeout is no longer than a silence
--- redis
127.0.0.1 timeout=2s
--- must_die
--- error_log
takes "timeout" as a time from 1ms to 1s


=== TEST 42: once
--- redis
127.0.0.1; magasin_redis 127.0.0.1
--- must_die
--- error_log
"magasin_redis" directive is duplicate


=== TEST 43: in http and nowhere else
--- config
    location / { magasin; }
    magasin_redis 127.0.0.1;
--- must_die
--- error_log
"magasin_redis" directive is not allowed here


=== TEST 44: with something behind it
--- redis eval
''
--- must_die
--- error_log
invalid number of arguments in "magasin_redis" directive
