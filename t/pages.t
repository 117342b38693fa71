# What the pages ask the API for: names by their words, some rows by their ids,
# the central stock in an order, the trends as members.

use strict;
use warnings;

use lib 't/inc';
use Test::Nginx::Socket 'no_plan';
use MagasinTest;
use HTTP::Tiny;
use MIME::Base64 qw(decode_base64url);

# The products of a list, and "+" when there is more.
sub ids {
    my ($body) = @_;
    return $body if $body =~ /"\w+":\["/;
    my $more = $body =~ /"next":"/ ? '+' : q{};
    my @ids = $body =~ /"(?:produit|produit_id)":(\d+)/g;
    @ids = $body =~ /"id":(\d+)/g if !@ids;
    return "@ids$more";
}

# What a cursor says after its checksum.
sub key {
    my ($body) = @_;
    return $body =~ /cursor=([\w-]+)/ ? substr decode_base64url($1), 4 : $body;
}

# Every page of a list, by its own links.
sub walk {
    my ($path) = @_;
    my $base = 'http://127.0.0.1:' . server_port();
    my @pages;
    while ($path) {
        my $body = HTTP::Tiny->new->get("$base$path")->{content};
        push @pages, ids($body);
        ($path) = $body =~ m{"next":"http://[^/]+([^"]+)"};
        last if @pages > 50;
    }
    return "@pages";
}

