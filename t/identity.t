# magasin_identity: who it is, from variables that nginx has set.

use strict;
use warnings;

use lib 't/inc';
use File::Temp qw(tempdir);
use Test::More;
use MagasinConf;
use MagasinNginx;
use MagasinTest;

# What "nginx -t" says of a directive.

my $directory = tempdir('magasin-XXXXXX', TMPDIR => 1, CLEANUP => 1);
mkdir "$directory/logs";

sub tested {
    my ($directive) = @_;
    my $modules = join '',
        map {"load_module $_;\n"} split ' ', $ENV{TEST_NGINX_LOAD_MODULES};
    MagasinConf::put("$directory/nginx.conf", <<"CONF");
${modules}pid logs/nginx.pid;
error_log stderr notice;
events { }
http {
    access_log off;
    # A user may not make those of the system.
    client_body_temp_path body; proxy_temp_path proxy;
    fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    magasin_database "$ENV{TEST_NGINX_DATABASE}";
    magasin_tokens $ENV{TEST_NGINX_TOKENS};
    map \$request_method \$who { default ""; }
    server {
        listen 127.0.0.1:1;
        location ~ ^/(.*)\$ { magasin; $directive }
    }
}
CONF
    my $nginx = $ENV{TEST_NGINX_BINARY} || 'nginx';
    return `$nginx -t -p $directory/ -c $directory/nginx.conf 2>&1`;
}

