# Lists in pages: what a request says beside the parameters of the statement is
# in its links alone, and in no key.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use Digest::MD5 qw(md5_hex);
use MagasinTest;
use MagasinCache;
use MagasinRedis qw(start finish);

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

# Three pages of one stock.

MagasinTest::reset(
    "INSERT INTO produit (id, nom, categorie, prix, description)"
        . " SELECT n, 'Autre ' || n, 'Autre', 1, ''"
        . ' FROM generate_series(2001, 2010) n',
    'INSERT INTO stock_local (id, quantite, magasin_id, produit_id)'
        . ' SELECT n, n - 2000, 1, n FROM generate_series(2001, 2010) n');

start('links');

my %port = map { $_ => MagasinNginx::free_port() } qw(off l2);

my $nginx = MagasinCache->start(
    workers => 2,
    http    => "magasin_redis unix:$MagasinRedis::Directory/links;",
    cache   => join("\n", map {
            "server { listen 127.0.0.1:$port{$_};"
                . ' location / { magasin; magasin_scheme $http_x_scheme;'
                . " magasin_cache $_; } }"
        } qw(off l2)),
    server => 'magasin_scheme $http_x_scheme;'
        . ' location = /metrics { magasin_metrics; }',
);

# (STATE, STATUS, {header => value}, BODY)
sub get {
    my ($path, $server, %header) = @_;

    local $nginx->{port} = $port{$server} if $server;
    $header{Host} //= 'magasin.example';
    my (undef, $answer) = $nginx->ask(join "\r\n", "GET $path HTTP/1.0",
        (map {"$_: $header{$_}"} sort keys %header), '', '');
    my ($head, $body) = split /\r\n\r\n/, $answer, 2;
    my ($status) = $head =~ m{\AHTTP/1.1 (\d+)};
    my %head = map { lc($_->[0]) => $_->[1] }
        map { [ split /: /, $_, 2 ] } split /\r\n/, $head;
    return ($head{'x-magasin-cache'} // '', $status, \%head, $body // '');
}

sub forget {
    my $answer = $nginx->fetch('/api/v1/cache/flush/', method => 'POST');
    $answer->{status} == 200 or die "flush: $answer->{content}\n";
    return;
}

sub metric {
    my ($name) = @_;
    my ($value) = $nginx->fetch('/metrics')->{content}
        =~ /^\Q$name\E (\d+)$/m;
    return $value // "no $name";
}

# Parameters of the statement, in orders and with things that it does not take.

my @lists = (
    [ 'products/', 'limit=2', 'categorie=Boissons' ],
    [ 'sales/', 'limit=1' ],
    [ 'stores/', 'limit=2' ],
    [ 'stock/central/', 'limit=2' ],
    [ 'stores/1/stock/list/', 'page=2', 'ordering=quantite' ],
    [ 'stores/1/stock/list/', 'ordering=produit__nom' ],
    [ 'stores/1/stock/list/', 'page=last' ],
);

my @rest = ('', 'utm=1', 'utm=2', 'z=%22%3C%5C', 'a=1&a=2&a=1', 'a=2&a=1',
    'caf%C3%A9=cr%C3%A8me', '_=1%0A', 'b&c=&=d', join('&', map {"p$_"} 1 .. 90));

# What a request can say: [PATH, HEADER...]
sub forms {
    my ($list, @parameters) = @_;
    my @forms;

    for my $rest (@rest) {
        my @all = (@parameters, length $rest ? $rest : ());
        push @forms, ["/api/v1/$list?" . join '&', @all],
            ["/api/v1/$list?" . join '&', reverse @all];
    }
    my $path = "/api/v1/$list?" . join '&', @parameters;
    push @forms, [ $path, Host => "h$_.example" ] for 1 .. 6;
    push @forms, [ $path, Host => 'a_b.example' ],
        [ $path, 'X-Scheme' => 'https' ],
        [ $path, 'X-Scheme' => 'https', Host => 'h1.example' ],
        [ $path =~ s{stores/1/}{stores/001/}r ];
    return @forms;
}

for my $list (@lists) {
    my @forms = forms(@$list);
    my $name  = join ' ', @$list;

    for my $level ('', 'l2') {
        my $want = $level ? 'REDIS' : 'HIT';
        my (%states, @answers, $entries);

        # Busy as the machine is, the poller may be late, or the store into
        # Redis, which follows the answer.

        MagasinNginx::wait_for(sub {
            forget();
            %states  = ();
            @answers = ();
            my $before = metric('magasin_cache_entries');
            for my $form (@forms) {
                my ($path, @header) = @$form;
                push @answers, [ get($path, $level, @header) ];
                $states{ $answers[-1][0] }++;
            }
            $entries = metric('magasin_cache_entries') - $before;
            return ($states{MISS} // 0) == 1
                && ($states{$want} // 0) == @forms - 1;
        });

        is_deeply(\%states, { MISS => 1, $want => @forms - 1 },
            "$name: one statement, and $want for all others");
        cmp_ok($entries, '<=', 1, "$name: one entry at most") unless $level;

        my (@wrong, %tags, @modified);

        for my $i (0 .. $#forms) {
            my ($path, @header) = @{ $forms[$i] };
            my (undef, $status, $head, $body) = get($path, 'off', @header);
            my $answer = $answers[$i];

            push @wrong, $path
                unless $status == 200 && $answer->[1] == 200
                && $answer->[3] eq $body
                && ($answer->[2]{link} // '') eq ($head->{link} // '')
                && $answer->[2]{etag} eq $head->{etag}
                && $answer->[2]{'content-length'} == length $body;
            $tags{ $head->{etag} }{ md5_hex($body) } = 1;

            (undef, $status) = get($path, $level, @header,
                'If-None-Match' => $head->{etag});
            push @modified, $path if $status != 304;
        }
        is_deeply(\@wrong, [], "$name: as without the cache");
        is_deeply(\@modified, [], "$name: not modified");
        is((grep { keys %$_ > 1 } values %tags), 0,
            "$name: other bytes, another ETag");
        cmp_ok(scalar keys %tags, '>=', 15, "$name: other links, other bytes");
    }
}

# Links, one by one

{
    my $path = '/api/v1/stores/1/stock/list/';
    forget();
    get("$path?page=2");
    my (undef, undef, undef, $body)
        = get("$path?z=1&page=2&a=%C3%A9", '', Host => 'x.example');
    my $x = "http://x.example$path?a=%C3%A9&";
    like($body, qr/"next":"\Q${x}\Epage=3&z=1","previous":"\Q${x}\Ez=1",/,
        'the next page and the one before');

    (undef, undef, my $head, $body) = get('/api/v1/stores/?limit=100&x=1');
    like($body, qr/\A\{"next":null,/, 'no next page');
    is($head->{link}, undef, 'no next page, no Link');
    is($head->{etag}, (get('/api/v1/stores/?limit=100&x=2'))[2]{etag},
        'no link, one ETag');
}

# All pages by their links, each time from the other name

for my $first ('/api/v1/products/?limit=3', '/api/v1/sales/?limit=2',
    '/api/v1/stores/1/stock/list/')
{
    my (%seen, $n, $rows);
    my $path = $first;

    for ($n = 0; $path && $n < 50; $n++) {
        my (undef, undef, undef, $body)
            = get("$path&n=$n" =~ s/^([^?]+)&/$1?/r, '',
            Host => $n % 2 ? 'a.example' : 'b.example');
        ($path) = $body =~ m{"next":"http://[ab]\.example([^"]+)"};
        $path =~ s/[?&]n=\d+//g if $path;
        $path =~ s/^([^?]+)&/$1?/ if $path;
        $rows += () = $body =~ /\{"(?:id|nom)"/g;
    }
    cmp_ok($n, '>', 1, "$first: has pages");
    cmp_ok($n, '<', 50, "$first: has an end");
    cmp_ok($rows, '>', $n, "$first: has rows");
}

ok($nginx->stop, 'a graceful stop');
is($nginx->complaints, '', 'nothing alarming in the log');

finish('links');
MagasinTest::reset();
done_testing();
