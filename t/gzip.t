# Answers of the cache that are compressed once: who gets the gzip form, what
# its header says, and that it is the same answer, also after writes, from a
# full zone, and with links of any host.

use strict;
use warnings;

use lib 't/inc';
use IO::Uncompress::Gunzip qw(gunzip $GunzipError);
use Test::More;
use MagasinTest;
use MagasinCache;

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

# Pages of 8 kB, of 50 kB and of 1 MB; the last one does not compress well.
my @fixture = (
    'INSERT INTO produit (id, nom, categorie, prix)'
        . " SELECT 1000 + i, 'Nom ' || i, 'court', 1.5 FROM generate_series(1, 120) i",
    'INSERT INTO produit (id, nom, categorie, prix, description)'
        . " SELECT 2000 + i, 'Moyen ' || i, 'moyen', 2, repeat('d', 400)"
        . ' FROM generate_series(1, 120) i',
    'INSERT INTO produit (id, nom, categorie, prix, description)'
        . " SELECT 3000 + i, 'Long ' || i, 'long', 3,"
        . " (SELECT string_agg(md5((i * 100 + j)::text), ' ') FROM generate_series(1, 27) j)"
        . ' FROM generate_series(1, 1000) i',
    "INSERT INTO magasin (id, nom, adresse) VALUES (9, 'Grand', 'x')",
    'INSERT INTO stock_local (magasin_id, produit_id, quantite)'
        . ' SELECT 9, 3000 + i, i FROM generate_series(1, 1000) i',
    'ANALYZE');

my @port = map { MagasinNginx::free_port() } 1 .. 7;
my ($vary, $both, $off, $three, $proxied, $two, $small) = @port;

sub node {
    return MagasinCache->start(
        workers => 2,
        cache   => "magasin_gzip on;\n" . join("\n",
            "server { listen 127.0.0.1:$vary; gzip_vary on; location / { magasin; } }",
            "server { listen 127.0.0.1:$both; gzip on; gzip_types application/json;"
                . ' gzip_vary on; location / { magasin; } }',
            "server { listen 127.0.0.1:$off; magasin_gzip off;"
                . ' gzip on; gzip_types application/json; location / { magasin; } }',
            "server { listen 127.0.0.1:$three; magasin_gzip_min_length 100k;"
                . ' magasin_gzip_comp_level 9; location / { magasin; } }',
            "server { listen 127.0.0.1:$proxied; gzip_proxied any; location / { magasin; } }",
            "server { listen 127.0.0.1:$two http2; location / { magasin; } }",
            "server { listen 127.0.0.1:$small; magasin_gzip_min_length 0; location / { magasin; } }"),
        server => 'location = /metrics { magasin_metrics; }', @_);
}

MagasinTest::reset(@fixture);
my $node = node(zone => '32m');

sub counter {
    my ($name) = @_;
    return ($node->get('/metrics'))[1] =~ /^magasin_cache_${name}_total (\d+)$/m
        ? $1 : die "no $name\n";
}

# ask(PATH, HEADER => VALUE, ...): with _port, _method, _content
sub ask {
    my ($path, %header) = @_;
    my $port   = delete $header{_port} || $node->{port};
    my $method = delete $header{_method} || 'GET';
    my $body   = delete $header{_content};
    my $host   = delete $header{Host};
    if ($host) {
        my $answer = $node->{tiny}->request($method, "http://$host:$port$path",
            { headers => \%header, peer => '127.0.0.1' });
        $answer->{state} = $answer->{headers}{'x-magasin-cache'} // '';
        return $answer;
    }
    local $node->{port} = $port;
    my $answer = $node->fetch($path, method => $method, headers => \%header,
        defined $body ? (content => $body) : ());

    # A list has its Vary for CSV, too; t/csv.t is about that.
    my @vary = grep { $_ ne 'Accept' } map { ref ? @$_ : $_ }
        $answer->{headers}{vary} // ();
    delete $answer->{headers}{vary};
    $answer->{headers}{vary} = join ', ', @vary if @vary;
    return $answer;
}

