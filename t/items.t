# GET /api/v1/stores/{id}/items/.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;
use MagasinNginx;

# The body of an answer that is not in chunks.
sub body {
    my ($nginx, $path) = @_;
    my (undef, $answer)
        = $nginx->ask("GET $path HTTP/1.0\r\nHost: localhost\r\n\r\n");
    return $answer =~ s/.*?\r\n\r\n//sr;
}

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();
MagasinTest::gets();

MagasinTest::reset();
run_tests();
MagasinTest::reset();

__DATA__

=== TEST 1: a row, with all of it
--- init
MagasinTest::reset(
    q{INSERT INTO produit_code (code, produit_id, interne, rang) VALUES
      ('CAF-1', 4, true, NULL), ('3017620422003', 4, false, 1)},
    q{INSERT INTO seuil_categorie VALUES (1, 'Boissons', 10, 40), (1, '', 1, NULL)},
    q{INSERT INTO seuil VALUES (1, 5, 99, NULL), (2, 4, 7, 7)},
    q{INSERT INTO demande_reapprovisionnement (magasin_id, produit_id, quantite, statut)
      VALUES (1, 4, 5, 'en_attente'), (1, 4, 6, 'en_attente'), (1, 4, 100, 'refusee'), (2, 4, 3, 'en_attente')});
--- gets
/api/v1/stores/1/items/?q=premium -> 200 {"next":null,"results":[{"produit":4,"nom":"Café Premium Bio","code":"CAF-1","quantite":30,"disponible":30,"retenu":0,"en_transit":0,"demande":11,"minimum":10,"maximum":40}]}
/api/v1/stores/1/items/?q=espresso -> 200 ~"produit":5,"nom":"Café Espresso Intenso","code":null,"quantite":\d+,"disponible":\d+,"retenu":0,"en_transit":0,"demande":0,"minimum":99,"maximum":null\}
/api/v1/stores/1/items/?q=clavier -> 200 ~"minimum":1,"maximum":null\}
/api/v1/stores/2/items/?q=premium -> 200 ~"code":"CAF-1","quantite":22,.*"demande":3,"minimum":7,"maximum":7\}
/api/v1/stores/1/items/?limit=1 -> 200 ~^\{"next":"http://localhost/api/v1/stores/1/items/\?cursor=[\w-]+&limit=1","results":\[\{"produit":\d+,[^{}]*\}\]\}$
/api/v1/stores/1/items/?sous_minimum=true -> 200 ~"results":\[\{"produit":5,[^{}]*\}(,\{[^{}]*\})*\]\}$
/api/v1/stores/99/items/ -> 404
/api/v1/stores/99999999999999999999/items/ -> 404
HEAD /api/v1/stores/1/items/ -> 200
POST /api/v1/stores/1/items/ -> 405
/api/v1/stores/1/items -> 301
--- no_error_log
[error]


=== TEST 2: the rows of some products
--- init
MagasinTest::reset(
    q{INSERT INTO seuil VALUES (1, 4, 40, 50)});
--- gets
/api/v1/stores/1/items/?produits=4,99 -> 200 ~"results":\[\{"produit":4,"nom":"Café Premium Bio",[^{}]*"minimum":40,"maximum":50\}\]\}$
/api/v1/stores/1/items/?produits=5,4&ordering=-nom -> 200 ~"results":\[\{"produit":4,[^{}]*\},\{"produit":5,[^{}]*\}\]\}$
/api/v1/stores/1/items/?produits=4,5&limit=1 -> 200 ~^\{"next":"[^"]+produits=4%2C5[^"]*|^\{"next":"[^"]+produits=4,5
/api/v1/stores/1/items/?produits=4,5&sous_minimum=true -> 200 ~"results":\[\{"produit":4,[^{}]*\}\]\}$
/api/v1/stores/1/items/?produits=4,5&q=premium -> 200 ~"results":\[\{"produit":4,[^{}]*\}\]\}$
/api/v1/stores/1/items/?produits=4,5&categorie=Accessoires -> 200 ~"results":\[\]
/api/v1/stores/9/items/?produits=4 -> 404
/api/v1/stores/1/items/?produits=x -> 400 {"produits":["Donnez de 1 à 100 numéros séparés par des virgules."]}
/api/v1/stores/1/items/?produits= -> 200 ~\{"produit":\d+,[^{}]*\},
--- no_error_log
[error]