# The pages' products, with names that are hard to find.
our @Names = (
    q{INSERT INTO produit (id, nom, categorie, prix) VALUES
      (101, 'Œufs bio', 'c', 1), (102, 'Bio œufs de l’été', 'c', 2),
      (103, 'Straße', 'c', 3), (104, 'Ægir', 'c', 4)},
    'INSERT INTO stock_local (id, magasin_id, produit_id, quantite)
     SELECT n, 5, n, 1 FROM generate_series(101, 104) n',
    'INSERT INTO stock_central (produit_id, quantite)
     SELECT n, n FROM generate_series(101, 104) n');

log_level('info');
no_root_location();
no_shuffle();
MagasinTest::defaults();
MagasinTest::gets();

MagasinTest::reset(@Names);
run_tests();
MagasinTest::reset();

__DATA__

=== TEST 1: products by words, in any order, without accents
--- response_body_filters: ids
--- gets
/api/v1/products/?q=oeufs -> 200 102 101
/api/v1/products/?q=%C5%92UFS+BIO -> 200 102 101
/api/v1/products/?q=bio+oeuf -> 200 102 101
/api/v1/products/?q=ete+oeufs -> 200 102
/api/v1/products/?q=l%27ete+bio -> 200 102
/api/v1/products/?q=de+l%E2%80%99e%CC%81te%CC%81 -> 200 102
/api/v1/products/?q=strasse -> 200 103
/api/v1/products/?q=aegir -> 200 104
/api/v1/products/?q=premium+cafe -> 200 4
/api/v1/products/?q=cafe+++premium -> 200 4
/api/v1/products/?q=bio+zzz -> 200 
--- no_error_log
[error]


=== TEST 2: products by their ids
--- response_body_filters: ids
--- gets
/api/v1/products/?id=6,4 -> 200 4 6
/api/v1/products/?id=4,4,999 -> 200 4
/api/v1/products/?id=6,4&limit=1 -> 200 4+
/api/v1/products/?id= -> 200 104 102 13 5 4 14 9 8 1 10 101 2 103 12 3 7 15 6 11
/api/v1/products/?id=x -> 400 {"id":["Donnez de 1 à 100 numéros séparés par des virgules."]}
/api/v1/products/?id=1,,2 -> 400 {"id":["Donnez de 1 à 100 numéros séparés par des virgules."]}
/api/v1/products/?id=1, -> 400 {"id":["Donnez de 1 à 100 numéros séparés par des virgules."]}
/api/v1/products/?id=1234567890123456789 -> 400 {"id":["Donnez de 1 à 100 numéros séparés par des virgules."]}
/api/v1/products/?id=-1&limit=0 -> 400 {"id":["Donnez de 1 à 100 numéros séparés par des virgules."],"limit":["Assurez-vous que cette valeur est supérieure ou égale à 1."]}
--- no_error_log
[error]


=== TEST 3: not more than a hundred of them
--- request eval
['GET /api/v1/products/?id=' . join(',', 1 .. 100),
 'GET /api/v1/products/?id=' . join(',', 1 .. 101)]
--- error_code eval
[200, 400]


=== TEST 4: the stock of some products
--- response_body_filters: ids
--- gets
/api/v1/stores/5/stock/?produits=104,101 -> 200 101 104
/api/v1/stores/5/stock/?produits=999 -> 200 
/api/v1/stores/99/stock/?produits=4 -> 200 
/api/v1/stores/99999999999999999999/stock/?produits=4 -> 200 
/api/v1/stores/5/stock/?produits=1;2 -> 400 {"produits":["Donnez de 1 à 100 numéros séparés par des virgules."]}


=== TEST 5: the list of a store by words; the reference's parameter as it was
--- response_body_filters: ids
--- gets
/api/v1/stores/5/stock/list/?q=bio+oeufs -> 200 102 101
/api/v1/stores/5/stock/list/?q=oeufs&ordering=-produit__nom -> 200 101 102
/api/v1/stores/5/stock/list/?q=oeufs&quantite=2 -> 200 
/api/v1/stores/5/stock/list/?q=%00 -> 400 {"q":["Le caractère nul n’est pas autorisé."]}
/api/v1/stores/5/stock/list/?produit__nom=oeufs -> 200 


=== TEST 6: the central stock by words
--- response_body_filters: ids
--- gets
/api/v1/stock/central/?q=oeufs -> 200 102 101
/api/v1/stock/central/?q=bio+oeufs&limit=1 -> 200 102+
/api/v1/stock/central/?q=oeufs&ordering=-nom -> 200 101 102
/api/v1/stock/central/?q=oeufs&ordering=quantite -> 200 101 102
/api/v1/stock/central/?q=oeufs&ordering=-quantite -> 200 102 101
/api/v1/stock/central/?q=zz -> 200 
/api/v1/stock/central/?ordering=prix -> 400 {"ordering":["Ce choix n'est pas valide."]}


=== TEST 7: its orders, page by page
--- request eval
[map { "GET /api/v1/stock/central/?limit=1000$_" }
 ('&ordering=nom', '&ordering=-nom', '&ordering=quantite',
  '&ordering=-quantite')]
--- response_body_filters: ids
--- response_body eval
['104 102 13 5 4 14 9 8 1 10 101 2 103 12 3 7 15 6 11',
 '11 6 15 7 3 12 103 2 101 10 1 8 9 14 4 5 13 102 104',
 '11 15 101 102 103 104 10 3 12 7 1 14 6 2 5 8 4 9 13',
 '13 4 9 8 2 5 6 1 14 7 3 12 10 104 103 102 101 15 11']


=== TEST 8: what a page ends with is where the next begins
--- request eval
[map { "GET /api/v1/stock/central/?limit=2$_" }
 ('', '&ordering=nom', '&ordering=quantite', '&ordering=-quantite',
  '&q=bio&limit=1')]
--- response_body_filters: key
--- response_body eval
['2', 'Bio œufs de l’été:102', '100:15', '-400:4', 'Bio œufs de l’été:102']


=== TEST 9: nothing twice, nothing left out
--- request: GET /api/v1/stock/central/?limit=1
--- response_body_filters eval
sub { CORE::join('; ', map { main::walk("/api/v1/stock/central/?limit=3$_") }
      ('', '&ordering=nom', '&ordering=-nom', '&ordering=quantite',
       '&ordering=-quantite', '&q=e&ordering=-quantite')) }
--- response_body eval
'1 2 3+ 4 5 6+ 7 8 9+ 10 11 12+ 13 14 15+ 101 102 103+ 104; '
. '104 102 13+ 5 4 14+ 9 8 1+ 10 101 2+ 103 12 3+ 7 15 6+ 11; '
. '11 6 15+ 7 3 12+ 103 2 101+ 10 1 8+ 9 14 4+ 5 13 102+ 104; '
. '11 15 101+ 102 103 104+ 10 3 12+ 7 1 14+ 6 2 5+ 8 4 9+ 13; '
. '13 4 9+ 8 2 5+ 6 1 14+ 7 3 12+ 10 104 103+ 102 101 15+ 11; '
. '13 4 2+ 5 6 1+ 14 7 3+ 12 10 104+ 103 102 101+ 15 11'


=== TEST 10: the trends as members, and the store's id
--- request: GET /api/v1/dashboard/?detail=true
--- response_body_like eval
qr/"tendances":"([^"]+) \((\d+)\)[^"]*","magasin_id":1,"meilleures_ventes":\[\{"produit" ?: ?\d+, ?"nom" ?: ?"\1", ?"quantite" ?: ?\2\}.*"tendances":"","magasin_id":5,"meilleures_ventes":\[\]\}\]/


=== TEST 11: and without them nothing is added
--- request eval
['GET /api/v1/dashboard/?detail=false', 'GET /api/v1/dashboard/',
 'GET /api/v1/dashboard/?detail=peut-etre']
--- error_code eval
[200, 200, 400]
--- response_body_unlike eval
['magasin_id', 'magasin_id', 'magasin_id']
