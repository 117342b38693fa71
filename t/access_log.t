# magasin_access_log: its lines are those of conf/access_log.conf to the byte;
# its buffer, its conditions, signals, a disk that is full, wrong directives.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use File::Temp;
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP;
use MagasinTest;
use MagasinNginx;

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

my $binary  = $ENV{TEST_NGINX_BINARY} || 'nginx';
my ($minor) = qx($binary -v 2>&1) =~ m{nginx/1\.(\d+)\.};
my $joins = defined $minor && $minor >= 23;

MagasinTest::reset();

my $product = '/api/v1/products/3/';
my $token   = 'Authorization: Token token-430';
my $json    = 'Content-Type: application/json';

sub lines_of {
    my ($node, $name) = @_;
    return split /^/, MagasinNginx::slurp("$node->{root}/logs/$name.log");
}

sub wait_lines {
    my ($node, $name, $count) = @_;
    return MagasinNginx::wait_for(
        sub { (my @lines = lines_of($node, $name)) >= $count });
}

sub plain {
    my ($path, @headers) = @_;
    return join "\r\n", "GET $path HTTP/1.1", 'Host: localhost',
        'Connection: close', @headers, '', '';
}

sub body {
    my ($method, $path, $text, @headers) = @_;
    return join "\r\n", "$method $path HTTP/1.1", 'Host: localhost',
        'Connection: close', @headers, 'Content-Length: ' . length $text, '', $text;
}


# The same line, whatever is asked.  The format has its own name for the id of a
# request, so that both make one.