=== TEST 3: the words of a name, or the beginning of a code
--- init
MagasinTest::reset(
    q{INSERT INTO produit_code (code, produit_id, interne, rang) VALUES
      ('CAF-1', 4, true, NULL), ('CAF-2', 5, true, NULL), ('036000291452', 1, false, 1)});
--- gets
/api/v1/stores/1/items/?q=CAF-&ordering=nom -> 200 ~"produit":5,.*"produit":4,[^{}]*\}\]
/api/v1/stores/1/items/?q=CAF-2 -> 200 ~^\{"next":null,"results":\[\{"produit":5,[^{}]*\}\]\}$
/api/v1/stores/1/items/?q=0360 -> 200 ~\[\{"produit":1,[^{}]*\}\]
/api/v1/stores/1/items/?q=0036000291452 -> 200 ~\[\{"produit":1,[^{}]*\}\]
/api/v1/stores/1/items/?q=cafe -> 200 ~"produit":5,.*"produit":4,
/api/v1/stores/1/items/?q=cafe&categorie=Informatique -> 200 {"next":null,"results":[]}
/api/v1/stores/1/items/?categorie=Boissons -> 200 ~"produit":5,
/api/v1/stores/1/items/?q=rien -> 200 {"next":null,"results":[]}


=== TEST 4: what is wrong
--- gets
/api/v1/stores/1/items/?limit=0 -> 400 ~^\{"limit":
/api/v1/stores/1/items/?ordering=prix -> 400 {"ordering":["Ce choix n'est pas valide."]}
/api/v1/stores/1/items/?sous_minimum=oui -> 400 {"sous_minimum":["Doit être un booléen valide."]}
/api/v1/stores/1/items/?cursor=abc -> 400 {"cursor":["Curseur non valide."]}


=== TEST 5: all pages, in each order, of a store with all products and of one with a few of many
--- init
MagasinTest::reset(
    q{UPDATE produit SET nom = 'Écouteurs Bluetooth' WHERE id = 11},
    'INSERT INTO stock_local (magasin_id, produit_id, quantite)
     SELECT 3, id, id % 3 FROM produit ON CONFLICT DO NOTHING',
    q{INSERT INTO produit (id, nom, categorie, prix)
      SELECT n, 'p' || n, 'c', 1 FROM generate_series(100, 2000) n},
    'INSERT INTO stock_local (magasin_id, produit_id, quantite)
     SELECT 4, n, 1 FROM generate_series(100, 2000) n ON CONFLICT DO NOTHING');
MagasinTest::sql('ANALYZE produit');

my $nginx = MagasinNginx->start(workers => 1);
my %order = ('' => 'p.nom', nom => 'p.nom', '-nom' => 'p.nom DESC',
    quantite => 's.quantite', '-quantite' => 's.quantite DESC');
for my $store (1, 3, 4) {
    for my $ordering (sort keys %order) {
        my $wanted = MagasinTest::sql("SELECT string_agg(p.id::text, ' '
            ORDER BY $order{$ordering}, p.id) FROM stock_local s
            JOIN produit p ON p.id = s.produit_id WHERE magasin_id = $store");
        my $limit = $store == 4 ? 1000 : 2;
        my $path = "/api/v1/stores/$store/items/?limit=$limit&ordering=$ordering";
        my @found;
        while (defined $path) {
            my $answer = main::body($nginx, $path);
            push @found, $answer =~ /"produit":(\d+)/g;
            ($path) = $answer =~ m{"next":"http://[^/"]*(/[^"]*)"};
        }
        Test::More::is("@found", $wanted, "store $store by $ordering");
    }
}
--- gets
/api/v1/stores/1/items/ -> 200


=== TEST 6: a cursor of another order
--- init
MagasinTest::reset();
my $nginx = MagasinNginx->start(workers => 1);
my $answer = main::body($nginx, '/api/v1/stores/1/items/?limit=2');
my ($cursor) = $answer =~ /cursor=([\w-]+)/;
$answer = main::body($nginx,
    "/api/v1/stores/1/items/?limit=2&ordering=quantite&cursor=$cursor");
Test::More::is($answer, '{"cursor":["Curseur non valide."]}', 'is refused');
--- gets
/api/v1/stores/1/items/ -> 200
