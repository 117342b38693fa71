# TLS to Redis: the chain and the name of the server, certificates of clients,
# large answers, and servers that do not speak it.

use strict;
use warnings;

use lib 't/inc';
use IO::Socket::INET;
use Test::More;
use MagasinTest;
use MagasinNginx;
use MagasinCache;
use MagasinNames qw(serve says asked);
use MagasinRedis qw(start sentinel ask);

plan skip_all => 'redis-server is not installed'
    unless grep { -x "$_/" . MagasinRedis::program('server') }
    split /:/, $ENV{PATH};

MagasinTest::reset();

my $dir = $MagasinRedis::Directory;

sub openssl {
    my (@arguments) = @_;
    system("openssl @arguments >>$dir/openssl.log 2>&1") == 0
        or die "openssl @arguments: see $dir/openssl.log\n";
    return;
}

# certificate(NAME, SUBJECT ALTERNATIVE NAMES): signed by our authority
sub certificate {
    my ($name, $names) = @_;
    open my $file, '>', "$dir/$name.ext" or die "open: $!\n";
    print $file "subjectAltName=$names\n";
    close $file or die "close: $!\n";
    openssl("req -newkey rsa:2048 -nodes -subj /CN=$name -keyout $dir/$name.key"
        . " -out $dir/$name.csr");
    openssl("x509 -req -days 2 -in $dir/$name.csr -CA $dir/ca.pem -CAkey $dir/ca.key"
        . " -CAcreateserial -extfile $dir/$name.ext -out $dir/$name.pem");
    return;
}

for my $ca (qw(ca other)) {
    openssl("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=$ca"
        . " -keyout $dir/$ca.key -out $dir/$ca.pem");
}
certificate('server', 'DNS:redis.example,IP:127.0.0.1');
certificate('names',  'DNS:redis.example');
certificate('client', 'DNS:node.example');
certificate('moved',  'DNS:one.magasin.test');

my %port = map { $_ => MagasinNginx::free_port() } qw(one names strict plain sentinel moved);

# served(NAME, CERTIFICATE, OPTION...): a server with TLS
sub served {
    my ($name, $certificate, @options) = @_;
    start($name, '--tls-port', $port{$name}, '--tls-cert-file', "$dir/$certificate.pem",
        '--tls-key-file', "$dir/$certificate.key", '--tls-ca-cert-file', "$dir/ca.pem",
        '--tls-auth-clients', 'no', @options);
    return;
}

served('one', 'server');
served('names', 'names');
served('strict', 'server', '--tls-auth-clients', 'yes');
start('plain', '--port', $port{plain});

sub node {
    my ($server, $options, @more) = @_;
    return MagasinCache->start(workers => 1,
        http => "magasin_redis 127.0.0.1:$port{$server} $options;", @more);
}

sub cache {
    my ($nginx) = @_;
    my ($state) = ($nginx->get('/readyz'))[1] =~ /"cache":"([^"]+)"/;
    return $state // '';
}

sub cached {
    my ($nginx) = @_;
    return MagasinNginx::wait_for(sub { cache($nginx) eq 'ok' });
}

# How many commands of the module this server has taken.
sub taken {
    my ($name) = @_;
    my $n     = 0;
    my $stats = ask($name, qw(INFO commandstats));
    $n += $1 while $stats =~ /^cmdstat_(?:hmget|mget|eval\w*|hset):calls=(\d+)/mg;
    return $n;
}

# refused(WHAT, PATTERN, SERVER, OPTIONS, SECRET): there is no cache, and the
# log says why
sub refused {
    my ($what, $why, $server, $options) = @_;
    my $nginx = node($server, $options);
    ok(MagasinNginx::wait_for(sub {
        $nginx->log =~ /\[warn\].*no cache from \w+ at \S+: $why$/m }),
        "$what: the log says why") or diag($nginx->log);
    is(cache($nginx), 'unavailable', "$what: no cache");
    is($nginx->code('/api/v1/products/1/'), 200, "$what: answers");
    ok($nginx->stop, "$what: a graceful stop");
    is($nginx->complaints, '', "$what: nothing alarming");
    return;
}