{
    my $format = MagasinNginx::slurp('conf/access_log.conf');
    $format =~ s/\$magasin_request_id\b/\$old_request_id/g;

    my $dead = MagasinNginx::free_port();
    my $http2 = MagasinNginx::free_port();
    my $socket = File::Temp::tempdir(CLEANUP => 1) . '/node.sock';
    my $node = MagasinNginx->start(workers => 1,
        http => "$format log_subrequest on; magasin_zone magasin:8m;"
            . ' magasin_access_log logs/new.log; upstream nodes {'
            . " server 127.0.0.1:$dead max_fails=0; server unix:$socket; }",
        server => <<"CONF");
    access_log logs/old.log magasin;
    listen 127.0.0.1:$http2 http2;
    listen unix:$socket;
    magasin_json_errors on;
    large_client_header_buffers 4 16k;
    client_max_body_size 1k;
    location /moved/ { rewrite ^/moved(/.*) \$1 last; }
    location /named/ { try_files /none \@api; }
    location \@api { rewrite ^/named(/.*) \$1 break; magasin; }
    location /page/ { error_page 404 /api/v1/stores/1/; root html; }
    location /over/ { proxy_pass http://127.0.0.1:$dead/; }
    location /next/ { proxy_pass http://nodes/; proxy_next_upstream error; }
    location /silent/ { return 444; }
    location /parts/ { ssi on; ssi_types *; default_type text/plain;
        return 200 '<!--# include virtual="$product" --><!--# include virtual="/healthz" -->'; }
CONF

    my @requests = (
        plain($product), plain($product), plain("$product?secret=a%22b"),
        plain('/api/v1/products/'), plain('/api/v1/stores/1/stock/list/?page=2'),
        plain('/api/v1/reports/'), plain('/healthz'), plain('/readyz'), plain('/'),
        plain('/api/v1/nowhere/'), plain('/api/v1/products/99999/'),
        plain('/api/v1/products/3'), plain('/api/v1/products/3/?format=xml'),
        plain($product, 'Accept: text/html'),
        plain($product, 'If-None-Match: *'),
        plain($product, $token), plain($product, 'Authorization: Token nobody'),
        "HEAD $product HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "OPTIONS $product HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "GET $product HTTP/1.0\r\n\r\n", "GET /healthz\r\n",
        body('PUT', $product, '{"nom":"Thé","prix":"2.50"}', $token, $json),
        body('PUT', $product, '{"nom":"Thé"}', $json),
        body('PUT', $product, '{"nom":"Thé"}', 'Authorization: Token nobody', $json),
        body('PUT', $product, 'x' x 2000, $token, $json),
        body('PUT', $product, '{', $token, $json),
        body('POST', '/api/v1/sales/',
            '{"magasin":1,"lignes":[{"produit":1,"quantite":1}]}', $token, $json),
        (body('POST', '/api/v1/sales/', '{}', $token, $json,
            'Idempotency-Key: cle-1')) x 2,
        body('DELETE', '/api/v1/stores/', '', $token),
        (map { "$_ $product HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" }
            'PROPFIND', 'TRACE', 'LOCK', 'BREW', 'A_B'),
        # What nginx refuses before it is a request
        "GET /\"\\\x01\xff HTTP/1.1\r\nHost: a\r\n\r\n", "get / HTTP/1.1\r\n\r\n",
        "A\"B\\ / HTTP/1.1\r\n\r\n", "\xff\xfe\r\n\r\n", "GET / HTTP/3.7\r\n\r\n",
        "GET $product HTTP/1.1\r\n\r\n", 'GET /' . 'a' x 20000 . " HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nX: " . 'a' x 20000 . "\r\n\r\n",
        # Paths: each place in a word of eight bytes, and what is no UTF-8
        (map { plain('/api/v1/' . 'x' x 7 . 'y' x $_ . '"') } 0 .. 8),
        (map { plain('/api/v1/' . 'x' x $_ . "\\y") } 0 .. 8),
        (map { plain('/api/v1/' . 'x' x $_ . "\xff" . 'z' x 3) } 0 .. 8),
        (map { plain("/api/v1/\xe2\x80$_/") } "\xa8", "\xa9", 'a', "\xff"),
        (map { plain("/api/v1/$_/?secret=$_") } (map {chr} 0x21 .. 0xff),
            "\xc3\xa9", "\xf0\x9f\x98\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
            '%22%0A%C3%A9%ff', "\x{7f}", 'b?c', '#d', '//'),
        plain('/' . 'a' x 8000), plain('/api/v1/' . "\xff" x 4000 . '/'),
        plain('/api/v1/' . '"' x 4000 . '/?' . 'q' x 2000),
        # Ids
        (map { plain($product, "X-Request-ID: $_") } 'caisse-1.A_~+/=:', 'a' x 128,
            'a' x 129, 'a b', 'a"b', "\xff", 'a;', ' ', 'a,b'),
        (map { plain('/', "X-Request-ID: $_") } 'dehors', 'a b'),
        # From nginx 1.23 on, $http_x_request_id has both, and is no id then.
        ($joins ? () : plain($product, 'X-Request-ID: un',
            'X-Request-ID: deux')),
        (map { plain($product, "traceparent: $_") }
            '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', 'none'),
        # Elsewhere
        plain("/moved$product"), plain("/named$product"), plain('/page/x'),
        plain("/over$product"), plain("/next$product"), plain("/next$product"),
        plain('/next/silent/'), plain('/silent/'), plain('/parts/'));

    $node->ask($_) for @requests;

    system('curl', '-q', '-sS', '-o', '/dev/null', '--http2-prior-knowledge',
        '-H', 'X-Request-ID: second', "http://127.0.0.1:$http2$_")
        for $product, '/api/v1/nowhere/?secret=1', '/over/', '/parts/';

    my $unix = IO::Socket::UNIX->new(Peer => $socket) or die "connect: $!\n";
    print {$unix} plain($product);
    $unix->flush;
    1 while sysread $unix, my $answer, 4096;

    # A client's own socket has a path that it chooses.
    my $named = "$socket.a\"b\\c";
    $unix = IO::Socket::UNIX->new(Peer => $socket, Local => $named)
        or die "connect: $!\n";
    print {$unix} plain($product);
    $unix->flush;
    1 while sysread $unix, $answer, 4096;

    # A client that leaves while its statement waits.
    my $held = MagasinTest::hold('LOCK TABLE produit IN ACCESS EXCLUSIVE MODE');
    my $gone = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $node->{port}) or die "connect: $!\n";
    print {$gone} "GET /api/v1/products/?q=secret HTTP/1.1\r\nHost: localhost\r\n\r\n";
    $gone->flush;
    MagasinNginx::wait_for(sub {
        MagasinTest::sql(q{SELECT count(*) FROM pg_locks
            WHERE NOT granted AND relation = 'produit'::regclass}) > 0;
    });
    close $gone;
    MagasinNginx::wait_for(sub { grep {/"status":499/} lines_of($node, 'old') });
    MagasinTest::release($held);

    my (@old, @new);
    MagasinNginx::wait_for(sub {
        @old = lines_of($node, 'old');
        @new = lines_of($node, 'new');
        return @old == @new && @old > @requests;
    });
    cmp_ok(scalar @old, '>', @requests, 'each request has a line');
    is(scalar @new, scalar @old, 'in both logs');
    my @differ = grep { ($new[$_] // '') ne $old[$_] } 0 .. $#old;
    is(scalar @differ, 0, 'and all lines are equal to the byte')
        or diag map {"old $old[$_]new $new[$_]"} @differ[ 0 .. 2 ];

    my @values = map { eval { JSON::PP->new->utf8->decode($_) } } @new;
    is(scalar @values, scalar @new, 'all are JSON in UTF-8');
    my %seen = map { $_->{status} // 'none' => 1 } @values;
    for my $status (200, 201, 301, 304, 400, 401, 404, 405, 406, 413, 414, 444, 499, 502) {
        ok($seen{$status}, "there is a $status");
    }
    for my $case ([ client => 'unix:' ], [ client => "unix:$named" ], [ request_id => 'second' ],
        [ request_id => 'caisse-1.A_~+/=:' ], [ token => 'demo' ], [ cache => 'MISS' ],
        [ cache => 'HIT' ], [ trace_id => '4bf92f3577b34da6a3ce929d0e0e4736' ],
        [ route => '/api/v1/products/{id}/' ], [ method => 'BREW' ])
    {
        my ($name, $value) = @$case;
        ok(scalar(grep { $_->{$name} eq $value } @values), "$name $value");
    }
    ok(scalar(grep { $_->{node} =~ /:$dead, unix:/ } @values), 'both nodes that were asked');
    ok(scalar(grep { defined $_->{db_time} } @values), 'a time in the database');
    my $text = join '', @new;
    unlike($text, qr/secret|token-430|nobody/, 'no secret is in it');

    ok($node->stop, 'it ends');
    is($node->complaints, '', 'nothing is wrong in the log');
}


# The module's own id stands in the answer and in the line; a map overrides it.

{
    my $node = MagasinNginx->start(workers => 1,
        http => 'magasin_access_log logs/new.log;',
        server => 'add_header X-Request-ID $magasin_request_id always;');
    my %seen;
    for my $wanted ('', 'caisse-7', 'a b', 'x' x 129) {
        my (undef, $answer) = $node->ask(plain($product,
            $wanted eq '' ? () : "X-Request-ID: $wanted"));
        my ($id) = $answer =~ /^X-Request-ID: (\S*)\r$/m;
        $seen{ $id // 'none' }++;
        like($id, qr/\A(?:caisse-7|\d+\.\d{3}-\d+-\d+-1)\z/, "the id for \"$wanted\"");
        ok(MagasinNginx::wait_for(sub {
            grep {/"request_id":"\Q$id\E"/} lines_of($node, 'new')
        }), '  is in the log');
    }
    is(scalar keys %seen, 4, 'each request has another');
    ok($seen{'caisse-7'}, "a client's own is taken");
    $node->stop;

    $node = MagasinNginx->start(workers => 1,
        http => 'map $uri $magasin_request_id { default "a\"$uri"; }'
            . ' magasin_access_log logs/new.log;',
        server => 'add_header X-Request-ID $magasin_request_id always;');
    my (undef, $answer) = $node->get('/healthz');
    like($answer, qr{^X-Request-ID: a"/healthz\r$}m, 'a map of that name counts');
    ok(MagasinNginx::wait_for(sub {
        grep {m{"request_id":"a\\"/healthz"}} lines_of($node, 'new')
    }), '  in the log too, with its escapes');
    $node->stop;

    $node = MagasinNginx->start(workers => 1, http => 'magasin_access_log logs/new.log;',
        server => 'set $magasin_request_id $arg_id;');
    $node->get("/healthz?id=a\"b\\c\xff");
    ok(wait_lines($node, 'new', 1), '"set" of that name has a line');
    my ($line) = grep {m{"/healthz"}} lines_of($node, 'new');
    is(eval { JSON::PP->new->utf8->decode($line)->{request_id} }, "a\"b\\c\x{fffd}",
        '  with its escapes') or diag $line;
    $node->stop;
}


# What is read of a node before it has ended is not what the line says.

{
    my $port = MagasinNginx::free_port();
    my $node = MagasinNginx->start(workers => 1, port => $port,
        http => 'magasin_access_log logs/new.log;', server => <<"CONF");
    location /over/ {
        add_header X-Node "\$upstream_addr \$upstream_response_time" always;
        proxy_pass http://127.0.0.1:$port/;
    }
CONF
    my (undef, $answer) = $node->get('/over/healthz');
    like($answer, qr{^X-Node: 127\.0\.0\.1:$port -\r$}m, 'a header has no time yet');
    my $line;
    ok(MagasinNginx::wait_for(sub {
        ($line) = grep {m{"path":"/over/healthz"}} lines_of($node, 'new');
    }), '  and there is a line');
    like($line, qr/"node":"127\.0\.0\.1:$port","node_time":"\d+\.\d{3}"/, '  that has it');
    $node->stop;
}


# Where it is off, several, and with a condition.

{
    my $node = MagasinNginx->start(workers => 1, http => <<'CONF', server => <<'CONF2');
    map $status $bad { ~^[45] 1; 500 yes; default 0; }
    map $uri $some { /healthz ""; default anything; }
    magasin_access_log logs/all.log;
    magasin_access_log logs/bad.log buffer=1k if=$bad;
    magasin_access_log logs/some.log if=$some;
CONF
    location = /off { magasin_access_log off; return 204; }
    location = /own { magasin_access_log logs/own.log; return 204; }
    location /if/ { if ($arg_x) { magasin_access_log off; } return 204; }
CONF2
    $node->code($_) for '/healthz', '/off', '/own', '/if/', '/if/?x=1', '/none';
    wait_lines($node, 'all', 4);
    my $paths = sub {
        return join ' ', grep { $_ ne '/readyz' }
            map { decode_json($_)->{path} } lines_of($node, $_[0]);
    };
    is($paths->('all'), '/healthz /if/ /none', 'off, and a log of its own');
    is($paths->('own'), '/own', '  which has its line');
    is($paths->('some'), '/if/ /none', 'an empty condition');
    is($paths->('bad'), '', 'a buffer keeps lines');
    ok($node->stop, 'until the end');
    is($paths->('bad'), '/none', '  and they are those of the condition');
}


# The buffer: by time, by size, on USR1, and before a line that does not fit.

{
    my $node = MagasinNginx->start(workers => 1,
        http => 'magasin_access_log logs/time.log buffer=64k flush=50ms;'
            . ' magasin_access_log logs/size.log buffer=1k;'
            . ' magasin_access_log logs/kept.log buffer=64k;'
            . ' magasin_access_log logs/tiny.log buffer=16;');
    $node->code('/healthz');
    ok(wait_lines($node, 'time', 1), 'flush= writes after a time');
    is(scalar(() = lines_of($node, 'kept')), 0, 'without it nothing is written');
    $node->code('/healthz') for 1 .. 8;
    wait_lines($node, 'time', 9);
    my @size = lines_of($node, 'size');
    cmp_ok(scalar @size, '>', 3, 'a full buffer is written');
    $node->ask(plain('/' . 'a' x 3000));
    my @time;
    MagasinNginx::wait_for(sub {
        @time = lines_of($node, 'time');
        return $time[-1] =~ /aaa/;
    });
    @size = lines_of($node, 'size');
    is(scalar @size, scalar @time, 'a line that does not fit is written at once');
    is_deeply(\@size, \@time, '  after those before it');
    is_deeply([ lines_of($node, 'tiny') ], \@time, 'a buffer smaller than a line');

    my $root = $node->{root};
    rename "$root/logs/kept.log", "$root/logs/moved.log" or die "rename: $!\n";
    $node->code('/healthz');
    wait_lines($node, 'time', @time + 1);
    is(scalar(() = lines_of($node, 'moved')), 0, 'a long buffer has them all');
    kill 'USR1', $node->master;
    ok(wait_lines($node, 'moved', @time + 1), 'USR1 writes to the old file');
    ok(MagasinNginx::wait_for(sub { -e "$root/logs/kept.log" }), '  and opens a new one');
    $node->code('/healthz');
    $node->stop;
    my @kept = lines_of($node, 'kept');
    is(scalar @kept, 1, '  which has what came after');
    is(scalar(() = lines_of($node, 'moved')) + @kept, scalar(() = lines_of($node, 'time')),
        'no line is lost');
    is($node->complaints, '', 'nothing is wrong in the log');
}


# A reload keeps the files; a kill leaves whole lines.

{
    my $node = MagasinNginx->start(workers => 2,
        http => 'magasin_access_log logs/all.log buffer=4k flush=1s;');
    my $load = $node->load(connections => 4,
        requests => [ MagasinNginx::get_request('/healthz') ]);
    ok($node->reload, "a reload under load: $_") for 1, 2;
    my $count = $load->finish;
    $node->stop;
    my @lines = grep {!/readyz/} lines_of($node, 'all');
    is(scalar @lines, $count->{200}, 'each request has a line');
    is(scalar(grep { !eval { decode_json($_) } } @lines), 0, '  a whole one');
    is($node->complaints, '', 'nothing is wrong in the log');
}


# A disk that is full: one alert, and the answers go on.

for my $options ('', ' buffer=512 flush=10ms') {
    my $node = MagasinNginx->start(workers => 1,
        http => "magasin_access_log /dev/full$options; magasin_access_log logs/all.log;");
    my @workers = $node->workers;
    is(scalar(grep { $node->code('/healthz') == 200 } 1 .. 30), 30,
        "a full disk does not stop answers:$options");
    ok(MagasinNginx::wait_for(sub { $node->log =~ m{"/dev/full" failed} }), 'an alert says so');
    is_deeply([ $node->workers ], \@workers, 'no worker dies');
    ok($node->stop, 'it ends');
    is(scalar(() = $node->log =~ m{write\(\) to "/dev/full" failed \(28}g), 1, '  once');
    cmp_ok(scalar(() = lines_of($node, 'all')), '>', 29, 'another file has its lines');
    is($node->complaints('/dev/full'), '', 'and no other');
}


# With access_log on the same path: two descriptors, whole lines.

{
    my $node = MagasinNginx->start(workers => 1,
        http => 'log_format id escape=json \'{"old":"$uri"}\';'
            . ' magasin_access_log logs/both.log buffer=1k;',
        server => 'access_log logs/both.log id buffer=2k flush=20ms;'
            . ' location = /plain { access_log logs/both.log id; return 204; }');
    $node->code('/healthz') for 1 .. 20;
    $node->stop;
    my @lines = lines_of($node, 'both');
    is(scalar(grep { !eval { decode_json($_) } } @lines), 0, 'one path for both logs');
    is(scalar(grep {/"old"/} @lines) * 2, scalar @lines, '  has the lines of both');
}


# /dev/stderr is where containers look.

{
    my $node = MagasinNginx->start(workers => 1, http => 'magasin_access_log /dev/stderr;');
    is($node->code('/healthz'), 200, '/dev/stderr is a path');
    ok($node->stop, 'it ends');
}


# What "nginx -t" refuses.

for my $case (
    [ 'magasin_access_log;', 'invalid number of arguments' ],
    [ 'magasin_access_log off a;', 'parameters after "off"' ],
    [ 'magasin_access_log logs/a.log; magasin_access_log off;', '"off" and has a path' ],
    [ 'magasin_access_log off; magasin_access_log logs/a.log;', '"off" and has a path' ],
    [ 'magasin_access_log logs/a.log flush=1s;', '"flush=" without "buffer="' ],
    [ 'magasin_access_log logs/a.log buffer=0;', 'invalid value of "buffer="' ],
    [ 'magasin_access_log logs/a.log buffer=x;', 'invalid value of "buffer="' ],
    [ 'magasin_access_log logs/a.log buffer=1k flush=0;', 'invalid value of "flush="' ],
    [ 'magasin_access_log logs/a.log buffer=1k flush=x;', 'invalid value of "flush="' ],
    [ 'magasin_access_log logs/a.log magasin;', 'invalid parameter "magasin"' ],
    [ 'magasin_access_log logs/a.log if=$nowhere_known;', 'unknown "nowhere_known" variable' ],
    [ 'magasin_access_log logs/$host.log;', 'without variables; "logs/$host.log"' ],
    [ 'magasin_access_log syslog:server=localhost;', 'the path of a file' ],
    [ 'magasin_access_log logs/a.log buffer=1k; magasin_access_log logs/a.log;',
        'another "buffer=" or "flush="' ],
    [ 'magasin_access_log nowhere/a.log;', 'nowhere/a.log" failed' ])
{
    my ($directive, $message) = @$case;
    my $root = File::Temp::tempdir('magasin-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    mkdir "$root/logs";
    open my $file, '>', "$root/nginx.conf" or die "nginx.conf: $!\n";
    print {$file} "load_module $ENV{TEST_NGINX_LOAD_MODULES};\n"
        . "pid logs/pid; error_log logs/error.log; events { }\n"
        . "http { access_log off; $directive }\n";
    close $file;
    my $nginx = $ENV{TEST_NGINX_BINARY} || 'nginx';
    my $said = `$nginx -t -p $root/ -c $root/nginx.conf 2>&1`;
    like($said, qr/\[emerg\].*\Q$message\E/, $directive);
}

MagasinTest::reset();
done_testing();
