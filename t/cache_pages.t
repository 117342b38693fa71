# Long pages out of shared memory: what is pinned there has no links, and what
# each client gets has its own, and an entity tag that is that of its bytes.

use strict;
use warnings;

use lib 't/inc';
use Digest::MD5 qw(md5_hex);
use IO::Uncompress::Gunzip qw(gunzip);
use Test::More;
use MagasinTest;
use MagasinCache;

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

# Of each size so many products, and one more: a page of all of them, with
# another one after it or not.  What is pinned at all, then in several pieces.
my @sizes = (
    [ 'over 32 kB', 500,    8, 'deux',   32_768,  65_536 ],
    [ 'over 64 kB', 1000,  40, 'quatre', 65_536,  200_000 ],
    [ 'a megabyte', 1000, 850, 'huit',   900_000, 1_048_576 ],
);

MagasinTest::reset(map {
    my ($start, $n, $length, $name)
        = (1000 + 3000 * $_, @{ $sizes[$_] }[ 1 .. 3 ]);
    map {
        my ($suffix, $count, $from) = @$_;
        'INSERT INTO produit (id, nom, categorie, prix, description)'
            . " SELECT $from + i, i::text, '$name$suffix', 1,"
            . " repeat('d', $length) FROM generate_series(1, $count) i"
    } [ 's', $n + 1, $start ], [ '', $n, $start + 1500 ]
} 0 .. $#sizes);

my $two = MagasinNginx::free_port();
my $one = MagasinNginx::free_port();

my $nginx = MagasinCache->start(workers => 2, zone => '32m',
    http  => 'magasin_scheme $http_x_scheme;',
    cache => join "\n", 'gzip_types application/json; gzip_min_length 20;',
        "server { listen 127.0.0.1:$two http2; gzip on;"
            . ' location / { magasin; } }',
        "server { listen 127.0.0.1:$one; gzip on; location / { magasin; } }");

# (STATUS, {header => value}, BODY) by curl, which tells both versions
sub curl {
    my ($port, $path, @arguments) = @_;
    my $at = $port =~ /:/ ? $port : "127.0.0.1:$port";
    open my $pipe, '-|', 'curl', '-s', '-i', '-m', '60', '--noproxy', '*',
        @arguments, "http://$at$path" or die "curl: $!\n";
    binmode $pipe;
    my $text = do { local $/; <$pipe> } // '';
    close $pipe;
    my ($head, $body) = split /\r\n\r\n/, $text, 2;
    my ($status) = ($head // '') =~ m{\AHTTP/\S+ (\d+)};
    my %head = map { lc($_->[0]) => $_->[1] }
        map { [ split /: /, $_, 2 ] } split /\r\n/, $head // '';
    return ($status // 0, \%head, $body // '');
}

# The same, until it is a hit: busy as the machine is, the poller may be late.
sub hit {
    my (@request) = @_;
    my @answer;
    MagasinNginx::wait_for(sub {
        @answer = curl(@request);
        return ($answer[1]{'x-magasin-cache'} // '') eq 'HIT';
    });
    return @answer;
}

# What a request may say, beside the parameters of the list.
my @forms = (
    [''], [ '', Host => 'a.example' ], [ '', Host => 'autre.example:8080' ],
    [ '', 'X-Scheme' => 'https' ], ['&utm=1'], ['&utm=2'],
    [ '&utm=1', Host => 'a.example' ],
    [ '&' . join '&', map {"p$_=%22"} 1 .. 60 ],
);

for my $size (@sizes) {
    my ($long, $n, undef, $name, $least, $most) = @$size;
    my @some = $least > 500_000 ? @forms[ 0, 1, 4 ] : @forms;

    for my $next (1, 0) {
        my $list = "/api/v1/products/?limit=$n&categorie=$name"
            . ($next ? 's' : '');
        my $what = $long . ($next ? ', a next page' : ', no next page');
        ok($nginx->fill($list), "$what: a hit");
        my $size = length $nginx->fetch($list)->{content};
        ok($size > $least && $size < $most, "$what: of $size bytes");

        my (%of, %tag, @wrong, @links);
        for my $form (@some) {
            my ($more, %header) = @$form;
            my @curl = map { ('-H', "$_: $header{$_}") } sort keys %header;
            my $path = $list . $more;

            # The same without the cache, by the same name.  Long ones have no
            # tag there, since they are sent in pieces.

            $header{Host} //= "127.0.0.1:$nginx->{port}";
            my (undef, $direct, $wanted) = curl("127.0.0.2:$nginx->{port}",
                $path, '-H', "Host: $header{Host}", @curl);
            my ($status, $head, $body) = hit($nginx->{port}, $path, '-H',
                "Host: $header{Host}", @curl);
            push @wrong, "GET $path $status " . ($head->{'x-magasin-cache'} // '')
                if $status != 200 || $head->{'x-magasin-cache'} ne 'HIT'
                || $body ne $wanted
                || $head->{'content-length'} != length $body
                || ($head->{link} // '') ne ($direct->{link} // '')
                || $head->{etag} ne ($direct->{etag} // $head->{etag})
                || $head->{etag} !~ /^"\w+"$/;
            $of{ $head->{etag} }{ md5_hex($body) } = 1;
            $tag{ md5_hex($body) }{ $head->{etag} } = 1;
            push @links, $head->{link} // ();

            ($status, my $same) = hit($nginx->{port}, $path, '-I', '-H',
                "Host: $header{Host}", @curl);
            push @wrong, "HEAD $path"
                if $status != 200 || $same->{'x-magasin-cache'} ne 'HIT'
                || $same->{'content-length'} != length $body
                || $same->{etag} ne $head->{etag}
                || ($same->{link} // '') ne ($head->{link} // '');

            # 304 for that tag, and for no other

            for my $condition ($head->{etag}, '"x"') {
                ($status, undef, my $rest) = curl($nginx->{port}, $path,
                    '-H', "Host: $header{Host}", @curl,
                    '-H', "If-None-Match: $condition");
                push @wrong, "If-None-Match $condition: $status"
                    if $status != ($condition eq '"x"' ? 200 : 304)
                    || $rest ne ($status == 304 ? '' : $body);
            }

            # HTTP/2 and HTTP/1.1, plain and compressed

            for my $version ([ $two, '--http2-prior-knowledge' ],
                [ $one, '--http1.1' ])
            {
                my ($port, @version) = @$version;
                ($status, $same, my $plain) = hit($port, $path, @version,
                    '-H', "Host: $header{Host}", @curl);
                push @wrong, "$version[0] $path"
                    if $status != 200 || $plain ne $body
                    || $same->{'x-magasin-cache'} ne 'HIT'
                    || $same->{etag} ne $head->{etag};
                ($status, $same, my $packed) = curl($port, $path, @version,
                    '-H', "Host: $header{Host}", @curl,
                    '-H', 'Accept-Encoding: gzip');
                gunzip(\$packed, \my $unpacked);
                push @wrong, "$version[0] gzip $path"
                    if $status != 200 || ($unpacked // '') ne $body
                    || ($same->{'content-encoding'} // '') ne 'gzip'
                    || $same->{etag} ne "W/$head->{etag}";
            }
        }

        is_deeply(\@wrong, [], "$what: each is right");
        is((grep { keys %$_ > 1 } values %of), 0,
            "$what: other bytes, another tag");
        is((grep { keys %$_ > 1 } values %tag), 0,
            "$what: the same bytes, the same tag");
        my %links = map { $_ => 1 } @links;
        is(scalar keys %of, $next ? scalar @some : 1,
            "$what: " . ($next ? 'each has its own links' : 'one for all'));
        is(scalar keys %links, $next ? scalar @some : 0,
            "$what: in the header, too");
    }
}

ok(MagasinNginx::wait_for(sub { $nginx->zone_word('pinned') == 0 }),
    'nothing stays pinned');
ok($nginx->stop, 'a graceful stop');
is($nginx->complaints, '', 'nothing alarming in the log');

MagasinTest::reset();
done_testing();
