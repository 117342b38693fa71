# GET /api/v1/reports/ of stores that are larger than one result: their rows
# come piece by piece, each once, and products with equal names are one row
# although other pieces have the others of them.

use strict;
use warnings;

use lib 't/inc';
use HTTP::Tiny;
use Test::More;
use MagasinTest;
use MagasinCache;

plan skip_all => 'TEST_NGINX_RUN_DIR is not set (make test)'
    unless $ENV{TEST_NGINX_RUN_DIR};

# The report as one statement that reads and sorts everything.  The totals of
# the test end in ".25", so that no zeros have to be cut off.
my $wanted = <<'SQL';
SELECT '[' || string_agg(
           '{"magasin":' || to_json(m.nom) || ',"total":' || coalesce((
               SELECT sum(l.quantite * l.prix_unitaire)::text
                 FROM vente v JOIN ligne_vente l ON l.vente_id = v.id
                WHERE v.magasin_id = m.id), '0')
           || ',"produits_vendus":{' || coalesce((
               SELECT string_agg(to_json(x.nom) || ':' || x.quantite, ','
                                 ORDER BY x.premiere)
                 FROM (SELECT p.nom, sum(l.quantite) AS quantite,
                              min(l.id) AS premiere
                         FROM vente v
                         JOIN ligne_vente l ON l.vente_id = v.id
                         JOIN produit p ON p.id = l.produit_id
                        WHERE v.magasin_id = m.id
                        GROUP BY p.nom) x), '')
           || '},"stock_local":{' || coalesce((
               SELECT string_agg(to_json(x.nom) || ':' || x.quantite, ','
                                 ORDER BY x.premier)
                 FROM (SELECT p.nom, sum(s.quantite) AS quantite,
                              min(p.id) AS premier
                         FROM stock_local s
                         JOIN produit p ON p.id = s.produit_id
                        WHERE s.magasin_id = m.id
                        GROUP BY p.nom) x), '')
           || '}}', ',' ORDER BY m.id) || ']'
  FROM magasin m
SQL

# Stores with so many rows of stock, and with as many products sold.
sub stores {
    my (@sizes) = @_;
    my $most = (sort { $b <=> $a } map { @$_ } @sizes)[0];
    my @statements = (
        'TRUNCATE vente, ligne_vente, stock_local, stock_central,'
            . ' demande_reapprovisionnement, magasin, produit'
            . ' RESTART IDENTITY CASCADE',
        "INSERT INTO magasin (id, nom, adresse) SELECT i, 'M' || i, 'x'"
            . ' FROM generate_series(1, ' . @sizes . ') i',

        # Every hundredth product has the name of one far away from it.
        'INSERT INTO produit (id, nom, categorie, prix)'
            . " SELECT i, 'P' || CASE WHEN i % 100 = 7 THEN (i * 31) % 900"
            . " ELSE i END, 'x', 1 FROM generate_series(1, $most) i");

    for my $store (1 .. @sizes) {
        my ($stock, $sold) = @{ $sizes[$store - 1] };
        push @statements,
            'INSERT INTO stock_local (magasin_id, produit_id, quantite)'
                . " SELECT $store, i, i % 50 FROM generate_series(1, $stock) i";
        push @statements,
            'INSERT INTO vente (id, magasin_id, total)'
                . " VALUES ($store, $store, 1)",

            # Sold in another order than that of their ids.
            'INSERT INTO ligne_vente (vente_id, produit_id, quantite,'
                . " prix_unitaire) SELECT $store, 1 + (i * 7919) % $sold,"
                . " 1 + i % 3, CASE WHEN i = 1 THEN 1.25 / (1 + i % 3)"
                . " ELSE 1 END FROM generate_series(1, $sold) i" if $sold;
    }
    MagasinTest::sql(@statements);
    return;
}

my $off = MagasinNginx::free_port();
my $nginx = MagasinCache->start(workers => 1,
    cache => "server { listen 127.0.0.1:$off;"
        . ' location / { magasin; magasin_cache off; } }');

sub check {
    my ($what) = @_;
    my $text   = MagasinTest::sql($wanted);
    my $answer = HTTP::Tiny->new->get("http://127.0.0.1:$off/api/v1/reports/");
    is($answer->{status}, 200, "$what: status");
    ok($answer->{content} eq $text, $what)
        or diag(length($answer->{content}) . ' bytes, not ' . length $text);
    return;
}

# The sizes around one result (5000 rows of both) and one piece (1000 rows).
for my $sizes (
    [[4999, 0], [1, 1]],
    [[2500, 2500], [3, 2]],
    [[2500, 2501], [3, 2]],
    [[5001, 0], [3, 2]],
    [[3, 2], [6000, 1000], [10, 10], [1000, 5000], [7, 0]],
    [[6000, 6001]],
    [[999, 4999], [2001, 5999], [0, 0]],
) {
    stores(@$sizes);
    check('stores of ' . join ', ', map { "$_->[0]/$_->[1]" } @$sizes);
}

MagasinTest::reset();
done_testing();