for my $name (qw($http_x_user $HTTP_X_USER $arg_nom $args $cookie_nom $uri
    $document_uri $host $remote_user $request $request_uri $request_body
    $query_string $is_args $content_type $ssl_server_name $1
    $magasin_token $magasin_path $magasin_text_http_a $magasin_trace_id
    $magasin_request_id $magasin_address $proxy_add_x_forwarded_for
    $fastcgi_script_name $fastcgi_path_info $uid_got $uid_set
    $proxy_protocol_addr $proxy_protocol_tlv_alpn $ssl_session_id
    $ssl_session_reused $ssl_cipher $ssl_ciphers $ssl_curves $ssl_curve
    $ssl_alpn_protocol $server_protocol $realip_remote_addr $realip_remote_port
    ${http_x_user} $who$arg_nom))
{
    my ($variable) = $name =~ /(?:\$who)?\$\{?(\w+)/;
    like(tested("magasin_identity $name;"),
        qr/"magasin_identity": a client writes what "\$\Q$variable\E" has/,
        "$name is nobody");
    like(tested("magasin_identity \$who scopes=$name;"),
        qr/"magasin_identity": a client writes/, "and allows nothing");
    like(tested("magasin_identity \$who stores=$name;"),
        qr/"magasin_identity": a client writes/, "and no store");
}

for my $good ('$who', '$who scopes=$who', '$who stores=$who scopes=lecture',
    'off', '$ssl_client_s_dn', '$sent_http_x', '$upstream_http_x')
{
    like(tested("magasin_identity $good;"), qr/test is successful/, $good);
}

like(tested('magasin_identity caisse;'), qr/needs a variable that says/,
    'a constant would be everybody');
like(tested('magasin_identity $who rights=$who;'),
    qr/takes scopes= and stores= besides the name/, 'another parameter');
like(tested('magasin_identity $who scopes=$who scopes=$who;'),
    qr/has a parameter twice/, 'one twice');
like(tested('magasin_identity $who scopes=;'), qr/without a value/,
    'one without a value');
like(tested('magasin_identity $who; magasin_identity off;'),
    qr/is duplicate/, 'the directive twice');

# In this suite the client says who it is: the map hides that from nginx -t.

my $tokens = MagasinTest::tokens(caisse => 'lecture,ventes',
    ailleurs => 'stock,lecture magasins=2');
my $log = 'log_format qui escape=none "$magasin_token|$status";';
my $nginx = MagasinNginx->start(workers => 1, tokens => $tokens,
    http => <<"HTTP");
$log
map \$http_x_name   \$name   { default \$http_x_name; }
map \$http_x_scopes \$scopes { default \$http_x_scopes; }
map \$http_x_stores \$stores { default \$http_x_stores; }
magasin_zone identite:8m;
magasin_identity \$name scopes=\$scopes stores=\$stores;
HTTP

my %header = (name => 'X-Name', scopes => 'X-Scopes', stores => 'X-Stores',
    token => 'Authorization', key => 'Idempotency-Key',
    site => 'Sec-Fetch-Site', origin => 'Origin');

sub ask {
    my ($server, $request, $body, %who) = @_;
    my ($method, $path) = split ' ', $request;
    $path = "/api/v1/$path" unless $path =~ m{^/};
    return $server->ask(join "\r\n", "$method $path HTTP/1.1",
        'Host: localhost', 'Connection: close',
        'Content-Type: application/json',
        (map {"$header{$_}: $who{$_}"} sort keys %who),
        'Content-Length: ' . length $body, '', $body);
}

sub status { return (ask(@_))[0] }

sub body {
    my (undef, $answer) = ask(@_);
    return $answer =~ /\r\n\r\n(.*)\z/s ? $1 : $answer;
}

# The lines about identities in the error log.
sub told { return scalar(() = $nginx->log =~ /magasin: the identity "/g) }

my @adjust = ('POST stores/1/stock/4/adjust/', '{"delta":1}');
my %may    = (scopes => 'stock,lecture', stores => '1,4');

MagasinTest::reset();

is(status($nginx, @adjust), 401, 'nobody');
is(status($nginx, @adjust, name => '', %may), 401, 'an empty name is nobody');
is(status($nginx, @adjust, name => 'anne', %may), 200, 'somebody');
is(MagasinTest::sql('SELECT acteur FROM journal ORDER BY id DESC LIMIT 1'),
    'identite:anne', 'the journal knows who');
is(told(), 0, 'so far the log says nothing');is(told(), 0, 'so far the log says nothing');

is(body($nginx, 'GET me/', '', name => 'anne', %may),
    '{"nom":"anne","scopes":["stock","lecture"],"magasins":[1,4],"expire_le":null}',
    'GET /me/');
is(body($nginx, 'GET me/', '', name => 'anne', scopes => '', stores => '*'),
    '{"nom":"anne","scopes":[],"magasins":null,"expire_le":null}',
    'all stores');
is(body($nginx, 'GET me/', '', name => 'anne', scopes => '  ventes  prix ',
    stores => ''), '{"nom":"anne","scopes":["ventes","prix"],"magasins":[],"expire_le":null}',
    'scopes with blanks; no store');

is(status($nginx, @adjust, name => 'anne', scopes => 'stock', stores => ''),
    403, 'no store is not all stores');
is(status($nginx, @adjust, name => 'anne', scopes => 'stock', stores => '*'),
    200, 'all stores');
is(status($nginx, @adjust, name => 'anne', scopes => 'lecture', stores => '1'),
    403, 'without the scope');
is(status($nginx, @adjust, name => 'anne', scopes => 'stock', stores => '2'),
    403, 'in another store');
is(told(), 0, 'these are refusals like any other');

# What cannot be: 403 and one line.

my $before = MagasinTest::checksum();
for my $wrong (
    [ 'an unknown scope',  scopes => 'stock,tout' ],
    [ 'an empty scope',    scopes => 'stock,' ],
    [ 'a scope twice',     scopes => 'stock,stock' ],
    [ 'no number',         stores => '1,x' ],
    [ 'a negative one',    stores => '-1' ],
    [ 'zero',              stores => '0' ],
    [ 'a number too long', stores => '1' x 19 ],
    [ 'a star among them', stores => '1,*' ],
    [ '65 characters',     name => 'é' x 65 ],
    [ 'not UTF-8',         name => "anne\xff" ],
    [ 'a control character', name => "anne\x7f" ],
    [ 'another one',       name => "anne\xc2\x85" ],
    [ 'a script that has not waited', name => '[object Promise]' ],
    [ 'a script that says nothing',   name => 'undefined' ],
    [ 'a script that has nothing',    name => 'null' ],
    map { my $name = 'anne' . chr $_; utf8::encode($name);
        [ sprintf('U+%04X', $_), name => $name ] }
        0x200b .. 0x200f, 0x2028 .. 0x202e, 0x2060 .. 0x2069, 0xfeff,
    )
{
    my ($what, %change) = @$wrong;
    my $lines = told();
    is(status($nginx, @adjust, name => 'anne', %may, %change), 403, $what);
    is(told() - $lines, 1, 'one line');
}
is(MagasinTest::checksum(), $before, 'nothing was done');
is(status($nginx, @adjust, name => 'é' x 64, %may), 200, '64 characters');
for my $code (0x200a, 0x2010, 0x2027, 0x202f, 0x205f, 0x206a, 0xff01) {
    my $name = 'anne' . chr $code;
    utf8::encode($name);
    is(status($nginx, @adjust, name => $name, %may), 200, sprintf 'U+%04X', $code);
}
is(status($nginx, @adjust, name => $_, %may), 200, $_) for qw(nul nulle undefine);

# A token decides alone.

for my $wrong ('Token wrong', 'token secret-caisse', 'Token', 'TOKEN  x',
    "Token\tsecret-caisse", 'Token secret-caisse')
{
    is(status($nginx, @adjust, name => 'anne', %may, token => $wrong),
        $wrong eq 'Token secret-caisse' ? 403 : 401, "beside it: $wrong");
}
is(body($nginx, 'GET me/', '', name => 'anne', %may,
    token => 'Token secret-caisse'),
    '{"nom":"caisse","scopes":["lecture","ventes"],"magasins":null,"expire_le":null}',
    'a right token is who it is');
is(status($nginx, @adjust, name => 'anne', %may, token => 'Basic eDp5'),
    200, 'another scheme is for others');

# A browser sends a certificate or a cookie with what any page asks of it.

sub pages {
    my ($try, @cases) = @_;
    for my $case (@cases) {
        my ($what, $wanted, %page) = @$case;
        my $is = $try->(name => 'anne', %may, %page);
        is($is, $wanted, "a write of $what");
    }
    return;
}

my @strangers = (
    [ 'a page of another site', 403, site => 'cross-site' ],
    [ 'a page of a sister',     403, site => 'same-site' ],
    [ 'a page that says nothing', 403, site => '' ],
    [ 'a page that says more',  403, site => 'same-origin, none' ],
    [ 'both of them',           403, site => 'cross-site',
        origin => 'http://localhost' ],
    map { [ "a page of $_", 403, origin => $_ ] } 'https://evil.example', 'null',
        'http://localhost:81', 'http://localhost.evil.example', 'localhost',
        'http://evil.example/://localhost', 'http://', '');

$before = MagasinTest::checksum();
pages(sub { status($nginx, @adjust, @_) }, @strangers);
is(MagasinTest::checksum(), $before, 'nothing was done');
is(body($nginx, @adjust, name => 'anne', %may, site => 'cross-site'),
    '{"detail":"Une page d\'une autre origine ne peut agir avec votre identité."}',
    'what it is told');
pages(sub { status($nginx, @adjust, @_) },
    [ 'a page of ours', 200, site => 'same-origin' ],
    [ 'a person',       200, site => 'none' ],
    [ 'a page of ours whose Origin is that of a balancer', 200,
        site => 'same-origin', origin => 'http://balancer.example' ],
    [ 'an older browser', 200, origin => 'http://localhost' ],
    [ 'one behind TLS',   200, origin => 'HTTPS://LOCALHOST' ]);
is(status($nginx, 'GET me/', '', name => 'anne', %may, site => 'cross-site',
    origin => 'https://evil.example'), 200, 'a read changes nothing');
is(status($nginx, 'DELETE products/999/', '', name => 'anne', %may,
    scopes => 'produits', stores => '*', site => 'cross-site'), 403, 'no other write either');
is(status($nginx, @adjust, site => 'cross-site'), 401, 'nobody stays nobody');
is(status($nginx, 'POST sales/', '{}', name => 'anne', %may, site => 'cross-site',
    origin => 'https://evil.example', token => 'Token secret-caisse'), 400,
    'a token is sent by a script alone');

# 401 has its place, and tells who sent a Bearer token that it is none.

is(status($nginx, 'PURGE sales/', ''), 405, '405 comes first');
is(status($nginx, 'POST sales/?format=xml', '{}'), 404, 'and what comes before');
like((ask($nginx, @adjust))[1], qr/^WWW-Authenticate: Token\r$/m,
    'nothing was sent');
like((ask($nginx, @adjust, token => 'Bearer abc'))[1],
    qr/^WWW-Authenticate: Bearer error="invalid_token"\r$/m,
    'a Bearer token that is none');

# A key belongs to who sent it, and a token has no such id.

my @create = ('POST products/', '{"nom":"n","categorie":"c","prix":"1"}');
my %maker = (scopes => 'produits', stores => '*', key => 'k1');
my $first = body($nginx, @create, name => 'anne', %maker);
is(body($nginx, @create, name => 'anne', %maker), $first, 'once for one');
isnt(body($nginx, @create, name => 'bob', %maker), $first, 'once for another');
is(MagasinTest::sql('SELECT DISTINCT acteur FROM idempotence ORDER BY 1'),
    "identite:anne\nidentite:bob", 'by the name');

# Open reads ask nobody: what is wrong with an identity does not matter.

my $lines = told();
is(status($nginx, 'GET products/4/', '', name => 'anne', scopes => 'tout'),
    200, 'an open read');
is(told(), $lines, 'does not look at it');

# Where it is off, and where reads are guarded; and what the log says.

my %port = map { $_ => MagasinNginx::free_port() } qw(off read cors any);
my $other = MagasinNginx->start(workers => 1, tokens => $tokens, http => <<"HTTP");
$log
map \$http_x_name   \$name   { default \$http_x_name; }
map \$http_x_scopes \$scopes { default \$http_x_scopes; }
map \$http_x_stores \$stores { default \$http_x_stores; }
magasin_zone autre:8m;
magasin_identity \$name scopes=\$scopes stores=\$stores;
server {
    listen 127.0.0.1:$port{off};
    location / { magasin; magasin_identity off; }
}
server {
    listen 127.0.0.1:$port{read};
    access_log logs/access.log qui;
    location / { magasin; magasin_read on; }
    location = /healthz { magasin; magasin_read on; }
}
server {
    listen 127.0.0.1:$port{cors};
    location / { magasin; magasin_cors https://shop.example; }
}
server {
    listen 127.0.0.1:$port{any};
    location / { magasin; magasin_cors *; }
}
HTTP

sub at {
    my ($which, @request) = @_;
    local $other->{port} = $port{$which};
    return ask($other, @request);
}

MagasinTest::reset();

is((at('off', @adjust, name => 'anne', %may))[0], 401, 'off');
is((at('read', 'GET stores/1/', ''))[0], 401, 'a guarded read');
is((at('read', 'GET /healthz', ''))[0], 200, 'but not this one');
is((at('read', 'GET stores/1/', '', name => 'anne', scopes => 'stock',
    stores => '1'))[0], 403, 'without "lecture"');
my ($status, $answer) = at('read', 'GET stores/1/', '', name => 'anne', %may);
is($status, 200, 'with it');
like($answer, qr/^Cache-Control: private, no-cache\r$/m, 'for nobody else');
($status) = at('read', 'GET stores/2/', '', name => 'anne', %may);
is($status, 403, 'another store');
($status) = at('read', 'GET stores/2/', '', name => 'anne', %may,
    token => 'Token secret-ailleurs');
is($status, 200, 'by the token of that store');

is(MagasinNginx::slurp("$other->{root}/logs/access.log"), <<'LOG',
|401
|200
identite:anne|403
identite:anne|200
identite:anne|403
ailleurs|200
LOG
    'the access log');

# magasin_cors names pages that may; "*" names nobody.

pages(sub { (at('cors', @adjust, @_))[0] }, @strangers,
    [ 'a page that is named', 200, site => 'cross-site',
        origin => 'https://shop.example' ],
    [ 'the same in an older browser', 200, origin => 'https://shop.example' ]);
pages(sub { (at('any', @adjust, @_))[0] }, @strangers,
    [ 'a page of anybody', 403, site => 'cross-site',
        origin => 'https://shop.example' ],
    [ 'a page of ours', 200, origin => 'http://localhost' ]);

is($_->complaints, '', 'nothing else in the error log') for $nginx, $other;

done_testing();
