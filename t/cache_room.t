# A zone that is full: a long answer finds room, and takes no more of it from
# short ones than it needs; what is not kept evicts nothing and is not counted.

use strict;
use warnings;

use lib 't/inc';
use Test::More;
use MagasinTest;
use MagasinCache;

plan skip_all => 'TEST_NGINX_ADMIN_DATABASE is not set (make test)'
    unless $ENV{TEST_NGINX_ADMIN_DATABASE};

my $short = 9000;

MagasinTest::reset(
    'INSERT INTO produit (id, nom, categorie, prix)'
        . " SELECT 1000 + i, 'Court ' || i, 'court', 1 FROM generate_series(1, $short) i",
    'INSERT INTO produit (id, nom, categorie, prix, description)'
        . " SELECT 10000 + i, 'Long ' || i, 'long' || i % 8, 1, repeat('d', 900)"
        . ' FROM generate_series(1, 1040) i',
    'ANALYZE');

# A page of 130 products is 130 kB; there are eight.
sub long { return "/api/v1/products/?categorie=long$_[0]&limit=1000" }

my $node = MagasinCache->start(workers => 1, zone => '4m',
    server => 'location = /metrics { magasin_metrics; }');

sub counters {
    my ($status, $answer) = $node->get('/metrics');
    return { $answer =~ /^magasin_cache_(\w+) (\d+)$/mg };
}

# fill(FROM): the products from there on, until one is evicted that was there
# before; the last one.
sub fill {
    my ($at) = @_;
    my $before = counters()->{evictions_total};
    for (1 .. 45) {
        $node->state('/api/v1/products/' . (1000 + $at++) . '/') for 1 .. 190;
        return $at - 1 if counters()->{evictions_total} > $before;
    }
    die "the zone does not fill\n";
}

my $last = fill(1);
my $full = counters()->{entries};
cmp_ok($full, '>', 1000, "the zone is full of $last short answers");

# As with clients that ask for this and that, age has nothing to do with place.

my $stride = 1009;
$node->state('/api/v1/products/' . (1000 + $last - $_ * $stride % $full) . '/')
    for 0 .. $full - 1;

{
    my $was = counters();
    is($node->state(long(0)), 'MISS', 'a long answer, for the first time');
    my $now = counters();
    my $size = length $node->fetch(long(0))->{content};
    cmp_ok($size, '>', 120_000, "it has $size bytes");
    is($now->{stored_total} - $was->{stored_total}, 1, 'it is kept');
    my $evicted = $now->{evictions_total} - $was->{evictions_total};
    cmp_ok($evicted, '<', $size / 400, "and $evicted short ones are gone for it");
    cmp_ok($evicted, '>', $size / 2000, '  as there was no room before');
    ok(MagasinNginx::wait_for(sub { $node->state(long(0)) eq 'HIT' }), 'the next time it is a hit');

    my $kept = 0;
    for my $i ($full - 300 .. $full - 1) {
        my $id = 1000 + $last - $i * $stride % $full;
        $kept++ if $node->state("/api/v1/products/$id/") eq 'HIT';
    }
    cmp_ok($kept, '>', 250, "of the last 300 short ones $kept are there");
}

{
    my $was = counters();
    my $all = MagasinNginx::wait_for(sub {
        $node->state(long($_)) for 0 .. 3;
        return 4 == grep { $node->state(long($_)) eq 'HIT' } 0 .. 3;
    });
    ok($all, 'four of them, half a megabyte, are all kept');
    my $now = counters();
    cmp_ok($now->{evictions_total} - $was->{evictions_total}, '<', 1500,
        '  and take what they need');
    cmp_ok($now->{entries}, '>', 300, '  beside short ones');
}

# It is the same bytes, whatever block they are in.
{
    my @wrong = grep {
        $node->fetch(long($_))->{content} ne $node->direct(long($_))->{content}
    } 0 .. 7;
    is("@wrong", '', 'the bytes are right');
}

# Sizes around those of a block and of its head.
{
    MagasinTest::sql('INSERT INTO produit (id, nom, categorie, prix, description)'
        . " SELECT 20000 + i, 'Bloc', 'bloc', 1, repeat('b', i)"
        . ' FROM generate_series(1, 1700) i');
    my @wrong;
    for my $id (map { 20000 + $_ } 1 .. 300, 500 .. 600, 1100 .. 1200) {
        my $path   = "/api/v1/products/$id/";
        my $direct = $node->direct($path)->{content};
        $node->fetch($path);
        push @wrong, $id if $node->fetch($path)->{content} ne $direct;
    }
    is("@wrong", '', 'an answer that ends anywhere in a block is right');
}

# Longer than a part of the zone may be: nothing makes room for it.
{
    fill(1);
    my $was  = counters();
    my $path = '/api/v1/products/?q=Long&limit=1000';
    my $size = length $node->fetch($path)->{content};
    cmp_ok($size, '>', 900_000, "an answer of $size bytes");
    is($node->state($path), 'MISS', 'is not kept');
    my $now = counters();
    cmp_ok($now->{too_large_total}, '>', $was->{too_large_total}, '  as it is too large');
    is($now->{stored_total}, $was->{stored_total}, '  nor counted as stored');
    cmp_ok($now->{evictions_total} - $was->{evictions_total}, '<', 8,
        '  and evicts no more than its own entry needs');
}

ok($node->reload, 'a reload');
ok(MagasinNginx::wait_for(sub { $node->state('/api/v1/products/1001/') eq 'HIT' }),
    'keeps the zone');
ok($node->stop, 'it ends');
is($node->complaints, '', 'nothing is wrong in the log');

MagasinTest::reset();
done_testing();
