# conf/identity/: client certificates, a proxy that knows sessions, JSON Web
# Tokens; and who tries to be somebody else.

use strict;
use warnings;

use lib 't/inc';
use File::Temp qw(tempdir);
use JSON::PP qw(encode_json);
use MIME::Base64 qw(encode_base64url decode_base64url);
use Test::More;
use MagasinConf;
use MagasinNginx;
use MagasinTest;

my $directory = tempdir('magasin-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $directory;

sub run {
    my (@command) = @_;
    system("cd $directory && @command >openssl.log 2>&1") == 0
        or die "@command: " . MagasinNginx::slurp("$directory/openssl.log");
    return;
}

my @adjust = ('POST', 'stores/1/stock/4/adjust/', '{"delta":1}');
my @sell   = ('POST', 'sales/', '{"magasin":1,"lignes":[{"produit":4,"quantite":1}]}');
my @other  = ('POST', 'sales/', '{"magasin":2,"lignes":[{"produit":4,"quantite":1}]}');

my $port;
my @tls;

# call(METHOD, PATH, BODY, CURL ARGUMENT...): status and body.
sub call {
    my ($method, $path, $body, @arguments) = @_;
    my $base = @tls ? "https://magasin.example:$port" : "http://127.0.0.1:$port";
    my @command = ('curl', '-s', '-m', '30', '--noproxy', '*', '-X', $method,
        '-w', '\n%{http_code}', @tls, @arguments,
        ($body ne '' ? ('-H', 'Content-Type: application/json', '-d', $body) : ()),
        ($path =~ m{^/} ? "$base$path" : "$base/api/v1/$path"));
    open my $pipe, '-|', @command or die "curl: $!\n";
    my $text = do { local $/; <$pipe> } // '';
    close $pipe;
    $text =~ s/\n(\d{3})\z// or die "curl says $text\n";
    return ($1, $text);
}

sub status { return (call(@_))[0] }

sub who {
    my (@arguments) = @_;
    my ($status, $body) = call('GET', 'me/', '', @arguments);
    return $status == 200 ? $body : $status;
}

sub make {
    my ($file, $change) = @_;
    $port = MagasinNginx::free_port();
    @tls  = ();
    my $nginx = MagasinConf::make(include => ["conf/identity/$file"],
        change => sub {
            my ($self) = @_;
            s{listen\s+(?:443|127\.0\.0\.1:8082)}{listen 127.0.0.1:$port};
            s{/etc/magasin/(?:tls|identity)/}{$directory/}g;
            s{^\s*magasin_exempt\s.*$}{}m;
            s{rate=100r/s}{rate=10000r/s};
            MagasinConf::put("$self->{root}/tokens",
                MagasinNginx::slurp(MagasinTest::tokens(caisse => 'lecture,ventes'))
                . MagasinNginx::slurp("$MagasinTest::Top/conf/tokens.demo"));
            chmod 0644, "$self->{root}/tokens";
            $change->($self) if $change;
        });
    is(MagasinConf::tested($nginx), '', "nginx -t takes $file");
    MagasinTest::reset();
    return MagasinConf::start($nginx);
}

my @token = ('-H', 'Authorization: Token secret-caisse');
my @wrong = ('-H', 'Authorization: Token wrong');

# After each: who a header cannot make a client of, and what goes before 401.
sub same {
    my (@good) = @_;

    is(status('GET', 'products/4/', ''), 401, 'nobody reads');
    is(status(@sell), 401, 'nobody sells');
    is(status('PURGE', 'sales/', ''), 405, '405 comes before 401');
    is(status('GET', 'sales/?format=xml', ''), 404, 'and 404 of a format');
    is(status('GET', 'sales/', '', '-H', 'Accept: text/html'), 406, 'and 406');
    is(status(@sell, @wrong, @good), "@good" =~ /Authorization/ ? 400 : 401,
        'a wrong token beside a good identity decides');
    is(who(@token),
        '{"nom":"caisse","scopes":["lecture","ventes"],"magasins":null,"expire_le":null}',
        'a token alone');
    for my $name (qw(X-Auth-Request-User X-Auth-Request-Groups X-Forwarded-User
        X-Magasin-Name X-Magasin-Scopes X-Magasin-Stores X-Identity-Name
        identity_name Remote-User X-SSL-Client-Verify))
    {
        my $value = $name =~ /Stores/ ? '*' : $name =~ /Scopes/ ? 'ventes'
            : $name =~ /Groups/ ? 'siege' : $name =~ /Verify/ ? 'SUCCESS' : 'siege-anne';
        is(who('-H', "$name: $value"), 401, "a header $name is nobody");
    }
    is(status(@sell, '-b', 'identity_name=siege-anne', '-u', 'siege-anne:x'),
        401, 'nor a cookie, nor a password');
    is(status('GET', 'me/?identity_name=siege-anne&name=siege-anne', ''), 401,
        'nor an argument');
    is(status('GET', '/identity', ''), 404, 'nobody asks by himself')
        if !@tls;
    return;
}

# Whoever asks: what conf/nginx.conf has for clients counts here too.
sub limited {
    my ($file, $change) = @_;
    my $server = make($file, sub {
        s{rate=10000r/s}{rate=1r/m};
        s{burst=400}{burst=8}g;
        $change->(@_) if $change;
    });
    @tls = ('--cacert', "$directory/fullchain.pem", '--resolve',
        "magasin.example:$port:127.0.0.1") if $file eq 'mtls.conf';
    is(status('GET', '/healthz', ''), 200, "$file: it lives");
    is(status('GET', 'products/4/', ''), 401, '  nobody reads');
    my ($limited) = grep { $_->[0] == 429 }
        map { [ call('GET', $_ % 2 ? '/healthz' : 'products/4/', '') ] } 1 .. 12;
    like($limited->[1] // '', qr/^\{"detail":"Trop/, '  the limit of requests');
    like(MagasinNginx::slurp("$MagasinTest::Top/conf/identity/$file"),
        qr/^    limit_conn  magasin_connections 200;$/m, '  and of connections');
    return;
}

# What a page makes the browser of who may do it send: forms, and nothing.
sub forged {
    my (@good) = @_;
    my $own = @tls ? "https://magasin.example:$port" : "http://127.0.0.1:$port";
    my $products = MagasinTest::sql('SELECT count(*) FROM produit');
    my @form = ('-d', 'nom=n&categorie=c&prix=1');

    for my $page ('Sec-Fetch-Site: cross-site', 'Sec-Fetch-Site: same-site',
        'Origin: https://evil.example', 'Origin: null')
    {
        for my $body (\@form, [ '-F', 'nom=n', '-F', 'categorie=c', '-F', 'prix=1' ],
            [ '-d', '' ], [ '-H', 'Content-Type: text/plain', '-d', '{}' ])
        {
            is(status('POST', 'products/', '', @good, '-H', $page, @$body), 403,
                "$page: @$body");
        }
        is(status('DELETE', 'products/4/', '', @good, '-H', $page), 403,
            "$page: DELETE");
    }
    is(status('POST', 'products/', '', @good, @form, '-H', $_), 201, $_)
        for 'Sec-Fetch-Site: same-origin', "Origin: $own", 'X: no browser';
    is(MagasinTest::sql('SELECT count(*) FROM produit'), $products + 3,
        'nothing else was done');
    return;
}

# Client certificates.

sub certificate {
    my ($name, $subject, %option) = @_;
    my $ca = $option{ca} // 'clients-ca';
    run("openssl req -new -newkey rsa:2048 -nodes -subj '$subject'"
        . " -keyout $name.key -out $name.csr");
    run(exists $option{ca} && !defined $option{ca}
        ? "openssl x509 -req -in $name.csr -signkey $name.key -days 1 -out $name.pem"
        : "openssl x509 -req -in $name.csr -CA $ca.pem -CAkey $ca.key"
        . " -CAcreateserial -days " . ($option{days} // 1) . " -out $name.pem");
    return;
}

for my $ca (qw(clients-ca other-ca)) {
    run("openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=$ca"
        . " -keyout $ca.key -out $ca.pem");
}
run('openssl req -x509 -newkey rsa:2048 -nodes -days 1'
    . ' -subj /CN=magasin.example -addext subjectAltName=DNS:magasin.example'
    . ' -keyout privkey.pem -out fullchain.pem');
certificate('till', '/O=Boutique/CN=caisse-1-7');
certificate('head', '/O=Boutique/CN=siege-anne');
certificate('guest', '/O=Ailleurs/CN=siege-anne');
certificate('liar', '/O=Boutique/CN=x\,CN=siege-anne');
certificate('longer', '/O=Boutique/CN=siege-anne/CN=caisse-1-7');
certificate('self', '/O=Boutique/CN=siege-anne', ca => undef);
certificate('stranger', '/O=Boutique/CN=siege-anne', ca => 'other-ca');
certificate('old', '/O=Boutique/CN=siege-anne', days => -1);

sub with { return ('--cert', "$directory/$_[0].pem", '--key', "$directory/$_[0].key") }

my $nginx = make('mtls.conf');
@tls = ('--cacert', "$directory/fullchain.pem", '--resolve',
    "magasin.example:$port:127.0.0.1");

is(who(with('till')), '{"nom":"caisse-1-7","scopes":["ventes","retours","lecture"],'
    . '"magasins":[1],"expire_le":null}', 'a till');
is(who(with('head')), '{"nom":"siege-anne","scopes":["produits","prix",'
    . '"reapprovisionnement","magasins","inventaire","lecture"],"magasins":null,'
    . '"expire_le":null}', 'the head office');
is(status(@sell, with('till')), 201, 'it sells in its store');
is(MagasinTest::sql('SELECT DISTINCT acteur FROM journal WHERE type = $$vente$$'
    . ' AND acteur <> $$$$'), 'identite:caisse-1-7', 'and the journal has its name');
is(status(@other, with('till')), 403, 'and not in another');
is(status('GET', 'stores/2/', '', with('till')), 403, 'nor does it read there');
is(status(@adjust, with('till')), 403, 'nor anything beyond its scopes');
same(with('till'));
forged(with('head'));
for my $guest (qw(guest liar longer)) {
    is(who(with($guest)), 401, "signed by our CA, and nobody: $guest");
}
for my $stranger (qw(self stranger old)) {
    is(who(with($stranger)), 400, "not signed by our CA, or not now: $stranger");
}
is($nginx->complaints, '', 'nothing in the error log');

# Were "optional_no_ca" there, everybody could write a subject.
$nginx = make('mtls.conf', sub { s{ssl_verify_client\s+optional;}{ssl_verify_client optional_no_ca;} });
@tls = ('--cacert', "$directory/fullchain.pem", '--resolve',
    "magasin.example:$port:127.0.0.1");
is(who(with('till')) =~ /caisse-1-7/, 1, 'optional_no_ca: a till');
is(who(with($_)), 401, "nobody: $_") for qw(self stranger);
is(who(with('old')), 400, 'nginx refuses what is over');

limited('mtls.conf');

# And should somebody take the subject itself, the module asks for SUCCESS.
$nginx = make('mtls.conf', sub {
    s{ssl_verify_client\s+optional;}{ssl_verify_client optional_no_ca;};
    s{magasin_identity\s+\$identity_name}{magasin_identity \$ssl_client_s_dn};
});
@tls = ('--cacert', "$directory/fullchain.pem", '--resolve',
    "magasin.example:$port:127.0.0.1");
is(who(with('till')) =~ /"CN=caisse-1-7,O=Boutique"/, 1, 'a subject that is verified');
is(who(with($_)), 401, "and one that is not: $_") for qw(self stranger);
undef $nginx;

# A proxy that knows sessions.  It is an nginx here: the session is a cookie.

my $proxy = MagasinNginx::free_port();
my $session = <<"HTTP";
map \$cookie_session \$user {
    default "";
    anne    anne;
    bob     "bob";
    nemo    "";
    tout    "tout";
    echo    "\$http_x_auth_request_user";
    pass    "\$http_authorization";
}
map \$cookie_session \$groups {
    default "";
    anne    "compta,siege";
    bob     "caissiers,magasin-1";
    tout    "caissiers,magasin-01";
    echo    "\$http_x_auth_request_groups";
}
server {
    listen 127.0.0.1:$proxy;
    # A refusal, too, may have a name in its header.
    add_header X-Auth-Request-User   \$user   always;
    add_header X-Auth-Request-Groups \$groups always;
    location / {
        # A token of ours is nothing to it.
        if (\$http_authorization ~* ^token) { return 503; }
        if (\$cookie_session = refused) {
            add_header X-Auth-Request-User anne always;
            add_header X-Auth-Request-Groups siege always;
            return 401;
        }
        if (\$cookie_session ~ ^(?:anne|bob|nemo|tout|echo|pass)\$) { return 202; }
        if (\$cookie_session = maybe) { return 200; }
        if (\$cookie_session = broken) { return 503; }
        return 401;
    }
}
HTTP

my $proxied = sub {
    s{127\.0\.0\.1:4180}{127.0.0.1:$proxy}g;
    s/\}\s*\z/$session}\n/;
};
$nginx = make('proxy.conf', $proxied);
sub as { return ('-b', "session=$_[0]") }

is(who(as('anne')), '{"nom":"anne","scopes":["produits","prix",'
    . '"reapprovisionnement","magasins","inventaire","lecture"],"magasins":null,'
    . '"expire_le":null}', 'the head office');
is(who(as('bob')), '{"nom":"bob","scopes":["ventes","retours","lecture"],'
    . '"magasins":[1],"expire_le":null}', 'somebody of store 1');
is(status(@sell, as('bob')), 201, 'sells there');
is(status(@other, as('bob')), 403, 'and not in another');
is(status('GET', 'reports/', '', as('bob')), 403, 'what is of all stores');
is(status('GET', 'reports/', '', as('anne')), 200, 'is for the head office');
is(status('GET', 'stores/2/', '', as('bob')), 403, 'also when it is cached');
is(who(as($_)), 401, "a session that is none: $_") for qw(x nemo refused maybe);
is(who(as('echo'), '-H', 'X-Auth-Request-User: anne', '-H',
    'X-Auth-Request-Groups: siege'), 401, 'no header gets through to the proxy');
like(who(as('pass'), '-H', 'Authorization: Bearer abc'), qr/"nom":"Bearer abc"/,
    'what is not a token of ours does');
is(who(as('pass'), '-H', $_), 401, "  but not $_")
    for 'Authorization: token secret-caisse', "Authorization: Token\tsecret-caisse";
is(status('GET', '/oauth2/', '', @token), 401, '  nor to its pages');
is(who(as('broken')), 500, 'a proxy that is out of order');
is(status('GET', 'stores/1/', '', as('tout')), 403, 'a store with a zero');
same(as('bob'));
forged(as('anne'));
is($nginx->complaints, '', 'nothing in the error log');
undef $nginx;
limited('proxy.conf', $proxied);

# JSON Web Tokens.

my ($njs) = grep { -e } map {"$_/ngx_http_js_module.so"}
    '/usr/lib/nginx/modules', '/usr/share/nginx/modules';

# Debian's module is for Debian's nginx.
if ($njs) {
    MagasinConf::put("$directory/njs.conf",
        "load_module $njs; pid $directory/njs.pid; events { }\n");
    my $binary = $ENV{TEST_NGINX_BINARY} || 'nginx';
    $njs = undef if `$binary -t -c $directory/njs.conf 2>&1` !~ /is successful/;
}

SKIP: {
    skip 'there is no njs (libnginx-mod-http-js)', 1 if !$njs;

    for my $name (qw(rsa rsa2 small)) {
        run("openssl genrsa -out $name.key " . ($name eq 'small' ? 1024 : 2048));
    }
    run("openssl ecparam -name prime256v1 -genkey -noout -out $_.key")
        for qw(ec ec2);

    # modulus and exponent; the point
    sub rsa_key {
        my ($name) = @_;
        run("openssl rsa -in $name.key -noout -modulus -out $name.modulus");
        my ($n) = MagasinNginx::slurp("$directory/$name.modulus") =~ /=([0-9A-F]+)/;
        return (kty => 'RSA', n => encode_base64url(pack 'H*', $n), e => 'AQAB');
    }
    sub ec_key {
        my ($name) = @_;
        run("openssl ec -in $name.key -pubout -outform DER -out $name.der");
        my $point = substr MagasinNginx::slurp("$directory/$name.der"), -64;
        return (kty => 'EC', crv => 'P-256',
            x => encode_base64url(substr $point, 0, 32),
            y => encode_base64url(substr $point, 32));
    }

    my %rsa = rsa_key('rsa');
    MagasinConf::put("$directory/jwks.json", encode_json({ keys => [
        { %rsa, kid => 'r1', use => 'sig', alg => 'RS256' },
        { ec_key('ec'), kid => 'e1' },
        { rsa_key('small'), kid => 'small' },
        { rsa_key('rsa2'), kid => 'enc', use => 'enc' },
        { kty => 'oct', kid => 'secret', k => encode_base64url('x' x 32) },
    ] }));
    run("openssl rsa -in rsa.key -pubout -out rsa.pub");
    MagasinConf::put("$directory/jwt.js",
        MagasinNginx::slurp("$MagasinTest::Top/conf/identity/jwt.js"));

    # jwt(HEADER, CLAIMS, KEY): the key is a file, or a function of the text.
    sub jwt {
        my ($header, $claims, $key) = @_;
        my $text = join '.', map { encode_base64url(encode_json($_)) } $header, $claims;
        return "$text." if !defined $key;
        return "$text." . encode_base64url($key->($text)) if ref $key;
        MagasinConf::put("$directory/text", $text);
        run("openssl dgst -sha256 -sign $key.key -out signature text");
        my $signature = MagasinNginx::slurp("$directory/signature");
        if ($key =~ /^ec/) {
            # From DER to the two numbers.
            my @numbers;
            my $at = 2;
            for (1, 2) {
                my $length = ord substr $signature, $at + 1, 1;
                my $number = substr $signature, $at + 2, $length;
                $number =~ s/\A\0+//;
                push @numbers, ("\0" x (32 - length $number)) . $number;
                $at += 2 + $length;
            }
            $signature = join '', @numbers;
        }
        return "$text." . encode_base64url($signature);
    }

    sub claims {
        my (%change) = @_;
        my %claims = (iss => 'https://identite.example/', aud => 'magasin',
            sub => 'anne', exp => time + 600,
            scope => 'openid magasin:ventes magasin:lecture',
            magasins => [1], %change);
        delete @claims{ grep { !defined $claims{$_} } keys %claims };
        return \%claims;
    }

    sub bearer { return ('-H', "Authorization: Bearer $_[0]") }

    my %r1 = (alg => 'RS256', kid => 'r1');
    my %e1 = (alg => 'ES256', kid => 'e1', typ => 'JWT');

    local $ENV{TEST_NGINX_LOAD_MODULES} = $ENV{TEST_NGINX_LOAD_MODULES};
    $nginx = make('jwt.conf', sub { s{^}{load_module $njs;\n} });

    my $anne = '{"nom":"anne","scopes":["ventes","lecture"],"magasins":[1],"expire_le":null}';
    my $good = jwt(\%r1, claims(), 'rsa');
    is(who(bearer($good)), $anne, 'RS256');
    is(who(bearer(jwt(\%e1, claims(), 'ec'))), $anne, 'ES256') for 1 .. 8;
    is(who(bearer(jwt(\%r1, claims(aud => [ 'autre', 'magasin' ],
        nbf => time - 5), 'rsa'))), $anne, 'more than one audience');
    is(who(bearer(jwt(\%r1, claims(magasins => '*', scope => undef), 'rsa'))),
        '{"nom":"anne","scopes":[],"magasins":null,"expire_le":null}',
        'all stores, no scope');
    is(status(@sell, bearer(jwt(\%r1, claims(magasins => undef), 'rsa'))), 403,
        'without stores: none');
    is(status(@sell, bearer($good)), 201, 'she sells');
    is(status(@other, bearer($good)), 403, 'in her store');

    is(who(bearer(jwt(\%r1, claims(scope => 'magasin:tout'), 'rsa'))), 403,
        'an unknown scope');
    is(who(bearer(jwt(\%r1, claims(magasins => ['x']), 'rsa'))), 403,
        'a store that is no number');
    is(who(bearer(jwt(\%r1, claims(sub => 'é' x 65), 'rsa'))), 403,
        'a name too long');

    my ($head, $body, $signature) = split /\./, $good;
    my $now = time;
    my %attack = (
        'unsigned'                 => "$head.$body.",
        'without its signature'    => "$head.$body",
        'alg none'                 => jwt({ alg => 'none' }, claims()),
        'alg none, with a kid'     => jwt({ alg => 'none', kid => 'r1' }, claims()),
        'alg None'                 => jwt({ alg => 'None', kid => 'r1' }, claims()),
        'HS256 with the public key' => jwt({ alg => 'HS256', kid => 'r1' }, claims(),
            sub { require Digest::SHA; Digest::SHA::hmac_sha256($_[0],
                MagasinNginx::slurp("$directory/rsa.pub")) }),
        'HS256 with the secret of the file' => jwt({ alg => 'HS256', kid => 'secret' },
            claims(), sub { Digest::SHA::hmac_sha256($_[0], 'x' x 32) }),
        'an unknown kid'           => jwt({ alg => 'RS256', kid => 'r9' }, claims(), 'rsa'),
        'no kid'                   => jwt({ alg => 'RS256' }, claims(), 'rsa'),
        'a kid that is no text'    => jwt({ alg => 'RS256', kid => ['r1'] }, claims(), 'rsa'),
        'a key of its own'         => jwt({ %r1, jwk => {%rsa} }, claims(), 'rsa2'),
        'the other key type'       => jwt({ alg => 'ES256', kid => 'r1' }, claims(), 'ec'),
        'the other algorithm'      => jwt({ alg => 'RS256', kid => 'e1' }, claims(), 'rsa'),
        'another EC key'           => jwt(\%e1, claims(), 'ec2'),
        'a key for secrets'        => jwt({ alg => 'RS256', kid => 'enc' }, claims(), 'rsa2'),
        'a key too small'          => jwt({ alg => 'RS256', kid => 'small' }, claims(), 'small'),
        'ES256 with zeros'         => jwt(\%e1, claims(), sub { "\0" x 64 }),
        'ES256 in DER'             => jwt(\%e1, claims(), sub { "\x30\x06\x02\x01\x01\x02\x01\x01" }),
        'something critical'       => jwt({ %r1, crit => ['exp'] }, claims(), 'rsa'),
        'expired'                  => jwt(\%r1, claims(exp => $now - 1), 'rsa'),
        'never expires'            => jwt(\%r1, claims(exp => undef), 'rsa'),
        'exp as a text'            => jwt(\%r1, claims(exp => '99999999999'), 'rsa'),
        'not valid yet'            => jwt(\%r1, claims(nbf => $now + 300), 'rsa'),
        'another issuer'           => jwt(\%r1, claims(iss => 'https://identite.example'), 'rsa'),
        'no issuer'                => jwt(\%r1, claims(iss => undef), 'rsa'),
        'another audience'         => jwt(\%r1, claims(aud => 'magasins'), 'rsa'),
        'no audience'              => jwt(\%r1, claims(aud => undef), 'rsa'),
        'nobody'                   => jwt(\%r1, claims(sub => undef), 'rsa'),
        'an empty name'            => jwt(\%r1, claims(sub => ''), 'rsa'),
        'a name that is no text'   => jwt(\%r1, claims(sub => ['anne']), 'rsa'),
        'other claims'             => join('.', $head,
            encode_base64url(encode_json(claims(sub => 'root'))), $signature),
        'a signature with more'    => "$good-",
        'four parts'               => "$good.$signature",
        'no JSON'                  => 'YQ.YQ.YQ',
        'an array'                 => encode_base64url('[]') . ".$body.$signature",
        'huge'                     => jwt(\%r1, claims(x => 'x' x 4000), 'rsa'),
        'nothing'                  => '..',
    );
    for my $what (sort keys %attack) {
        is(who(bearer($attack{$what})), 401, $what);
    }
    is(status(@sell, bearer('x')), 401, 'nor may it sell');
    is(status('GET', 'me/', '', '-H', "Authorization: $good"), 401, 'no scheme');
    is(status('GET', 'me/', '', '-H', "Authorization: Token $good"), 401,
        'a JWT is no token');
    is(status('GET', "me/?access_token=$good", ''), 401, 'nor an argument');
    is(who('-H', 'Authorization: Token wrong', '-H', "Authorization: Bearer $good"),
        400, 'two of them');
    forged(bearer(jwt(\%r1, claims(scope => 'magasin:produits', magasins => '*'),
        'rsa')));
    MagasinConf::put("$directory/jwks.json", 'no keys');
    is(who(bearer($good)), 401, 'a file of keys that is none');
    unlink "$directory/jwks.json";
    is(who(bearer($good)), 401, 'or that is gone');

    same(bearer($good));
    is($nginx->complaints, '', 'nothing in the error log');
    limited('jwt.conf', sub { s{^}{load_module $njs;\n} });
}

done_testing();
