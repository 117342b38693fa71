# Pages of long rows leave in pieces, each with a statement of its own: no row
# is left out or told twice, whatever changes between two of them.

use strict;
use warnings;

use lib 't/inc';
use JSON::PP qw(decode_json);
use Socket qw(SOL_SOCKET SO_RCVBUF inet_aton);
use Test::More;
use MagasinTest;
use MagasinCache;

plan skip_all => 'TEST_NGINX_RUN_DIR is not set (make test)'
    unless $ENV{TEST_NGINX_RUN_DIR};

sub fixture {
    return MagasinTest::reset(
        'INSERT INTO produit (id, nom, categorie, prix, description)'
            . " SELECT 1000 + i, 'Lent ' || to_char(i, 'FM0000'), 'lent', 1,"
            . " repeat('d', 2000) FROM generate_series(1, 500) i");
}

my $off = MagasinNginx::free_port();
my $nginx;

# A client that has begun to read, and not more.
sub begin {
    my ($path) = @_;
    my $socket = IO::Socket::INET->new(Proto => 'tcp') or die "socket: $!\n";
    setsockopt $socket, SOL_SOCKET, SO_RCVBUF, 4096
        or die "setsockopt: $!\n";
    $socket->connect($off, inet_aton('127.0.0.1')) or die "connect: $!\n";
    $socket->autoflush(1);
    my $reader = { socket => $socket };
    MagasinCache::ask_for($reader, $path);
    IO::Select->new($socket)->can_read($MagasinNginx::Patience)
        or die "no answer\n";
    return $reader;
}

sub rest {
    my ($reader) = @_;
    setsockopt $reader->{socket}, SOL_SOCKET, SO_RCVBUF, 1 << 20
        or die "setsockopt: $!\n";
    my $answer = MagasinCache::receive($reader);
    my $text   = $answer->{content};
    $reader->{head} = $answer->{head};
    return decode_json($text)
        if $answer->{head} !~ /^Transfer-Encoding: chunked/m;
    my $whole = '';
    while ($text =~ s/\A([0-9a-f]+)\r\n//) {
        $whole .= substr $text, 0, hex($1) + 2, '';
        substr $whole, -2, 2, '';
    }
    return decode_json($whole);
}

sub numbers { return join ' ', map { $_->{id} } @{ $_[0]{results} } }

fixture();
$nginx = MagasinCache->start(workers => 1,
    cache => "server { listen 127.0.0.1:$off sndbuf=16k;"
        . ' location / { magasin; magasin_cache off; } }');

# Page after page, to the end

