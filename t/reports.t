# GET /api/v1/reports/ and /api/v1/dashboard/.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;

# A store of its own with sales: (age, product, quantity, price) each
sub store {
    my (@lines) = @_;
    my @statements = (
        'TRUNCATE vente, ligne_vente, stock_local, stock_central,'
            . ' demande_reapprovisionnement, magasin, produit CASCADE',
        "INSERT INTO magasin (id, nom, adresse) VALUES (1, 'Un', 'x'),"
            . " (2, 'Deux', 'y')",
        'INSERT INTO produit (id, nom, categorie, prix, quantite_stock)'
            . " VALUES (1, 'b', 'x', 1, 0), (2, 'a', 'x', 1, 0),"
            . " (3, 'É', 'x', 1, 0), (4, 'e', 'x', 1, 0), (5, 'z', 'x', 1, 0),"
            . " (6, 'z', 'x', 1, 0)",
    );
    my $id = 0;
    for my $line (@lines) {
        my ($age, $product, $quantity, $price) = @$line;
        $id++;
        push @statements,
            'INSERT INTO vente (id, magasin_id, date_vente, total) VALUES'
                . " ($id, 1, now() - interval '$age', $quantity * $price)",
            'INSERT INTO ligne_vente (id, vente_id, produit_id, quantite,'
                . " prix_unitaire) VALUES ($id, $id, $product, $quantity,"
                . " $price)";
    }
    return MagasinTest::sql(@statements);
}

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();

MagasinTest::reset();
run_tests();
MagasinTest::reset();

__DATA__

