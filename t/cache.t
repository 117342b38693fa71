# Level 1: answers in shared memory are those without the cache, byte for byte.

use strict;
use warnings;

use lib 't/inc';
use IO::Select;
use Test::More;
use Time::HiRes qw(sleep time);
use MagasinTest;
use MagasinCache;
use MagasinRoutes;

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

# A location cannot change the path that counts: each way to cache has a server
# of its own.
my %port = map { $_ => MagasinNginx::free_port() } qw(off l1 l2 brief short
    small);

sub server {
    my ($name, $directives) = @_;
    return "server { listen 127.0.0.1:$port{$name};"
        . " location / { magasin; $directives } }";
}

my $tokens = MagasinTest::tokens(chef => 'admin', caisse => 'ventes');

MagasinTest::reset(@MagasinRoutes::Rows);

my $nginx = MagasinCache->start(
    workers => 2,
    tokens  => $tokens,
    cache   => join("\n",
        "log_format word '\$request_method \$uri [\$magasin_cache]';",
        server(off => 'magasin_cache off;'),
        server(l1 => 'magasin_cache l1;'),
        server(l2 => 'magasin_cache l2;'),
        server(brief => 'magasin_cache_ttl 1s;'),
        server(short => 'magasin_cache_ttl 2s;'),
        server(small => 'magasin_cache_max_size 2k;')),
    server => 'access_log logs/access.log word;',
);
my @clients = $nginx->clients;