for my $limit (64, 65, 250, 499, 500) {
    my ($path, @all) = "/api/v1/products/?categorie=lent&limit=$limit";
    my $pages = 0;
    while (defined $path && $pages < 600) {
        my $page = rest(begin($path));
        push @all, map { $_->{id} } @{ $page->{results} };
        $path = defined $page->{next}
            ? $page->{next} =~ s{\Ahttp://localhost}{}r : undef;
        $pages++;
    }
    is("@all", join(' ', 1001 .. 1500), "limit=$limit: $pages pages");
}

# What changes between two pieces

my %path = (
    categorie => '/api/v1/products/?categorie=lent&limit=400',
    q         => '/api/v1/products/?q=lent&limit=400',
    all       => '/api/v1/products/?limit=1000',
);

for my $name (sort keys %path) {
    my $reader;
    my $page = sub { rest($reader) };

    fixture();
    $reader = begin($path{$name});
    MagasinTest::sql(
        'INSERT INTO produit (id, nom, categorie, prix, description)'
            . " VALUES (2001, 'Lent 0300 bis', 'lent', 1, repeat('d', 2000)),"
            . " (2002, 'Lent 9999', 'lent', 1, 'x')",
        'DELETE FROM produit WHERE id IN (1350, 1390)');
    my $rows  = $page->();
    my $wanted = join ' ', 1001 .. 1300, 2001,
        grep { $_ != 1350 && $_ != 1390 } 1301 .. 1400;
    if ($name eq 'all') {
        $wanted = join ' ', 1001 .. 1300, 2001,
            grep { $_ != 1350 && $_ != 1390 } 1301 .. 1500;
        my %is = map { $_ => 1 } split ' ', $wanted;
        is(join(' ', grep { $is{$_} } split ' ', numbers($rows)), $wanted,
            "$name: one comes and two go");
    } else {
        is(numbers($rows), $wanted, "$name: one comes and two go");
    }

    next if $name eq 'all';

    my $next = rest(begin($rows->{next} =~ s{\Ahttp://localhost}{}r));
    is(numbers($next), join(' ', 1401 .. 1500, 2002),
        "$name: the next page goes on from there");

    fixture();
    $reader = begin($path{$name});
    MagasinTest::sql('DELETE FROM produit WHERE id BETWEEN 1395 AND 1405');
    is(numbers($page->()), join(' ', 1001 .. 1394),
        "$name: the last of the page goes");

    fixture();
    $reader = begin($path{$name});
    MagasinTest::sql('DELETE FROM produit WHERE id > 1100');
    my $few = numbers($page->());
    like($few, qr/\A1001 .* 1100\z/, "$name: all that would come go");
}

# The journal's rows hold what was there before, too

fixture();
MagasinTest::sql("UPDATE produit SET description = repeat(md5(id::text), 200)"
    . " WHERE categorie = 'lent'");
for my $order ('', '&ordering=-id') {
    my $where = "type=produit_modification$order";
    my ($path, @all) = "/api/v1/journal/?$where&limit=400";
    for (1 .. 2) {
        my $page = rest(begin($path));
        push @all, map { $_->{produit} } @{ $page->{results} };
        is(scalar(grep { length $_->{details}{description}[1] == 6400 }
                @{ $page->{results} }), scalar @{ $page->{results} },
            "journal$order: rows are whole");
        $path = $page->{next} =~ s{\Ahttp://localhost}{}r if $page->{next};
    }
    my %all = map { $_ => 1 } @all;
    is(scalar(@all) . ' ' . keys %all, '500 500', "journal$order: all, once");
}

# Stores with long names and addresses

MagasinTest::reset(
    'INSERT INTO magasin (id, nom, adresse)'
        . ' SELECT 1000 + i, repeat(chr(119070), 96) || i,'
        . ' repeat(chr(119070), 255) FROM generate_series(1, 500) i');
my ($path, @stores) = '/api/v1/stores/?limit=400';
while (defined $path && @stores < 2000) {
    my $page = rest(begin($path));
    push @stores, map { $_->{id} } @{ $page->{results} };
    $path = defined $page->{next}
        ? $page->{next} =~ s{\Ahttp://localhost}{}r : undef;
}
is(join(' ', grep { $_ > 1000 } @stores), join(' ', 1001 .. 1500),
    'stores: all, once');

my $stores = begin('/api/v1/stores/?limit=400');
MagasinTest::sql('DELETE FROM magasin WHERE id BETWEEN 1300 AND 1450');
like(numbers(rest($stores)), qr/ 1298 1299\z/,
    'stores: the last of the page goes');
like($stores->{head} // '', qr/^Transfer-Encoding: chunked/m,
    'stores: in pieces');

# Availability in many stores

MagasinTest::reset(
    'INSERT INTO magasin (id, nom, adresse)'
        . " SELECT 1000 + i, 'Succursale ' || i, 'x'"
        . ' FROM generate_series(1, 2500) i',
    'INSERT INTO stock_local (magasin_id, produit_id, quantite)'
        . ' SELECT 1000 + i, 3, i % 5 FROM generate_series(1, 2500) i');
my $where = rest(begin('/api/v1/products/3/availability/'));
my %stores = map { $_->{magasin} => $_->{quantite} } @{ $where->{magasins} };
is(scalar(@{ $where->{magasins} }), scalar(keys %stores),
    'availability: no store twice');
is(scalar(grep { ($stores{ 1000 + $_ } // 0) == $_ % 5 } 1 .. 2500), 2500,
    'availability: all stores that have some');
is($where->{nom}, 'Tapis de souris XL', 'availability: and the product');

# Reports of stores that together have more rows than a piece

MagasinTest::reset(
    'INSERT INTO produit (id, nom, categorie, prix)'
        . " SELECT 1000 + i, 'P' || i, 'x', 1 FROM generate_series(1, 3000) i",
    'INSERT INTO magasin (id, nom, adresse)'
        . " SELECT 1000 + i, 'Succursale ' || i, 'x'"
        . ' FROM generate_series(1, 60) i',
    'INSERT INTO stock_local (magasin_id, produit_id, quantite)'
        . ' SELECT 1000 + m, 1000 + p, m + p FROM generate_series(1, 4) m,'
        . ' generate_series(1, 3000) p');
my $reports = rest(begin('/api/v1/reports/'));
my %report = map { $_->{magasin} => $_ } @{ $reports };
is(scalar(@{$reports}) . ' ' . keys %report,
    join(' ', (MagasinTest::sql('SELECT count(*) FROM magasin')) x 2),
    'reports: all stores, once');
is(scalar(grep { keys %{ $report{"Succursale $_"}{stock_local} } == 3000 }
        1 .. 4), 4, 'reports: those with much');
is(scalar(grep { keys %{ $report{"Succursale $_"}{stock_local} } == 0 }
        5 .. 60), 56, 'reports: and those without');

ok($nginx->stop, 'a graceful stop');
is($nginx->complaints, '', 'nothing alarming in the log');

MagasinTest::reset();
done_testing();
