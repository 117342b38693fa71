# A product's entity tag is computed twice: in C for the answer to a read, and
# by produit_etag() in PostgreSQL for If-Match.  Both are equal, whatever the
# fields hold.

use strict;
use warnings;

use lib 't/inc';
use HTTP::Tiny;
use Test::More;
use MagasinNginx;
use MagasinTest;

plan skip_all => 'TEST_NGINX_RUN_DIR is not set (make test)'
    unless $ENV{TEST_NGINX_RUN_DIR};

my $products = 10_000;

# Fields that are empty or missing, that hold what separates fields in the
# digest, or text of any script, in any combination; prices of any size.
MagasinTest::reset(<<"SQL");
SELECT setseed(0.42);
INSERT INTO produit (id, nom, categorie, prix, description)
SELECT 100000 + n,
    n || ' ' || texte[1 + floor(random() * 8)::int],
    'c' || texte[1 + floor(random() * 8)::int],
    round((random() * power(10, floor(random() * 8)))::numeric, 2),
    CASE WHEN random() < 0.2 THEN NULL
        ELSE repeat(texte[1 + floor(random() * 8)::int],
            floor(random() * 40)::int) END
FROM generate_series(1, $products) n,
    (SELECT ARRAY['', 'Clavier', E'\\x1f', E'\\x1e', E'a\\x1eb\\x1f', 'été « é »',
        E'"\\\\\\t\\n', '日本語 🎉'] AS texte) t
SQL

my %expected = map { split /\|/ } split /\n/, MagasinTest::sql(
    q{SELECT id, '"' || produit_etag(nom, categorie, prix, description) || '"'}
        . ' FROM produit WHERE id > 100000');
is(scalar keys %expected, $products, "$products products");

# Fields that are joined are not told apart by what a field may contain, nor by
# its length.
my @twins = (
    [q(E'A\x1fB', 'C', 1.00, 'd')],        [q('A', E'B\x1fC', 1.00, 'd')],
    [q('A', 'B', 1.00, E'\x1e')],          [q('A', 'B', 1.00, NULL)],
    [q('A', 'B', 1.00, '')],               [q('A', 'B', 1.00, '-')],
    [q('A1:B', 'C', 1.00, 'd')],           [q('A', 'B1:C', 1.00, 'd')],
    [q('A', 'B4:1.00', 1.00, 'd')],        [q('A4:1.00', 'B', 1.00, 'd')],
);
my %tags = map { (MagasinTest::sql("SELECT produit_etag($_->[0])") => 1) } @twins;
is(scalar keys %tags, scalar @twins, 'different products have different tags');

my $nginx  = MagasinNginx->start(workers => 1);
my $client = HTTP::Tiny->new(timeout => 20, proxy => undef,
    http_proxy => undef);
my $url = "http://127.0.0.1:$nginx->{port}/api/v1/products/";

my @different;
for my $id (sort keys %expected) {
    my $answer = $client->get("$url$id/");
    my $tag    = $answer->{headers}{etag} // "status $answer->{status}";
    push @different, "$id: $tag, not $expected{$id}"
        if $tag ne $expected{$id};
}
is(join("\n", @different[0 .. ($#different < 4 ? $#different : 4)]), '',
    'each has the same tag in an answer and in PostgreSQL');

# And If-Match takes it.
my ($id) = sort keys %expected;
for my $case ([$expected{$id}, 200], [$expected{$id}, 412]) {
    my $answer = $client->put("$url$id/", {
        headers => {
            Authorization  => 'Token token-430',
            'Content-Type' => 'application/json',
            'If-Match'     => $case->[0],
        },
        content => '{"nom":"autre"}',
    });
    is($answer->{status}, $case->[1], "If-Match: $case->[1]");
}

ok($nginx->stop, 'a graceful stop');
is($nginx->complaints, '', 'nothing alarming in the log');
MagasinTest::reset();
done_testing();