for ([ one => "tls=verify-full ca=$dir/ca.pem", 'an address' ],
    [ names => "tls=verify-full ca=$dir/ca.pem tls_name=redis.example", 'a name' ],
    [ names => "tls=verify-ca ca=$dir/ca.pem", 'the chain alone' ],
    [ strict => "tls=verify-full ca=$dir/ca.pem certificate=$dir/client.pem"
        . " key=$dir/client.key", 'a certificate of the client' ])
{
    my ($server, $options, $what) = @$_;
    my $nginx = node($server, $options);
    ok(cached($nginx), "$what: a cache");
    my $n = 0;
    ok(MagasinNginx::wait_for(sub {
        my $before = taken($server);
        $nginx->get('/api/v1/products/' . (1 + $n++ % 3) . '/');
        $nginx->put('/api/v1/products/1/', '{"prix":"' . $n . '.00"}');
        return taken($server) > $before }), "$what: it is used");
    ok($nginx->reload, "$what: a reload");
    ok(cached($nginx), "$what: a cache again");
    ok($nginx->stop, "$what: a graceful stop");
    is($nginx->complaints, '', "$what: nothing alarming");
    unlike($nginx->log, qr/\[(?:warn|error)\]/, "$what: nothing to warn of");
}

# An answer of many records comes whole from Redis, to a node that has no copy.
{
    MagasinTest::sql("UPDATE produit SET description = repeat('Ô', 10000)");
    my $options = "tls=verify-full ca=$dir/ca.pem";
    my ($first, $second) = map { node('one', $options) } 1, 2;
    ok(cached($_), 'a node has a cache') for $first, $second;
    my $path = '/api/v1/products/';
    my $text = ($first->get($path))[1];
    cmp_ok(length $text, '>', 60_000, 'a large answer');
    my $price = 0;
    ok(MagasinNginx::wait_for(sub {
        $first->put('/api/v1/products/1/', '{"prix":"' . ++$price . '.00"}');
        $first->request($first->{tiny}, $path);
        my $answer = $second->request($second->{tiny}, $path);
        return $answer->{state} eq 'REDIS' && $answer->{content} =~ /(?:\xc3\x94){10000}/;
    }), 'the other node has it from Redis');
    for ($first, $second) {
        ok($_->stop, 'a graceful stop');
        is($_->complaints, '', 'nothing alarming');
    }
}

# A server that stands still and goes on, and one that dies.
{
    my $nginx = node('one', "tls=verify-full ca=$dir/ca.pem");
    ok(cached($nginx), 'a cache');
    MagasinRedis::tell('one', 'STOP');
    ok(MagasinNginx::wait_for(sub { cache($nginx) eq 'unavailable' }), 'it stands still');
    is($nginx->code('/api/v1/products/1/'), 200, 'and there are answers');
    MagasinRedis::tell('one', 'CONT');
    ok(cached($nginx), 'it goes on');
    MagasinRedis::finish('one');
    ok(MagasinNginx::wait_for(sub { cache($nginx) eq 'unavailable' }), 'it dies');
    served('one', 'server');
    ok(cached($nginx), 'it is there again');
    ok($nginx->stop, 'a graceful stop');
    is($nginx->complaints, '', 'nothing alarming');
}

refused('another authority', 'no TLS: self-signed certificate in certificate chain|'
    . 'no TLS: unable to get local issuer certificate|no TLS: .*certificate.*', 'one',
    "tls=verify-full ca=$dir/other.pem");
refused('the authorities of the system', 'no TLS: .*(?:certificate|issuer).*', 'one',
    'tls=verify-full');
refused('another name', 'its certificate is for another name', 'names',
    "tls=verify-full ca=$dir/ca.pem");
refused('another name that is told', 'its certificate is for another name', 'one',
    "tls=verify-full ca=$dir/ca.pem tls_name=redis.example.org");
refused('no certificate of the client', '.+', 'strict', "tls=verify-full ca=$dir/ca.pem");
# Redis takes the greeting for the beginning of a line, and waits for its end.
refused('a server without TLS', '(?:no TLS: .+|connect timed out)', 'plain', "tls=verify-full ca=$dir/ca.pem");
refused('TLS that is not wanted', '.+', 'one', '');

# One that says nothing.
{
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 16)
        or die "listen: $!\n";
    $port{silent} = $listener->sockport;
    refused('a silent server', 'connect timed out', 'silent', "tls=verify-full ca=$dir/ca.pem");
}