sub inflated {
    my ($answer) = @_;
    return $answer->{content}
        unless ($answer->{headers}{'content-encoding'} // '') eq 'gzip';
    my $packed = $answer->{content};
    gunzip(\$packed, \my $text, TrailingData => \my $rest)
        or return "not gzip: $GunzipError";
    return length($rest // '') ? 'more after it' : $text;
}

sub coded { return $_[0]{headers}{'content-encoding'} // 'identity' }

# The gzip form of a hit: busy as the machine is, the poller may be late.
sub packed {
    my ($path, %header) = @_;
    my $answer;
    MagasinNginx::wait_for(sub {
        $answer = ask($path, 'Accept-Encoding' => 'gzip', %header);
        return $answer->{state} eq 'HIT' && coded($answer) eq 'gzip';
    });
    return $answer;
}

my $product = '/api/v1/products/1/';
my $stock   = '/api/v1/stores/9/stock/';
my $list    = '/api/v1/products/?categorie=court&limit=100';
my $middle  = '/api/v1/products/?categorie=moyen&limit=100';
my $long    = '/api/v1/products/?categorie=long&limit=1000';
my $short   = '/api/v1/products/?categorie=court&limit=40';

# The same answer, in each size and each way

for my $path ($list, $middle, $long, $short, $stock, '/api/v1/dashboard/',
    '/api/v1/reports/')
{
    my $plain = ask($path);
    my $tag   = $plain->{headers}{etag};
    my $size  = length $plain->{content};

    if ($size < 1024) {
        is(coded(ask($path, 'Accept-Encoding' => 'gzip')), 'identity', "$path, $size bytes: too short");
        next;
    }

    my $first = ask($path, 'Accept-Encoding' => 'gzip');
    is(coded($first), 'gzip', "$path, $size bytes: gzip, for the first time");
    is(inflated($first), $plain->{content}, '  the same text');
    my $hit = packed($path);
    is(inflated($hit), $plain->{content}, '  out of the cache: the same text');
    is($hit->{content}, $first->{content}, '  the same bytes');
    is($hit->{headers}{'content-length'}, length $hit->{content}, '  of that length');
    cmp_ok(length $hit->{content}, '<', $size * 0.7, '  ' . length($hit->{content}) . ' bytes');
    is($hit->{headers}{etag}, $tag =~ s/"$/-gzip"/r, '  a strong tag of its own');
    is($hit->{headers}{vary}, 'Accept-Encoding', '  Vary');
    is($hit->{headers}{link} // '', $plain->{headers}{link} // '', '  the same Link');
    is(ask($path)->{headers}{vary}, 'Accept-Encoding', '  Vary where it is as it is');
    is(ask($path)->{content}, $plain->{content}, '  which is still there');

    my $head;
    MagasinNginx::wait_for(sub {
        $head = ask($path, _method => 'HEAD', 'Accept-Encoding' => 'gzip');
        return $head->{state} eq 'HIT';
    });
    is(join(' ', map { $_ // '-' } @{ $head->{headers} }{qw(content-encoding content-length etag vary)}),
        join(' ', @{ $hit->{headers} }{qw(content-encoding content-length etag vary)}), '  HEAD');
    my $now = packed($path)->{headers}{etag};
    my $not = ask($path, 'Accept-Encoding' => 'gzip', 'If-None-Match' => $now);
    is("$not->{status} $not->{headers}{etag} $not->{headers}{vary} " . coded($not),
        "304 $now Accept-Encoding identity", '  not modified');
    is($not->{content} // '', '', '  and without a body');
    is(ask($path, 'Accept-Encoding' => 'gzip', 'If-None-Match' => "W/$now")->{status},
        304, '  also by a weak tag');
    is(ask($path, 'If-None-Match' => $now)->{status}, 200, '  for the other form it is another');
    is(ask($path, 'Accept-Encoding' => 'gzip', 'If-None-Match' => $tag)->{status}, 200,
        '  and the other way round');
    for my $match ($now, $tag, "\"a\", $now") {
        is(ask($path, 'Accept-Encoding' => $_, 'If-Match' => $match)->{status}, 200,
            "  If-Match $match, $_") for qw(gzip identity);
    }
    is(ask($path, 'Accept-Encoding' => 'gzip', 'If-Match' => "W/$now")->{status}, 412,
        '  If-Match is strong');
    my $range = ask($path, 'Accept-Encoding' => 'gzip', Range => 'bytes=0-9');
    is("$range->{status} " . length $range->{content}, '200 ' . length $hit->{content},
        '  no ranges');
}

# Once

{
    my $was = counter('compressed');
    for (1 .. 20) {
        packed($_) for $list, $middle, $stock;
    }
    cmp_ok(counter('compressed') - $was, '<=', 3 * 20 / 10, 'made once, and kept');
    for my $host (qw(a.example b.example), 'c' x 200) {
        my %host  = (Host => $host);
        my $plain = ask($list, %host);
        my $hit   = packed($list, %host);
        is(inflated($hit), $plain->{content}, 'links of ' . substr $host, 0, 20);
        like($plain->{content}, qr{http://\Q$host\E:\d+/}, '  of this host');
        is($hit->{headers}{etag}, $plain->{headers}{etag} =~ s/"$/-gzip"/r, '  tag');
    }
    my $more = "$list&" . join '&', map {"p$_=%22%C3%A9"} 1 .. 80;
    is(inflated(packed($more)), ask($more)->{content}, 'long links');
}

# Who accepts it

for my $case (
    [ 'gzip'                        => 'gzip' ],
    [ 'GZip'                        => 'gzip' ],
    [ 'x-gzip'                      => 'gzip' ],
    [ 'gzip, deflate, br, zstd'     => 'gzip' ],
    [ 'br;q=1.0, gzip;q=0.8, *;q=0' => 'gzip' ],
    [ 'deflate, gzip;q=0.001'       => 'gzip' ],
    [ '*'                           => 'gzip' ],
    [ '*;q=0.1'                     => 'gzip' ],
    [ ' ,, gzip ; q=1 ,'            => 'gzip' ],
    [ 'identity;q=0, *'             => 'gzip' ],
    [ 'identity;q=0.5, gzip;q=0.5'  => 'gzip' ],
    [ 'identity;q=0, gzip'          => 'gzip' ],
    [ ''                            => 'identity' ],
    [ 'identity'                    => 'identity' ],
    [ 'br, deflate'                 => 'identity' ],
    [ 'gzip;q=0'                    => 'identity' ],
    [ 'gzip;q=0.000, *'             => 'identity' ],
    [ '*;q=0'                       => 'identity' ],
    [ 'gzip;q=0.5, identity'        => 'identity' ],
    [ 'gzip;q=2'                    => 'identity' ],
    [ 'gzip;q=x'                    => 'identity' ],
    [ 'gzip;level=1'                => 'identity' ],
    [ 'gzipped, agzip, gzi'         => 'identity' ],
    [ ',' x 3000                    => 'identity' ],
) {
    my ($accept, $coding) = @$case;
    my $answer = ask($list, 'Accept-Encoding' => $accept);
    is(coded($answer), $coding, 'Accept-Encoding: ' . substr $accept, 0, 40);
    is(inflated($answer), ask($list)->{content}, '  the answer');
}
is(coded(ask($list, 'Accept-Encoding' => [ 'br', 'gzip' ])), 'gzip', 'two headers');
is(coded(ask($list, 'Accept-Encoding' => [ 'gzip;q=0', '*' ])), 'identity', 'which say no');
is(coded(ask($product, 'Accept-Encoding' => 'gzip')), 'identity', 'a short one stays as it is');
ok(!exists ask($product)->{headers}{vary}, '  without Vary');
{
    my $refused = ask($product, 'Accept-Encoding' => 'identity;q=0, gzip');
    is(coded($refused), 'gzip', '  unless that is refused');
    is(inflated($refused), ask($product)->{content}, '  and is the same');
    is($refused->{headers}{vary}, 'Accept-Encoding', '  with Vary');
}
is(coded(ask('/api/v1/products/999999/', 'Accept-Encoding' => 'gzip')), 'identity', 'an error');
is(coded(ask("$list&limit=x", 'Accept-Encoding' => 'gzip')), 'identity', 'another one');

# Beside nginx's own directives

is(packed($list, _port => $vary)->{headers}{vary}, 'Accept-Encoding', 'gzip_vary: one Vary');
is(ask($list, _port => $vary)->{headers}{vary}, 'Accept-Encoding', '  also without gzip');
{
    my $answer = packed($list, _port => $both);
    is(inflated($answer), ask($list, _port => $both)->{content}, 'gzip on: compressed once');
    like($answer->{headers}{etag}, qr/^"\w+-gzip"$/, '  with its strong tag');
    is($answer->{headers}{vary}, 'Accept-Encoding', '  and one Vary');
    is(ask($list, _port => $both)->{headers}{vary}, 'Accept-Encoding', '  also without gzip');
    $answer = ask($list, _port => $off, 'Accept-Encoding' => 'gzip');
    like($answer->{headers}{etag}, qr/^W\//, 'magasin_gzip off: nginx compresses');
    is(inflated($answer), ask($list, _port => $off)->{content}, '  the same');
    is(ask($product, _port => $off)->{headers}{vary}, undef, '  and no Vary');
}
is(coded(ask($list, 'Accept-Encoding' => 'gzip', Via => '1.1 x')), 'identity',
    'gzip_proxied off: a request of a proxy');
is(coded(packed($list, _port => $proxied, Via => '1.1 x')), 'gzip', 'gzip_proxied any');
is(coded(ask($list, _port => $three, 'Accept-Encoding' => 'gzip')), 'identity',
    'magasin_gzip_min_length: less');
is(inflated(packed($long, _port => $three)), ask($long, _port => $three)->{content},
    '  and more');
is(inflated(packed($product, _port => $small)), ask($product)->{content}, '  and 0');
for my $path ($list, $long) {
    my $plain = ask($path, Host => 'two.example')->{content};
    my $text = '';
    MagasinNginx::wait_for(sub {
        open my $pipe, '-|', 'curl', '-s', '-m', '60', '--noproxy', '*',
            '--http2-prior-knowledge', '--compressed', '-H', "Host: two.example:$node->{port}",
            "http://127.0.0.1:$two$path" or die "curl: $!\n";
        binmode $pipe;
        $text = do { local $/; <$pipe> };
        close $pipe;
        return $text eq $plain;
    });
    ok($text eq $plain, 'HTTP/2');
}

# Writes: both forms are new at once, and either tag is a condition

for my $round (1 .. 5) {
    packed($list);
    packed($long);
    my $was = packed($product, 'Accept-Encoding' => 'identity;q=0, gzip')->{headers}{etag};
    my $answer = ask($product, _method => 'PATCH', _content => qq({"prix":"$round.25"}),
        'If-Match' => $was);
    is($answer->{status}, 200, "If-Match with the tag of the gzip form ($was)");
    is(ask($product, _method => 'PATCH', _content => '{"prix":"9.25"}',
            'If-Match' => $was)->{status}, 412, '  no more');
    like(inflated(ask($product, 'Accept-Encoding' => 'identity;q=0, gzip')),
        qr/"$round\.25"/, '  gzip is new');
    for my $id (1001, 3001) {
        is(ask("/api/v1/products/$id/", _method => 'PATCH',
            _content => qq({"prix":"1$round.75"}))->{status}, 200, "product $id changes");
    }
    for my $path ($list, $long) {
        my $text = inflated(ask($path, 'Accept-Encoding' => 'gzip'));
        like($text, qr/"1$round\.75"/, '  gzip is new');
        is(ask($path)->{content}, $text, '  as it is without');
    }
}
is(ask($product, _method => 'PATCH', _content => '{"prix":"1.00"}',
    'If-Match' => '"-gzip"')->{status}, 412, 'the suffix alone is no tag');

# A client that leaves meanwhile; others get an answer in any case

for my $round (1 .. 5) {
    ask('/api/v1/products/3001/', _method => 'PATCH', _content => qq({"prix":"2$round.75"}));
    my ($gone) = $node->connections(2);
    print { $gone->{socket} } "GET $long HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n";
    close $gone->{socket};
    my $answer = ask($long, 'Accept-Encoding' => 'gzip');
    is($answer->{status}, 200, 'after one that left: an answer');
    like(inflated($answer), qr/"2$round\.75"/, '  the new one');
    is(coded(packed($long)), 'gzip', '  and in the end gzip');
}

ok(MagasinNginx::wait_for(sub { $node->zone_word('pinned') == 0 }), 'nothing stays pinned');
is(ask('/api/v1/cache/flush/', _method => 'POST')->{status}, 200, 'flushed');
is(inflated(packed($list)), ask($list)->{content}, '  and again');
ok($node->stop, 'a graceful stop');
is($node->complaints, '', 'nothing alarming in the log');

# A small zone: forms are evicted with their answers, and each answer is right

$node = node(zone => '3m', workers => 1);
{
    my ($wrong, $gzip, $evicted) = (0, 0, counter('evictions'));
    for my $round (1 .. 3) {
        for my $i (1 .. 60) {
            my $path   = "/api/v1/products/?categorie=long&limit=" . (15 * $i);
            my $answer = ask($path, 'Accept-Encoding' => 'gzip');
            my $plain  = ask($path);
            $gzip++ if coded($answer) eq 'gzip';
            $wrong++ if $answer->{status} != 200 || inflated($answer) ne $plain->{content};
        }
    }
    is($wrong, 0, 'a full zone: each answer is right');
    cmp_ok($gzip, '>', 50, "  $gzip of 180 are gzip");
    cmp_ok(counter('evictions'), '>', $evicted, '  and some are evicted');
    ok(MagasinNginx::wait_for(sub { $node->zone_word('pinned') == 0 }), '  nothing is pinned');
    my ($bytes) = ($node->get('/metrics'))[1] =~ /^magasin_cache_size_bytes (\d+)$/m;
    cmp_ok($bytes, '<', 3 * 1024 * 1024, '  bytes are within the zone');
    ask('/api/v1/cache/flush/', _method => 'POST');
    ($bytes) = ($node->get('/metrics'))[1] =~ /^magasin_cache_size_bytes (\d+)$/m;
    is($bytes, 0, '  and 0 when it is empty');
}
ok($node->stop, 'a graceful stop');
is($node->complaints, '', 'nothing alarming in the log');

MagasinTest::reset();
done_testing();