# By raw requests, where HTTP::Tiny has its own mind: (STATE, HEAD, BODY).
sub raw {
    my ($path, %option) = @_;

    local $nginx->{port} = $port{ $option{server} } if $option{server};
    my $method = $option{method} // 'GET';
    my $host   = $option{host} // 'magasin.example';
    my (undef, $answer) = $nginx->ask(join "\r\n",
        "$method $path HTTP/1.0", "Host: $host",
        @{ $option{headers} || [] }, '', '');
    my ($head, $body) = split /\r\n\r\n/, $answer, 2;
    my ($state) = $head =~ /^X-Magasin-Cache: (\S+)\r?$/m;
    return ($state // '', $head, $body);
}

sub word {
    my ($path, %option) = @_;
    return (raw("/api/v1/$path", %option))[0];
}

# The words of a number of requests that follow each other.
sub states {
    my ($path, $number, %option) = @_;
    return join ' ', map { word($path, %option) } 1 .. $number;
}

sub forget {
    my $answer = $nginx->fetch('/api/v1/cache/flush/', method => 'POST',
        headers => { Authorization => 'Token secret-chef' });
    $answer->{status} == 200 or die "flush: $answer->{content}\n";
    return;
}

# second(A, B): the word of B after A.  Each is [PATH, OPTION...].  Busy as the
# machine is, the poller may stand still: then it is tried again.
sub second {
    my ($first, $second) = @_;
    my $state;

    MagasinNginx::wait_for(sub {
        forget();
        word(@$first);
        return ($state = word(@$second)) eq 'HIT';
    });
    return $state;
}

# Every kind of answer

my @paths = (
    (map { MagasinRoutes::fill($_->{path}) } MagasinRoutes::cached()),
    map {"/api/v1/$_"} qw(products/?limit=2 products/?q=caf sales/?limit=1
        sales/?magasin=1 stores/9/stock/ stores/1/stock/list/?page=2
        stores/1/stock/list/?quantite=1));

for my $path (@paths) {
    my ($miss, $hit, $head);

    MagasinNginx::wait_for(sub {
        forget();
        $miss = $nginx->request($clients[0], $path);
        $hit  = $nginx->request($clients[1], $path);
        $head = $nginx->request($clients[0], $path, method => 'HEAD');
        return $hit->{state} eq 'HIT' && $head->{state} eq 'HIT';
    });

    is("$miss->{state} $hit->{state} $head->{state}", 'MISS HIT HIT',
        "$path: from the database, and then to the other worker not");
    is(MagasinCache::visible($hit), MagasinCache::visible($miss),
        "$path: the same");
    is(MagasinCache::visible($miss),
        MagasinCache::visible($nginx->direct($path)),
        "$path: the same as without the cache");
    $hit->{content} = '';
    is(MagasinCache::visible($head), MagasinCache::visible($hit),
        "$path: HEAD, without the body");
}

# A HEAD fills for GET.

{
    my $path = 'products/2/';
    is(second([ $path, method => 'HEAD' ], [$path]), 'HIT',
        'a HEAD is enough');
    my (undef, undef, $body) = raw("/api/v1/$path");
    is($body, $nginx->direct("/api/v1/$path")->{content},
        'a HEAD is enough, for all of it');
}

# Validators

for my $path ('/api/v1/products/1/', '/api/v1/stores/1/stock/1/',
    '/api/v1/sales/')
{
    ok($nginx->fill($path), "$path: a hit");
    my $hit  = $nginx->fetch($path);
    my $etag = $hit->{headers}{etag};
    is($etag, $nginx->direct($path)->{headers}{etag}, "$path: its ETag");

    my $answer;
    MagasinNginx::wait_for(sub {
        $answer
            = $nginx->fetch($path, headers => { 'If-None-Match' => $etag });
        return $answer->{state} eq 'HIT';
    });
    is($answer->{status}, 304, "$path: not modified");
    is($answer->{state}, 'HIT', "$path: from the cache");
    is($answer->{content} // '', '', "$path: no body");
    is($answer->{headers}{etag}, $etag, "$path: with ETag");

    $answer = $nginx->fetch($path, headers => { 'If-None-Match' => '"x"' });
    is($answer->{status}, 200, "$path: modified");
    is($answer->{content}, $hit->{content}, "$path: with a body");
}

# Keys: equal questions

for (
    [ 'products/1/', 'products/001/' ],
    [ 'products/1/', 'products/1/?' ],
    [ 'products/1/', 'products/1/?unknown=2' ],
    [ 'stores/1/stock/1/', 'stores/01/stock/0001/' ],
    [ 'products/?limit=2&categorie=Boissons',
        'products/?categorie=Boissons&limit=2' ],
    [ 'products/?q=caf%C3%A9', 'products/?q=caf%c3%a9' ],
    [ 'stores/1/stock/list/', 'stores/1/stock/list/?page=1' ],
    [ 'stores/1/stock/list/?page=2&ordering=quantite',
        'stores/1/stock/list/?ordering=quantite&page=2' ],
) {
    my ($first, $second) = @$_;
    is(second([$first], [$second]), 'HIT', "$first is $second");
}

# Who is asked does not matter, with links or without (t/cache_links.t).

for my $path ('reports/', 'products/?limit=2') {
    is(second([ $path, host => 'a.example' ], [ $path, host => 'b.example' ]),
        'HIT', "$path: who is asked does not matter");
}

# Keys: other questions, right each

for (
    [ [ 'products/?limit=2' ], [ 'products/?limit=3' ] ],
    [ [ 'products/?q=caf' ],  [ 'products/?categorie=caf' ] ],
    [ [ 'products/1/' ],      [ 'products/11/' ] ],
    [ [ 'stores/1/stock/11/' ], [ 'stores/11/stock/1/' ] ],
    [ [ 'stores/1/stock/' ],  [ 'stores/1/stock/list/' ] ],
    [ [ 'stores/1/stock/list/?ordering=quantite' ],
        [ 'stores/1/stock/list/?ordering=-quantite' ] ],
    [ [ 'stores/1/stock/list/?page=1' ], [ 'stores/1/stock/list/?page=2' ] ],
    [ [ 'sales/?magasin=1' ], [ 'sales/?magasin=2' ] ],
    [ [ 'sales/?depuis=2020-01-01' ], [ 'sales/?jusqu_a=2020-01-01' ] ],
    [ [ 'replenishments/?magasin=1' ], [ 'replenishments/?produit=1' ] ],
    [ [ 'products/?archive=true' ], [ 'products/?archive=false' ] ],
) {
    my ($first, $second) = @$_;
    my $name = "$first->[0] is not @$second";

    forget();
    word(@$first);
    my ($path, @option) = @$second;
    my ($state, $head, $body) = raw("/api/v1/$path", @option);
    isnt($state, 'HIT', $name);
    is($body, (raw("/api/v1/$path", @option, server => 'off'))[2],
        "$name: but right");
}

{
    my ($next) = (raw('/api/v1/products/?limit=2'))[2]
        =~ m{"next":"http://magasin.example(/api/v1/[^"]+)"};
    my $second = (raw($next))[2];
    is($second, (raw($next, server => 'off'))[2], 'a cursor');
    isnt($second, (raw('/api/v1/products/?limit=2'))[2],
        'a cursor is another page');

    my ($state, $head) = raw($next, host => 'other.example');
    ($state, $head) = raw($next, host => 'other.example');
    like($head, qr{^Link: <http://other\.example/}m,
        'a link in a header is the client\'s own');
}

# Clients that want it new

for my $control ('no-cache', 'no-store', 'max-age=0', 'max-age=00',
    'max-stale=5, No-Cache', 'max-age=0, must-revalidate',
    "max-age=60\r\nCache-Control: x ,\tno-cache ")
{
    my $path = 'products/3/';
    is(word($path, headers => ["Cache-Control: $control"]), 'BYPASS',
        "$control: past the cache");
}
for my $control ('max-age=60', 'max-age=01', 'no-transform', 'max-stale',
    'x-no-cache', 'no-cached', 'max-age=', 'min-fresh=0,,') {
    is(second(['products/3/'],
            [ 'products/3/', headers => ["Cache-Control: $control"] ]),
        'HIT', "$control: from the cache");
}

# What it brought is for the others: behind the back of the journal, so that
# nobody else could tell.

{
    my $path = '/api/v1/products/3/';
    my ($old, $state, $new, $next);

    MagasinNginx::wait_for(sub {
        MagasinTest::reset();
        MagasinNginx::wait_for(
            sub { $nginx->fetch($path)->{content} =~ /19\.99/ });
        $nginx->fill($path);
        MagasinTest::sql('ALTER TABLE produit DISABLE TRIGGER journal_fait',
            'UPDATE produit SET prix = 5 WHERE id = 3',
            'ALTER TABLE produit ENABLE ALWAYS TRIGGER journal_fait');
        $old   = $nginx->fetch($path);
        $state = $nginx->state($path,
            headers => { 'Cache-Control' => 'no-cache' });
        $next = $nginx->fetch($path);
        return $old->{state} eq 'HIT' && $next->{state} eq 'HIT';
    });
    like($old->{content}, qr/"19\.99"/, 'nobody has told the cache');
    is($state, 'BYPASS', 'one wants it new');
    is($next->{state}, 'HIT', 'the others have it');
    like($next->{content}, qr/"5\.00"/, 'the others have it too');
    MagasinTest::reset();
}

# What is not cached

for (
    [ 'products/999/', 404 ], [ 'stores/1/stock/99/', 404 ],
    [ 'products/?limit=0', 400 ], [ 'stores/1/stock/list/?page=99', 404 ],
    [ 'stores/99/', 404 ], [ 'sales/?depuis=x', 400 ],
    [ 'products/99999999999999999999/', 404 ],
) {
    my ($path, $status) = @$_;
    is($nginx->fetch("/api/v1/$path")->{status}, $status, "$path: $status");
    unlike(states($path, 3), qr/HIT|COALESCED/, "$path: never cached");
}

like(states('journal/', 2), qr/^OFF OFF$/, 'the journal is not cached');
is($nginx->state('/readyz'),  'OFF', 'nor is what looks at the database');
is($nginx->state('/healthz'), '',    'and what asks nobody has no word');

# By location

is(states('products/5/', 3, server => 'off'), 'OFF OFF OFF', 'off');
is(second([ 'products/5/', server => 'l1' ], [ 'products/5/',
    server => 'l1' ]), 'HIT', 'l1 alone');
is(states('products/6/', 3, server => 'l2'), 'MISS MISS MISS',
    'l2 alone, where there is no Redis');

# Writes, and the log

is($nginx->fetch('/api/v1/products/5/', method => 'PUT',
    headers => { Authorization => 'Token secret-chef' },
    content => '{}')->{state}, '', 'a write has no word');
{
    my ($state) = raw('/api/v1/sales/2/');
    my $logged = sub {
        my ($line) = @_;
        return MagasinNginx::wait_for(sub {
            MagasinNginx::slurp("$nginx->{root}/logs/access.log")
                =~ m{^$line$}m;
        });
    };
    ok($logged->("GET /api/v1/sales/2/ \\[\Q$state\E\\]"),
        "\$magasin_cache is $state");
    ok($logged->('PUT /api/v1/products/5/ \[-?\]'),
        '$magasin_cache of a write');
}

# Time

# A second to live, with a change that nobody tells of: it is new after that.
{
    word('products/7/', server => 'brief') for 1 .. 3;
    MagasinTest::sql('ALTER TABLE produit DISABLE TRIGGER journal_fait',
        'UPDATE produit SET prix = 7 WHERE id = 7',
        'ALTER TABLE produit ENABLE ALWAYS TRIGGER journal_fait');
    my $start = time;
    my $last  = 0;
    ok(MagasinNginx::wait_for(sub {
        my $asked = time - $start;
        return 1 if (raw('/api/v1/products/7/', server => 'brief'))[2]
            =~ /"7\.00"/;
        $last = $asked;
        return 0;
    }), 'its time is over');
    cmp_ok($last, '<=', 1.1, 'its time is over after a second');
    MagasinTest::reset();
}

# Near its end one request is sent to fetch it anew, while the others still
# have the old one.
{
    my $path = '/api/v1/products/8/';
    my @connections = $nginx->connections(2, $port{short});
    my ($first, $other);

    # The word of the next answer, if it is there before the lock goes.

    my $soon = sub {
        my ($connection, $seconds) = @_;
        return IO::Select->new($connection->{socket})->can_read($seconds)
            ? MagasinCache::receive($connection) : undef;
    };

    MagasinNginx::wait_for(sub {
        forget();
        for (1 .. 3) {
            MagasinCache::ask_for($connections[0], $path);
            MagasinCache::receive($connections[0]);
        }
        my $held = MagasinTest::hold(
            'LOCK TABLE produit IN ACCESS EXCLUSIVE MODE');

        # The one that does not come at once.  On a busy machine that may be
        # one which is only slow: then it says so, and all is tried again.

        my $end = time + 20;
        do {
            MagasinCache::ask_for($connections[0], $path);
            $first = $soon->($connections[0], 0.05);
        } while ($first && time < $end);

        MagasinCache::ask_for($connections[1], $path);
        $other = $soon->($connections[1], 1);
        MagasinTest::release($held);
        $first ||= MagasinCache::receive($connections[0]);
        return 1 if $first->{state} eq 'MISS' && $other
            && $other->{state} eq 'HIT';
        $other ||= MagasinCache::receive($connections[1]);
        return 0;
    });
    is($first->{state}, 'MISS', 'one fetches it anew');
    is($other->{state}, 'HIT',  'and the others have it meanwhile');
}

# A sale that falls out of the week takes the dashboard with it.
{
    my $path = '/api/v1/dashboard/';
    my ($hits, $last, $gone);

    # Longer where the machine is too busy to see it in time.

    for my $seconds (2.5, 5, 10, 20) {
        MagasinTest::reset(
            'INSERT INTO vente (id, magasin_id, date_vente, total) VALUES (90,'
                . " 4, now() - interval '168 hours' + interval '$seconds s',"
                . ' 5)',
            'INSERT INTO ligne_vente (vente_id, produit_id, quantite,'
                . ' prix_unitaire) VALUES (90, 15, 1000, 0.01)');
        my $start = time;
        MagasinNginx::wait_for(
            sub { $nginx->fetch($path)->{content} =~ /\(1000\)/ }, $seconds);
        ($hits, $last) = (0, 0);
        $gone = MagasinNginx::wait_for(sub {
            my $asked  = time;
            my $answer = $nginx->fetch($path);
            return 1 if $answer->{content} !~ /\(1000\)/;
            $last = $asked - $start - $seconds;
            $hits++ if $answer->{state} eq 'HIT';
            return 0;
        });
        last if $hits;
    }
    cmp_ok($hits, '>', 0, 'the dashboard is cached until a sale is too old');
    ok($gone, 'and then anew');
    cmp_ok($last, '<', 0.1, 'and not for longer');
    is($nginx->fetch($path)->{content}, $nginx->direct($path)->{content},
        'and then right');
}

# Large answers: more than 1000 rows, which come in several runs of the
# statement

MagasinTest::reset(
    "INSERT INTO produit (nom, categorie, prix) SELECT 'Lot ' || n, 'Lot', n"
        . ' FROM generate_series(1, 2500) n',
    'INSERT INTO stock_local (magasin_id, produit_id, quantite)'
        . " SELECT 5, id, 3 FROM produit WHERE categorie = 'Lot'",
    "INSERT INTO magasin (nom, adresse) SELECT 'M ' || n, 'A'"
        . ' FROM generate_series(1, 120) n',
    'INSERT INTO stock_local (magasin_id, produit_id, quantite)'
        . ' SELECT id, 1, 3 FROM magasin WHERE id > 5');

for my $path (qw(/api/v1/stores/5/stock/ /api/v1/reports/
    /api/v1/products/?limit=1000 /api/v1/products/1/availability/))
{
    my $direct = $nginx->direct($path);
    ok(MagasinNginx::wait_for(
        sub { $nginx->fetch($path)->{content} eq $direct->{content} }),
        "$path: gathered, and equal");
    ok($nginx->fill($path), "$path: a hit");
    my $hit = $nginx->fetch($path);
    is($hit->{content}, $direct->{content}, "$path: a hit, and equal");
    is($hit->{headers}{'content-length'}, length $direct->{content},
        "$path: as a whole");
}

# Over magasin_cache_max_size it is not cached, but sent, and nobody waits for
# another's answer.
{
    my $path = '/api/v1/stores/5/stock/';
    my $body = $nginx->direct($path)->{content};
    forget();
    my @answers = map { [ raw($path, server => 'small') ] } 1 .. 3;
    is(join(' ', map { $_->[0] } @answers), 'MISS MISS MISS',
        'too large: not cached');
    is((grep { $_->[2] eq $body } @answers), 3, 'too large: but whole');
    is(second([ 'products/1/', server => 'small' ],
        [ 'products/1/', server => 'small' ]), 'HIT',
        'what is small is cached still');

    # By now it is known, and nobody waits to see.

    forget();
    raw($path, server => 'small');

    my @connections = $nginx->connections(6, $port{small});
    MagasinTest::gates('stock_local');
    my $held = MagasinTest::hold_reads('stock_local');
    MagasinCache::ask_for($_, $path) for @connections;

    ok(MagasinNginx::wait_for(sub { $nginx->blocked >= 2 }),
        'too large: each for itself');
    MagasinTest::release($held);
    is(join(' ', map {"$_->{status} $_->{state}"}
                map { MagasinCache::receive($_) } @connections),
        join(' ', ('200 MISS') x 6), 'too large: and each has its own');
    MagasinTest::no_gates();
}

# Flush

{
    my $path = '/api/v1/products/1/';
    $nginx->fill($path);
    my $flush = sub {
        my (%headers) = @_;
        return $nginx->fetch('/api/v1/cache/flush/', method => 'POST',
            headers => \%headers);
    };
    is($flush->(Authorization => 'Token secret-caisse')->{status}, 403,
        'flush: not with any token');
    is($flush->(Authorization => 'Token x')->{status}, 401,
        'flush: not without one');
    is($nginx->fetch('/api/v1/cache/flush/')->{status}, 405,
        'flush: not by GET');
    $nginx->fill($path);
    my $answer = $flush->(Authorization => 'Token secret-chef');
    is($answer->{status}, 200, 'flush: done');
    like($answer->{content}, qr/^\{"reponses":[1-9]\d*\}$/,
        'flush: says how many there were');
    is($flush->(Authorization => 'Token secret-chef')->{content},
        '{"reponses":0}', 'flush: and now none');
    isnt($nginx->state($path), 'HIT', 'flush: all is forgotten');
    is($nginx->fetch($path)->{content}, $nginx->direct($path)->{content},
        'flush: and right');
    ok($nginx->fill($path), 'flush: and cached again');
}

ok($nginx->stop, 'a graceful stop');
is($nginx->complaints, '', 'nothing alarming in the log');
unlike($nginx->log, qr/\[(?:error|warn)\]/, 'nor anything else');

# The smallest zone, for more answers than it holds

{
    MagasinTest::reset(
        'INSERT INTO produit (nom, categorie, prix, description)'
            . " SELECT 'Lot ' || n, 'Lot', n, repeat('x', 500)"
            . ' FROM generate_series(1, 3000) n');
    my $small = MagasinCache->start(workers => 2, zone => '2m');

    my ($wrong, $hits) = (0, 0);
    for my $id (16 .. 3015) {
        my $answer = $small->fetch("/api/v1/products/$id/");
        my $prix   = $id - 15;
        $wrong++ if $answer->{content} !~ /"prix":"$prix\.00"/;
    }
    is($wrong, 0, 'a full zone: every answer is right');

    # A list of 1000 products with 500 bytes each, beside those.

    my $list = $small->fetch('/api/v1/products/?limit=1000');
    is(length $list->{content},
        length $small->direct('/api/v1/products/?limit=1000')->{content},
        'a full zone: so is a large one');

    ok($small->fill('/api/v1/products/3015/'), 'a full zone: new ones enter');
    isnt($small->state('/api/v1/products/16/'), 'HIT',
        'a full zone: old ones have gone');
    my $flushed = $small->fetch('/api/v1/cache/flush/', method => 'POST');
    my ($entries) = $flushed->{content} =~ /:(\d+)/;
    cmp_ok($entries, '<', 3000, "a full zone: $entries answers");
    cmp_ok($entries, '>', 20, 'a full zone: and not none');

    ok($small->stop, 'a full zone: a graceful stop');
    is($small->complaints, '', 'a full zone: nothing alarming in the log');
    unlike($small->log, qr/\[(?:error|warn)\]|no memory/,
        'a full zone: nor anything else');
}

MagasinTest::reset();
done_testing();