# A Sentinel has TLS as its Redis has.
{
    sentinel('sentinel', MagasinNginx::free_port(), "tls-port $port{sentinel}",
        "tls-cert-file $dir/server.pem", "tls-key-file $dir/server.key",
        "tls-ca-cert-file $dir/ca.pem", 'tls-auth-clients no', 'tls-replication yes',
        "sentinel monitor boutique 127.0.0.1 $port{one} 1");
    my $nginx = node('sentinel', "sentinel=boutique tls=verify-full ca=$dir/ca.pem");
    ok(cached($nginx), 'a Sentinel with TLS: a cache');
    ok($nginx->stop, 'a Sentinel with TLS: a graceful stop');
    is($nginx->complaints, '', 'a Sentinel with TLS: nothing alarming');
}

# Its name loses another address while the handshake is under way: the server
# is still the one that was meant.
{
    my $dns = serve();
    served('moved', 'moved', '--bind', '127.0.0.3');
    MagasinRedis::tell('moved', 'STOP');
    says("one.magasin.test 127.0.0.2 127.0.0.3\n");
    my $nginx = MagasinCache->start(workers => 1,
        http => "resolver 127.0.0.1:$dns valid=1s ipv6=off; magasin_redis"
            . " one.magasin.test:$port{moved} two.magasin.test:$port{moved}"
            . " tls=verify-full ca=$dir/ca.pem;");
    ok(MagasinNginx::wait_for(sub { $nginx->log =~ /has 2 addresses now/ }),
        'a name: it has two addresses');
    my $before = asked();
    says("one.magasin.test hold\n");
    ok(MagasinNginx::wait_for(sub { asked() > $before }), 'a name: it is asked for again');
    my $refusals = sub {
        return scalar(() = $nginx->log =~ /\(127\.0\.0\.2\):\d+: Connection refused/g);
    };
    $before = $refusals->();
    ok(MagasinNginx::wait_for(sub { $refusals->() > $before }),
        'a name: the second address is tried');
    says("one.magasin.test 127.0.0.3\n");
    ok(MagasinNginx::wait_for(sub { $nginx->log =~ /has 1 addresses now/ }),
        'a name: it has one address');
    MagasinRedis::tell('moved', 'CONT');
    ok(cached($nginx), 'a name: a cache');
    unlike($nginx->log, qr/another name/, 'a name: the certificate is for it');
    like($nginx->log, qr/Redis at one\.magasin\.test \(127\.0\.0\.3\):\d+ answers again/,
        'a name: the log says it');
    ok($nginx->stop, 'a name: a graceful stop');
    is($nginx->complaints, '', 'a name: nothing alarming');
}

# What the configuration is refused for.
for ([ "127.0.0.1 tls=on", 'takes "tls=verify-full" or' ],
    [ "127.0.0.1 ca=$dir/ca.pem", 'has options of TLS and no "tls="' ],
    [ "unix:$dir/one tls=verify-ca", 'has "tls=" and a Unix socket' ],
    [ "127.0.0.1 tls=verify-ca certificate=$dir/client.pem",
        'needs "certificate=" and "key=" together' ],
    [ "127.0.0.1 tls=verify-ca ca=$dir/absent.pem", 'cannot read the certificates of "ca="' ],
    [ "127.0.0.1 tls=verify-ca certificate=$dir/absent.pem key=$dir/client.key",
        'cannot read the file of "certificate="' ],
    [ "127.0.0.1 tls=verify-ca certificate=$dir/client.pem key=$dir/server.key",
        'the key is not the one of the certificate' ],
    [ "127.0.0.1 tls_name=", 'needs the name of the certificate after "tls_name="' ],
    [ "127.0.0.1 sentinel=", 'needs the name of the primary after "sentinel="' ],
    [ "127.0.0.1 sentinel_password=geheim", 'has options of Sentinels and no "sentinel="' ],
    [ "127.0.0.1 sentinel=a sentinel_user=b", 'has "sentinel_user=" and no' ])
{
    my ($arguments, $said) = @$_;
    open my $saved, '>&', \*STDERR or die "dup: $!\n";
    open STDERR, '>', "$dir/refused.log" or die "open: $!\n";
    my $nginx = eval { MagasinCache->start(workers => 1, http => "magasin_redis $arguments;") };
    open STDERR, '>&', $saved or die "dup: $!\n";
    my $why = MagasinNginx::slurp("$dir/refused.log");
    ok(!$nginx, "nginx does not start with $said");
    like($why, qr/\Q$said\E/, '  and says why');
    unlike($why, qr/geheim/, '  and no password');
}

MagasinTest::reset();
done_testing();
