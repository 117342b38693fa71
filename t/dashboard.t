# GET /api/v1/dashboard/: the corners of the trends, beside what t/reports.t
# has of it.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;

# sales([store, age, product, quantity, price], ...) besides the fixture's,
# in stores 4 and 5 that have none there
sub sales {
    my @statements;
    my $id = 100;
    for my $sale (@_) {
        my ($store, $age, $product, $quantity, $price) = @$sale;
        $id++;
        push @statements,
            'INSERT INTO vente (id, magasin_id, date_vente, total) VALUES'
                . " ($id, $store, now() - interval '$age', 1)",
            'INSERT INTO ligne_vente (vente_id, produit_id, quantite,'
                . " prix_unitaire) VALUES ($id, $product, $quantity, $price)";
    }
    return MagasinTest::reset(@statements);
}

# Of a store only its total and its trends
sub fourth { return store_of($_[0], 'Magasin Sud') }
sub fifth  { return store_of($_[0], 'Magasin Ouest') }

sub store_of {
    my ($body, $name) = @_;
    return $body =~ /\{"magasin":"$name","chiffre_affaires":("[^"]*").*?"tendances":("[^"]*")\}/
        ? "$1 $2" : $body;
}

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();

run_tests();
MagasinTest::reset();

__DATA__

=== TEST 1: the headers
--- init
MagasinTest::reset();
--- request
GET /api/v1/dashboard/
--- response_headers
Content-Type: application/json
Allow: GET, HEAD, OPTIONS
Cache-Control: no-cache
--- no_error_log
[error]


=== TEST 2: the total counts every line, the trends those of the week
--- init
main::sales([4, '1 second', 1, 2, '10.10'], [4, '30 days', 2, 50, '1.00'], [4, '2000 days', 3, 1, '0.05']);
--- request
GET /api/v1/dashboard/
--- response_body_filters: fourth
--- response_body chomp
"70.25" "Clavier mécanique (2)"


=== TEST 3: a sale that is dated ahead counts
--- init
main::sales([4, '-1 day', 1, 2, '1.00']);
--- request
GET /api/v1/dashboard/
--- response_body_filters: fourth
--- response_body chomp
"2.00" "Clavier mécanique (2)"


=== TEST 4: a week has 168 hours, not the days of a calendar
--- init
main::sales([4, '167 hours 59 minutes 50 seconds', 1, 1, '1.00'],
            [5, '168 hours', 1, 1, '1.00'],
            [4, '168 hours 1 millisecond', 2, 9, '1.00']);
--- request eval
['GET /api/v1/dashboard/', 'GET /api/v1/dashboard/']
--- response_body_filters eval
sub { main::fourth($_[0]) . ' ' . main::fifth($_[0]) }
--- response_body eval
[('"10.00" "Clavier mécanique (1)" "1.00" ""') x 2]


=== TEST 5: quantities of one product are added up over its sales
--- init
main::sales((map { [4, "$_ hours", 4, $_, '1.00'] } 1 .. 5), [4, '1 hour', 6, 14, '1.00']);
--- request
GET /api/v1/dashboard/
--- response_body_filters: fourth
--- response_body chomp
"29.00" "Café Premium Bio (15), Thé Vert Sencha (14)"


=== TEST 6: only three, and ties by name as a French reader sorts
--- init
main::sales(map { [4, '1 hour', $_, 2, '1.00'] } 13, 10, 5, 4, 9, 8);
MagasinTest::sql(q{UPDATE produit SET nom = CASE id WHEN 13 THEN 'Été' WHEN 10 THEN 'eau' WHEN 5 THEN 'zèbre' WHEN 4 THEN 'École' WHEN 9 THEN 'Eté' ELSE 'fin' END WHERE id IN (13, 10, 5, 4, 9, 8)});
--- request
GET /api/v1/dashboard/
--- response_body_filters: fourth
--- response_body chomp
"12.00" "eau (2), École (2), Eté (2)"


=== TEST 7: equal names are one trend, each store has its own
--- init
main::sales([4, '1 hour', 4, 2, '1.00'], [4, '1 hour', 6, 3, '1.00'], [4, '1 hour', 8, 4, '1.00'], [5, '1 hour', 6, 1, '1.00']);
MagasinTest::sql(q{UPDATE produit SET nom = 'Thé' WHERE id IN (4, 6)});
--- request
GET /api/v1/dashboard/
--- response_body_filters eval
sub { main::fourth($_[0]) . ' ' . main::fifth($_[0]) }
--- response_body chomp
"9.00" "Thé (5), Chocolat Noir 70% (4)" "1.00" "Thé (1)"


=== TEST 8: a sale without lines is none
--- init
MagasinTest::reset('INSERT INTO vente (magasin_id, total) VALUES (4, 12.50)');
--- request eval
['GET /api/v1/dashboard/', 'GET /api/v1/reports/']
--- response_body_like eval
['"magasin":"Magasin Sud","chiffre_affaires":"0\.00",[^}]*"tendances":""',
 '"magasin":"Magasin Sud","total":0,"produits_vendus":\{\}']


=== TEST 9: quantities past what an integer holds
--- init
main::sales((map { [4, '1 hour', 1, 2147483647, '99999999.99'] } 1 .. 3));
--- request eval
['GET /api/v1/dashboard/', 'GET /api/v1/reports/']
--- response_body_like eval
['"chiffre_affaires":"644245094035575490\.59",[^}]*"tendances":"Clavier mécanique \(6442450941\)"',
 '"produits_vendus":\{"Clavier mécanique":6442450941\}']


=== TEST 10: a PUT shows in the trends at once
--- init
main::sales([4, '1 hour', 1, 2, '1.00']);
--- request eval
["PUT /api/v1/products/1/\n" . '{"nom":"Clavier (\"neuf\")","prix":5}', 'GET /api/v1/dashboard/']
--- more_headers eval: $MagasinTest::Json
--- response_body_like eval
['"prix":"5\.00"', '"chiffre_affaires":"2\.00",[^}]*"tendances":"Clavier \(\\\\"neuf\\\\"\) \(2\)"']