=== TEST 1: the report of the fixture: stores in order, totals as numbers
--- request
GET /api/v1/reports/
--- response_headers
Content-Type: application/json
Allow: GET, HEAD, OPTIONS
--- response_body_like chomp
\A\[\{"magasin":"Magasin Centre-Ville","total":3024\.4,"produits_vendus":\{"Clavier mécanique":3,"Café Premium Bio":7,"Café Espresso Intenso":5,"Souris optique":100\},"stock_local":\{"Clavier mécanique":20,.*\{"magasin":"Magasin Nord","total":18\.19,.*\{"magasin":"Magasin Est","total":99999999\.99,.*\{"magasin":"Magasin Sud","total":0,"produits_vendus":\{\},"stock_local":\{"Tapis de souris XL":24,.*\{"magasin":"Magasin Ouest","total":0,.*\]\z


=== TEST 2: the dashboard of the fixture
--- request
GET /api/v1/dashboard/?x=1
--- response_body chomp
[{"magasin":"Magasin Centre-Ville","chiffre_affaires":"3024.40","ruptures":0,"surstock":12,"tendances":"Café Premium Bio (7), Café Espresso Intenso (5), Clavier mécanique (3)"},{"magasin":"Magasin Nord","chiffre_affaires":"18.19","ruptures":1,"surstock":4,"tendances":"Chocolat Noir 70% (1)"},{"magasin":"Magasin Est","chiffre_affaires":"99999999.99","ruptures":0,"surstock":4,"tendances":"Chocolat au Lait (1)"},{"magasin":"Magasin Sud","chiffre_affaires":"0.00","ruptures":0,"surstock":5,"tendances":""},{"magasin":"Magasin Ouest","chiffre_affaires":"0.00","ruptures":0,"surstock":3,"tendances":""}]


=== TEST 3: the week ends after 168 hours
--- init
main::store(['167 hours 59 minutes', 1, 1, '1.00'], ['168 hours 1 second', 2, 9, '1.00']);
--- request
GET /api/v1/dashboard/
--- response_body chomp
[{"magasin":"Un","chiffre_affaires":"10.00","ruptures":0,"surstock":0,"tendances":"b (1)"},{"magasin":"Deux","chiffre_affaires":"0.00","ruptures":0,"surstock":0,"tendances":""}]


=== TEST 4: three trends, ties by name in French order
--- init
main::store((map { ['1 hour', $_, 2, '1.50'] } 1 .. 5), ['1 hour', 5, 1, '0.25']);
--- request
GET /api/v1/dashboard/
--- response_body_like: "chiffre_affaires":"15\.25","ruptures":0,"surstock":0,"tendances":"z \(3\), a \(2\), b \(2\)"


=== TEST 5: two products with one name are added up
--- init
main::store(['1 hour', 5, 2, '1.00'], ['1 hour', 6, 3, '1.00']);
MagasinTest::sql('INSERT INTO stock_local (magasin_id, produit_id, quantite) VALUES (1, 5, 4), (1, 6, 8)');
--- request eval
["GET /api/v1/reports/", "GET /api/v1/dashboard/"]
--- response_body eval
['[{"magasin":"Un","total":5.0,"produits_vendus":{"z":5},"stock_local":{"z":12}},{"magasin":"Deux","total":0,"produits_vendus":{},"stock_local":{}}]',
 '[{"magasin":"Un","chiffre_affaires":"5.00","ruptures":0,"surstock":0,"tendances":"z (5)"},{"magasin":"Deux","chiffre_affaires":"0.00","ruptures":0,"surstock":0,"tendances":""}]']


=== TEST 6: totals past 99,999,999.99 are numbers like any other
--- init
main::store(['1 hour', 1, 10000, '99999999.99'], ['1 hour', 1, 1, '0.03']);
--- request eval
["GET /api/v1/reports/", "GET /api/v1/dashboard/"]
--- response_body_like eval
['"total":999999999900\.03,', '"chiffre_affaires":"999999999900\.03"']


=== TEST 7: a total of nothing but gifts is 0.0, one without lines 0
--- init
main::store(['1 hour', 1, 2, '0.00']);
--- request
GET /api/v1/reports/
--- response_body chomp
[{"magasin":"Un","total":0.0,"produits_vendus":{"b":2},"stock_local":{}},{"magasin":"Deux","total":0,"produits_vendus":{},"stock_local":{}}]


=== TEST 8: no stores
--- init
MagasinTest::sql('TRUNCATE vente, ligne_vente, stock_local, stock_central, demande_reapprovisionnement, magasin, produit CASCADE');
--- request eval
["GET /api/v1/reports/", "GET /api/v1/dashboard/"]
--- response_body eval
["[]", "[]"]


=== TEST 9: ruptures are rows at 0, surplus rows over 10
--- init
main::store();
MagasinTest::sql('INSERT INTO stock_local (magasin_id, produit_id, quantite) VALUES (1, 1, 0), (1, 2, 10), (1, 3, 11), (1, 4, 0), (2, 1, 1)');
--- request
GET /api/v1/dashboard/
--- response_body_like: "ruptures":2,"surstock":1,"tendances":""\},\{"magasin":"Deux","chiffre_affaires":"0.00","ruptures":0,"surstock":0


=== TEST 10: more stores than fit into one piece
--- init
main::store(['1 hour', 1, 2, '1.00']);
MagasinTest::sql("INSERT INTO magasin (id, nom, adresse) SELECT i, 'M' || i, 'x' FROM generate_series(3, 120) i");
--- request eval
["GET /api/v1/reports/", "GET /api/v1/dashboard/"]
--- response_body_like eval
['\A\[\{"magasin":"Un",(?:.*?"magasin":"M\d+","total":0,){117}.*"magasin":"M120","total":0,"produits_vendus":\{\},"stock_local":\{\}\}\]\z',
 '\A\[\{"magasin":"Un","chiffre_affaires":"2.00",(?:.*?"magasin":"M\d+",){117}.*"magasin":"M120",[^]]*\]\z']


=== TEST 11: exactly one piece
--- init
main::store();
MagasinTest::sql("INSERT INTO magasin (id, nom, adresse) SELECT i, 'M' || i, 'x' FROM generate_series(3, 50) i");
--- request eval
["GET /api/v1/reports/", "GET /api/v1/dashboard/"]
--- response_body_like eval
['"magasin":"M50","total":0,"produits_vendus":\{\},"stock_local":\{\}\}\]\z',
 '"magasin":"M50",[^]]*\}\]\z']


=== TEST 12: text is escaped
--- init
main::store(['1 hour', 1, 2, '1.00']);
MagasinTest::sql(q{UPDATE produit SET nom = 'a"b\\c' || chr(10) || chr(8232) || '</x>' WHERE id = 1});
--- request
GET /api/v1/reports/
--- response_body_like: "produits_vendus":\{"a\\"b\\\\c\\n\\u2028</x>":2\}
